/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The samplers: host, disks, interfaces, cgroups, read one after the other when an interval ends. One that
 * fails leaves nulls, or no rows; it is said once and never fatal. Main thread; all memory is taken at start.
 */
#ifndef OBIT_SAMPLE_SAMPLERS_H
#define OBIT_SAMPLE_SAMPLERS_H

#include <stdint.h>

#include "model/block.h"

struct samplers;

/* NULL: out of memory. */
struct samplers *samplers_new(void);
void samplers_free(struct samplers *samplers);

/* Fills the N_SAMPLES blocks anew with the time since the last call; the first call gives levels only. */
void samplers_take(struct samplers *samplers, uint64_t time_ns, struct block *const *blocks);

struct sampler_report {
	const char *name;
	int error;	       /* of the last run: 0 or -errno */
	uint64_t misses;       /* runs that failed */
	uint64_t runs, run_ns; /* CPU time */
};

struct sampler_report samplers_report(const struct samplers *samplers, int sample);

#endif
