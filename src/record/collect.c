// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading, attaching, epochs and the walk. What is read out of maps stands in collect_maps.c, what of
 * the programs in collect_programs.c.
 */
#define _GNU_SOURCE
#include "record/collect.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/collect_kernel.h"
#include "record/limits.h"

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int print_all(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

/* A share of RINGS_BYTES for each CPU, as a power of two of pages. */
static uint32_t default_pages(long n_cpus, long page_bytes)
{
	uint32_t share = (uint32_t)(RINGS_BYTES / (n_cpus * page_bytes)), pages = RING_PAGES_MIN;

	while (pages * 2 <= share && pages < RING_PAGES_MAX)
		pages *= 2;
	return pages;
}

/* Never called: the rings are read in place. */
static enum bpf_perf_event_ret no_event(void *ctx, int cpu, struct perf_event_header *event)
{
	(void)ctx, (void)cpu, (void)event;
	return LIBBPF_PERF_EVENT_CONT;
}

static int open_rings(struct collect *collect, uint32_t pages)
{
	long page_bytes = sysconf(_SC_PAGESIZE);
	/* Woken by bytes, not by events: a wakeup costs many times an event. */
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = (uint32_t)(pages * page_bytes / 4),
	};

	collect->rings = perf_buffer__new_raw(bpf_map__fd(collect->skel->maps.events), pages, &attr, no_event, NULL,
					      NULL);
	return collect->rings ? 0 : -errno;
}

static void fit_to_options(struct collect *collect, const struct collect_options *options)
{
	collect->skel->rodata->sched_on = options->sched_on;
	bpf_program__set_autoload(collect->skel->progs.on_switch, options->sched_on);
	/* Each mode leaves the other's map empty. */
	bpf_map__set_max_entries(options->sched_on ? collect->skel->maps.ending : collect->skel->maps.marks, 1);
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
	struct collect *collect = calloc(1, sizeof(*collect));
	const char *what = "memory";
	uint32_t pages = options->ring_pages;
	int r = -ENOMEM;

	if (!collect)
		goto out;
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(options->is_verbose ? print_all : print_nothing);
	collect->n_cpus = libbpf_num_possible_cpus();
	if (!pages)
		pages = default_pages(collect->n_cpus, sysconf(_SC_PAGESIZE));
	what = "the kernel's type information (/sys/kernel/btf/vmlinux)";
	r = -EOPNOTSUPP;
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		goto out;
	what = "opening the BPF programs";
	r = -ENOMEM;
	collect->skel = obit_bpf__open();
	if (!collect->skel)
		goto out;
	fit_to_options(collect, options);
	what = "loading the BPF programs";
	r = obit_bpf__load(collect->skel);
	if (r < 0)
		goto out;
	what = "the perf rings";
	r = open_rings(collect, pages);
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
	collect_measure(collect, 0);
	perf_buffer__free(collect->rings);
	obit_bpf__destroy(collect->skel);
	collect_maps_done(collect);
	free(collect);
}

unsigned collect_n_rings(const struct collect *collect)
{
	return (unsigned)perf_buffer__buffer_cnt(collect->rings);
}

struct collect_ring collect_ring(const struct collect *collect, unsigned i)
{
	struct collect_ring ring = {.fd = perf_buffer__buffer_fd(collect->rings, i)};

	perf_buffer__buffer(collect->rings, (int)i, &ring.base, &ring.bytes);
	return ring;
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

int collect_walk(struct collect *collect, struct walk_row **rows, size_t *capacity, size_t *ret_n)
{
	int fd = bpf_iter_create(bpf_link__fd(collect->skel->links.walk));
	size_t used = 0, room;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		room = *capacity * sizeof(**rows);
		if (room - used < (64u << 10)) {
			struct walk_row *more = realloc(*rows, room + (256u << 10));

			if (!more) {
				n = -ENOMEM;
				break;
			}
			*rows = more;
			*capacity = (room + (256u << 10)) / sizeof(**rows);
			room = *capacity * sizeof(**rows);
		}
		n = read(fd, (char *)*rows + used, room - used);
		if (n < 0)
			n = -errno;
		else
			used += (size_t)n;
	} while (n > 0 || n == -EINTR || n == -EAGAIN);
	close(fd);
	if (n < 0)
		return (int)n;
	*ret_n = used / sizeof(**rows);
	return 0;
}
