/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying a stretch of time from one store to another: whole intervals, so that their ledger still balances,
 * in segments of the same names, runs and tables. Twice through the store: first to find which intervals
 * reach into the time, since the end of one stands in its last chunk only; then to copy.
 */
#ifndef OBIT_STORE_EXTRACTION_H
#define OBIT_STORE_EXTRACTION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/reader.h"

/* Intervals first to last of a run. */
struct extract_run {
	char boot_id[40];
	uint64_t run_real_ns;
	uint64_t first, last;
	uint64_t closed, open;	     /* while it is read: the latest that has ended, and that has not */
	uint64_t open_until_real_ns; /* by when the latter has surely ended */
	bool is_wanted;
};

/* Zeroed; freed with extract_done(). */
struct extract {
	uint64_t since_real_ns, until_real_ns; /* until 0: no end */
	struct extract_run *runs;
	size_t n_runs;
	uint64_t n_segments, n_intervals, bytes; /* copied */
};

void extract_done(struct extract *extract);

/* What a reader is to be opened with. `is_plan`: for extract_plan(), else for extract_copy(). */
struct store_select extract_select(const struct extract *extract, bool is_plan);

/* Reads it to the end. 1: there is something of that time; 0: nothing; negative: memory or I/O. */
int extract_plan(struct extract *extract, struct store_reader *reader);

/* Writes the segments into an empty directory, each synced. 0; -EINTR: *stop was set; memory or I/O. */
int extract_copy(struct extract *extract, struct store_reader *reader, int dir_fd, const volatile sig_atomic_t *stop);

#endif
