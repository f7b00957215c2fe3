// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows made of events where the block has no room: all of a row is there, or none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/rows.h"

static void test_rollup_without_room_for_its_texts_leaves_no_row(void **state)
{
	struct block *rollups = block_new(table_by_id(TABLE_ROLLUPS), 10, 64);
	struct rollup_row row = {.key.comm = "worker", .sum.exits = 3};
	struct text_view cgroup = {"/system.slice/one-of-forty-bytes.service", 40};

	(void)state;
	assert_int_equal(row_add_rollup(rollups, 1, &row, cgroup, 4096), 0);
	assert_int_equal(row_add_rollup(rollups, 1, &row, cgroup, 4096), -ENOSPC);
	assert_int_equal(rollups->rows, 1);
	block_free(rollups);
}

static void test_exit_without_room_for_its_texts_leaves_no_row(void **state)
{
	struct block *exits = block_new(table_by_id(TABLE_EXITS), 10, 8);
	struct event_exit event = {.comm = "long-command"};
	struct exit_source source = {.event = &event, .page_bytes = 4096};

	(void)state;
	assert_int_equal(row_add_exit(exits, &source), -ENOSPC);
	assert_int_equal(exits->rows, 0);
	block_free(exits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rollup_without_room_for_its_texts_leaves_no_row),
		cmocka_unit_test(test_exit_without_room_for_its_texts_leaves_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
