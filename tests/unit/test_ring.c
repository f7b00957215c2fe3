// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading rings of both kinds: records laid out as the kernel does, wrapped, foreign, unfinished and broken.
 */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/ring.h"

#define PAGE  4096u
#define BYTES (2 * PAGE)

struct fake {
	char *base;
	uint64_t head;
	struct ring ring;
};

static void fake_init(struct fake *fake)
{
	fake->base = aligned_alloc(PAGE, PAGE + BYTES);
	memset(fake->base, 0, PAGE + BYTES);
	fake->head = 0;
	assert_int_equal(ring_init(&fake->ring, &(struct ring_memory){.kind = RING_PERF,
								      .control = fake->base,
								      .data = fake->base + PAGE,
								      .bytes = BYTES}),
			 0);
}

static void fake_done(struct fake *fake)
{
	ring_done(&fake->ring);
	free(fake->base);
}

static void put(struct fake *fake, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fake->base[PAGE + (fake->head++ % BYTES)] = ((const char *)data)[i];
}

static void publish(struct fake *fake)
{
	struct perf_event_mmap_page *control = (void *)fake->base;

	__atomic_store_n(&control->data_head, fake->head, __ATOMIC_RELEASE);
}

/* As perf_output_sample() writes PERF_SAMPLE_RAW: header, u32 size, bytes, padded to a multiple of 8. */
static void put_sample(struct fake *fake, uint32_t type, unsigned char with, uint32_t len)
{
	uint32_t raw = ((len + 4 + 7) & ~7u) - 4;
	struct perf_event_header header = {.type = type, .size = (uint16_t)(sizeof(header) + 4 + raw)};
	unsigned char *bytes = calloc(1, raw);

	memset(bytes, with, len);
	put(fake, &header, sizeof(header));
	put(fake, &raw, 4);
	put(fake, bytes, raw);
	free(bytes);
}

static void test_samples_come_out_also_when_they_wrap(void **state)
{
	struct fake fake;

	(void)state;
	fake_init(&fake);
	for (unsigned i = 0; i < 500; i++) {
		const unsigned char *event;
		uint32_t size, len = 1 + i * 7 % 900;

		put_sample(&fake, PERF_RECORD_SAMPLE, (unsigned char)i, len);
		publish(&fake);
		ring_look(&fake.ring);
		event = ring_peek(&fake.ring, &size);
		assert_non_null(event);
		assert_in_range(size, len, len + 7);
		for (uint32_t k = 0; k < len; k++)
			assert_int_equal(event[k], (unsigned char)i);
		ring_pop(&fake.ring);
		assert_null(ring_peek(&fake.ring, &size));
		ring_give_back(&fake.ring);
	}
	assert_int_equal(((struct perf_event_mmap_page *)(void *)fake.base)->data_tail, fake.head);
	assert_int_equal(fake.ring.malformed, 0);
	fake_done(&fake);
}

static void test_nothing_is_seen_before_it_is_published(void **state)
{
	struct fake fake;
	uint32_t size;

	(void)state;
	fake_init(&fake);
	put_sample(&fake, PERF_RECORD_SAMPLE, 1, 50);
	ring_look(&fake.ring);
	assert_null(ring_peek(&fake.ring, &size));
	publish(&fake);
	assert_null(ring_peek(&fake.ring, &size));
	ring_look(&fake.ring);
	assert_non_null(ring_peek(&fake.ring, &size));
	fake_done(&fake);
}

static void test_other_records_are_passed_by(void **state)
{
	struct fake fake;
	uint32_t size;

	(void)state;
	fake_init(&fake);
	put_sample(&fake, PERF_RECORD_LOST, 9, 20);
	put_sample(&fake, PERF_RECORD_THROTTLE, 9, 20);
	put_sample(&fake, PERF_RECORD_SAMPLE, 3, 20);
	publish(&fake);
	ring_look(&fake.ring);
	assert_int_equal(*(const unsigned char *)ring_peek(&fake.ring, &size), 3);
	assert_int_equal(fake.ring.malformed, 0);
	fake_done(&fake);
}

static void test_broken_bytes_empty_the_ring_and_are_counted(void **state)
{
	struct perf_event_header headers[] = {
		{.type = PERF_RECORD_SAMPLE, .size = 0},
		{.type = PERF_RECORD_SAMPLE, .size = 4},
		{.type = PERF_RECORD_SAMPLE, .size = 60000},
		{.type = PERF_RECORD_SAMPLE, .size = 24},
	};
	uint32_t too_long = 1000, size;

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct fake fake;

		fake_init(&fake);
		put(&fake, &headers[i], sizeof(headers[i]));
		put(&fake, &too_long, 4);
		put(&fake, "xxxxxxxxxxxx", 12);
		publish(&fake);
		ring_look(&fake.ring);
		assert_null(ring_peek(&fake.ring, &size));
		assert_int_equal(fake.ring.malformed, 1);
		put_sample(&fake, PERF_RECORD_SAMPLE, 5, 20);
		publish(&fake);
		ring_look(&fake.ring);
		assert_int_equal(*(const unsigned char *)ring_peek(&fake.ring, &size), 5);
		fake_done(&fake);
	}
}

