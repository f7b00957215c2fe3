/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drain thread: moves events from all rings to the queue in order of their time. It never drops: while
 * the queue is full it waits, the rings fill, and the kernel rolls up.
 */
#ifndef OBIT_KERNEL_DRAIN_H
#define OBIT_KERNEL_DRAIN_H

#include <stdint.h>

#include "kernel/queue.h"
#include "kernel/ring.h"

/* Not from the kernel: all events of `epoch`, and all ends before drain_mark() was called, came before it. */
#define EVENT_MARK 1000

struct drain;

/* Takes the rings (their memory stays the caller's) and the fds to wait on; room for `max`. NULL: out of memory. */
struct drain *drain_new(struct ring *rings, const int *fds, unsigned n, unsigned max, struct queue *queue,
			int queue_wake_fd);

/* From another thread, one at a time: takes the ring behind the last one, which the caller has made. 0 or -errno. */
int drain_add(struct drain *drain, int fd);

/* The thread's body; returns after drain_stop(). */
void *drain_run(void *drain);

/* One round of it, up to events stamped until_ns; for tests, which run no thread. */
void drain_round(struct drain *drain, uint64_t until_ns);

/* From another thread: pass on all that is in the rings now, then an EVENT_MARK for the epoch. */
void drain_mark(struct drain *drain, uint32_t epoch);
void drain_stop(struct drain *drain);

/* Fullest any ring has been found since the last call. Any thread. */
uint64_t drain_take_high_water(struct drain *drain);

/* Events, or whole rings, thrown away as malformed since the last call. Any thread. */
uint64_t drain_take_malformed(struct drain *drain);

void drain_free(struct drain *drain);

#endif
