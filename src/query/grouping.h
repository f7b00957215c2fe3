/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows into groups, in one pass: `--group-by comm,exit_time/1h --fields "count, sum(cpu_ns), p99(wall_ns)"`.
 *
 *   group-by   FIELD, or FIELD/STEP: the value rounded down to a step (1h, 10MiB, 100), times by UTC; without it
 *              all rows are one group
 *   fields     count; count sum avg min max first last pN (p50, p99.9) of a field; a field alone: as its kind
 *              says, sum or max; +GROUP: such fields of it; default: count and all that have such a kind
 *
 * Of a table whose rows stand for several observations (a field of kind WEIGHT) count, sum, avg and pN go by
 * these. pN is within 0.4 % (base/histogram.h). first and last go by the time of the row. avg is rounded
 * towards 0. Nulls are left out; of nothing but nulls everything but count is null.
 *
 * The result is a table of its own, with one row for each group in the order in which they were met. Memory
 * grows with the groups. One thread.
 */
#ifndef OBIT_QUERY_GROUPING_H
#define OBIT_QUERY_GROUPING_H

#include "query/order.h"
#include "query/selection.h"
#include "query/terms.h"

#define GROUPING_MAX_GROUPS 1000000u /* 160 MB with the columns that users see; 0.7 GB with all of exits */

struct grouping;

/* max_groups 0: GROUPING_MAX_GROUPS. 0, -ENOMEM, or -EINVAL with an error. The source must outlive it. */
int grouping_new(const struct table *source, const struct terms_text *text, uint64_t max_groups, struct grouping **ret,
		 char *error, size_t size);
void grouping_free(struct grouping *grouping);

/* What rows must bring: the selection of the query whose sink is below. */
const struct selection *grouping_wanted(const struct grouping *grouping);

/* Takes rows; fails with -E2BIG, more groups than allowed; -EOVERFLOW, see below; or -ENOMEM. */
struct row_sink grouping_sink(struct grouping *grouping);

/* After -EOVERFLOW: the column that passed 64 bits. */
const char *grouping_overflowed(const struct grouping *grouping);

/* What is shown of the result, and what it is sorted by. Points into the grouping. */
void grouping_select(const struct grouping *grouping, struct selection *ret);

/*
 * The result, some rows at a time: 1, *ret is a block of them, valid until the next call; 0: that was all;
 * -ENOMEM or -E2BIG, too much text. No rows are taken any more.
 */
int grouping_next(struct grouping *grouping, const struct block **ret);

#endif
