/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Auditing lifetimes: do the rows of a process in `procs` add up to its row in `exits`, field by field? For each
 * process whose birth is in what is read. Fields: every sum that both tables have, but
 *
 *   user_ns, system_ns                       the kernel estimates them anew at each reading
 *   run_delay_ns, timeslices, migrations     of processes with threads: a thread's own are reported with its end
 *                                            by itself, and when that comes late it is counted in rollups
 *
 * Memory grows with the processes in a part of the store. Belongs to one thread.
 */
#ifndef OBIT_QUERY_LIFETIMES_H
#define OBIT_QUERY_LIFETIMES_H

#include <stdint.h>

#include "store/reader.h"

struct lifetimes;

/* A life whose rows do not add up. */
struct lifetimes_finding {
	uint64_t pid, interval;
	uint64_t exit_real_ns;
	const char *field;
	uint64_t is, should_be; /* sum over procs; in exits */
	uint64_t rows;		/* of procs */
};

struct lifetimes_sink {
	void (*take)(void *context, const struct lifetimes_finding *finding);
	void *context;
};

/* NULL: out of memory. */
struct lifetimes *lifetimes_new(const struct lifetimes_sink *sink);
void lifetimes_free(struct lifetimes *lifetimes);

/* Parts of one run after the other, in the order the reader gives them, with all tables, and what decodes their groups.
 * 0, -ENOMEM or -errno. */
int lifetimes_add(struct lifetimes *lifetimes, const struct store_part *part, struct group_reader *reader);

/* How many lifetimes have been held against their end. */
uint64_t lifetimes_judged(const struct lifetimes *lifetimes);

#endif
