// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading a store while it grows: every row once and in order, across new segments, removed ones, and a
 * directory that is another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "store/reader.h"
#include "tests/chunks.h"
#include "store/writer.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S)
#define ROWS  20

#define N_READERS 4

static char base[] = "/tmp/obit-test-XXXXXX";
static char dir[64];
static struct store_writer *writer;
static struct block *blocks[2];
static uint64_t segment_bytes; /* a header and some twenty intervals */

static bool is_sealing;

static void open_writer(uint64_t retain_bytes)
{
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN};
	struct store_options options = {
		.dir = dir, .segment_bytes = segment_bytes, .retain_bytes = retain_bytes, .is_sealing = is_sealing};

	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
}

static void open_store(const char *name, uint64_t retain_bytes)
{
	snprintf(dir, sizeof(dir), "%s/%s", base, name);
	open_writer(retain_bytes);
}

/* What no compressor makes shorter (the finalizer of splitmix64: Steele, Lea, Flood 2014). */
static uint64_t scattered(uint64_t n)
{
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

/* Interval `number`: its rows' pids are number * 100 and on. */
static void append(uint64_t number)
{
	struct interval interval = {number, BEGIN + (number - 1) * S, BEGIN + number * S, 1};

	block_clear(blocks[0]);
	block_clear(blocks[1]);
	for (uint32_t i = 0; i < ROWS; i++) {
		block_add_row(blocks[0]);
		block_set_number(blocks[0], i, EXITS_exit_time, interval.begin_real_ns + ROWS - i);
		block_set_number(blocks[0], i, EXITS_pid, number * 100 + i);
		block_set_number(blocks[0], i, EXITS_cpu_ns, scattered(number * ROWS + i));
		block_set_number(blocks[0], i, EXITS_run_delay_ns, scattered(number * ROWS + i + UINT32_MAX));
		block_set_text(blocks[0], i, EXITS_comm, i % 2 ? "odd" : "even", i % 2 ? 3 : 4);
	}
	block_add_row(blocks[1]);
	block_set_number(blocks[1], 0, LEDGER_time, interval.end_real_ns);
	assert_int_equal(store_writer_append(writer, &interval, blocks, 2), 0);
}

static struct store_reader *open_reader(void)
{
	struct store_select select = {.table = "exits"};
	struct store_reader *reader;

	assert_int_equal(store_reader_open(dir, &select, &reader), 0);
	store_reader_follow(reader);
	return reader;
}

/* All there is now: intervals `first` to `last`, each once. */
static void assert_reads(struct store_reader *reader, uint64_t first, uint64_t last)
{
	static struct chunks chunks;
	struct store_chunk chunk;
	int r;

	while ((r = chunks_next(&chunks, reader, &chunk)) > 0) {
		assert_int_equal(chunk.interval.number, first++);
		assert_int_equal(chunk.n_blocks, 1);
		assert_int_equal(chunk.blocks[0]->rows, ROWS);
	}
	assert_int_equal(r, 0);
	assert_int_equal(first, last + 1);
}

static void assert_undamaged(struct store_reader *reader)
{
	size_t n;

	store_reader_damage(reader, &n);
	assert_int_equal(n, 0);
	store_reader_close(reader);
}

static void test_every_interval_comes_once_across_segments(void **state)
{
	struct store_reader *reader;
	struct store_counts counts;

	(void)state;
	open_store("rotation", 0);
	reader = open_reader();
	assert_reads(reader, 1, 0);
	for (uint64_t number = 1; number <= 200; number++) {
		append(number);
		if (number % 7 == 0)
			assert_reads(reader, number - 6, number);
	}
	store_writer_counts(writer, &counts);
	assert_true(counts.kept_bytes > 5 * segment_bytes);
	assert_int_equal(store_writer_close(writer), 0);
	assert_reads(reader, 197, 200);
	/* Another agent takes over. */
	open_store("rotation", 0);
	append(201);
	assert_reads(reader, 201, 201);
	assert_int_equal(store_writer_close(writer), 0);
	assert_reads(reader, 202, 201);
	assert_undamaged(reader);
}

static void test_segment_is_read_to_its_end_though_it_is_removed(void **state)
{
	struct store_reader *reader;
	struct store_counts counts;
	static struct chunks chunks;
	struct store_chunk chunk;
	uint64_t first;

	(void)state;
	open_store("eviction", 16 * segment_bytes);
	reader = open_reader();
	append(1);
	assert_reads(reader, 1, 1);
	for (uint64_t number = 2; number <= 900; number++)
		append(number);
	store_writer_counts(writer, &counts);
	assert_true(counts.evicted > 2);
	/* What it holds open comes whole; then what is left, to the end. */
	assert_int_equal(chunks_next(&chunks, reader, &chunk), 1);
	assert_int_equal(chunk.interval.number, 2);
	for (first = 3; chunks_next(&chunks, reader, &chunk) > 0 && chunk.interval.number == first; first++)
		;
	assert_true(first > 4 && chunk.interval.number > first);
	assert_reads(reader, chunk.interval.number + 1, 900);
	assert_int_equal(store_writer_close(writer), 0);
	assert_undamaged(reader);
}

/* Follows in a process of its own until the last number. 0: all came in order, without a gap unless one may be. */
static pid_t start_reader(uint64_t last, int may_gap)
{
	struct store_select select = {.table = "exits"};
	struct store_reader *reader;
	static struct chunks chunks;
	struct store_chunk chunk;
	uint64_t number = 0;
	pid_t child = fork();
	size_t n_damage;

	if (child)
		return child;
	alarm(60);
	if (store_reader_open(dir, &select, &reader) < 0)
		_exit(1);
	store_reader_follow(reader);
	while (number < last) {
		int r = chunks_next(&chunks, reader, &chunk);

		if (r < 0)
			_exit(2);
		if (r == 0)
			continue;
		if (chunk.interval.number <= number || chunk.n_blocks != 1 || chunk.blocks[0]->rows != ROWS)
			_exit(3);
		if (chunk.interval.number != number + 1 && !may_gap)
			_exit(4);
		number = chunk.interval.number;
		/* Columns have them by their end, a log as they came. */
		for (uint32_t i = 0; i < ROWS; i++)
			if (block_number(chunk.blocks[0], i, EXITS_pid) !=
			    number * 100 + (chunks.part->is_log ? i : ROWS - 1 - i))
				_exit(5);
	}
	store_reader_damage(reader, &n_damage);
	_exit(n_damage ? 6 : 0);
}

static void await_readers(const pid_t *readers)
{
	for (int i = 0; i < N_READERS; i++) {
		int status;

		assert_int_equal(waitpid(readers[i], &status, 0), readers[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static void test_many_follow_a_writer_at_full_speed(void **state)
{
	pid_t readers[N_READERS];

	(void)state;
	open_store("race", 0);
	for (int i = 0; i < N_READERS; i++)
		readers[i] = start_reader(3000, 0);
	for (uint64_t number = 1; number <= 3000; number++)
		append(number);
	await_readers(readers);
	assert_int_equal(store_writer_close(writer), 0);
}

/* Each interval comes once, from the log or from the columns that have replaced it. */
static void test_many_follow_a_writer_that_seals(void **state)
{
	pid_t readers[2 * N_READERS];

	(void)state;
	is_sealing = true;
	open_store("sealing-race", 0);
	for (int i = 0; i < N_READERS; i++)
		readers[i] = start_reader(2000, 0);
	for (uint64_t number = 1; number <= 2000; number++) {
		append(number);
		if (number % 3 == 0)
			sealer_work(store_writer_sealer(writer));
		/* Some begin when there are columns to begin with. */
		if (number % 400 == 200 && number / 400 < N_READERS)
			readers[N_READERS + number / 400] = start_reader(2000, 0);
	}
	await_readers(readers);
	await_readers(readers + N_READERS);
	assert_int_equal(store_writer_close(writer), 0);
	is_sealing = false;
}

static void test_many_follow_a_writer_that_removes_what_they_read(void **state)
{
	struct store_counts counts;
	pid_t readers[N_READERS];

	(void)state;
	open_store("evicting-race", 4 * segment_bytes);
	for (int i = 0; i < N_READERS; i++)
		readers[i] = start_reader(600, 1);
	for (uint64_t number = 1; number <= 600; number++)
		append(number);
	await_readers(readers);
	store_writer_counts(writer, &counts);
	assert_true(counts.evicted > 20);
	assert_int_equal(store_writer_close(writer), 0);
}

/* Each writer dies without a word when it has appended; the next one mends what it left, and goes on. */
static void test_many_follow_across_writers_that_are_killed(void **state)
{
	pid_t readers[N_READERS];

	(void)state;
	open_store("killed", 0);
	assert_int_equal(store_writer_close(writer), 0);
	for (int i = 0; i < N_READERS; i++)
		readers[i] = start_reader(30 * 9, 0);
	for (uint64_t first = 1; first <= 30 * 9; first += 9) {
		pid_t child = fork();
		int status;

		if (!child) {
			open_writer(0);
			for (uint64_t number = first; number < first + 9; number++)
				append(number);
			raise(SIGKILL);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	await_readers(readers);
}

static void test_reader_follows_to_another_directory(void **state)
{
	char script[200];
	struct store_reader *reader;

	(void)state;
	open_store("moved", 0);
	reader = open_reader();
	append(1);
	assert_reads(reader, 1, 1);
	snprintf(script, sizeof(script), "rm -r %s", dir);
	assert_int_equal(system(script), 0);
	assert_reads(reader, 2, 1);
	assert_int_equal(mkdir(dir, 0750), 0);
	assert_reads(reader, 2, 1);
	append(2);
	append(3);
	assert_reads(reader, 2, 3);
	assert_int_equal(store_writer_close(writer), 0);
	store_reader_close(reader);
}

static void test_segment_without_its_header_is_waited_for(void **state)
{
	struct store_reader *reader;
	char path[200];
	int from, to;
	char bytes[65536];
	ssize_t len;

	(void)state;
	open_store("source", 0);
	append(1);
	assert_int_equal(store_writer_close(writer), 0);
	snprintf(path, sizeof(path), "%s/%020llu.obit", dir, (unsigned long long)BEGIN);
	from = open(path, O_RDONLY);
	len = read(from, bytes, sizeof(bytes));
	close(from);
	assert_true(len > 1000);
	open_store("header", 0);
	reader = open_reader();
	assert_reads(reader, 1, 0);
	snprintf(path, sizeof(path), "%s/%020llu.obit", dir, (unsigned long long)(BEGIN + S));
	to = open(path, O_CREAT | O_WRONLY, 0640);
	assert_reads(reader, 1, 0);
	assert_int_equal(write(to, bytes, 100), 100);
	assert_reads(reader, 1, 0);
	assert_int_equal(write(to, bytes + 100, (size_t)len - 100), len - 100);
	assert_reads(reader, 1, 1);
	close(to);
	store_reader_close(reader);
	assert_int_equal(store_writer_close(writer), 0);
}

/* A child that dumps with --follow into a file, as a user's shell would start it. */
static pid_t start_dump(const char *path, const char *format)
{
	char *argv[] = {(char *)"dump",
			(char *)"exits",
			(char *)"--follow",
			(char *)"--store",
			dir,
			(char *)"--since",
			(char *)"2026-01-02",
			(char *)"--where",
			(char *)"comm = odd",
			(char *)"--fields",
			(char *)"pid",
			(char *)"--format",
			(char *)format,
			NULL};
	pid_t child = fork();

	if (child)
		return child;
	if (dup2(open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600), 1) != 1)
		_exit(100);
	_exit(cmd_dump(13, argv));
}

static size_t read_file(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? 0 : read(fd, ret, size - 1);

	if (fd >= 0)
		close(fd);
	ret[len > 0 ? len : 0] = '\0';
	return strlen(ret);
}

static void await_text(const char *path, const char *text)
{
	static char said[65536];

	for (int i = 0; i < 500; i++) {
		read_file(path, said, sizeof(said));
		if (strstr(said, text))
			return;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	fail_msg("%s did not come; said: %s", text, said);
}

static void test_dump_follows_until_it_is_interrupted(void **state)
{
	static char said[65536], expected[65536];
	static const char *const formats[] = {"tsv", "table"};
	char path[100];
	int status;

	(void)state;
	for (int f = 0; f < 2; f++) {
		size_t used = 0;
		pid_t child;

		open_store(formats[f], 0);
		append(1);
		snprintf(path, sizeof(path), "%s/out-%s", base, formats[f]);
		child = start_dump(path, formats[f]);
		used += (size_t)sprintf(expected, "pid\n");
		for (uint64_t number = 1; number <= 60; number++) {
			char last[32];

			if (number > 1)
				append(number);
			/* By time, a table has them the other way round than they were stored. */
			for (uint64_t i = 1; i < ROWS; i += 2)
				used += (size_t)sprintf(expected + used, f ? "%4llu\n" : "%llu\n",
							(unsigned long long)(number * 100 + (f ? ROWS - i : i)));
			snprintf(last, sizeof(last), "%llu\n", (unsigned long long)(number * 100 + (f ? 1 : ROWS - 1)));
			if (number % 20 == 10)
				await_text(path, last);
		}
		await_text(path, f ? "6001\n" : "6019\n");
		assert_int_equal(kill(child, SIGINT), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		read_file(path, said, sizeof(said));
		if (!f)
			assert_string_equal(said, expected);
		assert_int_equal(store_writer_close(writer), 0);
	}
	/* Of the table the first widths are those of the first rows: compared without its padding. */
	for (char *from = said, *to = said; (*to = *from); from++)
		to += *from != ' ';
	for (char *from = expected, *to = expected; (*to = *from); from++)
		to += *from != ' ';
	assert_string_equal(said, expected);
}

static void test_dump_ends_when_nobody_reads(void **state)
{
	int ends[2], status;
	pid_t child;

	(void)state;
	open_store("pipe", 0);
	append(1);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		char *argv[] = {(char *)"dump", (char *)"exits", (char *)"--follow", (char *)"--store", dir, NULL};

		close(ends[0]);
		dup2(ends[1], 1);
		close(ends[1]);
		_exit(cmd_dump(5, argv));
	}
	close(ends[1]);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(store_writer_close(writer), 0);
}

static void test_follow_refuses_what_needs_an_end(void **state)
{
	char *sorted[] = {(char *)"dump", (char *)"exits", (char *)"--follow", (char *)"--sort", (char *)"pid", NULL};
	char *until[] = {(char *)"dump", (char *)"exits", (char *)"--follow", (char *)"--until", (char *)"now", NULL};

	(void)state;
	assert_int_equal(cmd_dump(5, sorted), STATUS_USAGE);
	assert_int_equal(cmd_dump(5, until), STATUS_USAGE);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	signal(SIGPIPE, SIG_IGN);
	blocks[0] = block_new(table_by_id(TABLE_EXITS), ROWS, ROWS * 16);
	blocks[1] = block_new(table_by_id(TABLE_LEDGER), 1, 1);
	if (!mkdtemp(base))
		return -1;
	open_store("size", 0);
	segment_bytes = store_writer_bytes(writer) + 8000;
	return store_writer_close(writer);
}

static int tear_down(void **state)
{
	char script[100];

	(void)state;
	block_free(blocks[0]);
	block_free(blocks[1]);
	snprintf(script, sizeof(script), "rm -rf %s", base);
	return system(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_interval_comes_once_across_segments),
		cmocka_unit_test(test_segment_is_read_to_its_end_though_it_is_removed),
		cmocka_unit_test(test_many_follow_a_writer_at_full_speed),
		cmocka_unit_test(test_many_follow_a_writer_that_seals),
		cmocka_unit_test(test_many_follow_a_writer_that_removes_what_they_read),
		cmocka_unit_test(test_many_follow_across_writers_that_are_killed),
		cmocka_unit_test(test_reader_follows_to_another_directory),
		cmocka_unit_test(test_segment_without_its_header_is_waited_for),
		cmocka_unit_test(test_dump_follows_until_it_is_interrupted),
		cmocka_unit_test(test_dump_ends_when_nobody_reads),
		cmocka_unit_test(test_follow_refuses_what_needs_an_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
