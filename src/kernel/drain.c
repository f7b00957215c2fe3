// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each round looks once at how far every ring is written, then merges: the oldest head of all rings goes
 * first, up to a little before the look. The little (HOLD_BACK_NS) is for a program that has taken its time
 * stamp on one CPU and not yet written when a later event of another CPU is already there. Order is for
 * joining (a fork before its exec); no count depends on it.
 */
#define _GNU_SOURCE
#include "kernel/drain.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/types.h>

#include "base/clock.h"
#include "bpf/event.h"
#include "model/limits.h"

#define HOLD_BACK_NS (2 * NS_PER_MS)
#define NO_EVENT     UINT64_MAX
#define NO_MARK	     UINT64_MAX
#define FULL_WAIT_US 500

/* A ring's next event, peeked once. */
struct next {
	uint64_t boot_ns; /* NO_EVENT: there is none */
	const void *event;
	uint32_t size;
};

/* Written by the drain thread alone, but for what is atomic. */
struct drain {
	struct ring *rings;
	struct next *next;   /* of each ring */
	atomic_uint n_added; /* rings there are; written by who adds them */
	unsigned n;	     /* of them, those of this round */
	struct queue *queue;
	int queue_wake_fd;
	int epoll_fd, wake_fd;
	bool has_pushed;
	_Atomic uint64_t mark; /* epoch asked for; any thread to the drain's */
	atomic_bool stop;
	_Atomic uint64_t high_water, malformed;
};

