/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of all processes at a time: the last roster before that, carried on by the rows of procs and
 * exits up to the interval that the time is in. A process that did nothing in that interval has a row too,
 * with sums of 0 and the levels reported last.
 *
 * Memory grows with the processes alive. Belongs to one thread.
 */
#ifndef OBIT_QUERY_AT_SNAPSHOT_H
#define OBIT_QUERY_AT_SNAPSHOT_H

#include <stdint.h>

#include "store/reader.h"

struct at_snapshot;

/* NULL: out of memory. */
struct at_snapshot *at_snapshot_new(uint64_t real_ns);
void at_snapshot_free(struct at_snapshot *snapshot);

/* What is read for it, in this order. */
enum at_pass { AT_INTERVALS, AT_ROSTER, AT_PROCS, AT_EXITS, N_AT_PASSES };

/* How a reader is to be opened for a pass. */
struct store_select at_snapshot_select(const struct at_snapshot *snapshot, enum at_pass pass);

/* Reads all that a reader opened so has. 0, -ENOMEM or -errno. */
int at_snapshot_read(struct at_snapshot *snapshot, enum at_pass pass, struct store_reader *reader);

/* After AT_INTERVALS: when the interval that has the time ended; 0: there is none. */
uint64_t at_snapshot_end(const struct at_snapshot *snapshot);

/* And when it began. */
uint64_t at_snapshot_begin(const struct at_snapshot *snapshot);

/* And which one it is, of which run; where there is one. */
void at_snapshot_interval(const struct at_snapshot *snapshot, struct interval *ret, struct origin *ret_origin);

enum at_snapshot_verdict {
	AT_KNOWN,
	AT_NOT_RECORDED, /* no interval has it */
	AT_NO_ROSTER,	 /* who did nothing is not known: reading began too late, or the store does */
};

enum at_snapshot_verdict at_snapshot_verdict(const struct at_snapshot *snapshot);

/* Rows of the table procs, for the caller to free; NULL: out of memory. */
struct block *at_snapshot_rows(const struct at_snapshot *snapshot);

#endif
