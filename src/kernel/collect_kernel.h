/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of collect, shared by its files.
 */
#ifndef OBIT_KERNEL_COLLECT_KERNEL_H
#define OBIT_KERNEL_COLLECT_KERNEL_H

#include <stdbool.h>

#include "kernel/collect.h"

#include "obit.skel.h"

struct collect {
	struct obit_bpf *skel;
	enum ring_kind ring_kind;
	uint32_t ring_pages;
	struct perf_buffer *perf_rings; /* RING_PERF */
	struct ring_memory *ringbufs;	/* of each CPU; RING_PERF: of those that came online later; fd -1: none */
	bool *is_ringless;		/* of each CPU: events of it have found no ring */
	int n_cpus;			/* possible ones: per-CPU values have so many parts */
	struct counters counted[2];	/* as last read, for even and odd epochs */
	void *values;			/* room for one per-CPU value of any map here */
	struct runq *waited[2];		/* of each CPU as last read, for even and odd epochs */
	struct exiting *exiting;	/* room for a batch of the map's, and its keys */
	uint64_t *exiting_keys;
	struct reaped *reaped; /* collect_exiting.c: with --sched off, not released yet as far as is known */
	size_t n_reaped;
};

/* The i-th of programs.def. */
#define PROGRAM(name, ...) PROGRAM_##name,
enum {
#include "kernel/programs.def"
	N_PROGRAMS
};
_Static_assert(sizeof(((struct obit_bpf *)0)->progs) == N_PROGRAMS * sizeof(struct bpf_program *),
	       "programs.def has all");

struct bpf_program *collect_program_of(const struct collect *collect, size_t i);
struct bpf_link **collect_link_of(const struct collect *collect, size_t i);

/* Its name and what it is for. */
const char *program_name(size_t i);
const char *program_use(size_t i);

/* Before the programs are loaded: which kind, how large. */
void collect_rings_prepare(struct collect *collect, const struct collect_options *options);
int collect_rings_open(struct collect *collect);
void collect_rings_close(struct collect *collect);

/* With --sched off: exited, out of the walk, and not seen to be released. */
struct reaped {
	uint64_t key, start_boot_ns, since_boot_ns;
	uint32_t pid;
	bool is_there; /* in the map, this time */
};

int collect_exiting_init(struct collect *collect);
void collect_exiting_done(struct collect *collect);

int collect_maps_init(struct collect *collect);
void collect_maps_done(struct collect *collect);

#endif
