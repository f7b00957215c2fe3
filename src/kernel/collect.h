/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side, seen from here: loading and attaching the programs, their rings, maps and counters. The
 * only part that knows libbpf. Calls are made by the main thread; the rings are handed to the drain thread.
 */
#ifndef OBIT_KERNEL_COLLECT_H
#define OBIT_KERNEL_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/ring.h"
#include "model/sched_level.h"
#include "model/snapshot.h"

struct collect;

struct collect_options {
	enum sched_level sched;
	int threads_on;	    /* threads one by one too */
	bool has_cgroup_v1; /* some controllers are in hierarchies of cgroup v1 */
	enum ring_kind ring_kind;
	uint32_t ring_pages;	/* for each CPU, a power of two; 0: by the number of CPUs */
	uint32_t max_processes; /* the kernel's tables of processes are sized by it, and by what lives */
	bool is_verbose;	/* libbpf's own messages, to stderr */
};

/*
 * Loads and attaches everything. On failure *ret_what, when not NULL, names what could not be done (static
 * text). Errors: -EPERM, -EOPNOTSUPP (no BTF), ...
 */
int collect_open(const struct collect_options *options, struct collect **ret, const char **ret_what);
void collect_close(struct collect *collect);

/* Rings at the start, and at most, when every CPU has come online later. */
unsigned collect_n_rings(const struct collect *collect);
unsigned collect_max_rings(const struct collect *collect);
struct ring_memory collect_ring(const struct collect *collect, unsigned i);

/*
 * Makes the ring of a CPU that has come online since: collect_counters() has found events of it without one. 1: that of
 * *ret_cpu; 0: there is none left; -errno: that of *ret_cpu could not be made, and is tried again after the next count.
 */
int collect_late_ring(struct collect *collect, struct ring_memory *ret, int *ret_cpu);

/*
 * From here on, events and counters belong to `epoch`. Returns its boundary: processes with a later start belong to it,
 * all others to the epochs before.
 */
uint64_t collect_begin_epoch(struct collect *collect, uint32_t epoch);

/* Of an epoch that has begun: with UINT64_MAX all processes are older, with 0 none is. */
void collect_set_boundary(struct collect *collect, uint32_t epoch, uint64_t boundary_boot_ns);

/* Waits until no program runs any more that runs now (an RCU grace period). 0 or -errno. */
int collect_synchronize_rcu(struct collect *collect);

/* The first walk notes leaders that exited before the programs were attached, and left other threads. */
void collect_set_initial_scan(struct collect *collect, int in_initial_scan);

/* Who lives, in order of pid, and a sample of those that did something. All zero at first; memory grows. */
struct walk {
	struct walk_row *live;
	struct walk_report *reported;
	struct walk_thread *threads;
	size_t n_live, n_reported, n_threads, max_live, max_reported, max_threads;
};

void walk_done(struct walk *walk);

/* Fills it anew; with `report_all` also those that did nothing have a sample. 0 or -errno. */
int collect_walk(struct collect *collect, int report_all, struct walk *walk);

/* What was counted under the epoch; call once for each, after collect_synchronize_rcu(). 0 or -errno. */
int collect_counters(struct collect *collect, uint32_t epoch, struct counters *ret);

/* Waits for a CPU under the epoch, at most `max` rows, which collect_max_runq() gives; once for each epoch. */
size_t collect_max_runq(const struct collect *collect);
int collect_runq(struct collect *collect, uint32_t epoch, struct runq_row *rows, size_t max, size_t *ret_n);

/* Takes the epoch's roll-ups out; at most `max`, which collect_max_rollups() gives. 0 or -errno. */
size_t collect_max_rollups(const struct collect *collect);
int collect_rollups(struct collect *collect, uint32_t epoch, struct rollup_row *rows, size_t max, size_t *ret_n);

/* Takes the births of the epoch (and older ones) that came late out; at most `max`. 0 or -errno. */
int collect_births_late(struct collect *collect, uint32_t epoch, struct boundary_process *rows, size_t max,
			size_t *ret_n);

/* A process that has left the walk and is not released this much later has gone without its release being seen. */
#define RELEASE_WAIT_NS (5 * NS_PER_S) /* hundreds of grace periods */

/*
 * Processes that are exiting and not counted yet: between the exit of their last thread and their last switch. Right
 * after `walk`: who is in neither has been counted. At most `max`; 0 or -errno (-ENOSPC: there are more). `ret_unseen`:
 * so many are gone without that having been seen (with --sched off alone), and are taken out: the caller counts them.
 */
int collect_exiting(struct collect *collect, uint32_t epoch, const struct walk *walk, struct boundary_process *rows,
		    size_t max, size_t *ret_n, uint64_t *ret_unseen);

/*
 * Adds those that were counted up to this epoch in a roll-up, and takes them out; after collect_synchronize_rcu() since
 * collect_exiting(), which gave the first *n rows. Then all are in order of pid and start, each once. At most `max`.
 */
int collect_exits_unreported(struct collect *collect, uint32_t epoch, struct boundary_process *rows, size_t max,
			     size_t *n);

/* Runs the kernel has skipped since the start, all programs (0 before Linux 5.12, which does not say). */
uint64_t collect_missed_runs(const struct collect *collect);

struct collect_program {
	const char *name, *attach; /* "on_switch", "tp_btf/sched_switch"; as long as the collect */
	bool is_wanted;		   /* 0: left out by the options */
	bool is_attached;
	int error;	       /* 0, or -errno: the values below could not be read */
	uint64_t misses;       /* runs skipped since the start; 0 before Linux 5.12 */
	uint64_t runs, run_ns; /* of the time that runs were counted; 0: never yet */
	int drops;	       /* enum LEDGER_field of events that found its ring full; negative: it sends none */
	const char *lack;      /* what is unknown of those; NULL */
};

size_t collect_n_programs(void);
void collect_program(const struct collect *collect, size_t i, struct collect_program *ret);

#endif
