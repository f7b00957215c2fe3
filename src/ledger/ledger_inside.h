/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the ledger, shared by its files: ledger.c takes events, ledger_seal.c closes intervals, both by way of
 * ledger_live.c and interval.c; no file calls one that calls it.
 *
 * An interval is open from its first event until it is sealed; at most OPEN_INTERVALS are open at a time.
 */
#ifndef OBIT_LEDGER_LEDGER_INSIDE_H
#define OBIT_LEDGER_LEDGER_INSIDE_H

#include <stdbool.h>

#include "base/texts.h"
#include "ledger/ledger.h"
#include "ledger/baselines.h"
#include "ledger/processes.h"
#include "ledger/rows.h"
#include "ledger/rows_live.h"
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
	struct baselines *baselines;
	enum sched_level sched;
	const char *redact;
	struct open_interval open[OPEN_INTERVALS]; /* by epoch modulo */
	struct row_owner owners[OPEN_INTERVALS][CHUNK_ROWS];
	uint32_t sealed_epoch, is_any_sealed;
	uint64_t closing; /* of the interval sealed last */
	int64_t real_minus_boot_ns;
	uint64_t page_bytes;
	uint64_t malformed, procs_skipped, processes_full; /* in the interval */
	uint64_t watched_since_boot_ns;			   /* the boundary of epoch 0 */
	uint64_t boundary_boot_ns;			   /* at which the open interval began */
	bool has_previous;				   /* until the first row is written */
	uint64_t previous_closing;
	struct ended ended[BOUNDARY_PROCESSES];
	size_t n_ended;
	struct totals totals;
	struct written_names names;
	struct image image;	       /* for one row at a time */
	char container[256];	       /* and its container's id */
	char arguments[OBIT_ARGV_MAX]; /* as they came, before something was taken out */
};

/* interval.c */

/* The open interval, begun when it is not. */
struct open_interval *interval_open(struct ledger *ledger, uint32_t epoch);

/*
 * The open interval, with room in its chunk for a row more of each of these blocks (bits: 1 << CHUNK_EXITS ...): adding
 * one cannot fail. A chunk without it leaves, and the processes whose exits it has are forgotten: pointers to processes
 * are valid until the next call.
 */
struct open_interval *interval_reserve(struct ledger *ledger, uint32_t epoch, unsigned blocks);

/* Its chunk leaves, and with it the processes that end in it; it goes on, if it does, with an empty one. */
void interval_hand_over(struct ledger *ledger, uint32_t epoch);

/* Reserves by itself. */
void interval_add_rollup(struct ledger *ledger, uint32_t epoch, uint64_t time_ns, const struct rollup_row *rollup);

struct process *ledger_known_or_new(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns);
void ledger_forget(struct ledger *ledger, struct process *process);

/* What a process holds, of one that is removed by other means. */
void ledger_forget_parts(struct ledger *ledger, const struct process *process);

/* Of cgroup v2; valid until the next call. */
static inline struct cgroup_name ledger_cgroup_name(struct ledger *ledger, uint64_t id)
{
	return ledger->ports.cgroup_name(ledger->ports.ctx, CGROUP_V2, id);
}

/*
 * Where the path in v2 is of no container, that in v1 may be: the container's id is copied then. Valid until the next
 * name.
 */
struct cgroup_name ledger_find_cgroup(struct ledger *ledger, uint64_t id, const __u64 *v1_ids);

/* The names of who is in a row: for each there is a block in the chunk. */
#define NAME_BLOCKS (1u << CHUNK_USERS | 1u << CHUNK_GROUPS | 1u << CHUNK_CONTAINERS)

/* ledger_live.c: the rows of procs and roster that a snapshot brings. */
void ledger_take_live(struct ledger *ledger, const struct snapshot *snapshot);

/* The last row of a process that has a baseline, before its exit's; there is room for it. */
void ledger_last_row(struct ledger *ledger, struct open_interval *open, const struct exit_source *exit,
		     struct process *process);

#endif
