/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulator: from a seed, a whole history of a host and of the agents that watched it. Everything that
 * decides is drawn from one generator; there is one thread, no clock and no identity of the machine in it, so
 * that a seed is a history.
 *
 *   plan.c      what kind of history a seed is: CPUs, rings, room, misses, disk
 *   life.c      the model kernel: processes, threads, pids, from fork to free
 *   programs.c  what bpf/ does when life.c passes its tracepoints: counters, rings, roll-ups, boundary processes, walk
 *   maps.c      those programs' rings and maps, as collect.c sees them
 *   history.c   the truth: what happened, counted apart from the programs; what a row must say
 *   rows.c      chunks as they leave the ledger, against that truth
 *   watch.c     the agent's rollover of intervals, on the real rings, drain, ledger and writer
 *   disk.c      a disk that writes short, fails, is torn
 *   audit.c     the store read back, against what was written and against the ledger
 *   main.c      seeds, options, self-test
 */
#ifndef OBIT_SIMULATE_H
#define OBIT_SIMULATE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/types.h>

#include "bpf/event.h"
#include "ledger/by_thread.h"
#include "ledger/chunk.h"
#include "kernel/drain.h"
#include "ledger/ledger.h"
#include "model/limits.h"
#include "kernel/queue.h"
#include "kernel/ring.h"
#include "model/snapshot.h"
#include "store/reader.h"
#include "store/writer_inside.h"

#define PAGE_BYTES    4096u
#define MAX_CPUS      8
#define MAX_ROLLUPS   1024
#define MAX_BOUNDARY  4096
#define NO_EPOCH      UINT32_MAX
#define BEFORE_LEDGER 0u

/* --- chance: splitmix64 (Steele, Lea, Flood 2014) ---------------------------------------------------------- */
struct chance {
	uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
	uint64_t x = (chance->state += 0x9e3779b97f4a7c15ULL);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* 0 to n - 1. */
static inline uint64_t chance_below(struct chance *chance, uint64_t n)
{
	return n ? chance_next(chance) % n : 0;
}

/* Yes, so many times in a thousand. */
static inline int chance_is(struct chance *chance, unsigned per_mille)
{
	return chance_below(chance, 1000) < per_mille;
}

/* A number whose order of magnitude is drawn first. */
static inline uint64_t chance_scaled(struct chance *chance, unsigned bits)
{
	uint64_t mask = (1ULL << chance_below(chance, bits + 1)) - 1;

	return chance_next(chance) & mask;
}

/* --- what kind of history ---------------------------------------------------------------------------------- */
struct plan {
	uint64_t events; /* ends when so many have been reported by the programs */
	unsigned n_cpus;
	uint32_t ring_bytes;
	unsigned population; /* around which it breathes */
	int sched_on;
	uint32_t max_rollups, max_boundary, max_exiting, max_leaderless;
	uint32_t max_processes;						    /* of the ledger */
	unsigned miss_fork, miss_exec, miss_signal, miss_switch, miss_free; /* per 1000 runs */
	unsigned idle_drain;						    /* per 1000: the drain does not come by */
	unsigned slow_argv;    /* per 1000 images with arguments of up to 4 KiB */
	unsigned long_cgroups; /* per 1000 cgroups with a path of up to 1 KiB */
	unsigned n_cgroups, n_comms;
	unsigned steps_per_interval;
	unsigned steps_per_stage; /* of a rollover: while it waits for programs, walks, reads, waits */
	unsigned late_stamps;	  /* per 1000 events, stamped up to 4 ms before they are written */
	unsigned clock_steps;	  /* per 1000 intervals */
	unsigned crashes;	  /* per 1000 intervals */
	unsigned power_cuts;	  /* per 1000 crashes */
	unsigned disk_errors;	  /* per 1000 calls */
	uint64_t segment_bytes;
	int fsync_each_interval, is_sealing;
};

void plan_draw(struct plan *plan, struct chance *chance, uint64_t events);

/* May the invariants be broken, and identity be lost beyond what order explains? Then it must be said. */
int plan_has_misses(const struct plan *plan);
int plan_is_tight(const struct plan *plan);

/* --- processes --------------------------------------------------------------------------------------------- */
enum stage {
	STAGE_STAMPED, /* has a start, is in no list */
	STAGE_NEW,     /* in the list, its fork not reported */
	STAGE_TOLD,    /* ... reported, not yet running */
	STAGE_RUNNING,
	STAGE_ENDING, /* all its threads are on their way out */
	STAGE_FREED,
};

enum { REPORTED_BY_NONE, REPORTED_BY_RING, REPORTED_BY_ROLLUP };

struct sender {
	uint32_t signal, pid, uid;
	char comm[OBIT_COMM_LEN];
};

struct sample {
	uint64_t threads;
	struct by_thread own;
};

struct process_lifetime {
	uint32_t index, pid;
	uint64_t start_boot_ns, least_stamp_ns;
	enum stage stage;
	struct process_lifetime *parent;
	uint32_t n_forking;  /* children on their way: until they are reported, it can neither exec nor end */
	uint32_t n_others;   /* threads beside the leader, in nr_threads */
	uint32_t n_released; /* ... folded into the process, not yet switched out */
	uint8_t is_leader_out, is_reaped, is_freed, is_kthread, has_execed, is_reported_in_vain;
	uint8_t is_noted, is_counted, is_leaderless; /* in the programs' maps: `exiting`, and counted there; orphans */
	uint8_t died_unwatched;
	uint32_t image; /* of its last exec; 0: the first of all */
	uint32_t image_flags;
	uint32_t least_epoch; /* programs that run for it do so under no older one */
	char comm[OBIT_COMM_LEN];
	uint64_t cgroup_id;
	struct sample own;		   /* the leader's */
	struct event_exit end;		   /* the truth of its end */
	struct sender killer;		   /* signal 0: none */
	uint32_t birth_epoch, death_epoch; /* counted in; NO_EPOCH: not */
	uint8_t reported_by;

