/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of collect, shared by its files.
 */
#ifndef OBIT_RECORD_COLLECT_KERNEL_H
#define OBIT_RECORD_COLLECT_KERNEL_H

#include <stdbool.h>

#include "record/collect.h"

#include "obit.skel.h"

struct collect {
	struct obit_bpf *skel;
	struct perf_buffer *rings;
	int n_cpus; /* possible ones: per-CPU values have so many parts */
	struct counters counted[2]; /* as last read, for even and odd epochs */
	void *values; /* room for one per-CPU value of any map here */
	bool has_stats;
	int stats_fd; /* where has_stats: while it is open the kernel counts run times */
};

int collect_maps_init(struct collect *collect);
void collect_maps_done(struct collect *collect);

#endif
