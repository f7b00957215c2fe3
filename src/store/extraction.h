/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying a stretch of time from one store to another: whole intervals, so that their ledger still balances,
 * in segments of the same names, runs and tables. Three times through the store: to find which intervals
 * reach into the time, since the end of one stands in its last chunk only; then from which roster before them on who
 * lived and what everything was called can be known; then to copy.
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
	uint64_t roster_real_ns;     /* its interval's begin */
	uint64_t roster;	     /* number of the interval of the last one before the first; 0: none */
	uint64_t closed, open;	     /* while it is read: the latest that has ended, and that has not */
	uint64_t open_until_real_ns; /* by when the latter has surely ended */
	bool is_wanted;
};

/* Zeroed; freed with extract_done(). */
struct extract {
	uint64_t since_real_ns, until_real_ns; /* until 0: no end */
	uint64_t from_real_ns;		       /* the first interval's begin, or before: at most since */
	struct extract_run *runs;
	size_t n_runs;
	uint64_t n_segments, n_intervals, bytes; /* copied */
};

void extract_done(struct extract *extract);

enum extract_pass { EXTRACT_PLAN, EXTRACT_CONTEXT, EXTRACT_COPY };

/* What a reader is to be opened with. */
struct store_select extract_select(const struct extract *extract, enum extract_pass pass);

/* Reads it to the end. 1: there is something of that time; 0: nothing; negative: memory or I/O. */
int extract_plan(struct extract *extract, struct store_reader *reader);

/* After the plan: each run begins with its last roster before the time, where it has one. 0; memory or I/O. */
int extract_context(struct extract *extract, struct store_reader *reader);

/* Writes the segments into an empty directory, each synced. 0; -EINTR: *stop was set; memory or I/O. */
int extract_copy(struct extract *extract, struct store_reader *reader, int dir_fd, const volatile sig_atomic_t *stop);

#endif
