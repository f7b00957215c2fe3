// SPDX-License-Identifier: BSD-2-Clause
/*
 * What both kinds of ring have in common.
 */
#include "kernel/ring.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/ring_kinds.h"

int ring_init(struct ring *ring, const struct ring_memory *memory)
{
	*ring = (struct ring){.memory = *memory};
	if (memory->kind == RING_PERF) {
		ring->wrapped = malloc(PERF_SAMPLE_MAX);
		if (!ring->wrapped)
			return -ENOMEM;
	}
	ring->tail = ring->head = memory->kind == RING_PERF ? ring_perf_tail(ring) : ring_bpf_tail(ring);
	return 0;
}

void ring_done(struct ring *ring)
{
	free(ring->wrapped);
	ring->wrapped = NULL;
}

void ring_look(struct ring *ring)
{
	ring->head = ring->memory.kind == RING_PERF ? ring_perf_head(ring) : ring_bpf_head(ring);
}

const void *ring_peek(struct ring *ring, uint32_t *ret_size)
{
	return ring->memory.kind == RING_PERF ? ring_perf_peek(ring, ret_size) : ring_bpf_peek(ring, ret_size);
}

void ring_pop(struct ring *ring)
{
	ring->tail += ring->peeked;
}

void ring_give_back(struct ring *ring)
{
	if (ring->memory.kind == RING_PERF)
		ring_perf_give_back(ring);
	else
		ring_bpf_give_back(ring);
}
