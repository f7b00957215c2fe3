/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows into groups, in one pass: `--group-by comm,exit_time/1h --fields "count, sum(cpu_ns), p99(wall_ns)"`.
 *
 *   group-by   FIELD, or FIELD/STEP: the value rounded down to a step (1h, 10MiB, 100), times by UTC
 *   fields     count; sum avg min max first last pN (p50, p99.9) of a field; a field alone: as its kind says,
 *              sum or max; default: count and all that have such a kind
 *
 * Of a table whose rows stand for several observations (a field of kind WEIGHT) count, sum, avg and pN go by
 * these. pN is within 0.4 % (base/histogram.h). Nulls are left out; of nothing but nulls everything is null.
 *
 * The result is a table of its own, with one row for each group in the order in which they were met. Memory
 * grows with the groups. One thread.
 */
#ifndef OBIT_QUERY_GROUPING_H
#define OBIT_QUERY_GROUPING_H

#include "query/order.h"
#include "query/selection.h"

#define GROUPING_MAX_GROUPS 1000000u

struct grouping;

/*
 * `fields` may be NULL; then, for people, the few that matter most. 0, -ENOMEM, or -EINVAL with a complaint.
 * The source must outlive it.
 */
int grouping_new(const struct table *source, const char *group_by, const char *fields, int is_for_people,
		 struct grouping **ret, char *complaint, size_t size);
void grouping_free(struct grouping *grouping);

/* What rows must bring: the selection of the query whose sink is below. */
const struct selection *grouping_wanted(const struct grouping *grouping);

/* Takes rows; fails with -E2BIG when there are more groups than GROUPING_MAX_GROUPS, or -ENOMEM. */
struct row_sink grouping_sink(struct grouping *grouping);

/* The table of the result: what the rows below are of. Lives as long as the grouping. */
const struct table *grouping_table(const struct grouping *grouping);

/* One row a group, for the caller to free; NULL: out of memory. */
struct block *grouping_rows(struct grouping *grouping);

#endif
