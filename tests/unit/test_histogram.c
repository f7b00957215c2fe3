// SPDX-License-Identifier: BSD-2-Clause
/*
 * Quantiles from a histogram, against a sort.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/histogram.h"

#define ROWS 5000

static uint64_t chance = 4711; /* the seed */

static uint64_t next_chance(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static void test_quantiles_are_near_those_of_a_sort(void **state)
{
	static uint64_t values[ROWS];

	(void)state;
	for (unsigned bits = 1; bits <= 64; bits += 7) {
		struct histogram histogram = {0};

		for (int i = 0; i < ROWS; i++) {
			values[i] = next_chance() >> (64 - bits) >> next_chance() % bits;
			assert_int_equal(histogram_add(&histogram, values[i], 1), 0);
		}
		qsort(values, ROWS, sizeof(values[0]), compare);
		for (int percent = 1; percent <= 100; percent++) {
			uint64_t exact = values[(percent * ROWS + 99) / 100 - 1];
			uint64_t found = histogram_quantile(&histogram, percent / 100.0);
			uint64_t off = found > exact ? found - exact : exact - found;

			assert_true(exact < 256 ? off == 0 : off <= exact / 250);
		}
		histogram_done(&histogram);
	}
}

static void test_quantiles_at_the_ends(void **state)
{
	struct histogram histogram = {0};

	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	histogram_done(&histogram);
	assert_int_equal(histogram_add(&histogram, 7, 0), 0);
	assert_int_equal(histogram.n, 0);
	assert_int_equal(histogram_add(&histogram, UINT64_MAX, UINT64_MAX - 1), 0);
	assert_int_equal(histogram_add(&histogram, 0, 1), 0);
	assert_int_equal(histogram_add(&histogram, 0, 1), -EOVERFLOW);
	assert_int_equal(histogram_quantile(&histogram, 0), 0);
	assert_true(histogram_quantile(&histogram, 1) > UINT64_MAX - UINT64_MAX / 250);
	histogram_done(&histogram);
}

static void test_a_histogram_of_everything_stays_small(void **state)
{
	struct histogram histogram = {0};

	(void)state;
	for (int i = 0; i < 2000000; i++)
		assert_int_equal(histogram_add(&histogram, next_chance() >> next_chance() % 64, 1), 0);
	assert_int_equal(histogram.n, 2000000);
	assert_in_range(histogram.n_parts, 5000, 58 * 128);
	assert_in_range(histogram.size, 1, 16384); /* of 16 bytes */
	histogram_done(&histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles_are_near_those_of_a_sort),
		cmocka_unit_test(test_quantiles_at_the_ends),
		cmocka_unit_test(test_a_histogram_of_everything_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
