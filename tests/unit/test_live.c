// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows of live processes: baselines that make them, and the two readers that add them up: do lives balance, who
 * lived at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/lifetimes.h"
#include "query/at_snapshot.h"
#include "ledger/baselines.h"
#include "ledger/rows_live.h"
#include "store/writer.h"
#include "tests/chunks.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S)
#define BORN  (BEGIN + S / 2) /* in the first interval */

/* --- baselines ---------------------------------------------------------------------------------------------------- */
static void test_steps_add_up_to_the_last_reading(void **state)
{
	static const uint64_t cpu[] = {100, 250, 249, 400, 400, 1000};
	struct baselines *baselines = baselines_new(1);
	baseline_id id = baselines_add(baselines);
	uint64_t sum = 0, user = 0, system = 0;
	struct cost_delta step;

	(void)state;
	assert_int_equal(baselines_add(baselines), 0);
	for (size_t i = 0; i < sizeof(cpu) / sizeof(cpu[0]); i++) {
		struct costs costs = {.cpu_ns = cpu[i], .utime_ns = 3, .stime_ns = 2, .threads = 2};
		struct waits waits = {.max_delay_ns = 7};

		baselines_advance(baselines, id, &costs, &waits, &step);
		/* The third reading is short, the fifth as long as the fourth. */
		assert_int_equal(step.is_empty, i == 2 || i == 4);
		assert_int_equal(step.costs.threads, 0);
		assert_int_equal(step.waits.max_delay_ns, 7);
		assert_int_equal(step.user_ns + step.system_ns, step.costs.cpu_ns);
		sum += step.costs.cpu_ns;
		user += step.user_ns;
		system += step.system_ns;
	}
	assert_int_equal(sum, 1000);
	assert_int_equal(user + system, 1000);
	baselines_drop(baselines, id);
	assert_int_equal(baselines_add(baselines), id);
	baselines_free(baselines);
}

static void test_every_length_of_wait_is_reported_within_the_error(void **state)
{
	struct block *block = block_new(table_by_id(TABLE_RUNQ), RUNQ_BUCKETS, 1);
	uint64_t before = 0;

	(void)state;
	for (uint32_t bucket = 0; bucket < RUNQ_BUCKETS; bucket++) {
		struct runq_row waits = {.cpu = 3, .bucket = bucket, .switches = 1};
		uint64_t middle;

		row_add_runq(block, BEGIN, &waits);
		middle = block_number(block, bucket, RUNQ_delay_ns);
		assert_true(bucket == 0 || middle > before);
		before = middle;
	}
	/* The programs' own rule, for lengths of all sizes. */
	for (uint64_t length = 1; length < UINT64_C(1) << RUNQ_OCTAVES; length += length / 13 + 1) {
		unsigned octave = 63 - (unsigned)__builtin_clzll(length);
		uint64_t bucket = length < RUNQ_PARTS ? length
						      : ((octave - RUNQ_PARTS_LOG2) << RUNQ_PARTS_LOG2) +
								(length >> (octave - RUNQ_PARTS_LOG2));
		uint64_t middle = block_number(block, (uint32_t)bucket, RUNQ_delay_ns);

		assert_true(bucket < RUNQ_BUCKETS);
		assert_true((middle > length ? middle - length : length - middle) * 16 <= length);
	}
	block_free(block);
}

/* --- stores by hand -------------------------------------------------------------------------------------------- */
static struct block *procs, *roster, *exits;
static struct origin origin;

static void begin_chunk(void)
{
	block_clear(procs);
	block_clear(roster);
	block_clear(exits);
}

static void set_text(struct block *block, uint32_t row, uint32_t field, const char *text)
{
	assert_int_equal(block_set_text(block, row, field, text, strlen(text)), 0);
}

static void add_proc(uint64_t pid, uint64_t start, uint64_t cpu_ns, uint64_t threads, const char *state_name)
{
	uint32_t row = (uint32_t)block_add_row(procs);

	block_set_number(procs, row, PROCS_pid, pid);
	block_set_number(procs, row, PROCS_start_time, start);
	block_set_number(procs, row, PROCS_cpu_ns, cpu_ns);
	block_set_number(procs, row, PROCS_run_delay_ns, cpu_ns * 2);
	if (*state_name != 'X')
		block_set_number(procs, row, PROCS_threads, threads);
	set_text(procs, row, PROCS_state, state_name);
	set_text(procs, row, PROCS_comm, "proc");
}

static void add_roster(uint64_t pid, uint64_t start)
{
	uint32_t row = (uint32_t)block_add_row(roster);

	block_set_number(roster, row, ROSTER_pid, pid);
	block_set_number(roster, row, ROSTER_start_time, start);
	block_set_number(roster, row, ROSTER_cpu_ns, 123456);
	block_set_number(roster, row, ROSTER_rss_bytes, 4096);
	set_text(roster, row, ROSTER_state, "S");
	set_text(roster, row, ROSTER_comm, "idle");
}

