// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading a perf ring. A sample of bpf_perf_event_output() is
 *
 *   struct perf_event_header | u32 size | the program's bytes, padded so that the whole is a multiple of 8
 *
 * and may wrap round the end of the data.
 */
#include "record/ring.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_HEAD (sizeof(struct perf_event_header) + sizeof(uint32_t))
#define SAMPLE_MAX  65536u /* the header's size is 16 bits */

int ring_init(struct ring *ring, void *base, size_t bytes, size_t page_size)
{
	*ring = (struct ring){
		.control = base,
		.data = (char *)base + page_size,
		.size = bytes,
	};
	ring->wrapped = malloc(SAMPLE_MAX);
	if (!ring->wrapped)
		return -ENOMEM;
	ring->tail = ring->head = ring->control->data_tail;
	return 0;
}

void ring_done(struct ring *ring)
{
	free(ring->wrapped);
	ring->wrapped = NULL;
}

void ring_look(struct ring *ring)
{
	/* pairs with the kernel's barrier in perf_output_put_handle(): records before head are whole */
	ring->head = __atomic_load_n(&ring->control->data_head, __ATOMIC_ACQUIRE);
}

static void copy_out(const struct ring *ring, uint64_t position, void *to, size_t len)
{
	size_t offset = position & (ring->size - 1);
	size_t first = ring->size - offset < len ? ring->size - offset : len;

	memcpy(to, ring->data + offset, first);
	memcpy((char *)to + first, ring->data, len - first);
}

const void *ring_peek(struct ring *ring, uint32_t *ret_size)
{
	while (ring->head - ring->tail >= sizeof(struct perf_event_header)) {
		struct perf_event_header header;
		uint64_t offset = ring->tail & (ring->size - 1);
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
		if (offset + header.size <= ring->size)
			return ring->data + offset + SAMPLE_HEAD;
		copy_out(ring, ring->tail + SAMPLE_HEAD, ring->wrapped, size);
		return ring->wrapped;
	}
	ring->malformed += ring->tail != ring->head;
	ring->tail = ring->head;
	return NULL;
}

void ring_pop(struct ring *ring)
{
	struct perf_event_header header;

	copy_out(ring, ring->tail, &header, sizeof(header));
	ring->tail += header.size;
}

void ring_give_back(struct ring *ring)
{
	/* pairs with the kernel's load of data_tail: it may write over what has been read */
	__atomic_store_n(&ring->control->data_tail, ring->tail, __ATOMIC_RELEASE);
}
