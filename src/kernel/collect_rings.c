// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rings that the programs write to, one for each CPU: perf ring buffers, or BPF ring buffers, which are
 * maps of their own inside an array of maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/collect_kernel.h"
#include "model/limits.h"

#define WAKE_SHARE 4 /* of a ring's bytes: then the drain is woken; an event is far cheaper than a wakeup */

/* A share of RINGS_BYTES for each CPU, as a power of two of pages. */
static uint32_t default_pages(long n_cpus, long page_bytes)
{
	uint32_t share = (uint32_t)(RINGS_BYTES / (n_cpus * page_bytes)), pages = RING_PAGES_MIN;

	while (pages * 2 <= share && pages < RING_PAGES_MAX)
		pages *= 2;
	return pages;
}

static uint32_t ring_bytes(const struct collect *collect)
{
	return collect->ring_pages * (uint32_t)sysconf(_SC_PAGESIZE);
}

/* Never called: the rings are read in place. */
static enum bpf_perf_event_ret no_event(void *ctx, int cpu, struct perf_event_header *event)
{
	(void)ctx, (void)cpu, (void)event;
	return LIBBPF_PERF_EVENT_CONT;
}

static int open_perf_rings(struct collect *collect)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = ring_bytes(collect) / WAKE_SHARE,
	};

	collect->perf_rings = perf_buffer__new_raw(bpf_map__fd(collect->skel->maps.events), collect->ring_pages, &attr,
						   no_event, NULL, NULL);
	return collect->perf_rings ? 0 : -errno;
}

/* A page for each side's position, then the data, twice. */
static int map_ringbuf(struct ring_memory *ring, uint32_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *control = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	void *producer = mmap(NULL, page + 2 * (size_t)bytes, PROT_READ, MAP_SHARED, ring->fd, (off_t)page);

	ring->control = control == MAP_FAILED ? NULL : control;
	ring->producer = producer == MAP_FAILED ? NULL : producer;
	ring->data = (char *)producer + page;
	ring->bytes = bytes;
	return ring->control && ring->producer ? 0 : -ENOMEM;
}

static void close_ringbuf(struct ring_memory *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (ring->control)
		munmap(ring->control, page);
	if (ring->producer)
		munmap((void *)ring->producer, page + 2 * ring->bytes);
	if (ring->fd >= 0)
		close(ring->fd);
	*ring = (struct ring_memory){.kind = RING_BPF, .fd = -1};
}

static int open_ringbuf(struct collect *collect, uint32_t cpu)
{
	struct ring_memory *ring = &collect->ringbufs[cpu];
	int r;

	ring->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ringbuf", 0, 0, ring_bytes(collect), NULL);
	if (ring->fd < 0)
		return -errno;
	r = map_ringbuf(ring, ring_bytes(collect));
	if (r == 0 && bpf_map_update_elem(bpf_map__fd(collect->skel->maps.ringbufs), &cpu, &ring->fd, BPF_ANY) < 0)
		r = -errno;
	if (r < 0)
		close_ringbuf(ring);
	return r;
}

static int open_ringbufs(struct collect *collect)
{
	int r = 0;

	for (uint32_t cpu = 0; r == 0 && cpu < (uint32_t)collect->n_cpus; cpu++)
		r = open_ringbuf(collect, cpu);
	return r;
}

void collect_rings_prepare(struct collect *collect, const struct collect_options *options)
{
	int is_bpf = options->ring_kind == RING_BPF;

	collect->ring_kind = options->ring_kind;
	collect->ring_pages = options->ring_pages;
	if (!collect->ring_pages)
		collect->ring_pages = default_pages(collect->n_cpus, sysconf(_SC_PAGESIZE));
	collect->skel->rodata->use_ringbuf = is_bpf;
	collect->skel->rodata->wake_bytes = ring_bytes(collect) / WAKE_SHARE;
	bpf_map__set_max_entries(collect->skel->maps.ringbufs, (uint32_t)collect->n_cpus);
}

int collect_rings_open(struct collect *collect)
{
	collect->ringbufs = calloc((size_t)collect->n_cpus, sizeof(*collect->ringbufs));
	collect->is_ringless = calloc((size_t)collect->n_cpus, sizeof(*collect->is_ringless));
	if (!collect->ringbufs || !collect->is_ringless)
		return -ENOMEM;
	for (int cpu = 0; cpu < collect->n_cpus; cpu++)
		collect->ringbufs[cpu] = (struct ring_memory){.kind = RING_BPF, .fd = -1};
	return collect->ring_kind == RING_BPF ? open_ringbufs(collect) : open_perf_rings(collect);
}

int collect_late_ring(struct collect *collect, struct ring_memory *ret, int *ret_cpu)
{
	for (int cpu = 0; cpu < collect->n_cpus; cpu++) {
		int r;

		if (!collect->is_ringless[cpu] || collect->ringbufs[cpu].fd >= 0)
			continue;
		collect->is_ringless[cpu] = false;
		r = open_ringbuf(collect, (uint32_t)cpu);
		*ret = collect->ringbufs[cpu];
		*ret_cpu = cpu;
		return r < 0 ? r : 1;
	}
	return 0;
}

void collect_rings_close(struct collect *collect)
{
	perf_buffer__free(collect->perf_rings);
	for (int cpu = 0; collect->ringbufs && cpu < collect->n_cpus; cpu++)
		close_ringbuf(&collect->ringbufs[cpu]);
	free(collect->ringbufs);
	free(collect->is_ringless);
}

unsigned collect_n_rings(const struct collect *collect)
{
	return collect->ring_kind == RING_BPF ? (unsigned)collect->n_cpus
					      : (unsigned)perf_buffer__buffer_cnt(collect->perf_rings);
}

unsigned collect_max_rings(const struct collect *collect)
{
	return collect_n_rings(collect) + (collect->ring_kind == RING_BPF ? 0 : (unsigned)collect->n_cpus);
}

struct ring_memory collect_ring(const struct collect *collect, unsigned i)
{
	struct ring_memory ring = {.kind = RING_PERF};

	if (collect->ring_kind == RING_BPF)
		return collect->ringbufs[i];
	ring.fd = perf_buffer__buffer_fd(collect->perf_rings, i);
	perf_buffer__buffer(collect->perf_rings, (int)i, &ring.control, &ring.bytes);
	ring.data = (char *)ring.control + sysconf(_SC_PAGESIZE);
	return ring;
}
