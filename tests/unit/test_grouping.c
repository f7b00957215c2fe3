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

#include "model/groups.h"
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

static int group_with(const struct block *rows, const struct terms_text *text, uint64_t max_groups,
		      struct grouping **ret)
{
	struct query_options options = {0};
	struct query *query;
	char error[256] = "";
	int r = grouping_new(rows->table, text, max_groups, ret, error, sizeof(error));

	if (r < 0)
		fail_msg("%s", error);
	options.selection = grouping_wanted(*ret);
	options.sink = grouping_sink(*ret);
	query = query_new(&options);
	r = query_block(query, rows);
	if (r == 0)
		r = query_finish(query);
	query_free(query);
	return r;
}

/* The result as one block; without groups NULL. */
static const struct block *only_batch(struct grouping *grouping)
{
	const struct block *batch;
	int r = grouping_next(grouping, &batch);

	assert_in_range(r, 0, 1);
	return r ? batch : NULL;
}

/* Rows into groups; the result. */
static const struct block *group(const struct block *rows, const char *by, const char *fields, struct grouping **ret)
{
	struct terms_text text = {.group_by = by, .fields = fields};

	assert_int_equal(group_with(rows, &text, 0, ret), 0);
	return only_batch(*ret);
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

/* What a group should say, found by going through all rows again. */
struct truth {
	uint64_t count, n, sum, most, least;
	uint64_t first, first_time, last, last_time; /* pid by exit_time */
	uint64_t values[ROWS];
};

static void find_truth(const struct block *rows, const struct block *groups, uint32_t g, struct truth *ret)
{
	uint64_t bucket = block_number(groups, g, 1);

	memset(ret, 0, offsetof(struct truth, values));
	ret->least = ret->first_time = UINT64_MAX;
	for (uint32_t i = 0; i < ROWS; i++) {
		uint64_t time = block_number(rows, i, EXITS_exit_time), value;

		if (time < bucket || time >= bucket + 10 * S || !same_text(rows, i, EXITS_comm, groups, g, 0))
			continue;
		ret->count++;
		if (time < ret->first_time) {
			ret->first_time = time;
			ret->first = i;
		}
		if (time >= ret->last_time) {
			ret->last_time = time;
			ret->last = i;
		}
		if (block_number(rows, i, EXITS_max_rss_bytes) > ret->most)
			ret->most = block_number(rows, i, EXITS_max_rss_bytes);
		if (block_is_null(rows, i, EXITS_cpu_ns))
			continue;
		value = ret->values[ret->n++] = block_number(rows, i, EXITS_cpu_ns);
		ret->sum += value;
		ret->least = value < ret->least ? value : ret->least;
	}
	qsort(ret->values, ret->n, sizeof(ret->values[0]), compare);
}

static void assert_near(uint64_t found, uint64_t exact)
{
	assert_true(llabs((long long)found - (long long)exact) <= (long long)exact / 250);
}

static void test_groups_are_those_of_brute_force(void **state)
{
	static struct truth truth;
	struct block *rows = made_up();
	const struct block *groups;
	struct grouping *grouping;
	uint64_t counted = 0;

	(void)state;
	assert_int_equal(
		group_with(
			rows,
			&(struct terms_text){
				"comm, exit_time/10s",
				"count,cpu_ns,max_rss_bytes,avg(cpu_ns),min(cpu_ns),first(pid),last(pid),p50(cpu_ns),"
				"first(comm),p90(cpu_ns),count(cpu_ns)",
				NULL, 0},
			0, &grouping),
		0);
	while (grouping_next(grouping, &groups) > 0)
		for (uint32_t g = 0; g < groups->rows; g++) {
			assert_int_equal(block_number(groups, g, 1) % (10 * S), 0);
			find_truth(rows, groups, g, &truth);
			counted += truth.count;
			assert_int_equal(block_number(groups, g, 2), truth.count);
			assert_int_equal(block_is_null(groups, g, 3), truth.n == 0);
			assert_int_equal(block_number(groups, g, 4), truth.most);
			assert_int_equal(block_number(groups, g, 7), truth.first);
			assert_int_equal(block_number(groups, g, 8), truth.last);
			assert_true(same_text(groups, g, 0, groups, g, 10));
			assert_int_equal(block_number(groups, g, 12), truth.n);
			if (!truth.n)
				continue;
			assert_int_equal(block_number(groups, g, 3), truth.sum);
			assert_int_equal(block_number(groups, g, 5), truth.sum / truth.n);
			assert_int_equal(block_number(groups, g, 6), truth.least);
			assert_near(block_number(groups, g, 9), truth.values[(truth.n - 1) / 2]);
			assert_near(block_number(groups, g, 11), truth.values[(9 * truth.n + 9) / 10 - 1]);
		}
	assert_int_equal(counted, ROWS);
	grouping_free(grouping);
	block_free(rows);
}

static void test_columns_of_the_result_have_types_and_units(void **state)
{
	struct block *rows = made_up();
	struct selection selection;
	struct grouping *grouping;

	(void)state;
	group(rows, "exit_signal,max_rss_bytes/1MiB", "p50(cpu_ns),count(comm),sum(oom_killed),first(comm)", &grouping);
	grouping_select(grouping, &selection);
	assert_int_equal(selection.n_shown, 6);
	assert_string_equal(selection.fields[1].name, "max_rss_bytes");
	assert_int_equal(selection.fields[1].kind, KIND_LABEL);
	assert_int_equal(selection.fields[1].unit, UNIT_BYTES);
	assert_string_equal(selection.fields[2].name, "p50(cpu_ns)");
	assert_int_equal(selection.fields[2].unit, UNIT_NS);
	assert_int_equal(selection.fields[3].type, FIELD_U64);
	assert_int_equal(selection.fields[4].type, FIELD_U64);
	assert_int_equal(selection.fields[5].type, FIELD_STRING);
	grouping_free(grouping);
	block_free(rows);
}

static void test_without_keys_all_rows_are_one_group(void **state)
{
	struct block *rows = made_up(), *none = block_new(rows->table, 1, 1);
	const struct block *groups;
	struct grouping *grouping;
	uint64_t sum = 0;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++)
		sum += block_number(rows, i, EXITS_cpu_ns);
	groups = group(rows, NULL, "count,cpu_ns", &grouping);
	assert_int_equal(groups->rows, 1);
	assert_int_equal(block_number(groups, 0, 0), ROWS);
	assert_int_equal(block_number(groups, 0, 1), sum);
	assert_int_equal(grouping_next(grouping, &groups), 0);
	grouping_free(grouping);
	groups = group(none, NULL, "count,cpu_ns", &grouping);
	assert_int_equal(groups->rows, 1);
	assert_int_equal(block_number(groups, 0, 0), 0);
	assert_true(block_is_null(groups, 0, 1));
	grouping_free(grouping);
	assert_null(group(none, "comm", NULL, &grouping));
	grouping_free(grouping);
	block_free(none);
	block_free(rows);
	assert_true(terms_are_of_groups("pid, count"));
	assert_true(terms_are_of_groups("sum(cpu_ns)"));
	assert_false(terms_are_of_groups("pid,counts"));
	assert_false(terms_are_of_groups(NULL));
}

