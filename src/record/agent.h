/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent: wires collect, drain, ledger and writer, and turns the intervals. agent_inside.h says which
 * thread owns what.
 */
#ifndef OBIT_RECORD_AGENT_H
#define OBIT_RECORD_AGENT_H

#include <stdint.h>

struct agent_options {
	const char *store_dir;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: until SIGINT or SIGTERM */
	int sched_on;
	int use_ringbuf;     /* BPF ring buffers in place of perf ring buffers */
	uint32_t ring_pages; /* 0: by the number of CPUs */
	int fsync_each_interval;
	int is_verbose;
};

/* Records until it is told to stop; everything that ended before is in the store then. Says its errors
 * itself. 0 or -errno. */
int agent_run(const struct agent_options *options);

#endif
