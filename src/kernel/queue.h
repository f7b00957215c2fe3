/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded lock-free queue of byte messages between one producer thread and one consumer thread. A full
 * queue refuses; what to do then is the producer's business (the drain waits, so that the ring behind it
 * fills and the kernel rolls up).
 *
 *   field      written by   read by
 *   head       producer     consumer (acquire, pairs with queue_commit())
 *   tail       consumer     producer (acquire, pairs with queue_release())
 *   high       producer     anyone (relaxed)
 */
#ifndef OBIT_KERNEL_QUEUE_H
#define OBIT_KERNEL_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct queue;

/* `bytes` is a power of two. NULL: out of memory. */
struct queue *queue_new(uint32_t bytes);
void queue_free(struct queue *queue);

/* Producer: room for a message, to be filled and committed; NULL when there is none. A message may take a
 * quarter of the queue at most; more is never granted. */
void *queue_reserve(struct queue *queue, uint32_t size);
void queue_commit(struct queue *queue);

/* Consumer: the oldest message, valid until released; NULL when there is none. */
const void *queue_peek(struct queue *queue, uint32_t *ret_size);
void queue_release(struct queue *queue);

/* Producer, now and then: takes note of how full it is. */
void queue_note_level(struct queue *queue);

/* Most bytes noted since the last call. Any thread. */
uint32_t queue_take_high_water(struct queue *queue);

#endif
