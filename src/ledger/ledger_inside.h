/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the ledger, shared by its files: ledger.c takes events, ledger_seal.c closes intervals.
 *
 * An interval is open from its first event until it is sealed; at most OPEN_INTERVALS are open at a time.
 */
#ifndef OBIT_LEDGER_LEDGER_INSIDE_H
#define OBIT_LEDGER_LEDGER_INSIDE_H

#include "base/texts.h"
#include "ledger/ledger.h"
#include "ledger/meters.h"
#include "ledger/processes.h"
#include "ledger/rows.h"
#include "model/limits.h"

struct open_interval {
	struct chunk *chunk; /* NULL: nothing has come */
	uint64_t exits_recorded, amendments, amendments_late;
};

struct row_owner {
	uint32_t pid;
	uint64_t start_boot_ns;
};

struct ledger {
	struct ledger_ports ports;
	struct processes *processes;
	struct texts *texts;
	struct meters *meters;
	enum sched_level sched;
	const char *redact;
	struct open_interval open[OPEN_INTERVALS]; /* by epoch modulo */
	struct row_owner owners[OPEN_INTERVALS][CHUNK_ROWS];
	uint32_t sealed_epoch, is_any_sealed;
	uint64_t closing; /* of the interval sealed last */
	int64_t real_minus_boot_ns;
	uint64_t page_bytes;
	uint64_t malformed, procs_skipped, processes_full; /* in the interval */
	uint64_t watched_since_boot_ns;	   /* the edge of epoch 0 */
	uint64_t edge_boot_ns;		   /* at which the open interval began */
	int has_previous; /* until the first row is written */
	uint64_t previous_closing;
	struct ended ended[CROSSINGS];
	size_t n_ended;
	struct totals totals;
	struct image image; /* for one row at a time */
	char container[256]; /* and its container's id */
	char arguments[OBIT_ARGV_MAX]; /* as they came, before something was taken out */
};

/* The open interval, begun when it is not. */
struct open_interval *ledger_interval(struct ledger *ledger, uint32_t epoch);

/* Its chunk leaves, and with it the processes that end in it; it goes on, if it does, with an empty one. */
void ledger_hand_over(struct ledger *ledger, uint32_t epoch);

struct process *ledger_known_or_new(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns);

/* Nobody will tell of it any more. */
void ledger_forget_parts(struct ledger *ledger, const struct process *process);

/* ledger_living.c: the rows of procs and roster that a snapshot brings; and a process's last, before its end's. */
void ledger_take_living(struct ledger *ledger, const struct snapshot *snapshot);
void ledger_last_row(struct ledger *ledger, const struct event_exit *event, struct process *process);

void ledger_add_rollup(struct ledger *ledger, uint32_t epoch, uint64_t time_ns, const struct rollup_row *rollup);

struct text_view ledger_cgroup_path(struct ledger *ledger, uint32_t hierarchy, uint64_t id);

#endif
