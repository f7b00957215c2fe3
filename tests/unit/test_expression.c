// SPDX-License-Identifier: BSD-2-Clause
/*
 * Filters: what they mean, what they refuse and where they point, and that no text breaks them.
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

#include "query/expression.h"

#define S   UINT64_C(1000000000)
#define NOW (UINT64_C(1767323045) * S)
static const struct literal_context at_now = {.now_real_ns = NOW};

static struct block *block;

/* Row 0: a compiler killed; row 1: a shell that ended well; row 2: all null. */
static int set_up(void **state)
{
	const struct table *exits = table_by_id(TABLE_EXITS);

	(void)state;
	setenv("TZ", "UTC0", 1);
	block = block_new(exits, 3, 4096);
	for (int i = 0; i < 3; i++)
		block_add_row(block);
	block_set_number(block, 0, EXITS_exit_time, NOW - 60 * S);
	block_set_number(block, 0, EXITS_pid, 100);
	block_set_text(block, 0, EXITS_comm, "cc1", 3);
	block_set_text(block, 0, EXITS_argv, "cc1\0-O2\0a b.c\0", 14);
	block_set_number(block, 0, EXITS_cpu_ns, 1500000000);
	block_set_number(block, 0, EXITS_max_rss_bytes, UINT64_C(2) << 30);
	block_set_number(block, 0, EXITS_exit_signal, 9);
	block_set_number(block, 0, EXITS_oom_killed, 1);
	block_set_number(block, 1, EXITS_exit_time, NOW - 3600 * S);
	block_set_number(block, 1, EXITS_pid, 200);
	block_set_text(block, 1, EXITS_comm, "sh", 2);
	block_set_text(block, 1, EXITS_argv, "sh\0\0", 4);
	block_set_number(block, 1, EXITS_cpu_ns, 999);
	block_set_number(block, 1, EXITS_exit_code, 0);
	block_set_number(block, 1, EXITS_oom_killed, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	block_free(block);
	return 0;
}

/* Bit i: row i is wanted. */
static int rows_where(const char *text)
{
	struct expression *expression;
	struct expression_error error;
	int rows = 0;

	if (expression_compile(text, block->table, &at_now, &expression, &error) != 0) {
		fail_msg("%s: %s", text, error.message);
		return -1;
	}
	for (uint32_t row = 0; row < block->rows; row++)
		rows |= expression_matches(expression, block, row) << row;
	expression_free(expression);
	return rows;
}

/* The message and the place of the error. */
static const char *error_about(const char *text, size_t *ret_at)
{
	static struct expression_error error;
	struct expression *expression = NULL;

	if (expression_compile(text, block->table, &at_now, &expression, &error) == 0) {
		expression_free(expression);
		fail_msg("\"%s\" was taken", text);
	}
	assert_null(expression);
	*ret_at = error.at;
	return error.message;
}

static void assert_error(const char *text, size_t at, const char *part)
{
	size_t where;
	const char *message = error_about(text, &where);

	if (!strstr(message, part) || where != at)
		fail_msg("%s: at %zu: %s", text, where, message);
}

static void test_numbers_compare_in_their_units(void **state)
{
	(void)state;
	assert_int_equal(rows_where("cpu_ns > 1.4s"), 1);
	assert_int_equal(rows_where("cpu_ns>=1.5s"), 1);
	assert_int_equal(rows_where("cpu_ns > 1500ms"), 0);
	assert_int_equal(rows_where("cpu_ns < 1us"), 2);
	assert_int_equal(rows_where("cpu_ns != 999"), 1);
	assert_int_equal(rows_where("cpu_ns <= 999ns"), 2);
	assert_int_equal(rows_where("max_rss_bytes >= 2GiB"), 1);
	assert_int_equal(rows_where("max_rss_bytes > 2GB"), 1);
	assert_int_equal(rows_where("pid == 200"), 2);
	assert_int_equal(rows_where("pid in (1, 100,200)"), 3);
	assert_int_equal(rows_where("pid not in (1, 100)"), 2);
}

static void test_a_field_compares_with_another(void **state)
{
	size_t at;

	(void)state;
	/* Row 0: 1.5 s of CPU; row 1: 999 ns; both without wall_ns or user_ns, until here. */
	block_set_number(block, 0, EXITS_wall_ns, UINT64_C(3000000000));
	block_set_number(block, 1, EXITS_wall_ns, 999);
	assert_int_equal(rows_where("cpu_ns < wall_ns"), 1);
	assert_int_equal(rows_where("cpu = wall"), 2);
	assert_int_equal(rows_where("cpu_ns >= wall_ns / 2"), 3);
	assert_int_equal(rows_where("cpu_ns > wall_ns/2"), 2);
	assert_int_equal(rows_where("cpu_ns = wall_ns * 0.5"), 1);
	error_about("cpu_ns * 2 = wall_ns", &at);
	assert_int_equal(rows_where("cpu_ns != wall_ns *2 and cpu_ns > 0ns"), 3);
	assert_int_equal(rows_where("cpu_ns < user_ns or cpu_ns >= user_ns"), 0);
	assert_int_equal(rows_where("not cpu_ns < user_ns"), 7);
	error_about("cpu_ns > wall_ns / 0", &at);
	error_about("cpu_ns > wall_ns / x", &at);
	error_about("cpu_ns > pid", &at);
	error_about("pid < ppid * 1000000001", &at);
	/* Quoted it is a value; of a text it always is. */
	error_about("cpu_ns > 'wall_ns'", &at);
	assert_int_equal(rows_where("comm = exe"), 0);
	block->nulls[EXITS_wall_ns][0] = block->nulls[EXITS_wall_ns][1] = 1;
}

static void test_signals_times_and_bools(void **state)
{
	(void)state;
	assert_int_equal(rows_where("exit_signal = KILL"), 1);
	assert_int_equal(rows_where("exit_signal = SIGKILL"), 1);
	assert_int_equal(rows_where("exit_signal = 9"), 1);
	assert_int_equal(rows_where("exit_signal in (SEGV, 'kill')"), 1);
	assert_int_equal(rows_where("exit_time > -10m"), 1);
	assert_int_equal(rows_where("exit_time > \"3m ago\""), 1);
	assert_int_equal(rows_where("exit_time > 3m ago and pid = 100"), 1);
	assert_int_equal(rows_where("exit_time > 3 minutes ago and pid = 100"), 1);
	assert_int_equal(rows_where("exit_time < yesterday 23:59 or exit_time < 02:30"), 2);
	assert_int_equal(rows_where("exit_time < today 02:30"), 2);
	assert_int_equal(rows_where("exit_time >= 2026-01-02T03:00:00Z"), 1);
	assert_int_equal(rows_where("oom_killed"), 1);
	assert_int_equal(rows_where("not oom_killed"), 6);
	assert_int_equal(rows_where("oom_killed = false"), 2);
	assert_int_equal(rows_where("(oom_killed) or pid = 200"), 3);
}

static void test_text_compares_by_bytes_and_patterns(void **state)
{
	(void)state;
	assert_int_equal(rows_where("comm = sh"), 2);
	assert_int_equal(rows_where("comm = \"sh\""), 2);
	assert_int_equal(rows_where("comm != sh"), 1);
	assert_int_equal(rows_where("comm < d"), 1);
	assert_int_equal(rows_where("comm ~ ^cc"), 1);
	assert_int_equal(rows_where("comm ~ \"^(cc|s)\""), 3);
	assert_int_equal(rows_where("comm !~ '^cc'"), 2);
	assert_int_equal(rows_where("comm in (sh, bash)"), 2);
	assert_int_equal(rows_where("comm ~ '1$'"), 1);
}

static void test_argv_compares_as_words_with_spaces(void **state)
{
	(void)state;
	assert_int_equal(rows_where("argv = 'cc1 -O2 a b.c'"), 1);
	assert_int_equal(rows_where("argv ~ '-O[0-9] a'"), 1);
	assert_int_equal(rows_where("argv ~ \"\\.c$\""), 1);
	assert_int_equal(rows_where("argv = 'sh '"), 2);
}

static void test_null_compares_false(void **state)
{
	(void)state;
	assert_int_equal(rows_where("exit_signal != KILL"), 0);
	assert_int_equal(rows_where("exit_signal not in (KILL)"), 0);
	assert_int_equal(rows_where("comm !~ x"), 3);
	assert_int_equal(rows_where("exit_signal is null"), 6);
	assert_int_equal(rows_where("exit_signal is not null"), 1);
	assert_int_equal(rows_where("exit_signal = null"), 6);
	assert_int_equal(rows_where("exit_signal == NULL and pid = 200"), 2);
	assert_int_equal(rows_where("exit_signal != null"), 1);
	assert_int_equal(rows_where("not comm = null"), 3);
	assert_int_equal(rows_where("comm = 'null'"), 0);
	assert_int_equal(rows_where("not exit_signal = KILL"), 6);
}

static void test_and_binds_tighter_than_or(void **state)
{
	(void)state;
	assert_int_equal(rows_where("pid = 100 or pid = 200 and comm = cc1"), 1);
	assert_int_equal(rows_where("(pid = 100 or pid = 200) and comm = sh"), 2);
	assert_int_equal(rows_where("not pid = 100 and not pid = 200"), 4);
	assert_int_equal(rows_where("not (pid = 100 or pid = 200)"), 4);
	assert_int_equal(rows_where("not not pid = 100"), 1);
	assert_int_equal(rows_where("!(pid=100||pid=200)&&comm is null"), 4);
	assert_int_equal(rows_where("pid = 1 or pid = 100 AND comm = cc1 OR pid = 200"), 3);
}

static void test_errors_point_at_the_place(void **state)
{
	(void)state;
	assert_error("cpu_n > 1s", 0, "did you mean cpu_ns?");
	assert_error("pid = 1 and frobnicate = 2", 12, "obit schema exits");
	assert_error("cpu_ns > 1.5x", 9, "duration");
	assert_error("cpu_ns > 0.5ns", 9, "whole number of nanoseconds");
	assert_error("pid > 1k", 6, "expected a number");
	assert_error("pid = -1", 6, "never negative");
	assert_error("pid = 99999999999999999999", 6, "larger than any");
	assert_error("exit_signal = KIL", 14, "did you mean KILL?");
	assert_error("exit_time > tomorow", 12, "expected a time");
	assert_error("comm ~ \"(\"", 7, "not a regular expression");
	assert_error("pid ~ 1", 4, "is a number");
	assert_error("comm = \"sh", 7, "quote does not end");
	assert_error("(pid = 1", 0, "never closed");
	assert_error("pid = 1)", 7, "no parenthesis is open");
	assert_error("pid", 3, "a comparison");
	assert_error("", 0, "a field");
	assert_error("pid = 1 pid = 2", 8, "and, or or the end");
	assert_error("pid in (1, 2", 12, ", or )");
	assert_error("pid in ()", 8, "a value");
	assert_error("exit_signal > null", 14, "is null");
	assert_error("exit_signal in (9, null)", 19, "is null");
	assert_error("comm = and", 7, "quotes around");
	assert_error("oom_killed = maybe", 13, "true or false");
	assert_error("pid = 1 & pid = 2", 8, "expected and");
}

static void test_caret_stands_under_the_place(void **state)
{
	struct expression_error error = {4, 3, "no"};
	char text[200];

	(void)state;
	expression_error_write(&error, "\xc3\xa4 > 12x", text, sizeof(text));
	assert_string_equal(text, "no\n  \xc3\xa4 > 12x\n     ^~~");
	error = (struct expression_error){3, 0, "end"};
	expression_error_write(&error, "a\x1b=", text, sizeof(text));
	assert_string_equal(text, "end\n  a?=\n     ^");
}

static void test_deep_nesting_is_refused_and_long_chains_are_not(void **state)
{
	char *text = malloc(60001);
	size_t at, used = 0;

	(void)state;
	memset(text, '(', 60000);
	text[60000] = '\0';
	assert_non_null(strstr(error_about(text, &at), "more than 100 parentheses"));
	memset(text, '!', 59994);
	strcpy(text + 59994, "pid=1");
	assert_int_equal(rows_where(text), 0);
	while (used < 59000)
		used += (size_t)sprintf(text + used, "pid=1 or ");
	strcpy(text + used, "pid=100");
	assert_int_equal(rows_where(text), 1);
	memset(text, ' ', 60000);
	free(text);
}

static void test_another_table_is_bound_by_name(void **state)
{
	static const struct field fields[] = {
		{"comm", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
		{"cpu_ns", FIELD_STRING, UNIT_NONE, KIND_LABEL, "another type: as if it were not there"},
		{"new_one", FIELD_U64, UNIT_NONE, KIND_LABEL, ""},
		{"pid", FIELD_U64, UNIT_NONE, KIND_LABEL, ""},
	};
	static const struct table other = {"exits", "", 1, 4, fields};
	struct block *rows = block_new(&other, 1, 64);
	struct expression *expression;
	struct expression_error error;

	(void)state;
	block_add_row(rows);
	block_set_number(rows, 0, 3, 7);
	block_set_text(rows, 0, 0, "x", 1);
	block_set_text(rows, 0, 1, "9", 1);
	assert_int_equal(expression_compile("pid = 7 and comm = x and cpu_ns is null and uid is null", block->table,
					    &at_now, &expression, &error),
			 0);
	expression_bind(expression, &other);
	assert_int_equal(expression_matches(expression, rows, 0), 1);
	expression_bind(expression, block->table);
	assert_int_equal(expression_matches(expression, block, 0), 0);
	expression_free(expression);
	block_free(rows);
}

/* Signed fields compare signed. */
static void test_negative_numbers_of_the_ledger(void **state)
{
	const struct table *ledger = table_by_id(TABLE_LEDGER);
	struct block *rows = block_new(ledger, 1, 1);
	struct expression *expression;
	struct expression_error error;

	(void)state;
	block_add_row(rows);
	block_set_number(rows, 0, LEDGER_unobserved, (uint64_t)-3);
	assert_int_equal(
		expression_compile("unobserved < -2 and unobserved = -3 and unobserved < 0 and unobserved > -4", ledger,
				   &at_now, &expression, &error),
		0);
	assert_int_equal(expression_matches(expression, rows, 0), 1);
	expression_free(expression);
	assert_int_equal(expression_compile("unobserved > -9223372036854775809", ledger, &at_now, &expression, &error),
			 -EINVAL);
	block_free(rows);
}

static void try_text(const char *text)
{
	struct expression *expression;
	struct expression_error error;
	char shown[600];
	int r = expression_compile(text, block->table, &at_now, &expression, &error);

	if (r == -EINVAL) {
		assert_true(error.at <= strlen(text) && error.at + error.len <= strlen(text));
		expression_error_write(&error, text, shown, sizeof(shown));
	}
	if (r == 0) {
		for (uint32_t row = 0; row < block->rows; row++)
			assert_in_range(expression_matches(expression, block, row), 0, 1);
		expression_free(expression);
	}
}

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void test_random_bytes_and_random_words_break_nothing(void **state)
{
	static const char *const words[] = {
		"pid", "comm", "argv", "cpu_ns", "exit_signal", "exit_time", "oom_killed", "=",	   "!=",  "~",
		"!~",  "<",    ">=",   "(",	 ")",		",",	     "and",	   "or",   "not", "in",
		"is",  "null", "1",    "1.5s",	 "KILL",	"'x'",	     "\"a\\\"b\"", "-10m", "ago", "today",
		"^c",  "!",    "\"",   "&&",	 "2GiB",	"*",	     "a{2}",
	};
	uint32_t seed = 20260102;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		char text[256] = "";
		size_t len = draw(&seed) % 60, used = 0;

		if (i % 2) {
			for (size_t j = 0; j < len; j++)
				text[j] = (char)(draw(&seed) % 255 + 1);
			try_text(text);
			continue;
		}
		for (size_t j = 0; j < len % 14; j++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 words[draw(&seed) % (sizeof(words) / sizeof(words[0]))],
						 draw(&seed) % 5 ? " " : "");
		try_text(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_compare_in_their_units),
		cmocka_unit_test(test_a_field_compares_with_another),
		cmocka_unit_test(test_signals_times_and_bools),
		cmocka_unit_test(test_text_compares_by_bytes_and_patterns),
		cmocka_unit_test(test_argv_compares_as_words_with_spaces),
		cmocka_unit_test(test_null_compares_false),
		cmocka_unit_test(test_and_binds_tighter_than_or),
		cmocka_unit_test(test_errors_point_at_the_place),
		cmocka_unit_test(test_caret_stands_under_the_place),
		cmocka_unit_test(test_deep_nesting_is_refused_and_long_chains_are_not),
		cmocka_unit_test(test_another_table_is_bound_by_name),
		cmocka_unit_test(test_negative_numbers_of_the_ledger),
		cmocka_unit_test(test_random_bytes_and_random_words_break_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
