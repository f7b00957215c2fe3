// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes and positions in a ring, through the drain into the queue: what comes out was in the ring.
 *
 *   u8 flags: 1 BPF, 2 a head that is any | u16 where it begins | u64 head | bytes
 */
#include <linux/perf_event.h>
#include <sys/eventfd.h>

#include "kernel/drain.h"
#include "model/limits.h"
#include "input.h"

#define RING_BYTES (RING_PAGES_MIN * 4096u)

enum { IS_BPF = 1, ANY_HEAD = 2 };

/* Mapped twice, as the kernel's is; the perf ring uses the first half. */
static char data_twice[2 * RING_BYTES];
static struct perf_event_mmap_page control;
static unsigned long producer, consumer;

static void fill(struct input *input, uint64_t begin)
{
	for (size_t i = 0; i < input->left && i < RING_BYTES; i++) {
		size_t at = (begin + i) % RING_BYTES;

		data_twice[at] = data_twice[at + RING_BYTES] = (char)input->data[i];
	}
}

static void drain_all(struct ring *ring)
{
	static struct queue *queue;
	static int fds[2] = {-1, -1};
	struct drain *drain;
	const void *event;
	uint64_t sum = 0;
	uint32_t size;

	if (!queue) {
		queue = queue_new(QUEUE_BYTES);
		fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	drain = drain_new(ring, fds, 1, 1, queue, fds[1]);
	MUST(queue && drain);
	drain_round(drain, UINT64_MAX - 1);
	while ((event = queue_peek(queue, &size))) {
		MUST(size <= RING_BYTES);
		for (uint32_t i = 0; i < size; i++)
			sum += ((const unsigned char *)event)[i];
		queue_release(queue);
	}
	/* Not optimised away. */
	__asm__ volatile("" : : "r"(sum));
	MUST(ring->head - ring->tail <= RING_BYTES);
	drain_free(drain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint8_t flags = take_u8(&input);
	uint64_t begin = take_u16(&input) * 8ull, any = take_u64(&input);
	uint64_t head = begin + ((input.left < RING_BYTES ? input.left : RING_BYTES) & ~7ull);
	struct ring_memory memory = {RING_PERF, &control, &producer, data_twice, RING_BYTES, -1};
	struct ring ring;

	if (flags & ANY_HEAD)
		head = begin + any % (RING_BYTES + 1);
	if (flags & IS_BPF) {
		memory.kind = RING_BPF;
		memory.control = &consumer;
	}
	fill(&input, begin);
	control.data_tail = consumer = begin;
	control.data_head = producer = head;
	MUST(ring_init(&ring, &memory) == 0);
	drain_all(&ring);
	ring_done(&ring);
	return 0;
}