/* Which column, by name, sorts; is it shown? */
static void assert_sort(const char *fields, const char *sort, const char *name, int is_shown, int is_descending)
{
	struct terms_text text = {"comm", fields, sort, 1};
	struct selection selection;
	struct grouping *grouping;
	char error[256];

	assert_int_equal(grouping_new(table_by_id(TABLE_EXITS), &text, 0, &grouping, error, sizeof(error)), 0);
	grouping_select(grouping, &selection);
	assert_string_equal(selection.fields[selection.sort_column].name, name);
	assert_int_equal((uint32_t)selection.sort_column < selection.n_shown, is_shown);
	assert_int_equal(selection.is_descending, is_descending);
	grouping_free(grouping);
}

static void test_groups_are_sorted_by_what_was_meant(void **state)
{
	(void)state;
	assert_sort(NULL, "-cpu_ns", "cpu_ns", 1, 1);
	assert_sort("count,sum(cpu_ns)", "-cpu_ns", "sum(cpu_ns)", 1, 1);
	assert_sort("count,cpu_ns", "-sum(cpu_ns)", "cpu_ns", 1, 1);
	assert_sort("count,max(cpu_ns)", "cpu_ns", "cpu_ns", 0, 0);
	assert_sort("count", "p99(wall_ns)", "p99(wall_ns)", 0, 0);
	assert_sort("count,p50(wall_ns)", "-p99(wall_ns)", "p99(wall_ns)", 0, 1);
	assert_sort("cpu_ns", "-count", "count", 0, 1);
	assert_sort("count", "comm", "comm", 1, 0);
}

