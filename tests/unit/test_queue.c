// SPDX-License-Identifier: BSD-2-Clause
/*
 * The queue between drain and ledger: order, bounds, and a stress of its two threads (run under TSan too).
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/queue.h"

#define STRESS_MESSAGES 400000u
#define MESSAGE_MAX	700u

static int push(struct queue *queue, uint32_t size, unsigned char with)
{
	void *room = queue_reserve(queue, size);

	if (!room)
		return 0;
	memset(room, with, size);
	queue_commit(queue);
	return 1;
}

static void test_messages_come_out_whole_and_in_order(void **state)
{
	struct queue *queue = queue_new(4096);
	const unsigned char *message;
	uint32_t size;

	(void)state;
	assert_null(queue_peek(queue, &size));
	for (unsigned round = 0; round < 1000; round++) {
		for (unsigned i = 0; i < 5; i++)
			assert_true(push(queue, round % 97 + i, (unsigned char)(round + i)));
		for (unsigned i = 0; i < 5; i++) {
			message = queue_peek(queue, &size);
			assert_non_null(message);
			assert_int_equal(size, round % 97 + i);
			for (uint32_t k = 0; k < size; k++)
				assert_int_equal(message[k], (unsigned char)(round + i));
			queue_release(queue);
		}
		assert_null(queue_peek(queue, &size));
	}
	queue_free(queue);
}

static void test_full_queue_refuses_and_loses_nothing(void **state)
{
	struct queue *queue = queue_new(1024);
	unsigned pushed = 0, popped = 0;
	uint32_t size;

	(void)state;
	while (push(queue, 100, (unsigned char)pushed))
		pushed++;
	assert_in_range(pushed, 8, 9);
	queue_note_level(queue);
	assert_in_range(queue_take_high_water(queue), pushed * 100, 1024);
	assert_int_equal(queue_take_high_water(queue), 0);
	while (queue_peek(queue, &size)) {
		assert_int_equal(*(const unsigned char *)queue_peek(queue, &size), popped++);
		queue_release(queue);
	}
	assert_int_equal(popped, pushed);
	queue_free(queue);
}

static void test_message_above_a_quarter_is_never_granted(void **state)
{
	struct queue *queue = queue_new(1024);

	(void)state;
	assert_null(queue_reserve(queue, 257));
	assert_non_null(queue_reserve(queue, 256));
	queue_free(queue);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

/* Each message is its number, then bytes that follow from it. */
static void *produce(void *context)
{
	struct queue *queue = context;
	uint64_t seed = 1;

	for (uint32_t i = 0; i < STRESS_MESSAGES; i++) {
		uint32_t size = 4 + next_random(&seed) % MESSAGE_MAX;
		unsigned char *room;

		while (!(room = queue_reserve(queue, size)))
			sched_yield();
		memcpy(room, &i, 4);
		memset(room + 4, (int)(i * 31), size - 4);
		queue_commit(queue);
		queue_note_level(queue);
	}
	return NULL;
}

static void test_two_threads_pass_every_message(void **state)
{
	struct queue *queue = queue_new(1 << 14);
	uint64_t seed = 1;
	pthread_t thread;

	(void)state;
	print_message("%u messages, seed 1\n", STRESS_MESSAGES);
	assert_int_equal(pthread_create(&thread, NULL, produce, queue), 0);
	for (uint32_t i = 0; i < STRESS_MESSAGES; i++) {
		uint32_t size, number, expected = 4 + next_random(&seed) % MESSAGE_MAX;
		const unsigned char *message;

		while (!(message = queue_peek(queue, &size)))
			sched_yield();
		memcpy(&number, message, 4);
		if (number != i || size != expected || (size > 4 && message[4] != (unsigned char)(i * 31)) ||
		    (size > 4 && message[size - 1] != (unsigned char)(i * 31)))
			fail_msg("message %u is wrong", i);
		queue_release(queue);
	}
	pthread_join(thread, NULL);
	queue_free(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_come_out_whole_and_in_order),
		cmocka_unit_test(test_full_queue_refuses_and_loses_nothing),
		cmocka_unit_test(test_message_above_a_quarter_is_never_granted),
		cmocka_unit_test(test_two_threads_pass_every_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
