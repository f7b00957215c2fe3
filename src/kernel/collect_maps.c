// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading counters, roll-ups and boundary processes out of their maps. Everything here belongs to an epoch that no
 * program runs under any more, so nothing changes while it is read.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/collect_kernel.h"

/* All __u64, so that they can be added and subtracted as arrays. */
#define N_WORDS(type) (sizeof(type) / sizeof(uint64_t))
_Static_assert(sizeof(struct counters) % 8 == 0 && sizeof(struct rollup) % 8 == 0, "per-CPU values are packed");

int collect_maps_init(struct collect *collect)
{
	size_t largest = sizeof(struct rollup) > sizeof(struct runq) ? sizeof(struct rollup) : sizeof(struct runq);

	collect->values = calloc((size_t)collect->n_cpus, largest);
	for (int i = 0; i < 2; i++)
		collect->waited[i] = calloc((size_t)collect->n_cpus, sizeof(struct runq));
	return collect->values && collect->waited[0] && collect->waited[1] ? collect_exiting_init(collect) : -ENOMEM;
}

void collect_maps_done(struct collect *collect)
{
	free(collect->values);
	free(collect->waited[0]);
	free(collect->waited[1]);
	collect_exiting_done(collect);
}

static void add_words(void *to, const void *from, size_t n)
{
	uint64_t *sum = to;
	const uint64_t *more = from;

	for (size_t i = 0; i < n; i++)
		sum[i] += more[i];
}

int collect_counters(struct collect *collect, uint32_t epoch, struct counters *ret)
{
	struct counters now = {0}, *before = &collect->counted[epoch & 1];
	const struct counters *of_cpu = collect->values;
	uint32_t key = epoch & 1;

	if (bpf_map_lookup_elem(bpf_map__fd(collect->skel->maps.counts), &key, collect->values) < 0)
		return -errno;
	for (int cpu = 0; cpu < collect->n_cpus; cpu++) {
		add_words(&now, &of_cpu[cpu], N_WORDS(now));
		collect->is_ringless[cpu] |= of_cpu[cpu].no_ring != 0;
	}
	for (size_t i = 0; i < N_WORDS(now); i++)
		((uint64_t *)ret)[i] = ((uint64_t *)&now)[i] - ((uint64_t *)before)[i];
	*before = now;
	return 0;
}

size_t collect_max_runq(const struct collect *collect)
{
	return (size_t)collect->n_cpus * RUNQ_BUCKETS;
}

int collect_runq(struct collect *collect, uint32_t epoch, struct runq_row *rows, size_t max, size_t *ret_n)
{
	struct runq *before = collect->waited[epoch & 1];
	const struct runq *now = collect->values;
	uint32_t key = epoch & 1;
	size_t n = 0;

	*ret_n = 0;
	if (!collect->skel->rodata->delays_on)
		return 0;
	if (bpf_map_lookup_elem(bpf_map__fd(collect->skel->maps.runq), &key, collect->values) < 0)
		return -errno;
	for (int cpu = 0; cpu < collect->n_cpus; cpu++) {
		for (uint32_t i = 0; i < RUNQ_BUCKETS && n < max; i++)
			if (now[cpu].switches[i] != before[cpu].switches[i])
				rows[n++] = (struct runq_row){
					.cpu = (uint32_t)cpu,
					.bucket = i,
					.switches = now[cpu].switches[i] - before[cpu].switches[i],
				};
		before[cpu] = now[cpu];
	}
	*ret_n = n;
	return 0;
}

static void sum_rollup(const struct collect *collect, struct rollup *ret)
{
	const struct rollup *of_cpu = collect->values;
	uint64_t max_rss_pages = 0;

	memset(ret, 0, sizeof(*ret));
	for (int cpu = 0; cpu < collect->n_cpus; cpu++) {
		add_words(ret, &of_cpu[cpu], N_WORDS(*ret));
		if (of_cpu[cpu].max_rss_pages > max_rss_pages)
			max_rss_pages = of_cpu[cpu].max_rss_pages;
	}
	ret->max_rss_pages = max_rss_pages;
}

size_t collect_max_rollups(const struct collect *collect)
{
	return bpf_map__max_entries(collect->skel->maps.rollups_even) + 1;
}

/* The entry for all that found no room: read, and set to zero. */
static int take_other(struct collect *collect, uint32_t epoch, struct rollup_row *ret)
{
	int fd = bpf_map__fd(collect->skel->maps.rollup_other);
	uint32_t key = epoch & 1;

	if (bpf_map_lookup_elem(fd, &key, collect->values) < 0)
		return -errno;
	memset(ret, 0, sizeof(*ret));
	sum_rollup(collect, &ret->sum);
	ret->is_other = 1;
	memset(collect->values, 0, (size_t)collect->n_cpus * sizeof(struct rollup));
	return bpf_map_update_elem(fd, &key, collect->values, BPF_ANY) < 0 ? -errno : 0;
}

int collect_rollups(struct collect *collect, uint32_t epoch, struct rollup_row *rows, size_t max, size_t *ret_n)
{
	int fd = bpf_map__fd(epoch & 1 ? collect->skel->maps.rollups_odd : collect->skel->maps.rollups_even);
	struct rollup_row other;
	struct rollup_key key;
	size_t n = 0;
	int r;

	while (n < max && bpf_map_get_next_key(fd, NULL, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, collect->values) < 0)
			return -errno;
		rows[n] = (struct rollup_row){.key = key};
		sum_rollup(collect, &rows[n].sum);
		n++;
		if (bpf_map_delete_elem(fd, &key) < 0)
			return -errno;
	}
	r = take_other(collect, epoch, &other);
	if (r < 0)
		return r;
	if (n < max && (other.sum.exits || other.sum.amendments))
		rows[n++] = other;
	*ret_n = n;
	return 0;
}

/* Moves the keys of a map of boundary processes up to the epoch into rows. */
static size_t take_boundary_processes(int fd, uint32_t epoch, struct boundary_process *rows, size_t max)
{
	struct boundary_process key, next;
	size_t n = 0;
	int more = bpf_map_get_next_key(fd, NULL, &key) == 0;

	while (more && n < max) {
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (key.epoch <= epoch) {
			rows[n++] = key;
			bpf_map_delete_elem(fd, &key);
		}
		key = next;
	}
	return n;
}

int collect_births_late(struct collect *collect, uint32_t epoch, struct boundary_process *rows, size_t max,
			size_t *ret_n)
{
	*ret_n = take_boundary_processes(bpf_map__fd(collect->skel->maps.births_late), epoch, rows, max);
	return 0;
}

static int compare_boundary_processes(const void *a, const void *b)
{
	const struct boundary_process *one = a, *other = b;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	if (one->start_boot_ns != other->start_boot_ns)
		return one->start_boot_ns < other->start_boot_ns ? -1 : 1;
	return 0;
}

int collect_exits_unreported(struct collect *collect, uint32_t epoch, struct boundary_process *rows, size_t max,
			     size_t *n)
{
	size_t all = *n, kept = 0;

	all += take_boundary_processes(bpf_map__fd(collect->skel->maps.deaths_unrecorded), epoch, rows + all,
				       max - all);
	qsort(rows, all, sizeof(*rows), compare_boundary_processes);
	for (size_t i = 0; i < all; i++)
		if (!kept || compare_boundary_processes(&rows[kept - 1], &rows[i]) != 0)
			rows[kept++] = rows[i];
	*n = kept;
	return 0;
}