struct drain *drain_new(struct ring *rings, const int *fds, unsigned n, unsigned max, struct queue *queue,
			int queue_wake_fd)
{
	struct drain *drain = calloc(1, sizeof(*drain));
	struct epoll_event event = {.events = EPOLLIN};

	if (!drain)
		return NULL;
	drain->rings = rings;
	drain->n_added = n;
	drain->queue = queue;
	drain->queue_wake_fd = queue_wake_fd;
	drain->mark = NO_MARK;
	drain->next = calloc(max, sizeof(*drain->next));
	drain->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	drain->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!drain->next || drain->epoll_fd < 0 || drain->wake_fd < 0)
		goto fail;
	event.data.fd = drain->wake_fd;
	if (epoll_ctl(drain->epoll_fd, EPOLL_CTL_ADD, drain->wake_fd, &event) < 0)
		goto fail;
	/* Edge-triggered: a ring that still holds what is too young to be moved must not end each wait at once. */
	event.events = EPOLLIN | EPOLLET;
	for (unsigned i = 0; i < n; i++) {
		event.data.fd = fds[i];
		if (epoll_ctl(drain->epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
			goto fail;
	}
	return drain;
fail:
	drain_free(drain);
	return NULL;
}

int drain_add(struct drain *drain, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	if (epoll_ctl(drain->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	/* pairs with look(): the ring has been made */
	atomic_fetch_add_explicit(&drain->n_added, 1, memory_order_release);
	return 0;
}

void drain_free(struct drain *drain)
{
	if (!drain)
		return;
	if (drain->epoll_fd >= 0)
		close(drain->epoll_fd);
	if (drain->wake_fd >= 0)
		close(drain->wake_fd);
	free(drain->next);
	free(drain);
}

static void wake(int fd)
{
	uint64_t one = 1;

	/* It can fail only when the counter is full, and then the other side is awake. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* Waits for room; the consumer is woken first, so that it makes some. */
static void *reserve(struct drain *drain, uint32_t size)
{
	void *room;

	while (!(room = queue_reserve(drain->queue, size))) {
		queue_note_level(drain->queue);
		wake(drain->queue_wake_fd);
		usleep(FULL_WAIT_US);
	}
	drain->has_pushed = 1;
	return room;
}

static void find_next(struct drain *drain, unsigned i)
{
	struct next *next = &drain->next[i];
	struct event_head head;

	for (;;) {
		next->event = ring_peek(&drain->rings[i], &next->size);
		if (drain->rings[i].malformed) {
			atomic_fetch_add_explicit(&drain->malformed, drain->rings[i].malformed, memory_order_relaxed);
			drain->rings[i].malformed = 0;
		}
		if (!next->event) {
			next->boot_ns = NO_EVENT;
			return;
		}
		if (next->size >= sizeof(head) && next->size <= QUEUE_BYTES / 4)
			break;
		atomic_fetch_add_explicit(&drain->malformed, 1, memory_order_relaxed);
		ring_pop(&drain->rings[i]);
	}
	memcpy(&head, next->event, sizeof(head));
	next->boot_ns = head.boot_ns;
}

static void look(struct drain *drain)
{
	uint64_t high = atomic_load_explicit(&drain->high_water, memory_order_relaxed);

	/* pairs with drain_add() */
	drain->n = atomic_load_explicit(&drain->n_added, memory_order_acquire);
	for (unsigned i = 0; i < drain->n; i++) {
		ring_look(&drain->rings[i]);
		if (ring_held_bytes(&drain->rings[i]) > high) {
			high = ring_held_bytes(&drain->rings[i]);
			atomic_store_explicit(&drain->high_water, high, memory_order_relaxed);
		}
		find_next(drain, i);
	}
}

static int oldest(const struct drain *drain, uint64_t until_ns)
{
	uint64_t least = NO_EVENT;
	int ring = -1;

	for (unsigned i = 0; i < drain->n; i++)
		if (drain->next[i].boot_ns < least) {
			least = drain->next[i].boot_ns;
			ring = (int)i;
		}
	return least <= until_ns ? ring : -1;
}

static void move(struct drain *drain, unsigned i)
{
	const struct next *next = &drain->next[i];

	memcpy(reserve(drain, next->size), next->event, next->size);
	queue_commit(drain->queue);
	ring_pop(&drain->rings[i]);
	ring_give_back(&drain->rings[i]);
	find_next(drain, i);
}

void drain_round(struct drain *drain, uint64_t until_ns)
{
	int ring;

	look(drain);
	while ((ring = oldest(drain, until_ns)) >= 0)
		move(drain, (unsigned)ring);
	queue_note_level(drain->queue);
	if (drain->has_pushed)
		wake(drain->queue_wake_fd);
	drain->has_pushed = 0;
}

static void push_mark(struct drain *drain, uint32_t epoch)
{
	struct event_head *mark = reserve(drain, sizeof(*mark));

	*mark = (struct event_head){.type = EVENT_MARK, .epoch = epoch};
	queue_commit(drain->queue);
	wake(drain->queue_wake_fd);
}

void *drain_run(void *context)
{
	struct drain *drain = context;
	struct epoll_event events[16];
	uint64_t count;

	/* pairs with drain_stop() */
	while (!atomic_load_explicit(&drain->stop, memory_order_acquire)) {
		uint64_t mark;

		if (epoll_wait(drain->epoll_fd, events, 16, DRAIN_PERIOD_MS) < 0 && errno != EINTR)
			break;
		if (read(drain->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			break;
		/* pairs with drain_mark(): what the asker saw written is in the rings */
		mark = atomic_exchange_explicit(&drain->mark, NO_MARK, memory_order_acquire);
		drain_round(drain, mark == NO_MARK ? clock_boot_ns() - HOLD_BACK_NS : NO_EVENT - 1);
		if (mark != NO_MARK)
			push_mark(drain, (uint32_t)mark);
	}
	return NULL;
}

void drain_mark(struct drain *drain, uint32_t epoch)
{
	/* pairs with drain_run() */
	atomic_store_explicit(&drain->mark, epoch, memory_order_release);
	wake(drain->wake_fd);
}

void drain_stop(struct drain *drain)
{
	/* pairs with drain_run() */
	atomic_store_explicit(&drain->stop, true, memory_order_release);
	wake(drain->wake_fd);
}

uint64_t drain_take_high_water(struct drain *drain)
{
	return atomic_exchange_explicit(&drain->high_water, 0, memory_order_relaxed);
}

uint64_t drain_take_malformed(struct drain *drain)
{
	return atomic_exchange_explicit(&drain->malformed, 0, memory_order_relaxed);
}
