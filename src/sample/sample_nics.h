/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sampler of network interfaces: /proc/net/dev to rows of `nics`, for those whose counters moved, in the
 * network namespace that the agent began in. All of them, lo too: what processes of a host send each other
 * costs CPU as well. Main thread; the parser is pure.
 */
#ifndef OBIT_SAMPLE_SAMPLE_NICS_H
#define OBIT_SAMPLE_SAMPLE_NICS_H

#include "sample/counter_delta.h"
#include "sample/proc_file.h"

/* A line of /proc/net/dev; the name points into it. */
struct nic_line {
	struct proc_text name;
	struct readings readings;
};

/* 0, or -EBADMSG: it is one of the two lines of headings, or nothing known. */
int nic_read_line(struct proc_text line, struct nic_line *ret);

struct sample_nics;

/* Reads /proc/net/dev. What is given must outlive it. NULL: out of memory. */
struct sample_nics *sample_nics_new(struct proc_buffer *buffer, const char *net_dev);
void sample_nics_free(struct sample_nics *sampler);

/* Adds rows of the time since the last call; the first one adds none. 0 or -errno. */
int sample_nics_take(struct sample_nics *sampler, uint64_t time_ns, struct block *rows);

#endif
