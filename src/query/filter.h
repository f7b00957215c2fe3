/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An expression over row groups, a column at a time: which rows are wanted. A column is decoded when a comparison with
 * it can still change that for some row; text is compared once for each different one.
 *
 * A filter belongs to one thread; the expression is shared, and must outlive it.
 */
#ifndef OBIT_QUERY_FILTER_H
#define OBIT_QUERY_FILTER_H

#include <stdbool.h>

#include "query/expression.h"
#include "store/group.h"

struct filter;

/* NULL: out of memory. */
struct filter *filter_new(const struct expression *expression);
void filter_free(struct filter *filter);

/* false: from what is known of the group without reading it, no row of it is wanted. */
bool filter_may_match(const struct expression *expression, const struct store_group *group);

/* Clears rows[row] where the row is not wanted. The reader has begun the group. 0, -ENOMEM or -errno. */
int filter_rows(struct filter *filter, struct group_reader *reader, uint8_t *rows);

#endif