static struct block *numbers(uint32_t table, uint32_t field, const uint64_t *values, uint32_t n)
{
	struct block *rows = block_new(table_by_id(table), n, 1);

	for (uint32_t i = 0; i < n; i++) {
		block_add_row(rows);
		block_set_number(rows, i, field, values[i]);
	}
	return rows;
}

static void test_negative_numbers_add_up_and_round_down(void **state)
{
	static const uint64_t values[] = {(uint64_t)-7, 3, (uint64_t)-10, 12};
	struct block *rows = numbers(TABLE_LEDGER, LEDGER_unobserved, values, 4);
	const struct block *groups;
	struct grouping *grouping;

	(void)state;
	groups = group(rows, NULL, "sum(unobserved),avg(unobserved),min(unobserved),max(unobserved)", &grouping);
	assert_int_equal((int64_t)block_number(groups, 0, 0), -2);
	assert_int_equal((int64_t)block_number(groups, 0, 1), 0);
	assert_int_equal((int64_t)block_number(groups, 0, 2), -10);
	assert_int_equal((int64_t)block_number(groups, 0, 3), 12);
	grouping_free(grouping);
	groups = group(rows, "unobserved/10", "count", &grouping);
	assert_int_equal(groups->rows, 3);
	assert_int_equal((int64_t)block_number(groups, 0, 0), -10); /* -7 and -10 */
	assert_int_equal(block_number(groups, 0, 1), 2);
	assert_int_equal((int64_t)block_number(groups, 1, 0), 0);
	assert_int_equal((int64_t)block_number(groups, 2, 0), 10);
	grouping_free(grouping);
	block_free(rows);
}

static void test_a_sum_past_64_bits_is_an_error(void **state)
{
	static const uint64_t values[] = {UINT64_MAX - 5, 5, 1}, signed_values[] = {INT64_MAX, 1};
	struct terms_text text = {NULL, "count,max(cpu_ns),cpu_ns", NULL, 0};
	struct block *rows = numbers(TABLE_EXITS, EXITS_cpu_ns, values, 3);
	struct grouping *grouping;

	(void)state;
	assert_int_equal(group_with(rows, &text, 0, &grouping), -EOVERFLOW);
	assert_string_equal(grouping_overflowed(grouping), "cpu_ns");
	grouping_free(grouping);
	rows->rows = 2;
	assert_int_equal(group_with(rows, &text, 0, &grouping), 0);
	grouping_free(grouping);
	block_free(rows);
	rows = numbers(TABLE_LEDGER, LEDGER_unobserved, signed_values, 2);
	text.fields = "sum(unobserved)";
	assert_int_equal(group_with(rows, &text, 0, &grouping), -EOVERFLOW);
	grouping_free(grouping);
	block_free(rows);
}

static void test_rows_that_stand_for_many_count_as_many(void **state)
{
	struct block *rows = block_new(table_by_id(TABLE_RUNQ), 4, 1);
	static const uint64_t delays[] = {10, 20, 200, 5}, switches[] = {90, 9, 1, 0};
	const struct block *groups;
	struct grouping *grouping;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		block_add_row(rows);
		block_set_number(rows, i, RUNQ_cpu, 0);
		block_set_number(rows, i, RUNQ_delay_ns, delays[i]);
		block_set_number(rows, i, RUNQ_switches, switches[i]);
	}
	groups = group(rows, "cpu",
		       "count,switches,sum(delay_ns),avg(delay_ns),p90(delay_ns),p91(delay_ns),p100(delay_ns),"
		       "min(delay_ns),avg(switches),count(delay_ns)",
		       &grouping);
	assert_int_equal(groups->rows, 1);
	assert_int_equal(block_number(groups, 0, 1), 100);
	assert_int_equal(block_number(groups, 0, 2), 100);
	assert_int_equal(block_number(groups, 0, 3), 1280);
	assert_int_equal(block_number(groups, 0, 4), 12);
	assert_int_equal(block_number(groups, 0, 5), 10);
	assert_int_equal(block_number(groups, 0, 6), 20);
	assert_int_equal(block_number(groups, 0, 7), 200);
	assert_int_equal(block_number(groups, 0, 8), 10); /* 5 was never waited */
	assert_int_equal(block_number(groups, 0, 9), 25); /* of four rows: a weight is not weighed */
	assert_int_equal(block_number(groups, 0, 10), 100);
	grouping_free(grouping);
	block_free(rows);
}

