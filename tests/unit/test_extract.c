// SPDX-License-Identifier: BSD-2-Clause
/*
 * A stretch of time as a store of its own: what is in it, that its ledger balances, and that a failure leaves
 * nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "query/balance.h"
#include "store/directory.h"
#include "store/extraction.h"
#include "store/reader.h"
#include "tests/chunks.h"
#include "store/writer.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S) /* 2026-01-02T03:04:05Z */
#define ROWS  40

static char base[] = "/tmp/obit-test-XXXXXX";
static char store[64], out[64];
static struct block *blocks[2];

/* A chunk of exits with pids number * 1000 + ..., as the interval's last one with a ledger that balances. */
static void append(struct store_writer *writer, uint64_t run_ns, uint64_t number, uint32_t rows, int is_last,
		   uint64_t recorded)
{
	struct interval interval = {number, run_ns + (number - 1) * S, is_last ? run_ns + number * S : 0, is_last};

	block_clear(blocks[0]);
	block_clear(blocks[1]);
	for (uint32_t i = 0; i < rows; i++) {
		block_add_row(blocks[0]);
		block_set_number(blocks[0], i, EXITS_exit_time, interval.begin_real_ns + i);
		block_set_number(blocks[0], i, EXITS_pid, number * 1000 + i);
		block_set_text(blocks[0], i, EXITS_comm, i % 2 ? "odd" : "even", i % 2 ? 3 : 4);
	}
	if (is_last) {
		block_add_row(blocks[1]);
		block_set_number(blocks[1], 0, LEDGER_time, interval.end_real_ns);
		block_set_number(blocks[1], 0, LEDGER_opening, 50);
		block_set_number(blocks[1], 0, LEDGER_forks, recorded);
		block_set_number(blocks[1], 0, LEDGER_exits_seen, recorded);
		block_set_number(blocks[1], 0, LEDGER_exits_recorded, recorded);
		block_set_number(blocks[1], 0, LEDGER_exits_rolled_up, 0);
		block_set_number(blocks[1], 0, LEDGER_closing, 50);
	}
	assert_int_equal(store_writer_append(writer, &interval, blocks, 2), 0);
}

/* A run that was killed in interval 4, and 1000 s later one of `n` in small segments; every third begins early. */
static void write_store(uint64_t n)
{
	struct store_options options = {.dir = store, .segment_bytes = 12000};
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN, .interval_ns = S};
	struct store_writer *writer;

	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	for (uint64_t number = 1; number <= 3; number++)
		append(writer, BEGIN, number, ROWS, 1, ROWS);
	append(writer, BEGIN, 4, 7, 0, 0);
	assert_int_equal(store_writer_close(writer), 0);
	origin.run_real_ns = BEGIN + 1000 * S;
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	for (uint64_t number = 1; number <= n; number++) {
		if (number % 3 == 0)
			append(writer, origin.run_real_ns, number + 1, 5, 0, 0);
		append(writer, origin.run_real_ns, number, ROWS, 1, ROWS + (number % 3 == 1 && number > 1 ? 5 : 0));
	}
	assert_int_equal(store_writer_close(writer), 0);
}

static void ignore(void *context, const struct balance_finding *finding)
{
	(void)context, (void)finding;
}

/* Rows of exits from `since` to `until` in a store: how many, and the sum of their pids. No damage. */
static uint64_t count_rows(const char *dir, uint64_t since, uint64_t until, uint64_t *ret_pids)
{
	struct store_select select = {.since_real_ns = since, .until_real_ns = until};
	struct store_reader *reader;
	static struct chunks chunks;
	struct store_chunk chunk;
	uint64_t n = 0;
	size_t n_damage;

	*ret_pids = 0;
	assert_int_equal(store_reader_open(dir, &select, &reader), 0);
	while (chunks_next(&chunks, reader, &chunk) > 0)
		for (size_t i = 0; i < chunk.n_blocks; i++)
			for (uint32_t row = 0; chunk.blocks[i]->table->id == TABLE_EXITS && row < chunk.blocks[i]->rows;
			     row++) {
				uint64_t time = block_number(chunk.blocks[i], row, EXITS_exit_time);

				if (time < since || time >= until)
					continue;
				n++;
				*ret_pids += block_number(chunk.blocks[i], row, EXITS_pid);
			}
	store_reader_damage(reader, &n_damage);
	assert_int_equal(n_damage, 0);
	chunks_done(&chunks);
	store_reader_close(reader);
	return n;
}

