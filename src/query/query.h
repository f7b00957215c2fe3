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

struct query_options {
	uint64_t since_real_ns, until_real_ns; /* rows in [since, until); until 0: no end */
	struct expression *expression;	       /* or NULL; not owned */
	const struct selection *selection;     /* not owned */
	uint64_t limit;			       /* 0: none */
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