/* A BPF ring buffer: the two positions, and data mapped twice in a row. */
struct fake_bpf {
	unsigned long consumer, producer;
	char *data;
	struct ring ring;
};

static void fake_bpf_init(struct fake_bpf *fake)
{
	int fd = memfd_create("ring", 0);
	struct ring_memory memory = {
		.kind = RING_BPF,
		.control = &fake->consumer,
		.producer = &fake->producer,
		.bytes = BYTES,
	};

	assert_int_equal(ftruncate(fd, BYTES), 0);
	fake->consumer = fake->producer = 0;
	fake->data = mmap(NULL, 2 * BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < 2; i++)
		assert_ptr_not_equal(
			mmap(fake->data + i * BYTES, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
			MAP_FAILED);
	close(fd);
	memory.data = fake->data;
	assert_int_equal(ring_init(&fake->ring, &memory), 0);
}

static void fake_bpf_done(struct fake_bpf *fake)
{
	ring_done(&fake->ring);
	munmap(fake->data, 2 * BYTES);
}

/* As bpf_ringbuf_reserve() and _commit() do; flags are those of the header's length. */
static void put_record(struct fake_bpf *fake, uint32_t flags, unsigned char with, uint32_t len)
{
	char *record = fake->data + fake->producer % BYTES;
	uint32_t head = len | flags;

	memcpy(record, &head, sizeof(head));
	memset(record + BPF_RINGBUF_HDR_SZ, with, len);
	fake->producer += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7ul;
}

static void test_bpf_records_come_out_also_when_they_wrap(void **state)
{
	struct fake_bpf fake;

	(void)state;
	fake_bpf_init(&fake);
	for (unsigned i = 0; i < 500; i++) {
		uint32_t size, len = 1 + i * 7 % 900;
		const unsigned char *event;

		put_record(&fake, 0, (unsigned char)i, len);
		ring_look(&fake.ring);
		event = ring_peek(&fake.ring, &size);
		assert_non_null(event);
		assert_int_equal(size, len);
		for (uint32_t k = 0; k < len; k++)
			assert_int_equal(event[k], (unsigned char)i);
		ring_pop(&fake.ring);
		assert_null(ring_peek(&fake.ring, &size));
		ring_give_back(&fake.ring);
		assert_int_equal(fake.consumer, fake.producer);
	}
	assert_int_equal(fake.ring.malformed, 0);
	fake_bpf_done(&fake);
}

static void test_a_busy_bpf_record_holds_back_those_behind_it(void **state)
{
	struct fake_bpf fake;
	uint32_t size, whole = 20;

	(void)state;
	fake_bpf_init(&fake);
	put_record(&fake, BPF_RINGBUF_DISCARD_BIT, 9, 30);
	put_record(&fake, BPF_RINGBUF_BUSY_BIT, 1, 20);
	put_record(&fake, 0, 2, 20);
	ring_look(&fake.ring);
	assert_null(ring_peek(&fake.ring, &size));
	assert_int_equal(fake.ring.malformed, 0);
	memcpy(fake.data + 40, &whole, sizeof(whole)); /* behind the discarded one: committed */
	assert_int_equal(*(const unsigned char *)ring_peek(&fake.ring, &size), 1);
	ring_pop(&fake.ring);
	assert_int_equal(*(const unsigned char *)ring_peek(&fake.ring, &size), 2);
	fake_bpf_done(&fake);
}

static void test_a_bpf_record_longer_than_the_ring_holds_empties_it(void **state)
{
	struct fake_bpf fake;
	uint32_t size;

	(void)state;
	fake_bpf_init(&fake);
	put_record(&fake, 8000, 1, 16);
	fake.producer = 64;
	ring_look(&fake.ring);
	assert_null(ring_peek(&fake.ring, &size));
	assert_int_equal(fake.ring.malformed, 1);
	put_record(&fake, 0, 5, 20);
	ring_look(&fake.ring);
	assert_int_equal(*(const unsigned char *)ring_peek(&fake.ring, &size), 5);
	fake_bpf_done(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_come_out_also_when_they_wrap),
		cmocka_unit_test(test_nothing_is_seen_before_it_is_published),
		cmocka_unit_test(test_other_records_are_passed_by),
		cmocka_unit_test(test_broken_bytes_empty_the_ring_and_are_counted),
		cmocka_unit_test(test_bpf_records_come_out_also_when_they_wrap),
		cmocka_unit_test(test_a_busy_bpf_record_holds_back_those_behind_it),
		cmocka_unit_test(test_a_bpf_record_longer_than_the_ring_holds_empties_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
