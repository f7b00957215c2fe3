/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the columns of a human-readable table go, inside src/output only.
 *
 * In a line of limited width texts give way, the widest first. What still does not fit is left out from the right, but
 * for the last column (arguments, a path); or, where every column was asked for, goes to further lines of the same row.
 */
#ifndef OBIT_OUTPUT_TABLE_LAYOUT_H
#define OBIT_OUTPUT_TABLE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/table.h"

#define TABLE_GAP    2
#define TABLE_INDENT 4 /* of further lines */

struct table_column {
	bool is_text;
	bool is_left_out; /* as set by the caller, or for lack of room */
	uint32_t width;	  /* what it needs; then what it gets */
	uint32_t least;	  /* a text gives way down to this */
	uint32_t line;	  /* of the row */
};

struct table_layout {
	uint32_t width; /* of a line; 0: no limit */
	bool may_leave_out;
	struct table_column columns[TABLE_MAX_FIELDS];
	uint32_t n_columns, n_lines;
	uint32_t n_too_many; /* left out for lack of room */
};

void table_layout_fit(struct table_layout *layout);

#endif
