// SPDX-License-Identifier: BSD-2-Clause
/*
 * Adding up by kind.
 */
#include <stdbool.h>

#include "ledger/totals.h"

static bool is_balanced(const struct block *ledger, uint32_t row)
{
	uint64_t seen = block_number(ledger, row, LEDGER_exits_seen);

	return seen == block_number(ledger, row, LEDGER_exits_recorded) +
			       block_number(ledger, row, LEDGER_exits_rolled_up) &&
	       block_number(ledger, row, LEDGER_opening) + block_number(ledger, row, LEDGER_forks) - seen ==
		       block_number(ledger, row, LEDGER_closing);
}

static uint64_t add(enum field_kind kind, uint64_t so_far, uint64_t value)
{
	if (kind == KIND_SUM)
		return so_far + value;
	if (kind == KIND_MAX)
		return so_far > value ? so_far : value;
	return value;
}

void totals_add(struct totals *totals, const struct block *ledger, uint32_t row)
{
	for (uint32_t i = 0; i < N_LEDGER_FIELDS; i++) {
		if (block_is_null(ledger, row, i) || (i == LEDGER_opening && totals->is_known[i]))
			continue;
		totals->columns[i] =
			add(ledger->table->fields[i].kind, totals->columns[i], block_number(ledger, row, i));
		totals->is_known[i] = 1;
	}
	totals->intervals++;
	totals->unbalanced += !is_balanced(ledger, row);
}