static void says(uint32_t table, const char *by, const char *fields, const char *sort, const char *about)
{
	struct terms_text text = {by, fields, sort, 0};
	struct grouping *grouping;
	char error[256];

	assert_int_equal(grouping_new(table_by_id(table), &text, 0, &grouping, error, sizeof(error)), -EINVAL);
	if (!strstr(error, about))
		fail_msg("%s", error);
}

static void test_what_cannot_be_asked_is_said(void **state)
{
	(void)state;
	says(TABLE_EXITS, "com", NULL, NULL, "did you mean comm?");
	says(TABLE_EXITS, "comm/3", NULL, NULL, "only numbers and times");
	says(TABLE_EXITS, "oom_killed/3", NULL, NULL, "only numbers and times");
	says(TABLE_EXITS, "exit_time/abc", NULL, NULL, "a duration such as 1h");
	says(TABLE_EXITS, "exit_time/60", NULL, NULL, "a duration such as 1h");
	says(TABLE_EXITS, "exit_time/", NULL, NULL, "a duration such as 1h");
	says(TABLE_EXITS, "max_rss_bytes/0", NULL, NULL, "a size such as 10MiB");
	says(TABLE_EXITS, "pid/1h", NULL, NULL, "a number such as 100");
	says(TABLE_EXITS, "comm,", NULL, NULL, "missing");
	says(TABLE_EXITS, "", NULL, NULL, "missing");
	says(TABLE_EXITS, "comm", "sum(comm)", NULL, "is a text");
	says(TABLE_EXITS, "comm", "sum()", NULL, "missing");
	says(TABLE_EXITS, "comm", "pid", NULL, "group by it");
	says(TABLE_EXITS, "comm", "p101(cpu_ns)", NULL, "p0 to p100");
	says(TABLE_EXITS, "comm", "p9.9.9(cpu_ns)", NULL, "p0 to p100");
	says(TABLE_EXITS, "comm", "p-1(cpu_ns)", NULL, "p0 to p100");
	says(TABLE_EXITS, "comm", "p1e1(cpu_ns)", NULL, "p0 to p100");
	says(TABLE_EXITS, "comm", "median(cpu_ns)", NULL, "\"median(\": expected count, sum");
	says(TABLE_EXITS, "comm", "sum(cpu_ns", NULL, ") is missing");
	says(TABLE_EXITS, "comm", "sum(cpu_n)", NULL, "did you mean cpu_ns?");
	says(TABLE_EXITS, "comm", "sum(exit_time)", NULL, "is a time");
	says(TABLE_EXITS, "comm", "p50(exit_time)", NULL, "is a time");
	says(TABLE_EXITS, "comm", "avg(oom_killed)", NULL, "is true or false");
	says(TABLE_EXITS, "comm", "sum(exit_signal)", NULL, "is a signal");
	says(TABLE_LEDGER, "time/1h", "p50(unobserved)", NULL, "may be negative");
	says(TABLE_EXITS, "comm", "+oi", NULL, "did you mean +io?");
	says(TABLE_EXITS, "comm", "+nothing", NULL, "there are +identity, +cpu,");
	says(TABLE_RUNQ, "cpu", "+io", NULL, "runq has no group");
	says(TABLE_EXITS, "comm", "count", "-pid", "group by it");
	says(TABLE_EXITS, "comm", "count", "+io", "a group of fields");
	says(TABLE_EXITS, "comm", "count", "", "missing");
}

static void test_too_many_groups_are_an_error(void **state)
{
	struct terms_text text = {"pid", "count", NULL, 0};
	struct block *rows = made_up();
	struct grouping *grouping;

	(void)state;
	assert_int_equal(group_with(rows, &text, ROWS - 1, &grouping), -E2BIG);
	grouping_free(grouping);
	assert_int_equal(group_with(rows, &text, ROWS, &grouping), 0);
	grouping_free(grouping);
	block_free(rows);
}

static const char *one_of(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return words[next_chance() % n];
}

