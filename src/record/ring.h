/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One CPU's perf ring buffer, as the kernel maps it: a page of control (struct perf_event_mmap_page) and a
 * power of two of data pages. The kernel writes data_head, this side data_tail. One thread.
 */
#ifndef OBIT_RECORD_RING_H
#define OBIT_RECORD_RING_H

#include <stddef.h>
#include <stdint.h>

#include "record/limits.h"

struct ring {
	struct perf_event_mmap_page *control;
	char *data;
	uint64_t size;
	uint64_t head, tail; /* free-running; head as last looked at */
	char *wrapped;	     /* an event that wraps round is put together here */
	uint64_t malformed;  /* times that the bytes made no sense and the ring was emptied */
};

/* `base`: the control page, with `bytes` (a power of two) of data behind it; not owned. 0 or -ENOMEM. */
int ring_init(struct ring *ring, void *base, size_t bytes, size_t page_size);
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