static void add_exit(uint64_t pid, uint64_t start, uint64_t end, uint64_t cpu_ns, uint64_t run_delay_ns,
		     uint64_t threads)
{
	uint32_t row = (uint32_t)block_add_row(exits);

	block_set_number(exits, row, EXITS_pid, pid);
	block_set_number(exits, row, EXITS_start_time, start);
	block_set_number(exits, row, EXITS_exit_time, end);
	block_set_number(exits, row, EXITS_cpu_ns, cpu_ns);
	block_set_number(exits, row, EXITS_run_delay_ns, run_delay_ns);
	block_set_number(exits, row, EXITS_threads, threads);
}

static struct interval interval_of(uint64_t number, int is_last)
{
	return (struct interval){number, BEGIN + (number - 1) * S, is_last ? BEGIN + number * S : 0, is_last};
}

/* --- lives ----------------------------------------------------------------------------------------------------- */
static struct lifetimes_finding found;
static int n_found;

static void take_finding(void *context, const struct lifetimes_finding *finding)
{
	(void)context;
	found = *finding;
	n_found++;
}

static void add_to_lifetimes(struct lifetimes *lives, uint64_t number)
{
	static struct made_part made;
	struct block *blocks[] = {procs, roster, exits};
	struct interval interval = interval_of(number, 1);
	struct group_reader *reader = group_reader_new(NULL, NULL);

	assert_int_equal(lifetimes_add(lives, make_part(&made, &origin, &interval, blocks, 3), reader), 0);
	group_reader_free(reader);
	made_part_done(&made);
	memset(&made, 0, sizeof(made));
	begin_chunk();
}

static void test_a_life_whose_rows_do_not_add_up_is_found(void **state)
{
	struct lifetimes *lives = lifetimes_new(&(struct lifetimes_sink){take_finding, NULL});

	(void)state;
	n_found = 0;
	begin_chunk();
	add_proc(1, BEGIN - S, 5, 1, "S"); /* from before: nothing is known of it */
	for (uint64_t pid = 10; pid < 13; pid++)
		add_proc(pid, BORN, 100, pid == 12 ? 4 : 1, "S");
	add_to_lifetimes(lives, 1);
	for (uint64_t pid = 10; pid < 13; pid++)
		add_proc(pid, BORN, 50, 1, "X");
	add_exit(1, BEGIN - S, BEGIN + S + 1, 999, 999, 1);
	add_exit(10, BORN, BEGIN + S + 1, 150, 300, 1);
	add_exit(11, BORN, BEGIN + S + 1, 151, 300, 1);
	add_exit(12, BORN, BEGIN + S + 1, 150, 200, 4); /* of one with threads the delay is not held */
	add_exit(99, BORN, BEGIN + S + 1, 7, 7, 1);	/* too short a life to have rows */
	add_to_lifetimes(lives, 2);
	assert_int_equal(n_found, 1);
	assert_int_equal(found.pid, 11);
	assert_string_equal(found.field, "cpu_ns");
	assert_int_equal(found.is, 150);
	assert_int_equal(found.should_be, 151);
	assert_int_equal(found.rows, 2);
	assert_int_equal(found.interval, 2);
	assert_int_equal(lifetimes_judged(lives), 3);
	lifetimes_free(lives);
}

static void test_a_gap_ends_what_can_be_judged(void **state)
{
	struct lifetimes *lives = lifetimes_new(&(struct lifetimes_sink){take_finding, NULL});

	(void)state;
	n_found = 0;
	begin_chunk();
	for (uint64_t pid = 1; pid < 5000; pid++) {
		if (procs->rows == procs->capacity)
			add_to_lifetimes(lives, 1);
		add_proc(pid, BORN, 100, 1, "S");
	}
	add_to_lifetimes(lives, 1);
	add_exit(1, BORN, BORN + 4, 100, 200, 1);
	add_to_lifetimes(lives, 2);
	assert_int_equal(lifetimes_judged(lives), 1);
	add_exit(2, BORN, BORN + 4, 777, 777, 1);
	add_to_lifetimes(lives, 9);
	assert_int_equal(lifetimes_judged(lives), 1);
	assert_int_equal(n_found, 0);
	lifetimes_free(lives);
}

/* --- at a time ------------------------------------------------------------------------------------------------ */
static char dir[] = "/tmp/obit-test-XXXXXX";
static struct store_writer *writer;

static void begin_store(int is_sealing)
{
	struct store_options options = {.dir = dir, .is_sealing = is_sealing};

	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	begin_chunk();
}

static void add_to_store(uint64_t number, int is_last)
{
	struct block *blocks[] = {procs, roster, exits};
	struct interval interval = interval_of(number, is_last);

	assert_int_equal(store_writer_append(writer, &interval, blocks, 3), 0);
	begin_chunk();
}

static struct at_snapshot *read_snapshot(uint64_t real_ns)
{
	struct at_snapshot *snapshot = at_snapshot_new(real_ns);

	assert_int_equal(store_writer_close(writer), 0);
	for (int pass = 0; pass < N_AT_PASSES; pass++) {
		struct store_select select = at_snapshot_select(snapshot, pass);
		struct store_reader *reader;

		assert_int_equal(store_reader_open(dir, &select, &reader), 0);
		assert_int_equal(at_snapshot_read(snapshot, pass, reader), 0);
		store_reader_close(reader);
	}
	return snapshot;
}

