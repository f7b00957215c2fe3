/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where rows come from: the run of an agent (one segment holds one run only) and the interval in it.
 * Plain values; strings are ended by NUL and cut to fit.
 */
#ifndef OBIT_MODEL_ORIGIN_H
#define OBIT_MODEL_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct origin {
	char host[256];
	char boot_id[40];	    /* /proc/sys/kernel/random/boot_id */
	char kernel[256];	    /* uname -r */
	char agent[64];		    /* version of obit that writes */
	uint64_t run_real_ns;	    /* when this run began: with boot_id it names the run */
	int64_t real_minus_boot_ns; /* offset of the clocks when the segment was begun */
	uint64_t interval_ns;	    /* the interval asked for */
};

/*
 * An interval is written as one or more chunks of rows; the last one is marked and carries the ledger's
 * row. Numbers run from 1 within a run, without gaps.
 */
struct interval {
	uint64_t number;
	uint64_t begin_real_ns, end_real_ns; /* end is known, and set, in the last chunk only */
	bool is_last_chunk;
};

#endif
