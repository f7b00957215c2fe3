// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory grows to the format's bounds for a frame and is then used again.
 */
#include "store/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/segment_format.h"

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_free(struct history *history)
{
	if (!history)
		return;
	dictionary_done(&history->texts);
	free(history->last);
	free(history->lengths);
	free(history->chances);
	free(history->slots);
	free(history->keys);
	free(history->subjects);
	free(history->values);
	free(history->rest);
	free(history->numbers);
	free(history);
}

void history_clear(struct history *history)
{
	dictionary_clear(&history->texts);
	if (history->n_subjects && history->slots)
		memset(history->slots, 0, history->n_slots * sizeof(*history->slots));
	history->n_subjects = 0;
	history->n_fields = 0;
}

int history_is_full(const struct history *history)
{
	return dictionary_is_full(&history->texts) || history->n_subjects >= FRAME_SUBJECTS;
}

static int grow_scratch(struct history *history, uint32_t rows)
{
	void *subjects = realloc(history->subjects, rows * sizeof(*history->subjects)), *values, *rest;

	if (subjects)
		history->subjects = subjects;
	values = realloc(history->values, rows * sizeof(*history->values));
	if (values)
		history->values = values;
	rest = realloc(history->rest, rows * sizeof(*history->rest));
	if (rest)
		history->rest = rest;
	if (!subjects || !values || !rest)
		return -ENOMEM;
	history->rows = rows;
	free(history->numbers);
	history->numbers = NULL;
	return 0;
}

/* Columns lie one behind the other: they move apart. */
static int grow_subjects(struct history *history, uint32_t capacity)
{
	uint64_t *last = malloc((size_t)history->n_fields * capacity * sizeof(*last) + 1);
	uint8_t *lengths = malloc((size_t)history->n_fields * capacity + 1);

	if (!last || !lengths) {
		free(last);
		free(lengths);
		return -ENOMEM;
	}
	for (uint32_t field = 0; field < history->n_fields && history->n_subjects; field++) {
		memcpy(last + (size_t)field * capacity, history_last(history, field),
		       history->n_subjects * sizeof(*last));
		memcpy(lengths + (size_t)field * capacity, history_lengths(history, field), history->n_subjects);
	}
	free(history->last);
	free(history->lengths);
	history->last = last;
	history->lengths = lengths;
	history->capacity = capacity;
	return 0;
}

int history_reserve(struct history *history, uint32_t rows, uint32_t n_fields)
{
	void *chances;

	if (rows > history->rows) {
		int r = grow_scratch(history, rows);

		if (r < 0)
			return r;
	}
	if (history->n_fields == n_fields)
		return 0;
	if (history->n_subjects)
		return -EBADMSG;
	/* Another segment may describe the table otherwise. */
	history->n_fields = n_fields;
	free(history->numbers);
	history->numbers = NULL;
	chances = realloc(history->chances, (n_fields + 1) * sizeof(*history->chances));
	if (!chances)
		return -ENOMEM;
	history->chances = chances;
	for (uint32_t i = 0; i <= n_fields; i++)
		column_chances_clear(&history->chances[i]);
	return grow_subjects(history, history->capacity ? history->capacity : 64);
}

int history_add_subject(struct history *history)
{
	if (history->n_subjects == history->capacity) {
		int r = history->capacity > FRAME_SUBJECTS + CHUNK_MAX_ROWS
				? -EBADMSG
				: grow_subjects(history, history->capacity * 2);

		if (r < 0)
			return r;
	}
	for (uint32_t field = 0; field < history->n_fields; field++) {
		history_last(history, field)[history->n_subjects] = 0;
		history_lengths(history, field)[history->n_subjects] = 0;
	}
	history->n_subjects++;
	return 0;
}
