// SPDX-License-Identifier: BSD-2-Clause
/*
 * dump, verify, store and schema as a user runs them, on stores that the real writer wrote.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "query/joined_table.h"
#include "store/writer.h"
#include "tests/unit/command_fixture.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S) /* 2026-01-02T03:04:05Z */

static char store[64];
static bool is_sealing;

/* Three intervals of 10 exits; in each the ledger claims `recorded` of them. */
static void write_store(const char *name, uint64_t recorded)
{
	struct store_options options = {.dir = store, .is_sealing = is_sealing};
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN};
	struct block *blocks[] = {block_new(table_by_id(TABLE_EXITS), 10, 1000),
				  block_new(table_by_id(TABLE_LEDGER), 1, 1)};
	struct store_writer *writer;

	snprintf(store, sizeof(store), "%s/%s", dir, name);
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	for (uint64_t number = 1; number <= 3; number++) {
		struct interval interval = {number, BEGIN + (number - 1) * S, BEGIN + number * S, 1};

		block_clear(blocks[0]);
		block_clear(blocks[1]);
		for (uint32_t i = 0; i < 10; i++) {
			block_add_row(blocks[0]);
			block_set_number(blocks[0], i, EXITS_exit_time, interval.begin_real_ns + (10 - i) * 1000);
			block_set_number(blocks[0], i, EXITS_pid, number * 100 + i);
			block_set_text(blocks[0], i, EXITS_comm, i % 2 ? "odd" : "even", i % 2 ? 3 : 4);
		}
		block_add_row(blocks[1]);
		block_set_number(blocks[1], 0, LEDGER_time, interval.end_real_ns);
		block_set_number(blocks[1], 0, LEDGER_opening, 50);
		block_set_number(blocks[1], 0, LEDGER_forks, 10);
		block_set_number(blocks[1], 0, LEDGER_exits_seen, 10);
		block_set_number(blocks[1], 0, LEDGER_exits_recorded, recorded);
		block_set_number(blocks[1], 0, LEDGER_exits_rolled_up, 0);
		block_set_number(blocks[1], 0, LEDGER_closing, 50);
		assert_int_equal(store_writer_append(writer, &interval, blocks, 2), 0);
	}
	assert_int_equal(store_writer_close(writer), 0);
	block_free(blocks[0]);
	block_free(blocks[1]);
}

/* The store's only segment. */
static int open_segment(void)
{
	DIR *entries = opendir(store);
	struct dirent *entry;
	char path[400] = "";

	while ((entry = readdir(entries)))
		if (strstr(entry->d_name, ".obit"))
			snprintf(path, sizeof(path), "%s/%s", store, entry->d_name);
	closedir(entries);
	return open(path, O_RDWR);
}

static void test_dump_filters_sorts_and_limits(void **state)
{
	(void)state;
	write_store("dump", 10);
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--fields", "pid,comm", "--where",
			     "comm = odd and pid < 300", "--sort", "-pid", "--limit", "2", "--format", "csv", NULL),
			 0);
	assert_string_equal(said, "pid,comm\r\n209,odd\r\n207,odd\r\n");
	assert_string_equal(on_stderr, "");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--since", "2026-01-02T03:04:07Z", "--until",
			     "2026-01-02T03:04:07.000003Z", "--fields", "pid", "--format", "tsv", NULL),
			 0);
	assert_string_equal(said, "pid\n308\n309\n");
	assert_int_equal(run(cmd_dump, "ledger", "--store", store, "--fields", "opening,closing", "--limit", "1", NULL),
			 0);
	assert_string_equal(said, "opening  closing\n     50       50\n");
}

static void test_table_is_in_order_of_time(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--fields", "pid", "--limit", "12", NULL), 0);
	assert_string_equal(said, "pid\n109\n108\n107\n106\n105\n104\n103\n102\n101\n100\n209\n208\n");
}