	/* What the ledger has heard so far (history.c). */
	uint32_t said, heard, parent_said; /* numbers of events, to see what was lost or overtaken */
	uint8_t is_excused;		   /* its identity may be wrong or lost: something was */
	uint8_t is_known, is_before_agent, has_image, is_scanned_empty, is_exit_heard, has_row_left;
	uint32_t heard_flags, epoch_heard;
	struct sample pending, in_row;
	int64_t row_offset_ns, known_offset_ns; /* the clock's when its row was made, and when it was heard of first */
};

struct rollup_entry {
	struct rollup_key key;
	struct rollup sum;
};

struct cpu_ring {
	char *memory; /* control page and data */
	uint64_t head, lost;
};

struct world {
	struct chance chance;
	const struct plan *plan;
	struct history *history;
	uint64_t boot_ns;
	int64_t real_minus_boot_ns;
	uint64_t n_events, n_steps;

	struct process_lifetime **all;
	uint32_t n_all, all_capacity;
	struct process_lifetime **live; /* not yet freed */
	uint32_t n_live, live_capacity;
	uint32_t next_pid, max_pid;
	struct process_lifetime **by_pid;
	uint32_t n_images;
	unsigned bias; /* of births over deaths, per 1000 */

	/* the programs' state */
	enum attached {
		ATTACHED_NONE,
		ATTACHED_FORK,
		ATTACHED_SWITCH,
		ATTACHED_ALL
	} attached; /* as collect.c does it */
	int is_adopting, is_settling;
	uint64_t announced_since_boot_ns;
	uint32_t epoch;
	uint64_t boundary_ns[2];
	struct counters counts[2], counted[2];
	struct rollup_entry *rolled[2];
	size_t n_rolled[2];
	struct rollup other[2];
	struct boundary_process *births_late, *deaths_unrecorded;
	size_t n_births_late, n_deaths_unrecorded;
	uint32_t n_noted, n_leaderless;
	uint64_t missed_runs;
	struct cpu_ring rings[MAX_CPUS];
	int sabotage; /* self-test: what to get wrong, once */
};

/* plan.c: what an image and a cgroup look like; returns lengths. */
size_t image_exe(uint32_t image, char *to);
size_t image_argv(uint32_t image, const struct plan *plan, char *to);
size_t cgroup_path_of(uint64_t id, const struct plan *plan, char *to); /* 0: nobody knows it */

/* life.c */
void world_init(struct world *world, const struct plan *plan, uint64_t seed, struct history *history);
void world_done(struct world *world);
void world_boot(struct world *world); /* nothing is left of what was before */
void world_step(struct world *world);
void world_steps(struct world *world, unsigned n);
void world_grace(struct world *world);
void world_quiet(struct world *world); /* until nothing is on its way */

/* programs.c: at the tracepoints */
void on_fork(struct world *world, struct process_lifetime *child);
void on_exec(struct world *world, struct process_lifetime *process);
void on_signal(struct world *world, struct process_lifetime *to, const struct sender *from);
void on_cgroup(struct world *world, uint64_t id);
void on_live_zero(struct world *world, struct process_lifetime *process);
void on_reaped(struct world *world, struct process_lifetime *process); /* no tracepoint: of what is out of sight then */
void on_thread_switch(struct world *world, struct process_lifetime *process, const struct sample *sample);
void on_leader_switch(struct world *world, struct process_lifetime *process);
void on_thread_free(struct world *world, struct process_lifetime *process, const struct sample *sample);
void on_free(struct world *world, struct process_lifetime *process);

/* ... and what collect.c asks of them */
int programs_init(struct world *world);
void programs_done(struct world *world);
void programs_attach(struct world *world, enum attached attached);
void programs_detach(struct world *world);
void programs_begin_epoch(struct world *world, uint32_t epoch, uint64_t boundary_boot_ns);
/* What the iterator finds next, and holds; NULL: the walk is over. Then what the program makes of it, maybe later. */
struct process_lifetime *programs_walk_next(struct world *world, uint32_t *cursor);
int programs_walk_one(struct world *world, struct process_lifetime *process,
		      struct walk_row *ret); /* 1: a row; 0: none */
void programs_counters(struct world *world, uint32_t epoch, struct counters *ret);
size_t programs_rollups(struct world *world, uint32_t epoch, struct rollup_row *rows);
size_t programs_births_late(struct world *world, uint32_t epoch, struct boundary_process *rows);
size_t programs_exiting(struct world *world, uint32_t epoch, struct boundary_process *rows);
size_t programs_exits_unreported(struct world *world, uint32_t epoch, struct boundary_process *rows, size_t n);

/* --- the truth --------------------------------------------------------------------------------------------- */
struct sums {
	uint64_t exits, failed, max_rss_pages;
	uint64_t by_key_exits, by_key_cpu; /* weighted by a hash of comm and cgroup */
	struct costs costs;
};

struct epoch_truth {
	struct counters counters;
	uint64_t births, deaths; /* the difference is what the closing may change by */
	struct sums rolled;
	struct sums rows;		 /* of rollups, as they left */
	struct process_lifetime **exits; /* in the order in which the ledger heard of them */
	uint32_t n_exits, exits_capacity, n_left;
	uint64_t threads_reported;	      /* by event */
	uint64_t amendments, amendments_late; /* heard */
	uint64_t closing;		      /* by truth */
	uint64_t closing_said, begin_real_ns;
	int is_sealed;
};

struct written {
	uint64_t digest, number;
	int is_last, is_broken, run;
	int is_durable, is_lost, is_read, is_pending; /* pending: given to the writer, which failed so far */
	uint64_t end_real_ns;
	uint64_t inode, generation, end; /* where in the file it ends */
};

struct history {
	int64_t offset_ns; /* that the ledger goes by */
	const struct plan *plan;
	struct world *world;
	struct epoch_truth *epochs; /* of the running run */
	uint32_t n_epochs, epochs_capacity;
	uint64_t alive_at_attach;
	struct process_lifetime **known; /* to the ledger, and not heard to have ended */
	uint32_t n_known, known_capacity;
	uint32_t boot_first;		       /* of world->all: since this boot */
	uint64_t missed_births, missed_deaths; /* since the ledger is open */
	int run;

