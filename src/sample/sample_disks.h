/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sampler of disks: /proc/diskstats to rows of `disks`, for whole disks whose counters moved or that have
 * requests in flight. Main thread; the parser is pure.
 */
#ifndef OBIT_SAMPLE_SAMPLE_DISKS_H
#define OBIT_SAMPLE_SAMPLE_DISKS_H

#include "sample/counter_delta.h"
#include "sample/proc_file.h"

/* A line of diskstats; the name points into it. */
struct disk_line {
	uint64_t major, minor;
	struct proc_text name;
	struct readings readings;
};

/* 0, or -EBADMSG: no such line, or one of a partition as kernels before 2.6.25 had it. */
int disk_read_line(struct proc_text line, struct disk_line *ret);

/* Loop, ram and zram devices are memory or files: their I/O shows elsewhere, or is none. */
int disk_is_pseudo(const struct proc_text *name);

struct sample_disks;

/* Reads /proc/diskstats, and looks into /sys/block for what is a whole disk. All that is given must outlive it.
 * NULL: out of memory. */
struct sample_disks *sample_disks_new(struct proc_buffer *buffer, const char *diskstats, const char *sys_block);
void sample_disks_free(struct sample_disks *sampler);

/* Adds rows of the time since the last call; the first one adds none. 0 or -errno. */
int sample_disks_take(struct sample_disks *sampler, uint64_t time_ns, struct block *rows);

#endif
