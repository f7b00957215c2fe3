/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One value as a person wants to see it, inside src/output only.
 */
#ifndef OBIT_OUTPUT_CELL_H
#define OBIT_OUTPUT_CELL_H

#include "base/buffer.h"
#include "model/block.h"

/*
 * Adds the value of the block's field `field` (-1: null), to be seen under `column`: 12.3ms, 4.50MiB, KILL,
 * 03:12:07.123 (with the date when it is not of now_real_ns's day), yes, -. Only visible characters are added.
 */
void cell_add(struct buffer *buffer, const struct field *column, const struct block *block, uint32_t row, int field,
	      uint64_t now_real_ns);

/* The same of a number that is not null. */
void cell_add_number(struct buffer *buffer, const struct field *column, uint64_t value, uint64_t now_real_ns);

/* Columns that visible text takes, and how many of its bytes fit into `width` columns. */
uint32_t cell_width(const char *text, size_t len);
size_t cell_fit(const char *text, size_t len, uint32_t width);

#endif
