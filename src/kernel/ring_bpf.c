// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading a BPF ring buffer (kernel/bpf/ringbuf.c). A record is
 *
 *   u32 length, with two flags on top | u32 page offset | the program's bytes, the whole padded to a multiple of 8
 *
 * The data are mapped twice in a row: a record that wraps is read on into the second mapping.
 */
#include <linux/bpf.h>

#include "kernel/ring_kinds.h"

#define PADDED(bytes) (((bytes) + 7u) & ~7u)

uint64_t ring_bpf_head(const struct ring *ring)
{
	/* pairs with the store-release of producer_pos in __bpf_ringbuf_reserve() */
	return __atomic_load_n((const unsigned long *)ring->memory.producer, __ATOMIC_ACQUIRE);
}

uint64_t ring_bpf_tail(const struct ring *ring)
{
	return *(const unsigned long *)ring->memory.control;
}

void ring_bpf_give_back(struct ring *ring)
{
	/* pairs with the load-acquire of consumer_pos in __bpf_ringbuf_reserve() */
	__atomic_store_n((unsigned long *)ring->memory.control, ring->tail, __ATOMIC_RELEASE);
}

const void *ring_bpf_peek(struct ring *ring, uint32_t *ret_size)
{
	while (ring->head - ring->tail >= BPF_RINGBUF_HDR_SZ) {
		const char *record = ring->memory.data + (ring->tail & (ring->memory.bytes - 1));
		/* pairs with the xchg in bpf_ringbuf_commit(): what is not busy is whole */
		uint32_t head = __atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
		uint32_t size = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (head & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		ring->peeked = PADDED(size + BPF_RINGBUF_HDR_SZ);
		if (ring->peeked > ring->head - ring->tail)
			break;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			*ret_size = size;
			return record + BPF_RINGBUF_HDR_SZ;
		}
		ring->tail += ring->peeked;
	}
	ring->malformed += ring->tail != ring->head;
	ring->tail = ring->head;
	return NULL;
}
