/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Columns that a question computes of others of the same row: `cpu_ns / wall_ns as share`, `max_rss_bytes / 2 as half`.
 *
 *   A / B    two fields of the same unit: a ratio, in hundredths; else so much of A for one of B, in A's unit
 *   A * B    of which one has no unit
 *   A + B, A - B    of the same unit; what is below zero is null
 *
 * B may be a number, with up to six digits behind the point. Where one is null, or B of a division 0, or the result
 * past 2^64, the column is null.
 */
#ifndef OBIT_QUERY_COMPUTED_H
#define OBIT_QUERY_COMPUTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

#define COMPUTED_MAX	  8
#define COMPUTED_NAME_MAX 64

struct computed {
	char name[COMPUTED_NAME_MAX];
	char left[COMPUTED_NAME_MAX], right[COMPUTED_NAME_MAX]; /* fields; right "": the number */
	uint64_t millionths;
	char operator;
	bool is_ratio;	    /* in hundredths, whatever its fields are in */
	struct field field; /* its name is the one above */
};

struct computed_list {
	struct computed list[COMPUTED_MAX];
	uint32_t n;
};

/*
 * Takes the definitions out of a list of fields: each item with ` as ` is replaced by its name in `text`, which becomes
 * shorter, and added to `ret`. 0, or -EINVAL with an error.
 */
int computed_read(const struct table *table, char *text, struct computed_list *ret, char *error, size_t size);

/* Its value; false: null. */
bool computed_value(const struct computed *computed, uint64_t left, uint64_t right, uint64_t *ret);

#endif
