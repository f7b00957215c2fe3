/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One CPU's ring of events, of either kind that the kernel maps into memory:
 *
 *   RING_PERF  a perf ring buffer: ring_perf.c
 *   RING_BPF   a BPF ring buffer: ring_bpf.c
 *
 * The kernel moves the head, this side the tail. One thread.
 */
#ifndef OBIT_KERNEL_RING_H
#define OBIT_KERNEL_RING_H

#include <stddef.h>
#include <stdint.h>

enum ring_kind { RING_PERF, RING_BPF };

/* Mapped memory, not owned by the ring. */
struct ring_memory {
	enum ring_kind kind;
	void *control;	      /* RING_PERF: struct perf_event_mmap_page; RING_BPF: the consumer's position */
	const void *producer; /* RING_BPF: the producer's position */
	char *data;	      /* RING_BPF: mapped twice in a row, so that no event wraps */
	size_t bytes;	      /* of data, a power of two */
	int fd;		      /* readable when enough has been written */
};

struct ring {
	struct ring_memory memory;
	uint64_t head, tail; /* free-running; head as last looked at */
	uint32_t peeked;     /* bytes of the peeked event with all around it */
	char *wrapped;	     /* RING_PERF: an event that wraps round is put together here */
	uint64_t malformed;  /* times that the bytes made no sense and the ring was emptied */
};

/* 0 or -ENOMEM. */
int ring_init(struct ring *ring, const struct ring_memory *memory);
void ring_done(struct ring *ring);

/* Looks at how far the kernel has written: what ring_peek() may give until the next look. */
void ring_look(struct ring *ring);

/* The next event's bytes, valid until ring_pop(), or NULL. Bytes that make no sense empty the ring. */
const void *ring_peek(struct ring *ring, uint32_t *ret_size);

/* Done with the peeked event; the kernel sees it after ring_give_back(). */
void ring_pop(struct ring *ring);
void ring_give_back(struct ring *ring);

static inline uint64_t ring_held_bytes(const struct ring *ring)
{
	return ring->head - ring->tail;
}

#endif
