/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Auditing a store: does its ledger balance? For every interval, from its rows alone:
 *
 *   exits_seen = exits_recorded + exits_rolled_up
 *   rows of exits = exits_recorded           sum of rollups.exits = exits_rolled_up
 *   opening + forks - exits_seen = closing   opening = the closing of the interval before
 *
 * and within a run (one agent, named by boot and beginning) intervals are numbered without gaps, and each
 * ends with a last chunk that carries one row of the ledger; the next one's first chunks may stand before that.
 * The last interval of a run may be open: its agent is still in it, or was killed in it; that is said, and is
 * no fault.
 *
 * Belongs to one thread.
 */
#ifndef OBIT_QUERY_BALANCE_H
#define OBIT_QUERY_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/origin.h"
#include "store/reader.h"

struct balance;

/* Where an interval's chunks stand. */
struct balance_interval {
	uint64_t number; /* 0: none yet */
	uint64_t begin_real_ns, end_real_ns;
	uint64_t exits_rows, rolled_up; /* counted in its chunks */
	bool is_closed;
	bool is_partial;  /* begins before the range that is read: its first chunks may be missing */
	uint64_t closing; /* where has_closing */
	bool has_closing;
};

struct balance_run {
	struct origin origin;
	struct balance_interval before, last; /* last: the one being read; at the end the run's last */
	struct balance_interval early; /* counts of the next one, as far as its chunks came before the end of `last` */
	uint64_t first_number;
	uint64_t first_begin_real_ns;
	uint64_t n_judged, n_findings;
	uint64_t forks, exits_seen, exits_recorded, exits_rolled_up; /* of the intervals judged */
	int64_t unobserved;					     /* of the run's first interval; 0 when null */
};

/* One thing that does not add up. */
struct balance_finding {
	const struct balance_run *run;
	uint64_t interval;
	uint64_t begin_real_ns;
	char what[200];	   /* by how much */
	char because[200]; /* what the ledger says of its own losses in that interval; may be empty */
};

struct balance_sink {
	void (*take)(void *context, const struct balance_finding *finding);
	void *context;
};

/* Intervals that begin before since_real_ns are not judged. NULL: out of memory. */
struct balance *balance_new(uint64_t since_real_ns, const struct balance_sink *sink);
void balance_free(struct balance *balance);

/*
 * Parts in the order the reader gives them, with all tables, and what decodes their groups; `select` is what the reader
 * was opened with. 0, -ENOMEM or -errno.
 */
int balance_add(struct balance *balance, const struct store_part *part, const struct store_select *select,
		struct group_reader *reader);

/* The runs met, in order of their first part; valid until the next one. */
const struct balance_run *balance_runs(const struct balance *balance, size_t *ret_n);

#endif
