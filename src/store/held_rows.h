/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of one table on their way from the log into a row group: sections as they stood in the log, several times
 * smaller than as blocks, decoded a column at a time.
 */
#ifndef OBIT_STORE_HELD_ROWS_H
#define OBIT_STORE_HELD_ROWS_H

#include "store/section.h"

struct held_section {
	size_t at; /* in `bytes` */
	uint32_t rows, interval;
};

/* Zeroed but for the table; freed with held_rows_done(). */
struct held_rows {
	const struct table *table;
	uint32_t rows;
	struct sink bytes;
	struct held_section *sections;
	uint32_t n_sections, capacity;
};

void held_rows_done(struct held_rows *held);
void held_rows_clear(struct held_rows *held);

/* Adds a copy of a section, of the interval at that place of the segment's list. 0, -EBADMSG or -ENOMEM. */
int held_rows_add(struct held_rows *held, struct source section, uint32_t rows, uint32_t interval);

/* Bytes of memory that they take. */
size_t held_rows_bytes(const struct held_rows *held);

/*
 * A column of all rows, in the order in which they came, into arrays with room for held->rows. Numbers of texts are
 * those in `texts`, which is begun anew and points into what is held. 0, -EBADMSG or -ENOMEM.
 */
int held_rows_column(const struct held_rows *held, uint32_t field, uint64_t *numbers, uint8_t *nulls,
		     struct column_texts *texts);

/* The place of each row's interval. */
void held_rows_intervals(const struct held_rows *held, uint64_t *ret);

#endif
