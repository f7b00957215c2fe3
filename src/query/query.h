/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question to one table: which rows, which columns, in which order, how many. Blocks go in as the store
 * gives them, wanted rows come out at the sink:
 *
 *   block → time range → expression → [order] → limit → sink
 *
 * A sink gets rows whose columns are those of selection->columns, of which the first n_shown are to be seen.
 */
#ifndef OBIT_QUERY_QUERY_H
#define OBIT_QUERY_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/block.h"
#include "model/origin.h"
#include "query/expression.h"
#include "query/order.h"
#include "query/selection.h"
#include "store/group.h"

struct query_options {
	uint64_t since_real_ns, until_real_ns; /* rows in [since, until); until 0: no end */
	struct expression *expression;	       /* or NULL; not owned */
	const struct selection *selection;     /* not owned */
	uint64_t limit;			       /* 0: none */
	uint64_t tail;			       /* only so many of the newest, without a sort field; 0: all */
	bool is_grouped;		       /* the sink does not care for the order of rows */
	bool is_by_time; /* without a sort field, rows in order of time: see query_decide_until() */
	struct row_sink sink;
};

struct query;

/* NULL: out of memory. */
struct query *query_new(const struct query_options *options);
void query_free(struct query *query);

/*
 * Takes the rows of a block of the selection's table, as this or another version of obit wrote it.
 * 0; 1, the limit is reached and no more rows are wanted; -ENOMEM or -E2BIG, too much to sort; what the sink returned.
 */
int query_block(struct query *query, const struct block *block);

/* The same of these rows alone, which are of the time and hold for the expression. */
int query_rows(struct query *query, const struct block *block, const uint32_t *rows, uint32_t n);

/* --- what whoever reads must know; from any thread ---------------------------------------------------------------- */
const struct expression *query_expression(const struct query *query);
/* The field by which rows are of a time in that table, or -1; and the time that is asked for. */
int query_time_field(const struct query *query, const struct table *table, uint64_t *ret_since_real_ns,
		     uint64_t *ret_until_real_ns);
/* Can it have a row of the time; are all its rows of it? */
bool query_may_reach(const struct query *query, const struct store_group *group);
bool query_is_inside(const struct query *query, const struct store_group *group);
/* Which fields of the table rows must bring: ret[field]. */
void query_wanted_fields(const struct query *query, const struct table *table, bool *ret);
/* Does it matter in which order rows come? */
bool query_needs_order(const struct query *query);

/*
 * For is_by_time: no row before `real_ns` will come any more. Rows come out of order within an interval
 * only, so that the memory needed is that of two intervals, however long the store. Returns as query_block().
 */
int query_decide_until(struct query *query, uint64_t real_ns);

/* The blocks that follow are of this interval of the run begun at run_real_ns; passes on what that makes sure of. */
int query_begin_interval(struct query *query, uint64_t run_real_ns, const struct interval *interval);

/* No more blocks: what was kept to be sorted goes to the sink. Returns as query_block(). */
int query_finish(struct query *query);

#endif
