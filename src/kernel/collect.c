// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading, attaching and epochs. The rings stand in collect_rings.c, what is read out of maps in
 * collect_maps.c, the walk in collect_walk.c, what is read of the programs in collect_programs.c.
 */
#define _GNU_SOURCE
#include "kernel/collect.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/collect_kernel.h"
#include "model/limits.h"

/* For what CPUs' clocks may differ by. */
#define BOUNDARY_AHEAD_NS NS_PER_MS
#define KERNEL_BTF	  "/sys/kernel/btf/vmlinux"
#define LAST_REPORTED_MIN 32768u      /* processes that the walk remembers having reported; 4 MB of the kernel's */
#define ROLLUPS_BYTES	  (16u << 20) /* of the kernel's; 1,024 names up to 45 CPUs, 182 with 256 */
#define ROLLUPS_LEAST	  64u
#define WAITS_MIN	  16384u
#define EXITING_MIN	  16384u /* exited and not yet freed: unreaped zombies, and those of a grace period or two */

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int print_all(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

/* Four times what lives now, or a share of what may live; at least `least`. */
static uint32_t entries_for_host(uint32_t least, uint32_t share)
{
	struct sysinfo host;
	uint32_t entries = least;

	while (entries < share || (sysinfo(&host) == 0 && entries < 4u * host.procs))
		entries *= 2;
	return entries;
}

/* Names with a roll-up of their own: each takes room on every CPU, twice. */
static uint32_t rollup_entries(int n_cpus)
{
	size_t entries = ROLLUPS_BYTES / (2 * sizeof(struct rollup) * (size_t)n_cpus);

	return entries > CHUNK_ROLLUP_ROWS ? CHUNK_ROLLUP_ROWS
	       : entries < ROLLUPS_LEAST   ? ROLLUPS_LEAST
					   : (uint32_t)entries;
}

static void fit_to_options(struct collect *collect, const struct collect_options *options)
{
	struct obit_bpf *skel = collect->skel;
	int is_on = options->sched != SCHED_OFF;

	skel->rodata->sched_on = is_on;
	skel->rodata->delays_on = is_on;
	skel->rodata->blocks_on = options->sched == SCHED_FULL;
	skel->rodata->threads_on = options->threads_on;
	skel->rodata->has_cgroup_v1 = options->has_cgroup_v1;
	bpf_program__set_autoload(skel->progs.on_switch, is_on);
	bpf_map__set_max_entries(skel->maps.rollups_even, rollup_entries(collect->n_cpus));
	bpf_map__set_max_entries(skel->maps.rollups_odd, rollup_entries(collect->n_cpus));
	/* When it is too small it forgets, and then every walk reports all anew. */
	bpf_map__set_max_entries(skel->maps.last_reported,
				 entries_for_host(LAST_REPORTED_MIN, options->max_processes / 4));
	bpf_map__set_max_entries(skel->maps.exiting, entries_for_host(EXITING_MIN, options->max_processes / 8));
	/* What a mode has no use for stays empty. */
	bpf_map__set_max_entries(skel->maps.waits, is_on ? entries_for_host(WAITS_MIN, options->max_processes / 8) : 1);
	if (!options->threads_on)
		bpf_map__set_max_entries(skel->maps.threads_reported, 1);
	if (options->sched != SCHED_FULL)
		bpf_map__set_max_entries(skel->maps.sleepers, 1);
}

static int attach(struct collect *collect, const char **what)
{
	struct obit_bpf *skel = collect->skel;

	*what = "attaching the programs";
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		struct bpf_program *program = collect_program_of(collect, i);
		struct bpf_link **link = collect_link_of(collect, i);

		if (!bpf_program__autoload(program))
			continue;
		if (program == skel->progs.walk)
			*what = "the walk over all tasks (iter/task)";
		*link = bpf_program__attach(program);
		if (!*link)
			return -errno;
		if (program == skel->progs.on_leave)
			__atomic_store_n(&skel->data->announced_since_boot_ns, clock_boot_ns(), __ATOMIC_SEQ_CST);
	}
	return 0;
}

int collect_open(const struct collect_options *options, struct collect **ret, const char **ret_what)
{
	/* Named, so that libbpf 1.1 does not look for the types of other kernels in all modules too: listing these
	 * takes CAP_SYS_ADMIN, and without it loading would fail. */
	LIBBPF_OPTS(bpf_object_open_opts, open_options, .btf_custom_path = KERNEL_BTF);
	struct collect *collect = calloc(1, sizeof(*collect));
	const char *what = "memory";
	int r = -ENOMEM;

	if (!collect)
		goto out;
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(options->is_verbose ? print_all : print_nothing);
	collect->n_cpus = libbpf_num_possible_cpus();
	what = "the kernel's type information (/sys/kernel/btf/vmlinux)";
	r = -EOPNOTSUPP;
	if (access(KERNEL_BTF, R_OK) < 0)
		goto out;
	what = "opening the BPF programs";
	r = -ENOMEM;
	collect->skel = obit_bpf__open_opts(&open_options);
	if (!collect->skel)
		goto out;
	fit_to_options(collect, options);
	collect_rings_prepare(collect, options);
	what = "loading the BPF programs";
	r = obit_bpf__load(collect->skel);
	if (r < 0)
		goto out;
	what = "the rings";
	r = collect_rings_open(collect);
	if (r < 0)
		goto out;
	what = "memory";
	r = collect_maps_init(collect);
	if (r < 0)
		goto out;
	r = attach(collect, &what);
	if (r < 0)
		goto out;
	*ret = collect;
	return 0;
out:
	if (ret_what)
		*ret_what = what;
	collect_close(collect);
	return r;
}

void collect_close(struct collect *collect)
{
	if (!collect)
		return;
	collect_rings_close(collect);
	obit_bpf__destroy(collect->skel);
	collect_maps_done(collect);
	free(collect);
}

void collect_set_boundary(struct collect *collect, uint32_t epoch, uint64_t boundary_boot_ns)
{
	__atomic_store_n(&collect->skel->bss->boundary_ns[epoch & 1], boundary_boot_ns, __ATOMIC_RELEASE);
}

uint64_t collect_begin_epoch(struct collect *collect, uint32_t epoch)
{
	uint64_t boundary_boot_ns;

	/*
	 * Every birth that was counted before must lie before the boundary. It was stamped before the epoch changed: so
	 * the clock is read after that, however long this thread has been away in between. Until the boundary is known
	 * all processes lie before it: more of them are named than must be.
	 */
	collect_set_boundary(collect, epoch, UINT64_MAX);
	__atomic_store_n(&collect->skel->bss->epoch, epoch, __ATOMIC_SEQ_CST);
	boundary_boot_ns = clock_boot_ns() + BOUNDARY_AHEAD_NS;
	collect_set_boundary(collect, epoch, boundary_boot_ns);
	return boundary_boot_ns;
}

int collect_synchronize_rcu(struct collect *collect)
{
	int inner = bpf_map__fd(collect->skel->maps.nothing);
	uint32_t key = 0;

	/*
	 * Programs run in RCU read sections. The kernel waits for a grace period before it returns from here, on any
	 * number of CPUs (1ae80cf31938 "bpf: wait for running BPF programs when updating map-in-map").
	 */
	return bpf_map_update_elem(bpf_map__fd(collect->skel->maps.grace), &key, &inner, BPF_ANY) < 0 ? -errno : 0;
}

void collect_set_initial_scan(struct collect *collect, int in_initial_scan)
{
	collect->skel->bss->in_initial_scan = in_initial_scan;
}
