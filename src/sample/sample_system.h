/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sampler of the whole host: /proc/stat, loadavg, meminfo, vmstat and pressure to a row of `system`.
 * Main thread; the parsers are pure, and add to the readings what they find.
 */
#ifndef OBIT_SAMPLE_SAMPLE_SYSTEM_H
#define OBIT_SAMPLE_SAMPLE_SYSTEM_H

#include "sample/counter_delta.h"
#include "sample/proc_file.h"

struct sample_system;

/* The buffer must outlive it. NULL: out of memory. */
struct sample_system *sample_system_new(struct proc_buffer *buffer);
void sample_system_free(struct sample_system *sampler);

/* Adds the row of the time since the last call; the first one has levels only. 0; -errno, the first failure:
 * what could be read is in the row. */
int sample_system_take(struct sample_system *sampler, uint64_t time_ns, struct block *rows);

/* CPU times (in ticks of tick_ns), CPUs, context switches, forks, tasks running and blocked. */
void system_read_stat(struct proc_text text, uint64_t tick_ns, struct readings *ret);

/* "0.07 1.23 4.56 1/234 5678" */
void system_read_loadavg(struct proc_text text, struct readings *ret);

void system_read_meminfo(struct proc_text text, struct readings *ret);
void system_read_vmstat(struct proc_text text, struct readings *ret);

#endif