	struct written *written; /* of all runs, in order */
	size_t n_written, written_capacity;

	uint64_t n_exits, n_rolled, n_intervals, n_excused, n_crashes, n_cuts, n_late, n_broken; /* counts */
	uint64_t digest;
	char failure[512]; /* the first; empty: none */
};

void history_init(struct history *history, const struct plan *plan);
void history_done(struct history *history);
void history_begin_run(struct history *history, struct world *world);
struct epoch_truth *history_epoch(struct history *history, uint32_t epoch);
__attribute__((format(printf, 2, 3))) void history_fail(struct history *history, const char *format, ...);

/* Reported by programs.c beside what the programs do themselves. */
void history_birth(struct history *history, struct process_lifetime *process, uint32_t epoch);
void history_death(struct history *history, struct process_lifetime *process, uint32_t epoch, int reported_by);
void history_unwatched(struct history *history, struct process_lifetime *process); /* nobody will count its end */
void history_thread_rolled(struct history *history, const struct event_thread *event);
void history_exit_rolled(struct history *history, const struct process_lifetime *process);

/* What the ledger hears, before and after it does. */
void history_add_existing(struct history *history, struct process_lifetime *process, int is_empty);
void history_hear(struct history *history, const void *event);
void history_heard(struct history *history, const void *event);
void history_before_seal(struct history *history, const struct snapshot *snapshot);

/* A chunk leaves the ledger: each row against the truth. */
/* Returns whether it closes an interval whose invariant does not hold. */
int history_check_chunk(struct history *history, const struct chunk *chunk);
uint64_t blocks_digest(struct block *const *blocks, size_t n);
uint64_t history_key(const char *comm, size_t comm_len, const char *cgroup, size_t cgroup_len);
struct process_lifetime *history_find(struct history *history, uint32_t pid, uint64_t start_boot_ns);

/* --- disk.c ------------------------------------------------------------------------------------------------ */
struct disk {
	struct chance chance;
	unsigned errors;     /* per 1000 calls */
	int has_exited;	     /* the agent was killed */
	unsigned n_headless; /* segments torn inside their header */
	int is_rotten;	     /* self-test: turns a bit, once */
	int is_sealing;
	int64_t dies_after_bytes; /* below 0: it does not */
	struct disk_file {
		uint64_t inode, generation, size, synced;
	} * files;
	size_t n_files, capacity;
};

extern const struct file_calls disk_calls;

void disk_use(struct disk *disk); /* disk_calls work on this one */
void disk_done(struct disk *disk);
/* Where the running segment's bytes end now. */
void disk_locate(const struct disk *disk, const char *dir, struct written *ret);
int disk_is_kept(const struct disk *disk, const struct written *written);
/* What was not synced is cut off somewhere, and rubbish may stand there. Returns 0 or -errno. */
int disk_cut_power(struct disk *disk, const char *dir);
int disk_remove_all(const char *dir);

/* --- watch.c, audit.c -------------------------------------------------------------------------------------- */
struct simulation {
	struct plan plan;
	struct world world;
	struct history history;
	struct disk disk;
	const char *dir;
	char boot_id[40];
	unsigned n_boots;
	struct chunk *chunks[CHUNKS]; /* of whichever agent there is */
};

/* Runs agents until the plan's events are over. */
void watch_all(struct simulation *simulation);

/* Reads the store: exactly what was written and not lost, in order, and a ledger that says what it must. */
enum { AUDIT_TORN = 1, AUDIT_DAMAGED = 2 }; /* what the disk may show */
void audit_store(struct simulation *simulation, int allowed);

#endif
