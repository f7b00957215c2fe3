/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger: takes events in (nearly) the order of their time, joins them by process, keeps the balance of
 * each interval and fills chunks of rows. It has no clock, no files and no threads of its own: what it
 * needs from outside comes through its ports, so that a whole history can be played to it.
 *
 * Events of an interval that is not sealed yet, and of those after it, may be mixed. One thread.
 */
#ifndef OBIT_LEDGER_LEDGER_H
#define OBIT_LEDGER_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/chunk.h"
#include "ledger/totals.h"
#include "ledger/written_names.h"
#include "model/cgroup_name.h"
#include "model/sched_level.h"
#include "model/snapshot.h"

struct ledger_ports {
	/* An empty chunk, never NULL; may wait until the writer is done with one. */
	struct chunk *(*take_empty)(void *ctx);
	void (*put_full)(void *ctx, struct chunk *chunk);
	/* What a cgroup of a hierarchy (CGROUP_V2 ...) is called; valid until the next call. */
	struct cgroup_name (*cgroup_name)(void *ctx, uint32_t hierarchy, uint64_t id);
	void (*cgroup_made)(void *ctx, uint32_t hierarchy, uint64_t id, const char *path, size_t len);
	struct name_ports names; /* of users, groups and containers */
	/* When the epoch began, by time of day: the end of the one before. Asked of epochs that have begun. */
	uint64_t (*begin_real_ns)(void *ctx, uint32_t epoch);
	void *ctx;
};

struct ledger;

/* Room for so many processes at a time; those beyond lose their arguments and killer, not their record. */
struct ledger *ledger_new(uint32_t max_processes, uint64_t page_bytes, const struct ledger_ports *ports);
void ledger_free(struct ledger *ledger);

/* The clocks' difference until the first snapshot brings a newer one. */
void ledger_set_clock(struct ledger *ledger, int64_t real_minus_boot_ns);

/* Which waits are measured: the columns of those that are not stay null. SCHED_DELAY until then. */
void ledger_set_sched(struct ledger *ledger, enum sched_level sched);

/* What is not recorded of arguments: a rule as redact.h has it, which must outlive the ledger. All is until then. */
void ledger_set_redact(struct ledger *ledger, const char *rule);

/* How many lived when the ledger of the run before were closed last; without it the change since is not known. */
void ledger_set_previous(struct ledger *ledger, uint64_t closing);

/* A process found alive before the agent watched; exe may be empty (unknown). */
void ledger_add_existing(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns, const char *exe, size_t exe_len,
			 const char *argv, size_t argv_len, uint32_t flags);

/* One event from the kernel: untrusted, checked. */
void ledger_event(struct ledger *ledger, const void *event, uint32_t size);

/*
 * Closes the snapshot's interval: every event of it has come, and every exit that happened before the walk
 * ended. Interval 0 is the time before the ledger: it only gives the first opening.
 */
void ledger_seal(struct ledger *ledger, const struct snapshot *snapshot);

/* Of all intervals sealed; changes with the next one. */
const struct totals *ledger_totals(const struct ledger *ledger);

#endif
