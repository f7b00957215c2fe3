// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory grows to the format's bounds for a frame and is then used again.
 */
#include "store/codec_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/segment_format.h"

struct codec_state *codec_state_new(void)
{
	return calloc(1, sizeof(struct codec_state));
}

void codec_state_free(struct codec_state *state)
{
	if (!state)
		return;
	dictionary_done(&state->texts);
	free(state->last);
	free(state->lengths);
	free(state->models);
	free(state->slots);
	free(state->keys);
	free(state->series_ids);
	free(state->values);
	free(state->rest);
	free(state->numbers);
	free(state);
}

void codec_state_clear(struct codec_state *state)
{
	dictionary_clear(&state->texts);
	if (state->n_series && state->slots)
		memset(state->slots, 0, state->n_slots * sizeof(*state->slots));
	state->n_series = 0;
	state->n_fields = 0;
}

int codec_state_is_full(const struct codec_state *state)
{
	return dictionary_is_full(&state->texts) || state->n_series >= FRAME_SERIES;
}

static int grow_scratch(struct codec_state *state, uint32_t rows)
{
	void *series_ids = realloc(state->series_ids, rows * sizeof(*state->series_ids)), *values, *rest;

	if (series_ids)
		state->series_ids = series_ids;
	values = realloc(state->values, rows * sizeof(*state->values));
	if (values)
		state->values = values;
	rest = realloc(state->rest, rows * sizeof(*state->rest));
	if (rest)
		state->rest = rest;
	if (!series_ids || !values || !rest)
		return -ENOMEM;
	state->rows = rows;
	free(state->numbers);
	state->numbers = NULL;
	return 0;
}

/* Columns lie one behind the other: they move apart. */
static int grow_series(struct codec_state *state, uint32_t capacity)
{
	uint64_t *last = malloc((size_t)state->n_fields * capacity * sizeof(*last) + 1);
	uint8_t *lengths = malloc((size_t)state->n_fields * capacity + 1);

	if (!last || !lengths) {
		free(last);
		free(lengths);
		return -ENOMEM;
	}
	for (uint32_t field = 0; field < state->n_fields && state->n_series; field++) {
		memcpy(last + (size_t)field * capacity, codec_state_last(state, field),
		       state->n_series * sizeof(*last));
		memcpy(lengths + (size_t)field * capacity, codec_state_lengths(state, field), state->n_series);
	}
	free(state->last);
	free(state->lengths);
	state->last = last;
	state->lengths = lengths;
	state->capacity = capacity;
	return 0;
}

int codec_state_reserve(struct codec_state *state, uint32_t rows, uint32_t n_fields)
{
	void *models;

	if (rows > state->rows) {
		int r = grow_scratch(state, rows);

		if (r < 0)
			return r;
	}
	if (state->n_fields == n_fields)
		return 0;
	if (state->n_series)
		return -EBADMSG;
	/* Another segment may describe the table otherwise. */
	state->n_fields = n_fields;
	free(state->numbers);
	state->numbers = NULL;
	models = realloc(state->models, (n_fields + 1) * sizeof(*state->models));
	if (!models)
		return -ENOMEM;
	state->models = models;
	for (uint32_t i = 0; i <= n_fields; i++)
		column_models_clear(&state->models[i]);
	return grow_series(state, state->capacity ? state->capacity : 64);
}

int codec_state_add_series(struct codec_state *state)
{
	if (state->n_series == state->capacity) {
		int r = state->capacity > FRAME_SERIES + CHUNK_MAX_ROWS ? -EBADMSG
									: grow_series(state, state->capacity * 2);

		if (r < 0)
			return r;
	}
	for (uint32_t field = 0; field < state->n_fields; field++) {
		codec_state_last(state, field)[state->n_series] = 0;
		codec_state_lengths(state, field)[state->n_series] = 0;
	}
	state->n_series++;
	return 0;
}
