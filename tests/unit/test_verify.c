// SPDX-License-Identifier: BSD-2-Clause
/*
 * The audit of a store's balance, on chunks made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "query/balance.h"
#include "tests/chunks.h"

#define S UINT64_C(1000000000)

static struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = 1};
static struct block *exits, *rollups, *ledger;
static struct balance *balance;
static char findings[4096]; /* "INTERVAL: WHAT [BECAUSE]\n" each */

static void take(void *context, const struct balance_finding *finding)
{
	size_t used = strlen(findings);

	(void)context;
	snprintf(findings + used, sizeof(findings) - used, "%u: %s [%s]\n", (unsigned)finding->interval, finding->what,
		 finding->because);
}

static void start(uint64_t since_real_ns)
{
	struct balance_sink sink = {take, NULL};

	balance_free(balance);
	balance = balance_new(since_real_ns, &sink);
	findings[0] = '\0';
	origin.run_real_ns = 1;
}

static int set_up(void **state)
{
	(void)state;
	exits = block_new(table_by_id(TABLE_EXITS), 100, 1);
	rollups = block_new(table_by_id(TABLE_ROLLUPS), 100, 1);
	ledger = block_new(table_by_id(TABLE_LEDGER), 2, 1);
	start(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	block_free(exits);
	block_free(rollups);
	block_free(ledger);
	balance_free(balance);
	balance = NULL;
	return 0;
}

struct entry {
	uint64_t opening, forks, seen, recorded, rolled_up, closing;
};

static void add_blocks(const struct interval *interval, struct block *const *blocks, size_t n)
{
	static struct made_part made;
	struct store_select select = {0};
	struct group_reader *reader = group_reader_new(NULL, NULL);

	assert_int_equal(balance_add(balance, make_part(&made, &origin, interval, blocks, n), &select, reader), 0);
	group_reader_free(reader);
	made_part_done(&made);
	memset(&made, 0, sizeof(made));
}

/* One chunk; an entry makes it the interval's last. rolled_up is split over two rows where it can be. */
static void add_chunk(uint64_t number, uint32_t exits_rows, uint64_t rolled_up, const struct entry *entry)
{
	struct block *blocks[] = {exits, rollups, ledger};
	struct interval interval = {number, number * S, entry ? (number + 1) * S : 0, entry != NULL};

	block_clear(exits);
	block_clear(rollups);
	block_clear(ledger);
	for (uint32_t i = 0; i < exits_rows; i++)
		block_add_row(exits);
	for (uint64_t left = rolled_up; left;) {
		uint64_t part = left > 1 ? left / 2 : left;

		block_set_number(rollups, (uint32_t)block_add_row(rollups), ROLLUPS_exits, part);
		left -= part;
	}
	if (entry) {
		block_add_row(ledger);
		block_set_number(ledger, 0, LEDGER_opening, entry->opening);
		block_set_number(ledger, 0, LEDGER_forks, entry->forks);
		block_set_number(ledger, 0, LEDGER_exits_seen, entry->seen);
		block_set_number(ledger, 0, LEDGER_exits_recorded, entry->recorded);
		block_set_number(ledger, 0, LEDGER_exits_rolled_up, entry->rolled_up);
		block_set_number(ledger, 0, LEDGER_closing, entry->closing);
		block_set_number(ledger, 0, LEDGER_missed_runs, entry->seen == 13 ? 2 : 0);
	}
	add_blocks(&interval, blocks, 3);
}

static const struct balance_run *run(size_t i)
{
	size_t n;
	const struct balance_run *runs = balance_runs(balance, &n);

	assert_true(i < n);
	return &runs[i];
}

static void test_a_balanced_ledger_is_silent(void **state)
{
	(void)state;
	add_chunk(1, 3, 4, NULL);
	add_chunk(1, 2, 0, &(struct entry){10, 9, 9, 5, 4, 10});
	add_chunk(2, 0, 0, &(struct entry){10, 3, 0, 0, 0, 13});
	add_chunk(3, 1, 0, NULL);
	add_chunk(3, 0, 0, &(struct entry){13, 0, 1, 1, 0, 12});
	assert_string_equal(findings, "");
	assert_int_equal(run(0)->n_judged, 3);
	assert_int_equal(run(0)->exits_seen, 10);
	assert_int_equal(run(0)->exits_rolled_up, 4);
	assert_int_equal(run(0)->last.is_closed, 1);
}

static void test_each_equation_is_checked(void **state)
{
	(void)state;
	add_chunk(1, 9, 0, &(struct entry){5, 11, 10, 9, 0, 6});
	assert_string_equal(findings, "1: exits_seen is 10, 1 more than exits_recorded + exits_rolled_up, 9 []\n");
	start(0);
	add_chunk(1, 9, 0, &(struct entry){5, 10, 10, 10, 0, 5});
	assert_string_equal(findings, "1: the number of rows in exits is 9, 1 less than exits_recorded, 10 []\n");
	start(0);
	add_chunk(1, 9, 2, &(struct entry){5, 10, 10, 9, 1, 5});
	assert_string_equal(findings, "1: the sum of rollups.exits is 2, 1 more than exits_rolled_up, 1 []\n");
	start(0);
	add_chunk(1, 13, 0, &(struct entry){5, 10, 13, 13, 0, 7});
	assert_string_equal(findings, "1: opening + forks - exits_seen is 2, 5 less than closing, 7 [missed_runs 2]\n");
	start(0);
	add_chunk(1, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	add_chunk(2, 1, 0, NULL);
	add_chunk(2, 0, 0, &(struct entry){6, 0, 1, 1, 0, 5});
	assert_string_equal(findings, "2: opening is 6, 1 more than the closing of the interval before, 5 []\n");
	assert_int_equal(run(0)->n_findings, 1);
}

static void test_a_missing_interval_is_named(void **state)
{
	(void)state;
	add_chunk(1, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	add_chunk(3, 0, 0, &(struct entry){6, 0, 0, 0, 0, 6});
	assert_string_equal(findings, "2: 1 interval is missing before interval 3 []\n");
	start(0);
	add_chunk(2, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	add_chunk(1, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	assert_string_equal(findings, "1: it comes after interval 2 []\n");
}

static void test_an_open_interval_is_a_fault_only_when_another_follows(void **state)
{
	(void)state;
	add_chunk(1, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	add_chunk(2, 7, 0, NULL);
	assert_string_equal(findings, "");
	assert_int_equal(run(0)->last.is_closed, 0);
	assert_int_equal(run(0)->last.exits_rows, 7);
	add_chunk(3, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	assert_string_equal(findings, "2: it has no last chunk, yet interval 3 follows []\n");
}

static void test_an_interval_may_begin_before_the_last_chunk_of_the_one_before(void **state)
{
	(void)state;
	add_chunk(1, 2, 0, NULL);
	add_chunk(2, 7, 1, NULL);
	add_chunk(1, 1, 0, &(struct entry){5, 3, 3, 3, 0, 5});
	add_chunk(2, 1, 0, &(struct entry){5, 9, 9, 8, 1, 5});
	/* ... or before any chunk of it. */
	add_chunk(4, 6, 0, NULL);
	add_chunk(3, 1, 0, &(struct entry){5, 1, 1, 1, 0, 5});
	add_chunk(4, 0, 0, &(struct entry){5, 6, 6, 6, 0, 5});
	assert_string_equal(findings, "");
	start(0);
	add_chunk(2, 6, 0, NULL);
	add_chunk(1, 1, 0, &(struct entry){5, 1, 1, 1, 0, 5});
	add_chunk(3, 2, 0, NULL);
	add_chunk(2, 0, 0, &(struct entry){5, 6, 6, 6, 0, 5});
	assert_string_equal(findings, "");
	assert_int_equal(run(0)->first_number, 1);
	assert_int_equal(run(0)->last.number, 3);
	assert_int_equal(run(0)->last.exits_rows, 2);
	start(0);
	add_chunk(1, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	add_chunk(3, 1, 0, NULL);
	add_chunk(3, 0, 0, &(struct entry){5, 1, 1, 1, 0, 5});
	assert_string_equal(findings, "2: 1 interval is missing before interval 3 []\n");
}

static void test_a_killed_run_does_not_unbalance_the_next(void **state)
{
	(void)state;
	add_chunk(1, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	add_chunk(2, 7, 0, NULL);
	origin.run_real_ns = 2;
	add_chunk(1, 1, 0, &(struct entry){50, 1, 1, 1, 0, 50});
	assert_string_equal(findings, "");
	assert_int_equal(run(0)->last.is_closed, 0);
	assert_int_equal(run(1)->n_judged, 1);
}

static void test_chunks_and_ledger_rows_are_counted(void **state)
{
	static const struct entry entry = {5, 0, 0, 0, 0, 5};

	(void)state;
	add_chunk(1, 0, 0, &entry);
	add_chunk(1, 0, 0, NULL);
	assert_string_equal(findings, "1: it has a chunk behind its last one []\n");
	start(0);
	block_clear(ledger);
	add_blocks(&(struct interval){1, S, 2 * S, 1}, NULL, 0);
	assert_string_equal(findings, "1: it has 0 ledger rows instead of 1 []\n");
	assert_int_equal(run(0)->n_judged, 0);
}

static void test_what_begins_before_the_range_is_not_judged(void **state)
{
	(void)state;
	start(2 * S);
	add_chunk(1, 1, 0, &(struct entry){5, 10, 10, 10, 0, 5});
	add_chunk(2, 0, 0, &(struct entry){5, 0, 0, 0, 0, 5});
	assert_string_equal(findings, "");
	assert_int_equal(run(0)->n_judged, 1);
	add_chunk(3, 0, 0, &(struct entry){6, 0, 0, 0, 0, 6});
	assert_string_equal(findings, "3: opening is 6, 1 more than the closing of the interval before, 5 []\n");
}

static void test_a_ledger_without_a_field_is_said(void **state)
{
	(void)state;
	block_clear(ledger);
	block_add_row(ledger);
	add_blocks(&(struct interval){1, S, 2 * S, 1}, &ledger, 1);
	assert_string_equal(findings, "1: its ledger row has no opening []\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_balanced_ledger_is_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_equation_is_checked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_missing_interval_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_open_interval_is_a_fault_only_when_another_follows, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_an_interval_may_begin_before_the_last_chunk_of_the_one_before,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_killed_run_does_not_unbalance_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_chunks_and_ledger_rows_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_begins_before_the_range_is_not_judged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_ledger_without_a_field_is_said, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