static void remove_store(void)
{
	struct segment_name *names;
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	size_t n;

	assert_int_equal(directory_list(dir_fd, &names, &n), 0);
	for (size_t i = 0; i < n; i++)
		unlinkat(dir_fd, names[i].text, 0);
	unlinkat(dir_fd, "lock", 0);
	free(names);
	close(dir_fd);
}

static int row_of(const struct block *block, uint64_t pid)
{
	for (uint32_t row = 0; row < block->rows; row++)
		if (block_number(block, row, PROCS_pid) == pid)
			return (int)row;
	return -1;
}

static void find_who_lived(int is_sealing)
{
	struct at_snapshot *snapshot;
	struct block *rows;
	int row;

	begin_store(is_sealing);
	for (uint64_t pid = 1; pid <= 4; pid++)
		add_roster(pid, BEGIN - S);
	add_proc(4, BEGIN - S, 11, 1, "R");
	add_to_store(1, 1);
	add_exit(2, BEGIN - S, BEGIN + S + 1, 1, 1, 1);
	add_proc(5, BEGIN + S, 22, 1, "S");
	add_to_store(2, 1);
	/* The next interval's chunk before the last of this one: 4 ends behind the snapshot. */
	add_exit(4, BEGIN - S, BEGIN + 3 * S + 5, 1, 1, 1);
	add_to_store(4, 0);
	add_proc(3, BEGIN - S, 33, 2, "D");
	add_proc(6, BEGIN + 2 * S + S / 2 + 1, 44, 1, "R"); /* born after the snapshot */
	add_exit(7, BEGIN - S, BEGIN + 2 * S + 1, 1, 1, 1);
	add_to_store(3, 1);
	snapshot = read_snapshot(BEGIN + 2 * S + S / 2); /* in interval 3 */
	assert_int_equal(at_snapshot_verdict(snapshot), AT_KNOWN);

	rows = at_snapshot_rows(snapshot);
	assert_int_equal(rows->rows, 4);
	row = row_of(rows, 1); /* idle all the time: as on the roster, without what it cost before */
	assert_true(row >= 0);
	assert_int_equal(block_number(rows, (uint32_t)row, PROCS_cpu_ns), 0);
	assert_false(block_is_null(rows, (uint32_t)row, PROCS_cpu_ns));
	assert_int_equal(block_number(rows, (uint32_t)row, PROCS_rss_bytes), 4096);
	assert_int_equal(block_number(rows, (uint32_t)row, PROCS_time), BEGIN + 3 * S);
	assert_true(block_is_null(rows, (uint32_t)row, PROCS_max_delay_ns));
	row = row_of(rows, 3);
	assert_int_equal(block_number(rows, (uint32_t)row, PROCS_cpu_ns), 33);
	assert_int_equal(block_number(rows, (uint32_t)row, PROCS_threads), 2);
	row = row_of(rows, 4);
	assert_int_equal(block_number(rows, (uint32_t)row, PROCS_cpu_ns), 0);
	assert_true(row_of(rows, 5) >= 0);
	assert_int_equal(row_of(rows, 2), -1);
	assert_int_equal(row_of(rows, 6), -1);
	block_free(rows);
	at_snapshot_free(snapshot);
	remove_store();
}

static void test_who_lived_at_a_time(void **state)
{
	(void)state;
	find_who_lived(0);
	find_who_lived(1);
}

static void test_a_snapshot_without_roster_or_record(void **state)
{
	struct at_snapshot *snapshot;

	(void)state;
	begin_store(0);
	add_proc(4, BEGIN - S, 11, 1, "R");
	add_to_store(1, 1);
	snapshot = read_snapshot(BEGIN + S / 2);
	assert_int_equal(at_snapshot_verdict(snapshot), AT_NO_ROSTER);
	at_snapshot_free(snapshot);
	remove_store();
	begin_store(0);
	snapshot = read_snapshot(BEGIN + S / 2);
	assert_int_equal(at_snapshot_verdict(snapshot), AT_NOT_RECORDED);
	at_snapshot_free(snapshot);
	remove_store();
}

static int set_up(void **state)
{
	(void)state;
	procs = block_new(table_by_id(TABLE_PROCS), 1000, 16000);
	roster = block_new(table_by_id(TABLE_ROSTER), 100, 1000);
	exits = block_new(table_by_id(TABLE_EXITS), 100, 1);
	origin.run_real_ns = BEGIN;
	assert_non_null(mkdtemp(dir));
	return procs && roster && exits ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	block_free(procs);
	block_free(roster);
	block_free(exits);
	rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_add_up_to_the_last_reading),
		cmocka_unit_test(test_every_length_of_wait_is_reported_within_the_error),
		cmocka_unit_test(test_a_life_whose_rows_do_not_add_up_is_found),
		cmocka_unit_test(test_a_gap_ends_what_can_be_judged),
		cmocka_unit_test(test_who_lived_at_a_time),
		cmocka_unit_test(test_a_snapshot_without_roster_or_record),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
