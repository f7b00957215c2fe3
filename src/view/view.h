/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One interval of a store, as every face shows it: the host, and who was there.
 *
 *   rows     of view_table(): each process alive when the interval ended, with what it used in it; each that ended in
 *            it, with what it used in it and how it ended; each roll-up. Joined with names.
 *   system   the host's row of that interval; ledger: the ledger's
 *
 * Sums over the rows are those of the interval: Σ exits is the ledger's exits_seen (of an interval that balances), and
 * Σ cpu_ns that of procs, and of those processes that were born and ended in the interval, and of its roll-ups. A
 * roll-up has all that its processes used in their lives: which of it was before the interval is not known any more.
 *
 * Rows are in no order. Memory grows with the processes. Belongs to one thread.
 */
#ifndef OBIT_VIEW_VIEW_H
#define OBIT_VIEW_VIEW_H

#include "model/block.h"
#include "model/origin.h"
#include "query/at_snapshot.h"
#include "query/joins.h"

struct view {
	enum at_snapshot_verdict verdict; /* AT_NOT_RECORDED: there is nothing below */
	struct origin origin;
	struct interval interval;
	struct block *rows;
	struct block *system, *ledger; /* one row, or none */
	uint64_t n_alive, n_ended;     /* rows of each */
	struct joined_table joined;    /* what `rows` are of */
	size_t n_damaged;	       /* places in the store that could not be read */
};

/* The fields of procs, and behind them those of view_fields.def; without names. */
const struct table *view_table(void);

/*
 * The interval that has the time; of a time of day that none has, none. 0, or as store_reader_open(); view_done() is
 * due in any case.
 */
int view_read(struct view *ret, const char *dir, uint64_t real_ns);
void view_done(struct view *view);

/* The end of the latest interval that has ended: its own time is the nanosecond before. 0: there is none. Or as
 * store_reader_open(). */
int view_latest(const char *dir, uint64_t now_real_ns, uint64_t *ret_end_real_ns);

#endif
