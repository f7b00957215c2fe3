/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sampler of cgroups (v2): cpu.stat, io.stat, pressure, memory and pids of every group whose counters
 * moved, to rows of `cgroups`. A group that is made and removed within an interval has no row of its own: its
 * readings are in its parent's, and its exits carry its path. Main thread; the parsers are pure.
 */
#ifndef OBIT_SAMPLE_SAMPLE_CGROUPS_H
#define OBIT_SAMPLE_SAMPLE_CGROUPS_H

#include "sample/counter_delta.h"
#include "sample/proc_file.h"

struct sample_cgroups;

/* Reads the hierarchy at `mount` ("": there is none), and says what it is without. The buffer must outlive it.
 * NULL: out of memory. */
struct sample_cgroups *sample_cgroups_new(struct proc_buffer *buffer, const char *mount);
void sample_cgroups_free(struct sample_cgroups *sampler);

/* Adds rows of the time since the last call; the first one adds none. 0 or -errno: -ENOENT, there is no v2. */
int sample_cgroups_take(struct sample_cgroups *sampler, uint64_t time_ns, struct block *rows);

void cgroup_read_cpu_stat(struct proc_text text, struct readings *ret);
void cgroup_read_memory_events(struct proc_text text, struct readings *ret);
void cgroup_read_memory_stat(struct proc_text text, struct readings *ret);

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6", a line a device: their sum. */
void cgroup_read_io_stat(struct proc_text text, struct readings *ret);

/* A file of one number; "max" is no number. */
void cgroup_read_number(struct proc_text text, uint32_t field, struct readings *ret);

#endif
