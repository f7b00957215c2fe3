// SPDX-License-Identifier: BSD-2-Clause
/*
 * Groups, against the same by brute force.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "query/grouping.h"
#include "query/query.h"

#define ROWS 5000
#define S    UINT64_C(1000000000)

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
		struct histogram *histogram = histogram_new();

		for (int i = 0; i < ROWS; i++) {
			values[i] = next_chance() >> (64 - bits) >> next_chance() % bits;
			assert_int_equal(histogram_add(histogram, values[i], 1), 0);
		}
		qsort(values, ROWS, sizeof(values[0]), compare);
		for (int percent = 1; percent <= 100; percent++) {
			uint64_t exact = values[(percent * ROWS + 99) / 100 - 1];
			uint64_t found = histogram_quantile(histogram, percent / 100.0);
			uint64_t off = found > exact ? found - exact : exact - found;

			assert_true(exact < 256 ? off == 0 : off <= exact / 250);
		}
		histogram_free(histogram);
	}
}

/* Rows of exits into groups; the result. */
static struct block *group(const struct block *rows, const char *by, const char *fields, struct grouping **ret)
{
	struct query_options options = {0};
	struct query *query;
	char complaint[256];
	struct block *result;

	assert_int_equal(grouping_new(rows->table, by, fields, 0, ret, complaint, sizeof(complaint)), 0);
	options.selection = grouping_wanted(*ret);
	options.sink = grouping_sink(*ret);
	query = query_new(&options);
	assert_int_equal(query_block(query, rows), 0);
	assert_int_equal(query_finish(query), 0);
	query_free(query);
	result = grouping_rows(*ret);
	assert_non_null(result);
	return result;
}

static struct block *made_up(void)
{
	struct block *rows = block_new(table_by_id(TABLE_EXITS), ROWS, ROWS * 8);

	for (uint32_t i = 0; i < ROWS; i++) {
		char comm[8];

		block_add_row(rows);
		if (i % 97) {
			snprintf(comm, sizeof(comm), "c%d", (int)(next_chance() % 300));
			block_set_text(rows, i, EXITS_comm, comm, strlen(comm));
		}
		block_set_number(rows, i, EXITS_exit_time, 1000 * S + next_chance() % (100 * S));
		block_set_number(rows, i, EXITS_pid, i);
		if (i % 5)
			block_set_number(rows, i, EXITS_cpu_ns, next_chance() % 10000);
		block_set_number(rows, i, EXITS_max_rss_bytes, next_chance() % 10000);
	}
	return rows;
}

static int same_text(const struct block *a, uint32_t row_a, uint32_t field_a, const struct block *b, uint32_t row_b,
		     uint32_t field_b)
{
	size_t len_a, len_b;
	const char *text_a = block_text(a, row_a, field_a, &len_a), *text_b = block_text(b, row_b, field_b, &len_b);

	return block_is_null(a, row_a, field_a) == block_is_null(b, row_b, field_b) && len_a == len_b &&
	       memcmp(text_a, text_b, len_a) == 0;
}

static void test_groups_are_those_of_brute_force(void **state)
{
	struct block *rows = made_up(), *groups;
	struct grouping *grouping;
	uint64_t counted = 0;

	(void)state;
	groups = group(rows, "comm, exit_time/10s",
		       "count,cpu_ns,max_rss_bytes,avg(cpu_ns),min(cpu_ns),first(pid),last(pid),p50(cpu_ns),first(comm)",
		       &grouping);
	for (uint32_t g = 0; g < groups->rows; g++) {
		uint64_t count = 0, sum = 0, n = 0, most = 0, least = UINT64_MAX, first = UINT64_MAX, last = 0;
		uint64_t bucket = block_number(groups, g, 1), values[ROWS];

		assert_int_equal(bucket % (10 * S), 0);
		for (uint32_t i = 0; i < ROWS; i++) {
			uint64_t time = block_number(rows, i, EXITS_exit_time);

			if (time < bucket || time >= bucket + 10 * S || !same_text(rows, i, EXITS_comm, groups, g, 0))
				continue;
			count++;
			first = first == UINT64_MAX ? i : first;
			last = i;
			if (block_number(rows, i, EXITS_max_rss_bytes) > most)
				most = block_number(rows, i, EXITS_max_rss_bytes);
			if (block_is_null(rows, i, EXITS_cpu_ns))
				continue;
			values[n++] = block_number(rows, i, EXITS_cpu_ns);
			sum += values[n - 1];
			least = values[n - 1] < least ? values[n - 1] : least;
		}
		counted += count;
		assert_int_equal(block_number(groups, g, 2), count);
		assert_int_equal(block_is_null(groups, g, 3), n == 0);
		assert_int_equal(block_number(groups, g, 4), most);
		assert_int_equal(block_number(groups, g, 7), first);
		assert_int_equal(block_number(groups, g, 8), last);
		assert_true(same_text(groups, g, 0, groups, g, 10));
		if (!n)
			continue;
		qsort(values, n, sizeof(values[0]), compare);
		assert_int_equal(block_number(groups, g, 3), sum);
		assert_int_equal(block_number(groups, g, 5), sum / n);
		assert_int_equal(block_number(groups, g, 6), least);
		assert_true(llabs((long long)block_number(groups, g, 9) - (long long)values[(n - 1) / 2]) <=
			    (long long)values[(n - 1) / 2] / 250);
	}
	assert_int_equal(counted, ROWS);
	assert_string_equal(grouping_table(grouping)->fields[9].name, "p50(cpu_ns)");
	assert_int_equal(grouping_table(grouping)->fields[9].unit, UNIT_NS);
	block_free(groups);
	grouping_free(grouping);
	block_free(rows);
}