static void test_dump_groups_in_every_format(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--group-by", "comm", "--fields",
			     "count,max(pid),first(pid)", "--sort", "-comm", "--format", "csv", NULL),
			 0);
	/* Of each interval the last row is the earliest. */
	assert_string_equal(said, "comm,count,max(pid),first(pid)\r\nodd,15,309,109\r\neven,15,308,108\r\n");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--group-by", "exit_time/1s", "--fields", "count",
			     "--where", "pid >= 200", "--format", "jsonl", NULL),
			 0);
	assert_string_equal(said, "{\"exit_time\":\"2026-01-02T03:04:06.000000000Z\",\"count\":10}\n"
				  "{\"exit_time\":\"2026-01-02T03:04:07.000000000Z\",\"count\":10}\n");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--fields", "count,min(exit_time),sum(cpu_ns)",
			     "--format", "tsv", NULL),
			 0);
	assert_string_equal(said, "count\tmin(exit_time)\tsum(cpu_ns)\n30\t2026-01-02T03:04:05.000001000Z\t\n");
	assert_int_equal(run(cmd_dump, "ledger", "--store", store, "--group-by", "opening", "--sort", "-exits_seen",
			     "--fields", "forks,p50(closing)", NULL),
			 0);
	assert_string_equal(said, "opening  forks  p50(closing)\n     50     30            50\n");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--group-by", "pid", "--fields", "count", "--sort",
			     "-pid", "--limit", "2", NULL),
			 0);
	assert_string_equal(said, "in all rows:  count=1\npid\n309\n308\n");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--group-by", "comm", "--sort", "-cpu_ns", "--limit",
			     "20", NULL),
			 0);
	assert_string_equal(on_stderr, "");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--group-by", "pid", "--max-groups", "29", NULL),
			 STATUS_FAILED);
	assert_said_on_stderr("more than 29 groups");
	assert_said_on_stderr("--max-groups");
	assert_int_equal(run(cmd_dump, "exits", "--group-by", "com", NULL), STATUS_USAGE);
	assert_said_on_stderr("did you mean comm?");
	assert_int_equal(run(cmd_dump, "exits", "--group-by", "comm", "--max-groups", "none", NULL), STATUS_USAGE);
	assert_said_on_stderr("a number of groups");
	assert_int_equal(run(cmd_dump, "exits", "--fields", "comm,count", NULL), STATUS_USAGE);
	assert_said_on_stderr("group by it");
}

static void test_groups_of_fields_are_shown_and_listed(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--fields", "pid,+memory", "--limit", "1", "--format",
			     "tsv", NULL),
			 0);
	assert_string_equal(said, "pid\tminflt\tmajflt\tmax_rss_bytes\town_max_rss_bytes\n100\t\t\t\t\n");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--fields", "+memry", NULL), STATUS_USAGE);
	assert_said_on_stderr("did you mean +memory?");
	assert_int_equal(run(cmd_schema, "exits", "--format", "tsv", NULL), 0);
	assert_non_null(strstr(said, "\nexits\trchar\tu64\tbytes\tsum\t+io\t"));
}

static void test_mistakes_are_named_with_the_way_out(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_dump, NULL), STATUS_USAGE);
	assert_said_on_stderr("name a table");
	assert_int_equal(run(cmd_dump, "exist", NULL), STATUS_USAGE);
	assert_said_on_stderr("did you mean exits?");
	assert_int_equal(run(cmd_dump, "exits", "--limt", "3", NULL), STATUS_USAGE);
	assert_said_on_stderr("did you mean --limit?");
	assert_int_equal(run(cmd_dump, "exits", "--limit", "0", NULL), STATUS_USAGE);
	assert_int_equal(run(cmd_dump, "exits", "--format", "json", NULL), STATUS_USAGE);
	assert_said_on_stderr("did you mean jsonl?");
	assert_int_equal(run(cmd_dump, "exits", "--since", "soon", NULL), STATUS_USAGE);
	assert_said_on_stderr("--since soon: not a time");
	assert_int_equal(run(cmd_dump, "exits", "--since", "now", "--until", "-1h", NULL), STATUS_USAGE);
	assert_said_on_stderr("is not after");
	assert_int_equal(run(cmd_dump, "exits", "--where", "pid = x", NULL), STATUS_USAGE);
	assert_said_on_stderr("  pid = x\n        ^\n");
	assert_int_equal(run(cmd_dump, "exits", "more", NULL), STATUS_USAGE);
	assert_said_on_stderr("unexpected \"more\"");
	assert_int_equal(run(cmd_dump, "exits", "--store", "/nonexistent", NULL), STATUS_FAILED);
	assert_said_on_stderr("there is no store at /nonexistent");
	assert_int_equal(run(cmd_dump, "exits", "--store", "/etc", NULL), STATUS_FAILED);
	assert_said_on_stderr("none of obit's");
	assert_int_equal(run(cmd_verify, "--store", "/nonexistent", NULL), 2);
	assert_int_equal(run(cmd_schema, "exit", NULL), STATUS_USAGE);
	assert_int_equal(run(cmd_dump, "--help", NULL), 0);
	assert_non_null(strstr(said, "--where EXPR"));
}