/* The only run of a store whose ledger balances: its first and last interval. */
static void audit(uint64_t *ret_first, uint64_t *ret_last, uint64_t *ret_run_ns)
{
	struct store_select select = {0};
	struct balance_sink sink = {ignore, NULL};
	struct balance *balance = balance_new(0, &sink);
	const struct balance_run *run;
	struct store_reader *reader;
	struct group_reader *groups;
	const struct store_part *part;
	size_t n;

	assert_int_equal(store_reader_open(out, &select, &reader), 0);
	groups = group_reader_new(store_reader_note_damage, reader);
	while (store_reader_next(reader, &part) > 0)
		assert_int_equal(balance_add(balance, part, &select, groups), 0);
	group_reader_free(groups);
	run = balance_runs(balance, &n);
	assert_int_equal(n, 1);
	assert_int_equal(run->n_findings, 0);
	assert_string_equal(run->origin.host, "h");
	assert_string_equal(run->origin.boot_id, "b");
	*ret_first = run->first_number;
	*ret_last = run->last.number;
	*ret_run_ns = run->origin.run_real_ns;
	store_reader_close(reader);
	balance_free(balance);
}

static int extract(const char *since, const char *until)
{
	char *argv[] = {(char *)"extract",
			(char *)"--store",
			store,
			(char *)"--since",
			(char *)since,
			(char *)"--until",
			(char *)until,
			out,
			NULL};

	return cmd_extract(8, argv);
}

/* Names in the directory that holds the stores. */
static int count_names(void)
{
	DIR *dir = opendir(base);
	int n = 0;

	for (struct dirent *entry; (entry = readdir(dir));)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void test_range_is_a_store_whose_ledger_balances(void **state)
{
	uint64_t first, last, run_ns, pids, expected;

	(void)state;
	/* 100.5 s to 200.5 s of the second run: intervals 101 to 201, whole. */
	snprintf(out, sizeof(out), "%s/range", base);
	assert_int_equal(extract("2026-01-02T03:22:25.5Z", "2026-01-02T03:24:05.5Z"), 0);
	audit(&first, &last, &run_ns);
	assert_int_equal(first, 101);
	assert_int_equal(last, 201);
	assert_int_equal(run_ns, BEGIN + 1000 * S);
	for (uint64_t from = BEGIN + 1100 * S; from < BEGIN + 1201 * S; from += 10 * S) {
		uint64_t n = count_rows(store, from, from + S, &expected);

		assert_int_equal(count_rows(out, from, from + S, &pids), n);
		assert_int_equal(pids, expected);
	}
	assert_int_equal(count_rows(out, 0, BEGIN + 1100 * S, &pids), 0);
	assert_int_equal(count_rows(out, BEGIN + 1202 * S, UINT64_MAX, &pids), 0);
}

static void test_killed_runs_open_interval_comes_along_when_it_is_near(void **state)
{
	uint64_t first, last, run_ns, pids;

	(void)state;
	snprintf(out, sizeof(out), "%s/killed", base);
	assert_int_equal(extract("2026-01-02T03:04:07.5Z", "2026-01-02T03:05:00Z"), 0);
	audit(&first, &last, &run_ns);
	assert_int_equal(run_ns, BEGIN);
	assert_int_equal(first, 3);
	assert_int_equal(last, 4);
	assert_int_equal(count_rows(out, BEGIN + 3 * S, UINT64_MAX, &pids), 7);
}

static void test_out_must_not_exist_or_be_empty(void **state)
{
	char path[100];

	(void)state;
	snprintf(out, sizeof(out), "%s/range", base);
	assert_int_equal(extract("2026-01-02", "2026-01-03"), STATUS_FAILED);
	snprintf(out, sizeof(out), "%s/empty", base);
	assert_int_equal(mkdir(out, 0750), 0);
	assert_int_equal(extract("2026-01-02T03:24:00Z", "2026-01-02T03:24:10Z"), 0);
	snprintf(path, sizeof(path), "%s/file", base);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(out, sizeof(out), "%s/file", base);
	assert_int_equal(extract("2026-01-02", "2026-01-03"), STATUS_FAILED);
	unlink(path);
}

/* obit's own, and those of tar itself; one that is cut off; and a file that is none. */
static void test_an_archive_is_a_store(void **state)
{
	static const char *const archives[] = {"range.tar", "by-tar.tar", "by-tar-with-directories.tar"};
	uint64_t first, last, run_ns, pids, expected, n;
	struct segment_name *names = NULL;
	char command[1000];
	int fd;

	(void)state;
	snprintf(out, sizeof(out), "%s/range.tar", base);
	assert_int_equal(extract("2026-01-02T03:22:25.5Z", "2026-01-02T03:24:05.5Z"), 0);
	snprintf(command, sizeof(command),
		 "cd %s && mkdir unpacked && tar -xf range.tar -C unpacked && diff -r unpacked range && "
		 "tar -cf by-tar.tar -C range . && tar --format=gnu -cf by-tar-with-directories.tar range && "
		 "head -c 20000 range.tar >cut.tar",
		 base);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < sizeof(archives) / sizeof(*archives); i++) {
		snprintf(out, sizeof(out), "%s/%s", base, archives[i]);
		audit(&first, &last, &run_ns);
		assert_true(first == 101 && last == 201 && run_ns == BEGIN + 1000 * S);
		n = count_rows(store, BEGIN + 1100 * S, BEGIN + 1200 * S, &expected);
		assert_int_equal(count_rows(out, BEGIN + 1100 * S, BEGIN + 1200 * S, &pids), n);
		assert_int_equal(pids, expected);
	}
	/* What is cut off in a segment is damage in it, and is named by it. */
	snprintf(out, sizeof(out), "%s/cut.tar", base);
	fd = directory_open(out);
	assert_int_equal(directory_list(fd, &names, &n), 0);
	assert_true(n >= 1);
	free(names);
	close(fd);
	snprintf(command, sizeof(command), "%s/none.tar", base);
	close(open(command, O_CREAT | O_WRONLY, 0600));
	fd = directory_open(command);
	assert_int_equal(directory_list(fd, &names, &n), -EMEDIUMTYPE);
	close(fd);
	snprintf(out, sizeof(out), "%s/range.tar", base);
	assert_int_equal(extract("2026-01-02", "2026-01-03"), STATUS_FAILED);
}

