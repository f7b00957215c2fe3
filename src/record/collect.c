// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading, attaching and epochs. The rings stand in collect_rings.c, what is read out of maps in
 * collect_maps.c, the walk in collect_walk.c, what is read of the programs in collect_programs.c.
 */
#define _GNU_SOURCE
#include "record/collect.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "record/collect_kernel.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define TOLD_MIN   32768u /* processes that the walk remembers having told of; 4 MB of the kernel's */

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int print_all(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

/* Four times what lives now: a map that is too small forgets, and then every walk tells all anew. */
static uint32_t told_entries(void)
{
	struct sysinfo host;
	uint32_t entries = TOLD_MIN;

	while (sysinfo(&host) == 0 && entries < 4u * host.procs)
		entries *= 2;
	return entries;
}

static void fit_to_options(struct collect *collect, const struct collect_options *options)
{
	struct obit_bpf *skel = collect->skel;
	int is_on = options->sched != SCHED_OFF;

	skel->rodata->sched_on = is_on;
	skel->rodata->delays_on = is_on;
	skel->rodata->blocks_on = options->sched == SCHED_FULL;
	skel->rodata->threads_on = options->threads_on;
	bpf_program__set_autoload(skel->progs.on_switch, is_on);
	bpf_map__set_max_entries(skel->maps.told, told_entries());
	/* What a mode has no use for stays empty. */
	bpf_map__set_max_entries(is_on ? skel->maps.ending : skel->maps.marks, 1);
	if (!is_on)
		bpf_map__set_max_entries(skel->maps.waits, 1);
	if (!options->threads_on)
		bpf_map__set_max_entries(skel->maps.threads_told, 1);
	if (options->sched != SCHED_FULL)
		bpf_map__set_max_entries(skel->maps.sleepers, 1);
}

static int attach(struct collect *collect, const char **what)
{
	int r;

	*what = "attaching the programs";
	r = obit_bpf__attach(collect->skel);
	if (r < 0)
		return r;
	*what = "the walk over all tasks (iter/task)";
	return collect->skel->links.walk ? 0 : -EOPNOTSUPP;
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

void collect_begin_epoch(struct collect *collect, uint32_t epoch, uint64_t edge_boot_ns)
{
	/* The edge first: a program that sees the epoch must see its edge. */
	__atomic_store_n(&collect->skel->bss->edge_ns[epoch & 1], edge_boot_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&collect->skel->bss->epoch, epoch, __ATOMIC_SEQ_CST);
}

void collect_settle(struct collect *collect)
{
	(void)collect;
	/*
	 * MEMBARRIER_CMD_GLOBAL is synchronize_rcu(), and programs run in RCU read sections. It does nothing
	 * on a single CPU and refuses on one with nohz_full: there a grace period is waited out by time.
	 */
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		usleep(50000);
}

void collect_set_adopting(struct collect *collect, int adopting)
{
	collect->skel->bss->adopting = adopting;
	if (!adopting)
		collect->skel->bss->witness_on = 1;
}
