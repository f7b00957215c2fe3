// SPDX-License-Identifier: BSD-2-Clause
/*
 * The queue is a ring of bytes. Head and tail run freely and are compared by difference only, so that full
 * and empty need no spare slot. A message is its length and its bytes, rounded up to 8, never wrapped: when
 * the end is too near, a length of SKIP sends the consumer to the beginning.
 *
 *   | len | pad | bytes ... | len | pad | bytes ... | SKIP |     |
 */
#include "kernel/queue.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SKIP	  UINT32_MAX
#define HEAD_SIZE 8u
#define CACHELINE 64

struct queue {
	_Alignas(CACHELINE) _Atomic uint32_t head;
	uint32_t cached_tail;	/* the producer's last look at tail */
	uint32_t reserved_head; /* where head will be after the commit */
	_Atomic uint32_t high;
	_Alignas(CACHELINE) _Atomic uint32_t tail;
	uint32_t peeked_tail; /* where tail will be after the release */
	_Alignas(CACHELINE) uint32_t size;
	char *bytes;
};

struct queue *queue_new(uint32_t bytes)
{
	struct queue *queue = aligned_alloc(CACHELINE, sizeof(*queue));

	if (!queue)
		return NULL;
	*queue = (struct queue){.size = bytes};
	queue->bytes = aligned_alloc(CACHELINE, bytes);
	if (!queue->bytes) {
		free(queue);
		return NULL;
	}
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	free(queue->bytes);
	free(queue);
}

static uint32_t *length_at(struct queue *queue, uint32_t position)
{
	return (uint32_t *)(void *)(queue->bytes + (position & (queue->size - 1)));
}

/* Bytes free, looking at the consumer's tail only when the last look leaves too few. */
static uint32_t room(struct queue *queue, uint32_t head, uint32_t want)
{
	if (queue->size - (head - queue->cached_tail) < want)
		/* pairs with queue_release(): the consumer is done with those bytes */
		queue->cached_tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
	return queue->size - (head - queue->cached_tail);
}

void *queue_reserve(struct queue *queue, uint32_t size)
{
	uint32_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
	uint32_t to_end = queue->size - (head & (queue->size - 1));
	uint32_t need;

	if (size > queue->size / 4)
		return NULL;
	need = HEAD_SIZE + ((size + 7) & ~7u);
	if (need > to_end) {
		if (room(queue, head, to_end + need) < to_end + need)
			return NULL;
		*length_at(queue, head) = SKIP;
		head += to_end;
	} else if (room(queue, head, need) < need) {
		return NULL;
	}
	*length_at(queue, head) = size;
	queue->reserved_head = head + need;
	return (char *)length_at(queue, head) + HEAD_SIZE;
}

void queue_commit(struct queue *queue)
{
	/* pairs with queue_peek(): length and bytes are there before head says so */
	atomic_store_explicit(&queue->head, queue->reserved_head, memory_order_release);
}

void queue_note_level(struct queue *queue)
{
	uint32_t held = atomic_load_explicit(&queue->head, memory_order_relaxed) -
			atomic_load_explicit(&queue->tail, memory_order_relaxed);

	if (held > atomic_load_explicit(&queue->high, memory_order_relaxed))
		atomic_store_explicit(&queue->high, held, memory_order_relaxed);
}

const void *queue_peek(struct queue *queue, uint32_t *ret_size)
{
	uint32_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
	/* pairs with queue_commit() */
	uint32_t head = atomic_load_explicit(&queue->head, memory_order_acquire);

	if (head == tail)
		return NULL;
	/* A skip and the message after it are committed together. */
	if (*length_at(queue, tail) == SKIP)
		tail += queue->size - (tail & (queue->size - 1));
	*ret_size = *length_at(queue, tail);
	queue->peeked_tail = tail + HEAD_SIZE + ((*ret_size + 7) & ~7u);
	return (char *)length_at(queue, tail) + HEAD_SIZE;
}

void queue_release(struct queue *queue)
{
	/* pairs with room(): the bytes may be written again */
	atomic_store_explicit(&queue->tail, queue->peeked_tail, memory_order_release);
}

uint32_t queue_take_high_water(struct queue *queue)
{
	return atomic_exchange_explicit(&queue->high, 0, memory_order_relaxed);
}
