/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Auditing lives: do the rows of a process in `procs` add up to its row in `exits`, field by field? For each
 * process whose birth is in what is read. Fields: every sum that both tables have, but
 *
 *   user_ns, system_ns                       the kernel estimates them anew at each reading
 *   run_delay_ns, timeslices, migrations     of processes with threads: a thread's own are reported with its end
 *                                            by itself, and when that comes late it is counted in rollups
 *
 * Memory grows with the processes alive at a time. Belongs to one thread.
 */
#ifndef OBIT_QUERY_LIVES_H
#define OBIT_QUERY_LIVES_H

#include <stdint.h>

#include "store/reader.h"

struct lives;

/* A life whose rows do not add up. */
struct lives_finding {
	uint64_t pid, interval;
	uint64_t exit_real_ns;
	const char *field;
	uint64_t is, should_be; /* sum over procs; in exits */
	uint64_t rows;		/* of procs */
};

struct lives_sink {
	void (*take)(void *context, const struct lives_finding *finding);
	void *context;
};

/* NULL: out of memory. */
struct lives *lives_new(const struct lives_sink *sink);
void lives_free(struct lives *lives);

/* Chunks of one run after the other, in the order the reader gives them, with all tables. 0 or -ENOMEM. */
int lives_add(struct lives *lives, const struct store_chunk *chunk);

/* How many lives have been held against their end. */
uint64_t lives_judged(const struct lives *lives);

#endif
