/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one frame has held so far of one table: its texts, and its subjects.
 *
 * A subject is what several rows speak of, one interval after the other: a process in procs, a disk in disks. The
 * writer says which rows have the same one; the reader need not know why. Of each subject the last value of each
 * column is kept (of a text, its number), 0 where it had none: what the next row is predicted from.
 */
#ifndef OBIT_STORE_HISTORY_H
#define OBIT_STORE_HISTORY_H

#include "model/table.h"
#include "store/dictionary.h"
#include "store/numbers.h"

#define SUBJECT_KEY 2 /* fields that make a key, at most */

struct history {
	struct dictionary texts;
	uint32_t n_fields, n_subjects, capacity;
	uint64_t *last;   /* [field * capacity + subject] */
	uint8_t *lengths; /* ... of the number that stored it, in bits */
	struct column_chances *chances; /* of each field, and behind them of the subjects */
	uint32_t *slots; /* the writer's: subjects by key, plus 1; 0 is free */
	uint32_t n_slots;
	uint64_t (*keys)[SUBJECT_KEY]; /* the writer's: of each subject */
	uint32_t n_keys;	       /* room in `keys` */

	/* Scratch for a section. */
	uint32_t rows;
	uint32_t *subjects; /* of each row */
	uint64_t *values;   /* of a column: numbers, or numbers of texts */
	uint64_t *rest;	    /* of a column, beyond what was foretold */
	uint64_t *numbers;  /* the writer's: of all texts, by column; NULL when it must be sized anew */
	uint8_t text_places[TABLE_MAX_FIELDS]; /* the writer's: of a field of texts, which of them it is */
};

struct history *history_new(void);
void history_free(struct history *history);
/* Forgets it all; keeps the memory. */
void history_clear(struct history *history);
/* A frame should end before the next chunk. */
int history_is_full(const struct history *history);

/* Makes room for a section of so many rows and columns. 0, -ENOMEM; -EBADMSG, other columns than before. */
int history_reserve(struct history *history, uint32_t rows, uint32_t n_fields);

/* The next subject, without values. 0, -ENOMEM or -EBADMSG (more than any frame has). */
int history_add_subject(struct history *history);

static inline uint8_t *history_lengths(struct history *history, uint32_t field)
{
	return history->lengths + (size_t)field * history->capacity;
}

/* The numbers of the texts in a column, one for each row. */
static inline uint64_t *history_numbers(const struct history *history, uint32_t field)
{
	return history->numbers + (size_t)history->text_places[field] * history->rows;
}

static inline uint64_t *history_last(struct history *history, uint32_t field)
{
	return history->last + (size_t)field * history->capacity;
}

#endif
