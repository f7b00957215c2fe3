// SPDX-License-Identifier: BSD-2-Clause
/*
 * Selecting, sorting and limiting rows.
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

#include "query/query.h"

#define MAX_ROWS 20000

/* What came out: of each row its pid, and its comm compared with what belongs to the pid. */
struct taken {
	uint64_t pids[MAX_ROWS];
	size_t n;
	int stop_after; /* 0: never */
	int is_wrong;
};

static struct taken taken;

static uint64_t cpu_of(uint64_t pid)
{
	return pid * 7919 % 1000;
}

static void comm_of(uint64_t pid, char *ret, size_t size)
{
	snprintf(ret, size, "comm-%.*s%u", (int)(pid % 40), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", (unsigned)pid);
}

static int take(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct taken *to = context;
	uint64_t pid = block_number(block, row, (uint32_t)columns[0]);
	char comm[80];
	size_t len;
	const char *text = block_text(block, row, (uint32_t)columns[1], &len);

	comm_of(pid, comm, sizeof(comm));
	to->is_wrong |= strlen(comm) != len || memcmp(comm, text, len) != 0;
	to->pids[to->n++] = pid;
	return to->stop_after && to->n == (size_t)to->stop_after ? -EPIPE : 0;
}

/* Rows with pids from first to last; each fifth has no cpu_ns; they happen at pid * 10, odd ones 15 late. */
static struct block *make_block(uint64_t first, uint64_t last)
{
	struct block *block =
		block_new(table_by_id(TABLE_EXITS), (uint32_t)(last - first + 1), (uint32_t)(last - first + 1) * 80);

	for (uint64_t pid = first; pid <= last; pid++) {
		uint32_t row = (uint32_t)block_add_row(block);
		char comm[80];

		comm_of(pid, comm, sizeof(comm));
		block_set_number(block, row, EXITS_pid, pid);
		block_set_number(block, row, EXITS_exit_time, pid * 10 + (pid % 2 ? 15 : 0));
		block_set_text(block, row, EXITS_comm, comm, strlen(comm));
		if (pid % 5)
			block_set_number(block, row, EXITS_cpu_ns, cpu_of(pid));
	}
	return block;
}

/* Asks for pid and comm, over blocks of 100 rows. The result of the last call. */
static int ask(struct query_options options, const char *sort, uint64_t rows)
{
	struct selection selection;
	struct query *query;
	int r = 0;

	assert_int_equal(selection_init(&selection, table_by_id(TABLE_EXITS), "pid,comm", 0, sort), 0);
	taken.n = 0;
	taken.is_wrong = 0;
	options.selection = &selection;
	options.sink = (struct row_sink){.take = take, .context = &taken};
	query = query_new(&options);
	assert_non_null(query);
	for (uint64_t first = 1; first <= rows && r == 0; first += 100) {
		struct block *block = make_block(first, first + 99 < rows ? first + 99 : rows);

		if (first > 100)
			r = query_decide_until(query, (first - 100) * 10);
		if (r == 0)
			r = query_block(query, block);
		block_free(block);
	}
	if (r == 0)
		r = query_finish(query);
	query_free(query);
	assert_false(taken.is_wrong);
	return r;
}

static void test_rows_go_through_as_stored(void **state)
{
	(void)state;
	assert_int_equal(ask((struct query_options){0}, NULL, 1000), 0);
	assert_int_equal(taken.n, 1000);
	for (size_t i = 0; i < taken.n; i++)
		assert_int_equal(taken.pids[i], i + 1);
	assert_int_equal(ask((struct query_options){.limit = 7}, NULL, 1000), 1);
	assert_int_equal(taken.n, 7);
}

static int is_before(uint64_t a, uint64_t b, int is_descending)
{
	int a_null = a % 5 == 0, b_null = b % 5 == 0;

	if (a_null != b_null)
		return b_null;
	if (!a_null && cpu_of(a) != cpu_of(b))
		return (cpu_of(a) < cpu_of(b)) != is_descending;
	return a < b;
}

static void test_sorting_keeps_equals_in_order_and_nulls_last(void **state)
{
	static uint64_t all[MAX_ROWS];

	(void)state;
	for (int is_descending = 0; is_descending < 2; is_descending++) {
		const char *sort = is_descending ? "-cpu_ns" : "cpu_ns";

		ask((struct query_options){0}, sort, 5000);
		assert_int_equal(taken.n, 5000);
		for (size_t i = 1; i < taken.n; i++)
			assert_true(is_before(taken.pids[i - 1], taken.pids[i], is_descending));
		memcpy(all, taken.pids, sizeof(all));
		for (uint64_t limit = 1; limit < 5200; limit = limit * 3 + 1) {
			size_t n = limit < 5000 ? (size_t)limit : 5000;

			assert_true(ask((struct query_options){.limit = limit}, sort, 5000) >= 0);
			assert_int_equal(taken.n, n);
			assert_memory_equal(taken.pids, all, n * sizeof(all[0]));
		}
	}
	ask((struct query_options){.limit = 3}, "-comm", 5000);
	assert_int_equal(taken.pids[0], 999); /* as text 999 is more than 4999 */
}

static void test_sorting_by_time_needs_two_intervals_only(void **state)
{
	(void)state;
	assert_int_equal(ask((struct query_options){.is_by_time = 1}, NULL, 5000), 0);
	assert_int_equal(taken.n, 5000);
	for (size_t i = 1; i < taken.n; i++) {
		uint64_t a = taken.pids[i - 1], b = taken.pids[i];

		assert_true(a * 10 + (a % 2 ? 15 : 0) <= b * 10 + (b % 2 ? 15 : 0));
	}
	assert_int_equal(ask((struct query_options){.is_by_time = 1, .limit = 150}, NULL, 5000), 1);
	assert_int_equal(taken.n, 150);
}

static void test_range_and_filter(void **state)
{
	struct expression *expression;
	struct expression_error error;

	(void)state;
	ask((struct query_options){.since_real_ns = 20, .until_real_ns = 40}, NULL, 1000);
	assert_int_equal(taken.n, 2);
	assert_int_equal(taken.pids[0], 1);
	assert_int_equal(taken.pids[1], 2);
	assert_int_equal(expression_compile("pid > 990 and cpu_ns is not null", table_by_id(TABLE_EXITS),
					    &(struct literal_context){0}, &expression, &error),
			 0);
	ask((struct query_options){.expression = expression}, NULL, 1000);
	assert_int_equal(taken.n, 8);
	ask((struct query_options){.expression = expression, .limit = 2}, "-pid", 1000);
	assert_int_equal(taken.n, 2);
	assert_int_equal(taken.pids[0], 999);
	expression_free(expression);
}

static void test_what_the_sink_says_ends_it(void **state)
{
	(void)state;
	taken.stop_after = 5;
	assert_int_equal(ask((struct query_options){0}, NULL, 1000), -EPIPE);
	assert_int_equal(ask((struct query_options){0}, "cpu_ns", 1000), -EPIPE);
	assert_int_equal(ask((struct query_options){.is_by_time = 1}, NULL, 1000), -EPIPE);
	taken.stop_after = 0;
}

static void test_fields_are_chosen_by_name(void **state)
{
	const struct table *exits = table_by_id(TABLE_EXITS);
	struct selection selection;

	(void)state;
	assert_int_equal(selection_init(&selection, exits, NULL, 0, NULL), 0);
	assert_int_equal(selection.n_shown, N_EXITS_FIELDS);
	assert_int_equal(selection_init(&selection, exits, "all", 1, "pid"), 0);
	assert_int_equal(selection.sort_column, EXITS_pid);
	assert_int_equal(selection_init(&selection, exits, "comm, pid,comm", 1, "-cpu_ns"), 0);
	assert_int_equal(selection.n_shown, 3);
	assert_int_equal(selection.columns.n_fields, 4);
	assert_int_equal(selection.sort_column, 3);
	assert_string_equal(selection.fields[1].name, "pid");
	for (uint32_t id = TABLE_EXITS; id < N_TABLES + 1; id++)
		assert_int_equal(selection_init(&selection, table_by_id(id), NULL, 1, NULL), 0);
	assert_int_equal(selection_init(&selection, exits, "pid,cmm", 1, NULL), -EINVAL);
	assert_string_equal(selection.error, "exits has no field \"cmm\"; did you mean comm?");
	assert_int_equal(selection_init(&selection, exits, "pid,", 1, NULL), -EINVAL);
	assert_int_equal(selection_init(&selection, exits, "", 1, NULL), -EINVAL);
	assert_int_equal(selection_init(&selection, exits, " ,pid", 1, NULL), -EINVAL);
	assert_int_equal(selection_init(&selection, exits, NULL, 1, "-"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_go_through_as_stored),
		cmocka_unit_test(test_sorting_keeps_equals_in_order_and_nulls_last),
		cmocka_unit_test(test_sorting_by_time_needs_two_intervals_only),
		cmocka_unit_test(test_range_and_filter),
		cmocka_unit_test(test_what_the_sink_says_ends_it),
		cmocka_unit_test(test_fields_are_chosen_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