/* Bytes, words without sense, or a list that may well be one. */
static void draw_text(char *ret, int is_key)
{
	static const char *const words[] = {
		"pid",	 "comm",  "argv", "cpu_ns", "exit_signal", "exit_time", "count", "sum", "p50",
		"p99.9", "first", "(",	  ")",	    ",",	   ",",		"/",	 "1h",	"10",
		"MiB",	 "+io",	  "+",	  " ",	    "-",	   "all",	NULL,
	};
	static const char *const keys[] = {"comm",	 "argv", "exit_time/10s", "pid/100", "exit_signal",
					   "cpu_ns/1us", NULL};
	static const char *const reported[] = {
		"count",
		"cpu_ns",
		"sum(cpu_ns)",
		"p50(cpu_ns)",
		"p99(cpu_ns)",
		"last(argv)",
		"first(comm)",
		"+io",
		"+memory",
		"max(pid)",
		"min(exit_time)",
		"count(exit_signal)",
		"avg(max_rss_bytes)",
		"sum(oom_killed)",
		"sum(comm)",
		NULL,
	};
	uint64_t how = next_chance() % 8, n = next_chance() % 6 + 1;

	*ret = '\0';
	for (uint64_t i = 0; i < n * 10 && how == 0; i++) {
		ret[i] = (char)(next_chance() % 255 + 1);
		ret[i + 1] = '\0';
	}
	for (uint64_t i = 0; i < n && how == 1; i++)
		strcat(ret, one_of(words));
	for (uint64_t i = 0; i < n && how > 1; i++) {
		strcat(ret, i ? "," : "");
		strcat(ret, one_of(is_key ? keys : reported));
	}
}

static void test_random_terms_break_nothing(void **state)
{
	struct block *rows = made_up();
	const struct block *groups;
	int n_taken = 0;

	(void)state;
	rows->rows = 50;
	for (int i = 0; i < 20000; i++) {
		char by[400], fields[400], sort[400], error[64];
		struct terms_text text = {i % 7 ? by : NULL, i % 6 ? fields : NULL, i % 5 ? NULL : sort, i % 2};
		struct grouping *grouping;
		int r;

		draw_text(by, 1);
		draw_text(fields, 0);
		draw_text(sort, 0);
		r = grouping_new(rows->table, &text, 0, &grouping, error, sizeof(error));
		assert_true(r == 0 || r == -EINVAL);
		if (r < 0)
			continue;
		grouping_free(grouping);
		assert_int_equal(group_with(rows, &text, 0, &grouping), 0);
		while (grouping_next(grouping, &groups) > 0)
			n_taken++;
		grouping_free(grouping);
	}
	assert_in_range(n_taken, 2000, 20000);
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
	assert_non_null(strstr(selection.error, "did you mean +memory"));
}

static void test_every_group_names_fields_of_its_table(void **state)
{
	const struct table *const *tables;
	size_t n;

	(void)state;
	tables = tables_all(&n);
	for (size_t i = 0; i < n; i++) {
		const struct field_group *groups[FIELD_GROUPS_MAX];
		size_t n_groups = field_groups(tables[i]->id, groups);

		for (size_t k = 0; k < n_groups; k++) {
			struct selection selection;

			if (selection_init(&selection, tables[i], groups[k]->fields, 0, NULL) < 0)
				fail_msg("+%s: %s", groups[k]->name, selection.error);
			assert_true(field_group_has(groups[k], selection.fields[selection.n_shown - 1].name));
			assert_false(field_group_has(groups[k], "nothing"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups_are_those_of_brute_force),
		cmocka_unit_test(test_columns_of_the_result_have_types_and_units),
		cmocka_unit_test(test_without_keys_all_rows_are_one_group),
		cmocka_unit_test(test_groups_are_sorted_by_what_was_meant),
		cmocka_unit_test(test_negative_numbers_add_up_and_round_down),
		cmocka_unit_test(test_a_sum_past_64_bits_is_an_error),
		cmocka_unit_test(test_rows_that_stand_for_many_count_as_many),
		cmocka_unit_test(test_what_cannot_be_asked_is_said),
		cmocka_unit_test(test_too_many_groups_are_an_error),
		cmocka_unit_test(test_random_terms_break_nothing),
		cmocka_unit_test(test_groups_of_fields_are_added_to_the_usual_ones),
		cmocka_unit_test(test_every_group_names_fields_of_its_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