static void test_nothing_of_that_time_makes_nothing(void **state)
{
	int n = count_names();

	(void)state;
	snprintf(out, sizeof(out), "%s/nothing", base);
	assert_int_equal(extract("2027-01-02", "2027-01-03"), STATUS_FAILED);
	assert_int_equal(count_names(), n);
	snprintf(out, sizeof(out), "%s/no/parent", base);
	assert_int_equal(extract("2026-01-02", "2026-01-03"), STATUS_FAILED);
	assert_int_equal(count_names(), n);
}

static void test_failed_extract_leaves_nothing(void **state)
{
	struct rlimit before, small = {4096, RLIM_INFINITY};
	int n = count_names();

	(void)state;
	snprintf(out, sizeof(out), "%s/failed", base);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(extract("2026-01-02", "2026-01-03"), STATUS_FAILED);
	snprintf(out, sizeof(out), "%s/failed.tar", base);
	assert_int_equal(extract("2026-01-02", "2026-01-03"), STATUS_FAILED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(count_names(), n);
}

static void test_stop_ends_the_copy(void **state)
{
	struct extract copied = {.since_real_ns = BEGIN};
	struct store_select select = extract_select(&copied, EXTRACT_PLAN);
	struct store_reader *reader;
	volatile sig_atomic_t is_stopped = 1;
	int fd;

	(void)state;
	assert_int_equal(store_reader_open(store, &select, &reader), 0);
	assert_int_equal(extract_plan(&copied, reader), 1);
	store_reader_close(reader);
	snprintf(out, sizeof(out), "%s/stopped", base);
	mkdir(out, 0750);
	fd = open(out, O_RDONLY | O_DIRECTORY);
	select = extract_select(&copied, EXTRACT_COPY);
	assert_int_equal(store_reader_open(store, &select, &reader), 0);
	assert_int_equal(extract_copy(&copied, reader, fd, &is_stopped), -EINTR);
	store_reader_close(reader);
	close(fd);
	extract_done(&copied);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	blocks[0] = block_new(table_by_id(TABLE_EXITS), ROWS, ROWS * 16);
	blocks[1] = block_new(table_by_id(TABLE_LEDGER), 1, 1);
	if (!mkdtemp(base))
		return -1;
	snprintf(store, sizeof(store), "%s/store", base);
	write_store(600);
	return 0;
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
		cmocka_unit_test(test_range_is_a_store_whose_ledger_balances),
		cmocka_unit_test(test_killed_runs_open_interval_comes_along_when_it_is_near),
		cmocka_unit_test(test_out_must_not_exist_or_be_empty),
		cmocka_unit_test(test_an_archive_is_a_store),
		cmocka_unit_test(test_nothing_of_that_time_makes_nothing),
		cmocka_unit_test(test_failed_extract_leaves_nothing),
		cmocka_unit_test(test_stop_ends_the_copy),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
