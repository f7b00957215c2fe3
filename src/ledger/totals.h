/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger so far: its rows of this run added up, each column as its kind says. What a reader gets
 * who adds up the rows of the store.
 */
#ifndef OBIT_LEDGER_TOTALS_H
#define OBIT_LEDGER_TOTALS_H

#include <stdint.h>

#include "model/block.h"

struct totals {
	uint64_t intervals;
	uint64_t unbalanced;		   /* intervals in which the ledger did not balance */
	uint64_t columns[N_LEDGER_FIELDS]; /* sums and maxima; of a level the last, of `opening` the first */
	uint8_t is_known[N_LEDGER_FIELDS]; /* 0: null in every row */
};

/* Adds a row of the ledger's table. */
void totals_add(struct totals *totals, const struct block *ledger, uint32_t row);

#endif