static void test_rows_that_stand_for_many_count_as_many(void **state)
{
	struct block *rows = block_new(table_by_id(TABLE_RUNQ), 3, 1), *groups;
	static const uint64_t delays[] = {10, 20, 200}, switches[] = {90, 9, 1};
	struct grouping *grouping;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		block_add_row(rows);
		block_set_number(rows, i, RUNQ_cpu, 0);
		block_set_number(rows, i, RUNQ_delay_ns, delays[i]);
		block_set_number(rows, i, RUNQ_switches, switches[i]);
	}
	groups = group(rows, "cpu", "count,switches,sum(delay_ns),avg(delay_ns),p90(delay_ns),p91(delay_ns),p100(delay_ns)",
		       &grouping);
	assert_int_equal(groups->rows, 1);
	assert_int_equal(block_number(groups, 0, 1), 100);
	assert_int_equal(block_number(groups, 0, 2), 100);
	assert_int_equal(block_number(groups, 0, 3), 1280);
	assert_int_equal(block_number(groups, 0, 4), 12);
	assert_int_equal(block_number(groups, 0, 5), 10);
	assert_int_equal(block_number(groups, 0, 6), 20);
	assert_int_equal(block_number(groups, 0, 7), 200);
	block_free(groups);
	grouping_free(grouping);
	block_free(rows);
}

static void complains(const char *by, const char *fields, const char *about)
{
	struct grouping *grouping;
	char complaint[256];

	assert_int_equal(grouping_new(table_by_id(TABLE_EXITS), by, fields, 0, &grouping, complaint, sizeof(complaint)),
			 -EINVAL);
	assert_non_null(strstr(complaint, about));
}

static void test_what_cannot_be_asked_is_said(void **state)
{
	(void)state;
	complains("com", NULL, "did you mean comm?");
	complains("comm/3", NULL, "it is a text");
	complains("exit_time/abc", NULL, "a duration such as 1h");
	complains("comm,", NULL, "missing");
	complains("comm", "sum(comm)", "is a text");
	complains("comm", "pid", "group by it");
	complains("comm", "p101(cpu_ns)", "p0 to p100");
	complains("comm", "sum(cpu_ns", ") is missing");
	complains("comm", "sum(cpu)", "did you mean cpu_ns?");
}

static void test_too_many_groups_are_an_error(void **state)
{
	struct block *rows = block_new(table_by_id(TABLE_EXITS), ROWS, 1);
	struct grouping *grouping;
	struct query_options options = {0};
	struct query *query;
	char complaint[256];
	int r = 0;

	(void)state;
	assert_int_equal(grouping_new(rows->table, "pid", "count", 0, &grouping, complaint, sizeof(complaint)), 0);
	options.selection = grouping_wanted(grouping);
	options.sink = grouping_sink(grouping);
	query = query_new(&options);
	for (uint64_t pid = 0; pid <= GROUPING_MAX_GROUPS && r == 0;) {
		block_clear(rows);
		for (uint32_t i = 0; i < ROWS; i++, pid++) {
			block_add_row(rows);
			block_set_number(rows, i, EXITS_pid, pid);
		}
		r = query_block(query, rows);
	}
	assert_int_equal(r, -E2BIG);
	query_free(query);
	grouping_free(grouping);
	block_free(rows);
}

static void test_groups_of_fields_are_added_to_the_usual_ones(void **state)
{
	struct selection selection;

	(void)state;
	assert_int_equal(selection_init(&selection, table_by_id(TABLE_EXITS), "+io", 0, NULL), 0);
	assert_string_equal(selection.fields[0].name, "exit_time");
	assert_int_equal(table_field(&selection.columns, "comm") >= 0, 1);
	assert_int_equal(table_field(&selection.columns, "syscw") >= 0, 1);
	assert_int_equal(table_field(&selection.columns, "uid"), -1);
	assert_int_equal(selection_init(&selection, table_by_id(TABLE_EXITS), "pid,+end,pid", 0, NULL), 0);
	assert_string_equal(selection.fields[1].name, "exit_code");
	assert_int_equal(table_field(&selection.columns, "exit_time"), -1);
	assert_int_equal(selection_init(&selection, table_by_id(TABLE_EXITS), "+memry", 0, NULL), -EINVAL);
	assert_non_null(strstr(selection.complaint, "did you mean +memory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles_are_near_those_of_a_sort),
		cmocka_unit_test(test_groups_are_those_of_brute_force),
		cmocka_unit_test(test_rows_that_stand_for_many_count_as_many),
		cmocka_unit_test(test_what_cannot_be_asked_is_said),
		cmocka_unit_test(test_too_many_groups_are_an_error),
		cmocka_unit_test(test_groups_of_fields_are_added_to_the_usual_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
