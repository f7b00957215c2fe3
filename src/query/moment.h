/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of all processes at a moment: the last roster before it, carried on by the rows of procs and
 * exits up to the interval that the moment is in. A process that did nothing in that interval has a row too,
 * with sums of 0 and the levels reported last.
 *
 * Memory grows with the processes alive. Belongs to one thread.
 */
#ifndef OBIT_QUERY_MOMENT_H
#define OBIT_QUERY_MOMENT_H

#include <stdint.h>

#include "store/reader.h"

/* How long before the moment reading must begin: the period of rosters, twice. */
#define MOMENT_LOOK_BACK_NS UINT64_C(600000000000)

struct moment;

/* NULL: out of memory. */
struct moment *moment_new(uint64_t real_ns);
void moment_free(struct moment *moment);

/* Chunks in the order the reader gives them, with all tables. 1: nothing that comes after matters; 0, or -ENOMEM. */
int moment_add(struct moment *moment, const struct store_chunk *chunk);

enum moment_verdict {
	MOMENT_KNOWN,
	MOMENT_NOT_RECORDED, /* no interval has it */
	MOMENT_NO_ROSTER,    /* who did nothing is not known: reading began too late, or the store does */
};

enum moment_verdict moment_verdict(const struct moment *moment);

/* Rows of the table procs, for the caller to free; NULL: out of memory. */
struct block *moment_rows(const struct moment *moment);

#endif
