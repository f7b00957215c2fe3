/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows kept to be sorted. With a limit only that many are ever held: a heap with the last of them on top,
 * so that memory follows the limit and not the store. Nulls come last in both directions; equals keep the
 * order in which they came.
 */
#ifndef OBIT_QUERY_ORDER_H
#define OBIT_QUERY_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/block.h"

struct order;

/* A row on its way: columns[i] is the block's field for column i, or -1: null. Non-zero ends the delivery. */
struct row_sink {
	int (*take)(void *context, const struct block *block, uint32_t row, const int *columns);
	void *context;
	void (*begin)(void *context); /* rows of another block come next, or of one that has changed; or NULL */
};

/* Rows of `table` (not owned, outlives the order), sorted by its field `key`; limit 0: none. NULL: out of memory. */
struct order *order_new(const struct table *table, uint32_t key, bool is_descending, uint64_t limit);
void order_free(struct order *order);

/* For the last `limit` rows by an ascending key: it keeps the greatest, of equals the last, and delivers them
 * ascending. */
struct order *order_new_tail(const struct table *table, uint32_t key, uint64_t limit);

/* Copies the row if it is among the first `limit` so far. 0, -ENOMEM, or -E2BIG: more than one block can hold. */
int order_add(struct order *order, const struct block *block, uint32_t row, const int *columns);

/*
 * Hands over the rows in order and forgets them. With `below`, only those whose key, a number, is less than
 * it (ascending, without limit only). 0, -ENOMEM, or what the sink returned.
 */
int order_deliver(struct order *order, const uint64_t *below, const struct row_sink *sink);

#endif
