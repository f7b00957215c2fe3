/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which fields of a table are wanted, in which order, and by which of them rows are sorted.
 *
 * A selection is itself a table: its first `n_shown` fields are the columns to print; a sort field that is
 * not among them follows, hidden. Plain values; owns nothing, but points at the known table's names.
 */
#ifndef OBIT_QUERY_SELECTION_H
#define OBIT_QUERY_SELECTION_H

#include <stdbool.h>

#include "model/table.h"

struct selection {
	const struct table *source;		   /* the known table */
	struct table columns;			   /* its `fields` is the array below: do not copy the struct */
	struct field fields[TABLE_MAX_FIELDS + 1]; /* one more than can be shown: the sort field */
	uint32_t n_shown;
	int sort_column; /* of columns; -1: as stored */
	bool is_descending;
	char error[200]; /* after -EINVAL */
};

/*
 * `fields`: names and groups (`+io`) with commas between them; "all"; NULL: human-readable the few that matter most,
 * else all. `sort`: [-]FIELD or NULL. 0, or -EINVAL with an error.
 */
int selection_init(struct selection *selection, const struct table *source, const char *fields, bool is_human_readable,
		   const char *sort);

/* Where the columns are in the table that a block comes with: ret_map[column] is its field, or -1: null. */
void selection_map(const struct selection *selection, const struct table *table, int *ret_map);

/* The field that says when a row happened: its first time; -1 when there is none. */
int selection_time_field(const struct table *table);

#endif
