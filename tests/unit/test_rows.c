// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows with the most text that there can be: where the block has room for that, adding one cannot fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/rows_live.h"

static char long_text[CGROUP_PATH_BYTES];
static struct image image = {.exe_len = OBIT_EXE_SPACE, .argv_len = OBIT_ARGV_MAX};

/* Rows with as much text as there can be, as long as there is room: no more are taken, and none fails. */
static void test_the_longest_exit_has_room(void **state)
{
	struct block *exits = block_new(table_by_id(TABLE_EXITS), 10, 3 * EXIT_ROW_TEXT_MAX - 1);
	struct process process = {.pid = 7, .flags = ~0u};
	struct event_exit event = {.flags = EXIT_NO_EXEC | EXIT_BY_FREE | EXIT_OOM_KILLED, .wait_status = 9};
	struct exit_source source = {
		.event = &event,
		.process = &process,
		.image = &image,
		.cgroup = {{long_text, sizeof(long_text)}, {long_text, sizeof(long_text)}},
		.page_bytes = 4096,
	};

	(void)state;
	memset(event.comm, 'c', sizeof(event.comm));
	process.killers[0] = process.asker =
		(struct asker){.signal = 9, .flags = SIGNAL_MEMCG_FULL, .reason = KILL_PID_NAMESPACE};
	memset(process.killers[0].comm, 'k', sizeof(process.killers[0].comm));
	memset(process.asker.comm, 'a', sizeof(process.asker.comm));
	while (block_has_room(exits, EXIT_ROW_TEXT_MAX))
		row_add_exit(exits, &source);
	assert_true(exits->rows >= 2);
	/* The bound is near to what there is. */
	assert_in_range(exits->arena_used / exits->rows, EXIT_ROW_TEXT_MAX - 128, EXIT_ROW_TEXT_MAX);
	block_free(exits);
}

static void test_the_longest_rollup_has_room(void **state)
{
	struct block *rollups = block_new(table_by_id(TABLE_ROLLUPS), 2, ROLLUP_ROW_TEXT_MAX * 5);
	struct text_view cgroup = {long_text, sizeof(long_text)};
	struct rollup_row row = {.sum.exits = 3};

	(void)state;
	memset(row.key.comm, 'c', sizeof(row.key.comm));
	row_add_rollup(rollups, 1, &row, cgroup, 4096);
	assert_int_equal(rollups->arena_used, ROLLUP_ROW_TEXT_MAX);
	assert_true(block_has_room(rollups, ROLLUP_ROW_TEXT_MAX));
	row_add_rollup(rollups, 1, &row, cgroup, 4096);
	assert_int_equal(rollups->rows, 2);
	assert_false(block_has_room(rollups, ROLLUP_ROW_TEXT_MAX));
	block_free(rollups);
}

static void test_the_longest_roster_row_has_room(void **state)
{
	struct block *roster = block_new(table_by_id(TABLE_ROSTER), 2, ROSTER_ROW_TEXT_MAX);
	struct process_sample sample = {.state = 1};
	struct cgroup_name cgroup = {{long_text, sizeof(long_text)}, {long_text, sizeof(long_text)}, NULL};
	struct live_source source = {.sample = &sample, .image = &image, .cgroup = cgroup};

	(void)state;
	memset(sample.comm, 'c', sizeof(sample.comm));
	assert_int_equal(row_add_roster(roster, &source), 0);
	assert_int_equal(roster->arena_used, ROSTER_ROW_TEXT_MAX);
	block_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_longest_exit_has_room),
		cmocka_unit_test(test_the_longest_rollup_has_room),
		cmocka_unit_test(test_the_longest_roster_row_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
