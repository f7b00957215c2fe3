/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the agent, shared by its files: agent.c sets up and turns the intervals, agent_threads.c holds
 * what the other threads do, agent_status.c what it says of itself.
 *
 *   thread   owns                                takes                                     through
 *   main     collect, epoch, snapshot, signals   what the kernel counted in the epoch      maps, iterator
 *            samplers                            what /proc and cgroup files say
 *   drain    rings, drain                        events from the kernel, marks from main   perf rings, drain_mark()
 *   ledger   ledger (its per-pid map), cgroups   events and marks from drain, a snapshot   queue
 *   writer   store                               chunks of rows from ledger                chunk_line full; back by empty
 *
 * A snapshot is the ledger's from drain_mark() until intervals_sealed counts it, then main's again, and so are
 * the totals beside it. What else is read across threads is atomic and says what it pairs with.
 */
#ifndef OBIT_AGENT_AGENT_INSIDE_H
#define OBIT_AGENT_AGENT_INSIDE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "agent/agent.h"
#include "agent/chunk_line.h"
#include "kernel/collect.h"
#include "kernel/drain.h"
#include "kernel/queue.h"
#include "kernel/ring.h"
#include "ledger/ledger.h"
#include "model/limits.h"
#include "sample/cgroups.h"
#include "sample/samplers.h"
#include "store/writer.h"

struct agent {
	const struct agent_options *options;

	/* main */
	struct origin origin;
	struct collect *collect;
	uint32_t epoch;
	uint64_t begin_boot_ns; /* of the epoch: its edge */
	_Atomic uint64_t begin_real_ns[OPEN_INTERVALS]; /* of the last epochs; the ledger reads them */
	uint64_t cpu_before_ns, missed_before;
	struct snapshot snapshot; /* lent to the ledger from mark to sealing; no turn before that */
	struct walk walk;	      /* what they point into: the ledger has one at a time */
	uint64_t roster_boot_ns;      /* when the last roster was taken */
	int signal_fd, tick_fd, end_fd, guest_fd, watchdog_fd;
	uint64_t start_boot_ns;
	char store_path[PATH_MAX]; /* whole, however the options spell it */
	int is_memory_locked;
	int has_bpf_rings; /* asked for, or because perf rings may not be opened */
	struct samplers *samplers;
	uint64_t walk_ns; /* CPU time of all walks */
	int cgroups_error;	/* 0 or -errno: why there are no paths */
	uint64_t exits_unseen; /* found and not counted in a snapshot yet */
	uint64_t failed_turns;
	int turn_error;		/* of the last of them */

	/* drain */
	struct ring *rings;
	unsigned n_rings;
	struct drain *drain;
	struct queue *queue;
	int queue_wake_fd;

	/* ledger */
	struct ledger *ledger;
	struct cgroups *cgroups;
	struct totals totals[2]; /* up to the interval of the snapshot beside it; main's from its sealing on */
	int sealed_fd; /* eventfd: an interval has been sealed */
	_Atomic uint32_t intervals_sealed;
	atomic_bool ledger_stop;

	/* writer */
	struct store_writer *store;
	uint64_t clock_jumps; /* said so far */
	struct chunk_line *empty, *full;
	_Atomic uint64_t store_bytes, store_errors;
	_Atomic uint64_t store_kept_bytes, store_evicted, store_evicted_full, store_restarts;
	_Atomic int store_error; /* -errno while it cannot be written */
	atomic_bool segment_ends; /* set by main at SIGHUP, taken by the writer */
	atomic_bool is_stopping; /* give up on a store that cannot be written */
	atomic_bool has_lost;	 /* ... and it did */

	pthread_t threads[3];
	unsigned n_threads;
};

struct ledger_ports agent_ledger_ports(struct agent *agent);
void *agent_ledger_thread(void *agent);
void *agent_writer_thread(void *agent);

#endif
