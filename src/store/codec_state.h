/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one frame has held so far of one table: its texts, and its series.
 *
 * A series is what several rows speak of, one interval after the other: a process in procs, a disk in disks. The
 * writer says which rows have the same one; the reader need not know why. Of each series the last value of each
 * column is kept (of a text, its number), 0 where it had none: what the next row is predicted from.
 */
#ifndef OBIT_STORE_CODEC_STATE_H
#define OBIT_STORE_CODEC_STATE_H

#include "model/table.h"
#include "store/dictionary.h"
#include "store/numbers.h"

#define SERIES_KEY 2 /* fields that make a key, at most */

struct codec_state {
	struct dictionary texts;
	uint32_t n_fields, n_series, capacity;
	uint64_t *last;		      /* [field * capacity + series] */
	uint8_t *lengths;	      /* ... of the number that stored it, in bits */
	struct column_models *models; /* of each field, and behind them of the series */
	uint32_t *slots;	      /* the writer's: series by key, plus 1; 0 is free */
	uint32_t n_slots;
	uint64_t (*keys)[SERIES_KEY]; /* the writer's: of each series */
	uint32_t n_keys;	      /* room in `keys` */

	/* Scratch for a section. */
	uint32_t rows;
	uint32_t *series_ids; /* of each row */
	uint64_t *values;     /* of a column: numbers, or numbers of texts */
	uint64_t *rest;	      /* of a column, beyond what was predicted */
	uint64_t *numbers;    /* the writer's: of all texts, by column; NULL when it must be sized anew */
	uint8_t text_places[TABLE_MAX_FIELDS]; /* the writer's: of a field of texts, which of them it is */
};

struct codec_state *codec_state_new(void);
void codec_state_free(struct codec_state *state);
/* Forgets it all; keeps the memory. */
void codec_state_clear(struct codec_state *state);
/* A frame should end before the next chunk. */
int codec_state_is_full(const struct codec_state *state);

/* Makes room for a section of so many rows and columns. 0, -ENOMEM; -EBADMSG, other columns than before. */
int codec_state_reserve(struct codec_state *state, uint32_t rows, uint32_t n_fields);

/* The next series, without values. 0, -ENOMEM or -EBADMSG (more than any frame has). */
int codec_state_add_series(struct codec_state *state);

static inline uint8_t *codec_state_lengths(struct codec_state *state, uint32_t field)
{
	return state->lengths + (size_t)field * state->capacity;
}

/* The numbers of the texts in a column, one for each row. */
static inline uint64_t *codec_state_numbers(const struct codec_state *state, uint32_t field)
{
	return state->numbers + (size_t)state->text_places[field] * state->rows;
}

static inline uint64_t *codec_state_last(struct codec_state *state, uint32_t field)
{
	return state->last + (size_t)field * state->capacity;
}

#endif
