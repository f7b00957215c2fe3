// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading a perf ring. A sample of bpf_perf_event_output() is
 *
 *   struct perf_event_header | u32 size | the program's bytes, padded so that the whole is a multiple of 8
 *
 * and may wrap round the end of the data.
 */
#include <linux/perf_event.h>
#include <string.h>

#include "kernel/ring_kinds.h"

#define SAMPLE_HEAD (sizeof(struct perf_event_header) + sizeof(uint32_t))

uint64_t ring_perf_head(const struct ring *ring)
{
	const struct perf_event_mmap_page *control = ring->memory.control;

	/* pairs with the kernel's barrier in perf_output_put_handle(): records before head are whole */
	return __atomic_load_n(&control->data_head, __ATOMIC_ACQUIRE);
}

uint64_t ring_perf_tail(const struct ring *ring)
{
	const struct perf_event_mmap_page *control = ring->memory.control;

	return control->data_tail;
}

void ring_perf_give_back(struct ring *ring)
{
	struct perf_event_mmap_page *control = ring->memory.control;

	/* pairs with the kernel's load of data_tail: it may write over what has been read */
	__atomic_store_n(&control->data_tail, ring->tail, __ATOMIC_RELEASE);
}

static void copy_out(const struct ring *ring, uint64_t position, void *to, size_t len)
{
	size_t size = ring->memory.bytes, offset = position & (size - 1);
	size_t first = size - offset < len ? size - offset : len;

	memcpy(to, ring->memory.data + offset, first);
	memcpy((char *)to + first, ring->memory.data, len - first);
}

const void *ring_perf_peek(struct ring *ring, uint32_t *ret_size)
{
	while (ring->head - ring->tail >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;
		uint64_t offset = ring->tail & (ring->memory.bytes - 1);
		uint32_t size;

		copy_out(ring, ring->tail, &header, sizeof(header));
		if (header.size < sizeof(header) || header.size > ring->head - ring->tail)
			break;
		/* LOST records come late and fall short: the programs count what did not fit. */
		if (header.type != PERF_RECORD_SAMPLE || header.size < SAMPLE_HEAD) {
			ring->tail += header.size;
			continue;
		}
		copy_out(ring, ring->tail + sizeof(header), &size, sizeof(size));
		if (size > header.size - SAMPLE_HEAD)
			break;
		*ret_size = size;
		ring->peeked = header.size;
		if (offset + header.size <= ring->memory.bytes)
			return ring->memory.data + offset + SAMPLE_HEAD;
		copy_out(ring, ring->tail + SAMPLE_HEAD, ring->wrapped, size);
		return ring->wrapped;
	}
	ring->malformed += ring->tail != ring->head;
	ring->tail = ring->head;
	return NULL;
}
