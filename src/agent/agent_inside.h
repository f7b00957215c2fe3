/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the agent, shared by its files. Each thread has a struct of what it alone may write; what crosses threads
 * goes through a queue, a line of chunks, a lent snapshot, or `struct shared`.
 *
 *                     drain_mark(epoch)                                  intervals_sealed
 *      main ─────────────────────────────┐            ┌──────────────────────────────────────▶ main
 *       │ snapshot of the epoch           ▼            │
 *       │ (lent)     rings ──▶ drain ──▶ queue ──▶ ledger ──▶ full chunks ──▶ writer ──▶ store
 *       └──────────────────────────────────────────▲    ▲                       │
 *                                                        └──── empty chunks ◀───┘
 *
 *   main    set_up.c, agent.c (loop, stop), rollover.c, agent_status.c: struct agent
 *   drain   kernel/drain.c
 *   ledger  ledger_thread.c: struct ledger_thread
 *   writer  writer_thread.c: struct writer_thread
 *   sealer  writer_thread.c: store/sealer.h says what it shares with the writer
 *
 * A mark follows all events of its epoch through the queue; when the ledger meets it, it seals that interval with the
 * snapshot. The snapshot is the ledger's from drain_mark() until intervals_sealed counts it, then main's again.
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
#include "sample/account_names.h"
#include "sample/cgroups.h"
#include "sample/container_files.h"
#include "sample/samplers.h"
#include "store/writer.h"

/* Written by one thread, read by others; each place names what it pairs with. */
struct shared {
	/* main's */
	_Atomic uint64_t begin_real_ns[OPEN_INTERVALS]; /* of the last epochs */
	atomic_bool ledger_stop;
	atomic_bool segment_ends; /* at SIGHUP; the writer takes it back */
	atomic_bool is_stopping;  /* give up on a store that cannot be written */

	/* the ledger's */
	_Atomic uint32_t intervals_sealed;

	/* the writer's */
	_Atomic uint64_t store_bytes, store_errors;
	_Atomic uint64_t store_kept_bytes, store_evicted, store_evicted_full, store_restarts;
	_Atomic int store_error; /* -errno while it cannot be written */
	_Atomic uint64_t store_sealed, store_logs, store_logs_bytes;
	_Atomic uint64_t seal_errors, seal_cpu_ns, seal_memory_bytes;
	_Atomic int seal_error; /* -errno of the log tried last */
	atomic_bool has_lost;	/* is_stopping, and it did give up */
};

#define TOTALS_KEPT 2

/* Those up to an interval, by its number: the ledger writes the next while main reads the last that is sealed. */
struct totals_by_interval {
	struct totals of[TOTALS_KEPT];
};

struct ledger_thread {
	struct ledger *ledger;
	struct cgroups *cgroups;
	struct account_names accounts;
	struct container_files containers;
	struct queue *queue; /* its reading side */
	int queue_wake_fd;   /* eventfd: something is in it */
	int sealed_fd;	     /* eventfd: an interval has been sealed */
	struct totals_by_interval totals;
	const struct snapshot *snapshot; /* lent by main */
	struct chunk_line *empty, *full; /* the writer's */
	struct shared *shared;
};

struct writer_thread {
	struct store_writer *store;
	const char *store_dir; /* as the options spell it */
	uint64_t clock_jumps;  /* said so far */
	uint64_t seal_errors;  /* said so far */
	struct chunk_line *empty, *full;
	struct shared *shared;
};

/* What main hands to the drain: its own state is in struct drain. */
struct drain_thread {
	struct ring *rings;
	unsigned n_rings;
	struct drain *drain;
};

/* The interval that runs, and what the last ones left. */
struct rollover {
	uint32_t epoch;
	uint64_t begin_boot_ns; /* of the epoch */
	uint64_t cpu_before_ns, missed_before;
	uint64_t roster_boot_ns; /* when the last roster was taken */
	struct snapshot snapshot;
	struct walk walk; /* what the snapshot points into */
	struct samplers *samplers;
	uint64_t walk_ns;      /* CPU time of all walks */
	uint64_t exits_unseen; /* found and not counted in a snapshot yet */
	uint64_t failed_rollovers;
	int rollover_error; /* of the last of them */
};

/* Main's. It makes the others' structs before their threads begin, and frees them when they have ended. */
struct agent {
	const struct agent_options *options;
	struct origin origin;
	struct collect *collect;
	struct rollover rollover;
	int signal_fd, tick_fd, end_fd, hooks_fd, watchdog_fd;
	uint64_t start_boot_ns;
	char store_path[PATH_MAX]; /* whole, however the options spell it */
	bool is_memory_locked;
	bool has_bpf_rings; /* asked for, or because perf rings may not be opened */
	int cgroups_error;  /* 0 or -errno: why there are no paths */

	struct drain_thread drain;
	struct ledger_thread ledger;
	struct writer_thread writer;
	struct shared shared;
	pthread_t threads[4];
	unsigned n_threads;
};

/* set_up.c: 0 or negative, which is logged; to be torn down either way, when all threads have ended. */
int agent_set_up(struct agent *agent);
int agent_tear_down(struct agent *agent);

/* rollover.c */

/* Walks the live processes into the snapshot; `is_whole`: those too that have done nothing. 0 or -errno. */
int agent_walk(struct agent *agent, bool is_whole);

/* Ends the epoch and begins the next. 0; -errno: the interval's ledger is incomplete, which is logged. */
int agent_roll_over(struct agent *agent);

/* How many intervals are sealed. */
uint32_t agent_sealed(struct agent *agent);
void agent_wait_sealed(struct agent *agent, uint32_t n);

/* With --sched off, before the last rollover: until every process that has left the walk is counted. */
void agent_await_last_ends(struct agent *agent);

/* The bodies of threads; each gets its own struct. */
struct ledger_ports ledger_thread_ports(struct ledger_thread *thread);
void *ledger_thread_run(void *thread);
void *writer_thread_run(void *thread);
void *sealer_thread_run(void *sealer);
/* It ends as soon as it can. */
void sealer_thread_stop(struct sealer *sealer);

#endif