static void test_verify_gives_its_verdict(void **state)
{
	int fd;

	(void)state;
	write_store("balanced", 10);
	assert_int_equal(run(cmd_verify, "--store", store, NULL), 0);
	assert_non_null(strstr(said, "verdict: intact and balanced: 1 run, 3 intervals, 30 exits\n"));
	assert_int_equal(run(cmd_verify, "--store", store, "--since", "2030-01-01", NULL), 2);
	assert_non_null(strstr(said, "cannot tell"));
	fd = open_segment();
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 20), 0);
	close(fd);
	assert_int_equal(run(cmd_verify, "--store", store, NULL), 0);
	assert_non_null(strstr(said, "torn tail at offset"));
	assert_non_null(strstr(said, "up to a torn tail"));
	write_store("unbalanced", 9);
	assert_int_equal(run(cmd_verify, "--store", store, NULL), 1);
	assert_non_null(strstr(said, "interval 2 from 2026-01-02T03:04:06.000Z: exits_seen is 10, 1 more than"));
}

static void test_damage_is_reported_and_the_rest_read(void **state)
{
	off_t len;
	int fd;

	(void)state;
	write_store("damaged", 10);
	fd = open_segment();
	len = lseek(fd, 0, SEEK_END);
	for (off_t at = len / 2; at < len / 2 + 8; at++)
		assert_int_equal(pwrite(fd, "\xa5", 1, at), 1);
	close(fd);
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--format", "jsonl", NULL), 0);
	assert_said_on_stderr("damaged at offset");
	assert_int_equal(run(cmd_verify, "--store", store, NULL), 1);
	assert_non_null(strstr(said, "damaged in 1 place"));
}

static void test_store_lists_its_segments(void **state)
{
	struct store_options options = {.dir = store};
	struct origin origin = {.host = "second", .boot_id = "b2", .run_real_ns = BEGIN + 100 * S};
	struct store_writer *writer;
	char *line;
	int fd;

	(void)state;
	is_sealing = true;
	write_store("listed", 10);
	is_sealing = false;
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	assert_int_equal(run(cmd_store, "--store", store, "--format", "jsonl", NULL), 0);
	line = strchr(said, '\n');
	assert_non_null(line);
	*line++ = '\0';
	assert_said(
		"\"first_time\":\"2026-01-02T03:04:05.000000000Z\",\"last_time\":\"2026-01-02T03:04:08.000000000Z\"");
	assert_said("\"state\":\"sealed\",\"exits\":30,\"rollups\":0,\"ledger\":3,");
	assert_said("\"host\":\"h\",\"run_time\":\"2026-01-02T03:04:05.000000000Z\"");
	assert_said("\"boot_id\":\"b\",\"first_interval\":1,\"last_interval\":3,\"unread_bytes\":0,\"damage\":null");
	assert_non_null(strstr(line, "\"first_time\":null,\"last_time\":null,\"state\":\"writing\",\"exits\":0,"));
	assert_non_null(strstr(line, "\"host\":\"second\""));
	assert_int_equal(store_writer_close(writer), 0);

	write_store("listed-torn", 10);
	fd = open_segment();
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 20), 0);
	assert_int_equal(run(cmd_store, "--store", store, NULL), 0);
	assert_said("  torn  ");
	assert_said("1 segment, ");
	assert_int_equal(pwrite(fd, "XXXXXXXX", 8, 20), 8);
	close(fd);
	assert_int_equal(run(cmd_store, "--store", store, NULL), 0);
	assert_said("  damaged  ");
	assert_int_equal(run(cmd_store, "--store", "/nonexistent", NULL), STATUS_FAILED);
	assert_said_on_stderr("there is no store at /nonexistent");
	assert_int_equal(run(cmd_store, "more", NULL), STATUS_USAGE);
}

#define COUNT(...)                                                                                                     \
	assert_int_equal(                                                                                              \
		run(cmd_dump, "exits", "--store", store, "--format", "tsv", "--fields", "pid", __VA_ARGS__, NULL), 0)

static void assert_pids(const char *pids)
{
	char lines[200];

	snprintf(lines, sizeof(lines), "pid\n%s", pids);
	assert_string_equal(said, lines);
}

