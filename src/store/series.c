// SPDX-License-Identifier: BSD-2-Clause
/*
 * Series are found by a hash of their key fields. A table that is not listed has one series: then a row is predicted
 * from the row before, also from that of the interval before. So has the roster: a frame seldom has two of them.
 */
#include "store/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "store/segment_format.h"

#define SERIES(T, n, ...) {TABLE_##T, n, {__VA_ARGS__}},
static const struct {
	uint32_t table, n_fields, fields[SERIES_KEY];
} key_fields[] = {
#include "model/tables.def"
};

#define NONE		 NO_COLUMN
#define RELATION(T, ...) {TABLE_##T, __VA_ARGS__},
static const struct relation relations[] = {
#include "model/tables.def"
};

const struct relation *relation_of(const struct table *table, uint32_t field)
{
	for (size_t i = 0; i < ARRAY_SIZE(relations); i++) {
		const struct relation *relation = &relations[i];

		if (relation->table == table->id && relation->field == field)
			return field < table->n_fields ? relation : NULL;
	}
	return NULL;
}

static uint64_t value_at(const struct block *block, const struct codec_state *state, uint32_t field, uint32_t row)
{
	if (block_is_null(block, row, field))
		return 0;
	return field_is_text(&block->table->fields[field]) ? codec_state_numbers(state, field)[row]
							   : block_number(block, row, field);
}

static uint32_t hash_of(const uint64_t *key)
{
	uint64_t hash = 0;

	for (int i = 0; i < SERIES_KEY; i++)
		hash = (hash ^ key[i]) * 0x9E3779B97F4A7C15ULL;
	return (uint32_t)(hash >> 32);
}

/* Room for twice as many series. */
static int grow(struct codec_state *state)
{
	uint32_t n_slots = state->n_slots ? state->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));
	void *keys = slots ? realloc(state->keys, n_slots / 2 * sizeof(*state->keys)) : NULL;

	if (!keys) {
		free(slots);
		return -ENOMEM;
	}
	state->keys = keys;
	for (uint32_t series_id = 0; series_id < state->n_series; series_id++) {
		uint32_t slot = hash_of(state->keys[series_id]) & (n_slots - 1);

		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = series_id + 1;
	}
	free(state->slots);
	state->slots = slots;
	state->n_slots = n_slots;
	return 0;
}

/* The series with that key, or a new one that has it. 0 or negative. */
static int find(struct codec_state *state, const uint64_t *key, uint32_t *ret)
{
	uint32_t slot;
	int r = state->n_series == state->n_slots / 2 ? grow(state) : 0;

	if (r < 0)
		return r;
	slot = hash_of(key) & (state->n_slots - 1);
	for (; state->slots[slot]; slot = (slot + 1) & (state->n_slots - 1)) {
		uint32_t series_id = state->slots[slot] - 1;

		if (memcmp(state->keys[series_id], key, sizeof(state->keys[series_id])) == 0) {
			*ret = series_id;
			return 0;
		}
	}
	*ret = state->n_series;
	r = codec_state_add_series(state);
	if (r < 0)
		return r;
	state->slots[slot] = state->n_series;
	memcpy(state->keys[*ret], key, sizeof(state->keys[*ret]));
	return 0;
}

int series_of(const struct block *block, struct codec_state *state)
{
	const uint32_t *fields = NULL;
	uint32_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(key_fields); i++)
		if (key_fields[i].table == block->table->id) {
			fields = key_fields[i].fields;
			n = key_fields[i].n_fields;
		}
	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t key[SERIES_KEY] = {0};
		int r;

		/* A store of another version may have fewer fields. */
		for (uint32_t i = 0; i < n; i++)
			if (fields[i] < block->table->n_fields)
				key[i] = value_at(block, state, fields[i], row);
		r = find(state, key, &state->series_ids[row]);
		if (r < 0)
			return r;
	}
	return 0;
}
