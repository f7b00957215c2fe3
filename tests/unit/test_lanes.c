// SPDX-License-Identifier: BSD-2-Clause
/*
 * Slices on lanes: none overlap, and there are no more lanes than slices that overlap at one instant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/lanes.h"

#define SLICES 300
#define ROUNDS 400

static uint64_t state = 20261126; /* the seed */

struct slice {
	uint64_t begin, end;
	uint32_t lane;
};

/* xorshift64* (Vigna). */
static uint64_t chance(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545F4914F6CDD1DULL >> 11) % below;
}

static int by_end(const void *a, const void *b)
{
	const struct slice *left = a, *right = b;

	return (left->end > right->end) - (left->end < right->end);
}

/* Slices that are under way at the instant some slice begins: the most of them. */
static uint32_t deepest(const struct slice *slices)
{
	uint32_t most = 0;

	for (int i = 0; i < SLICES; i++) {
		uint32_t n = 0;

		for (int j = 0; j < SLICES; j++)
			n += slices[j].begin <= slices[i].begin && slices[j].end > slices[i].begin;
		most = n > most ? n : most;
	}
	return most;
}

static void assert_apart(const struct slice *slices)
{
	for (int i = 0; i < SLICES; i++)
		for (int j = 0; j < i; j++)
			if (slices[i].lane == slices[j].lane)
				assert_true(slices[i].end <= slices[j].begin || slices[j].end <= slices[i].begin);
}

static void place_all(int is_sorted)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct slice slices[SLICES];
		struct tracks tracks = {0};
		struct track *track = tracks_add(&tracks, "t", 1);
		int is_new;

		assert_non_null(track);
		for (int i = 0; i < SLICES; i++) {
			slices[i].begin = 1 + chance(1000);
			slices[i].end = slices[i].begin + 1 + chance(1u << (1 + round % 10));
		}
		if (is_sorted)
			qsort(slices, SLICES, sizeof(slices[0]), by_end);
		for (int i = 0; i < SLICES; i++) {
			slices[i].lane = track_take_lane(&tracks, track, slices[i].begin, slices[i].end, &is_new);
			assert_true(slices[i].lane > 0);
		}
		assert_apart(slices);
		if (is_sorted)
			assert_int_equal(track->n_lanes, deepest(slices));
		tracks_done(&tracks);
	}
}

static void test_no_more_lanes_than_slices_at_once(void **unused)
{
	(void)unused;
	place_all(1);
}

static void test_slices_in_any_order_do_not_overlap(void **unused)
{
	(void)unused;
	place_all(0);
}

static void test_tracks_are_found_and_forgotten(void **unused)
{
	struct tracks tracks = {0};
	char key[32];

	(void)unused;
	assert_null(tracks_find(&tracks, "", 0));
	for (int i = 0; i < 5000; i++)
		assert_non_null(tracks_add(&tracks, key, (size_t)sprintf(key, "%d", i)));
	for (int i = 0; i < 5000; i += 2)
		tracks_remove(&tracks, tracks_find(&tracks, key, (size_t)sprintf(key, "%d", i)));
	for (int i = 0; i < 5000; i++)
		assert_int_equal(tracks_find(&tracks, key, (size_t)sprintf(key, "%d", i)) != NULL, i % 2);
	assert_int_equal(tracks.n, 2500);
	tracks_done(&tracks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_more_lanes_than_slices_at_once),
		cmocka_unit_test(test_slices_in_any_order_do_not_overlap),
		cmocka_unit_test(test_tracks_are_found_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