static void test_the_newest_rows_and_stretches_of_time(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		is_sealing = i;
		write_store(i ? "tail-sealed" : "tail", 10);
		/* Within an interval rows come in any order: here the latest first. */
		COUNT("--tail", "3");
		assert_pids("302\n301\n300\n");
		COUNT("--tail", "2", "--where", "comm = odd", "--until", "2026-01-02T03:04:07Z");
		assert_pids("203\n201\n");
		COUNT("--tail", "1000", "--where", "pid < 102");
		assert_pids("101\n100\n");
		COUNT("--since", "2026-01-02T03:04:06Z", "--for", "1s", "--where", "comm = even", "--sort", "pid");
		assert_pids("200\n202\n204\n206\n208\n");
		COUNT("--since", "2026-01-02T03:04:06Z", "--until", "+1s", "--where", "comm = odd", "--sort", "pid");
		assert_pids("201\n203\n205\n207\n209\n");
		COUNT("--until", "2026-01-02T03:04:06Z", "--for", "1ms");
		assert_pids("");
	}
	is_sealing = false;
}

static void test_groups_that_are_wanted(void **state)
{
	(void)state;
	write_store("having", 10);
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--format", "tsv", "--group-by", "comm,exit_time/1s",
			     "--fields", "count,max(pid)", "--having",
			     "max(pid) > 207 and max(pid) <= 308 and count = 5", "--sort", "max(pid)", NULL),
			 0);
	assert_string_equal(said, "comm\texit_time\tcount\tmax(pid)\n"
				  "even\t2026-01-02T03:04:06.000000000Z\t5\t208\n"
				  "odd\t2026-01-02T03:04:06.000000000Z\t5\t209\n"
				  "even\t2026-01-02T03:04:07.000000000Z\t5\t308\n");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--having", "count > 1", NULL), STATUS_USAGE);
	assert_said_on_stderr("give --group-by");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--group-by", "comm", "--having", "pid > 1", NULL),
			 STATUS_USAGE);
	assert_said_on_stderr("no field \"pid\"");
}

static void test_what_a_range_cannot_be(void **state)
{
	(void)state;
	write_store("range", 10);
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--until", "+1m", NULL), STATUS_USAGE);
	assert_said_on_stderr("after which --since?");
	assert_int_equal(
		run(cmd_dump, "exits", "--store", store, "--since", "-1h", "--until", "now", "--for", "1m", NULL),
		STATUS_USAGE);
	assert_said_on_stderr("say how long already");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--for", "5", NULL), STATUS_USAGE);
	assert_said_on_stderr("give a unit");
	assert_int_equal(run(cmd_dump, "exits", "--store", store, "--tail", "5", "--sort", "pid", NULL), STATUS_USAGE);
	assert_said_on_stderr("--tail: is of rows in order of time");
}

static void test_schema_lists_every_field(void **state)
{
	size_t n, lines = 0;
	const struct table *const *tables = tables_all(&n);

	(void)state;
	assert_int_equal(run(cmd_schema, "--format", "jsonl", NULL), 0);
	for (const char *c = said; *c; c++)
		lines += *c == '\n';
	for (size_t i = 0; i < n; i++) {
		static struct joined_table joined;

		joined_table_init(&joined, tables[i], NULL);
		lines -= joined.table.n_fields;
	}
	assert_int_equal(lines, 0);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char script[100];

	(void)state;
	snprintf(script, sizeof(script), "rm -rf %s", dir);
	return system(script);
}

static void test_status_without_an_agent_says_so(void **state)
{
	char socket[64];

	(void)state;
	snprintf(socket, sizeof(socket), "%s/no-socket", dir);
	assert_int_equal(run(cmd_status, "--socket", socket, NULL), 2);
	assert_said_on_stderr("no agent answers at");
	assert_said_on_stderr(socket);
	assert_string_equal(said, "");
	assert_int_equal(run(cmd_status, "--store", "/nowhere", NULL), 2);
	assert_said_on_stderr("there is no store at /nowhere");
	assert_int_equal(run(cmd_status, "--measure", "1", NULL), 2);
	assert_said_on_stderr("give a unit");
	assert_int_equal(run(cmd_status, "--format", "csv", NULL), 2);
	assert_said_on_stderr("no format is called");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump_filters_sorts_and_limits),
		cmocka_unit_test(test_table_is_in_order_of_time),
		cmocka_unit_test(test_dump_groups_in_every_format),
		cmocka_unit_test(test_groups_of_fields_are_shown_and_listed),
		cmocka_unit_test(test_mistakes_are_named_with_the_way_out),
		cmocka_unit_test(test_verify_gives_its_verdict),
		cmocka_unit_test(test_damage_is_reported_and_the_rest_read),
		cmocka_unit_test(test_store_lists_its_segments),
		cmocka_unit_test(test_the_newest_rows_and_stretches_of_time),
		cmocka_unit_test(test_groups_that_are_wanted),
		cmocka_unit_test(test_what_a_range_cannot_be),
		cmocka_unit_test(test_schema_lists_every_field),
		cmocka_unit_test(test_status_without_an_agent_says_so),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
