// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names joined to rows: of users, groups, containers, and what a process ran when the row was written; from logs and
 * from sealed segments alike.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/map.h"
#include "query/computed.h"
#include "store/writer.h"
#include "tests/unit/command_fixture.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S) /* 2026-01-02T03:04:05Z */

static char store[80];

static struct block *blocks[N_TABLES];

static uint32_t add(enum chunk_block which)
{
	return (uint32_t)block_add_row(blocks[which]);
}

static void set_text(enum chunk_block which, uint32_t row, uint32_t field, const char *text, size_t len)
{
	assert_int_equal(block_set_text(blocks[which], row, field, text, len), 0);
}

#define TEXT(which, row, field, text)	  set_text(CHUNK_##which, row, which##_##field, text, sizeof(text) - 1)
#define NUMBER(which, row, field, number) block_set_number(blocks[CHUNK_##which], row, which##_##field, number)

static void add_proc(uint64_t time_ns, uint64_t pid, uint64_t uid)
{
	uint32_t row = add(CHUNK_PROCS);

	NUMBER(PROCS, row, time, time_ns);
	NUMBER(PROCS, row, pid, pid);
	NUMBER(PROCS, row, start_boot_ns, pid * 10);
	NUMBER(PROCS, row, uid, uid);
	NUMBER(PROCS, row, cpu_ns, 1000);
	if (pid == 20)
		TEXT(PROCS, row, container_id, "c0ffee");
}

static void add_program(uint64_t time_ns, uint64_t pid, const char *argv, size_t len)
{
	uint32_t row = add(CHUNK_PROGRAMS);

	NUMBER(PROGRAMS, row, time, time_ns);
	NUMBER(PROGRAMS, row, pid, pid);
	NUMBER(PROGRAMS, row, start_boot_ns, pid * 10);
	NUMBER(PROGRAMS, row, uid, 1000);
	TEXT(PROGRAMS, row, container_id, "c0ffee");
	set_text(CHUNK_PROGRAMS, row, PROGRAMS_argv, argv, len);
}

static void add_names(uint64_t time_ns)
{
	uint32_t row = add(CHUNK_USERS);

	NUMBER(USERS, row, time, time_ns);
	NUMBER(USERS, row, uid, 0);
	TEXT(USERS, row, name, "root");
	row = add(CHUNK_USERS);
	NUMBER(USERS, row, time, time_ns);
	NUMBER(USERS, row, uid, 1000);
	TEXT(USERS, row, name, "alice");
	row = add(CHUNK_GROUPS);
	NUMBER(GROUPS, row, time, time_ns);
	NUMBER(GROUPS, row, gid, 100);
	TEXT(GROUPS, row, name, "users");
	row = add(CHUNK_CONTAINERS);
	NUMBER(CONTAINERS, row, time, time_ns);
	TEXT(CONTAINERS, row, container_id, "c0ffee");
	TEXT(CONTAINERS, row, name, "web");
	TEXT(CONTAINERS, row, pod, "web-0");
	TEXT(CONTAINERS, row, namespace, "prod");
	TEXT(CONTAINERS, row, image, "nginx:1");
	TEXT(CONTAINERS, row, runtime, "containerd");
}

/*
 * Process 10 lives all the time; 20 begins in the second interval, and runs something else from the fourth on; of 30
 * nothing is known. An interval of 400 s each: the roster of the first is not in the fourth's neighbourhood.
 */
static void write_interval(uint64_t number)
{
	uint64_t time_ns = BEGIN + number * 400 * S;
	uint32_t row;

	if (number % 2) {
		add_names(time_ns);
		row = add(CHUNK_ROSTER);
		NUMBER(ROSTER, row, time, time_ns);
		NUMBER(ROSTER, row, pid, 10);
		NUMBER(ROSTER, row, start_boot_ns, 100);
		NUMBER(ROSTER, row, uid, 0);
		NUMBER(ROSTER, row, gid, 100);
		TEXT(ROSTER, row, argv, "httpd\0-f\0");
		TEXT(ROSTER, row, exe, "/usr/sbin/httpd");
	}
	if (number == 2)
		add_program(time_ns, 20, "sh\0-c\0make\0", 11);
	if (number == 4)
		add_program(time_ns, 20, "make\0", 5);
	add_proc(time_ns, 10, 0);
	if (number >= 2)
		add_proc(time_ns, 20, 1000);
	add_proc(time_ns, 30, 7);
	row = add(CHUNK_THREADS);
	NUMBER(THREADS, row, time, time_ns);
	NUMBER(THREADS, row, pid, 20);
	NUMBER(THREADS, row, tid, 21);
	NUMBER(THREADS, row, start_boot_ns, 200);
	row = add(CHUNK_EXITS);
	NUMBER(EXITS, row, exit_time, time_ns);
	NUMBER(EXITS, row, pid, 40 + number);
	NUMBER(EXITS, row, uid, number == 2 ? 1000 : 0);
	NUMBER(EXITS, row, gid, number == 2 ? 100 : 0);
}

static void write_store(bool is_sealing)
{
	struct store_options options = {.dir = store, .is_sealing = is_sealing};
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN};
	struct store_writer *writer;

	snprintf(store, sizeof(store), "%s/%s", dir, is_sealing ? "sealed" : "log");
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	for (uint64_t number = 1; number <= 4; number++) {
		struct interval interval = {number, BEGIN + (number - 1) * 400 * S, BEGIN + number * 400 * S, 1};

		for (int i = 0; i < N_TABLES; i++)
			block_clear(blocks[i]);
		write_interval(number);
		assert_int_equal(store_writer_append(writer, &interval, blocks, N_TABLES), 0);
	}
	assert_int_equal(store_writer_close(writer), 0);
}

static void assert_lines(const char *lines)
{
	if (strcmp(said, lines) != 0)
		fail_msg("said: %s\nnot: %s\nstderr: %s", said, lines, on_stderr);
}

#define DUMP(table, ...)                                                                                               \
	if (run(cmd_dump, table, "--store", store, "--format", "tsv", __VA_ARGS__, NULL) != 0)                         \
	fail_msg("%s", on_stderr)

static void test_rows_get_names(void **state)
{
	(void)state;
	for (int is_sealing = 0; is_sealing < 2; is_sealing++) {
		write_store(is_sealing);
		DUMP("procs", "--fields", "pid,user,container,argv", "--where", "pid != 30");
		assert_lines("pid\tuser\tcontainer\targv\n"
			     "10\troot\t\thttpd -f\n"
			     "10\troot\t\thttpd -f\n20\talice\tweb\tsh -c make\n"
			     "10\troot\t\thttpd -f\n20\talice\tweb\tsh -c make\n"
			     "10\troot\t\thttpd -f\n20\talice\tweb\tmake\n");
		/* What was recorded long before the range, and what is not recorded. */
		DUMP("procs", "--since", "2026-01-02T03:24:00Z", "--until", "2026-01-02T03:25:00Z", "--fields",
		     "pid,user,exe,argv");
		assert_lines("pid\tuser\texe\targv\n10\troot\t/usr/sbin/httpd\thttpd -f\n20\talice\t\tsh -c "
			     "make\n30\t\t\t\n");
		DUMP("threads", "--fields", "tid,user,container,pod,namespace,image,runtime,container_id,argv",
		     "--limit", "1", "--sort", "-time");
		assert_lines("tid\tuser\tcontainer\tpod\tnamespace\timage\truntime\tcontainer_id\targv\n"
			     "21\talice\tweb\tweb-0\tprod\tnginx:1\tcontainerd\tc0ffee\tmake\n");
		DUMP("exits", "--fields", "pid,user,group", "--where", "pid < 43");
		assert_lines("pid\tuser\tgroup\n41\troot\t\n42\talice\tusers\n");
	}
}

static void test_names_select_and_group(void **state)
{
	(void)state;
	for (int is_sealing = 0; is_sealing < 2; is_sealing++) {
		write_store(is_sealing);
		DUMP("procs", "--where", "container = web and argv ~ '^make'", "--fields", "pid,pod");
		assert_lines("pid\tpod\n20\tweb-0\n");
		DUMP("procs", "--where", "container is null and user = root", "--fields", "count");
		assert_lines("count\n4\n");
		DUMP("procs", "--group-by", "container,user", "--fields", "count,cpu_ns", "--sort", "user");
		assert_lines("container\tuser\tcount\tcpu_ns\nweb\talice\t3\t3000\n\troot\t4\t4000\n\t\t4\t4000\n");
		DUMP("exits", "--where", "uid = alice or gid = users", "--fields", "pid");
		assert_lines("pid\n42\n");
		DUMP("procs", "--at", "2026-01-02T03:20:00Z", "--fields", "pid,user,argv", "--sort", "pid");
		assert_lines("pid\tuser\targv\n10\troot\thttpd -f\n20\talice\tsh -c make\n30\t\t\n");
		assert_int_equal(run(cmd_dump, "exits", "--store", store, "--where", "uid = bob", NULL), STATUS_USAGE);
		assert_said_on_stderr("no user of that name was recorded in that time; `obit dump users` lists them");
		/* What is asked for without a name has none. */
		DUMP("exits", "--fields", "all", "--limit", "1");
		assert_null(strstr(said, "\tnamespace"));
	}
}

/* What a question to the store says, with the time and the fields that names come by. */
static void ask_at(const char *where, const char *time, char *ret, size_t size)
{
	assert_int_equal(run(cmd_dump, "procs", "--store", where, "--at", time, "--fields",
			     "pid,user,container,argv,cpu_ns", "--sort", "pid", "--format", "tsv", NULL),
			 0);
	assert_string_equal(on_stderr, "");
	assert_true(strlen(said) < size);
	strcpy(ret, said);
}

static void test_an_extract_knows_who_lived_and_what_it_is_called(void **state)
{
	static const char time[] = "2026-01-02T03:20:00Z";
	char copy[100], in_store[2000], in_copy[2000];

	(void)state;
	for (int is_sealing = 0; is_sealing < 2; is_sealing++) {
		write_store(is_sealing);
		snprintf(copy, sizeof(copy), "%s/copy-%d", dir, is_sealing);
		/* Interval 3 alone; its own roster is at its end. What 20 runs was written in the one before. */
		assert_int_equal(run(cmd_extract, "--store", store, "--since", time, "--for", "1m", copy, NULL), 0);
		ask_at(store, time, in_store, sizeof(in_store));
		ask_at(copy, time, in_copy, sizeof(in_copy));
		assert_non_null(strstr(in_store, "20\talice\tweb\tsh -c make\t1000\n"));
		assert_string_equal(in_copy, in_store);
	}
}

static void test_headings_can_be_typed_back(void **state)
{
	(void)state;
	write_store(true);
	DUMP("procs", "--fields", "pid,cpu", "--sort", "-cpu", "--where", "cpu > 1us or cpu = 1us and pid = 10",
	     "--limit", "1");
	assert_lines("pid\tcpu_ns\n10\t1000\n");
	DUMP("procs", "--group-by", "pid", "--fields", "cpu", "--sort", "-pid", "--limit", "1");
	assert_lines("pid\tcpu_ns\n30\t4000\n");
	/* 1000 ns of 400 s: nothing in hundredths of a percent. */
	DUMP("procs", "--fields", "cpu_percent", "--where", "cpu_percent < 0.01", "--limit", "1");
	assert_lines("cpu_percent_hundredths\n0\n");
	assert_int_equal(run(cmd_dump, "procs", "--store", store, "--where", "cpu_percent > 1.005", NULL),
			 STATUS_USAGE);
	assert_said_on_stderr("expected a number such as 1.5");
}

static void test_columns_that_are_computed(void **state)
{
	static const char *const wrong[][2] = {
		{"cpu_ns / wall as x", "procs has no field \"wall\""},
		{"comm / 2 as x", "only with fields of numbers"},
		{"cpu_ns + pid as x", "+ and - are of two fields of the same unit"},
		{"cpu_ns * rss_bytes as x", "one side of * must be a plain number"},
		{"time / 2 as x", "a time cannot be divided"},
		{"cpu_ns / 0 as x", "expected a number such as 2 or 0.5"},
		{"cpu_ns / pid / 2 as x", "one operator at a time"},
		{"cpu_ns as x", "expected one of + - * /"},
		{"cpu_ns / pid as PID", "a name has letters in lower case"},
		{"cpu_ns / pid as pid", "there is a field of that name"},
	};

	(void)state;
	for (int is_sealing = 0; is_sealing < 2; is_sealing++) {
		write_store(is_sealing);
		DUMP("procs", "--fields",
		     "pid,cpu_ns / pid as each, start_boot_ns/cpu_ns as share, cpu_ns - start_boot_ns as left_ns,"
		     "pid * 1.5 as more, uid / uid as one",
		     "--where", "share >= 0.2 and time < 2026-01-02T03:20:00Z", "--sort", "pid");
		assert_lines("pid\teach\tshare\tleft_ns\tmore\tone\n20\t50\t0.20\t800\t30\t1.00\n"
			     "30\t33\t0.30\t700\t45\t1.00\n30\t33\t0.30\t700\t45\t1.00\n");
		DUMP("procs", "--group-by", "pid / 20 as twenties", "--fields", "count,cpu_ns");
		assert_lines("twenties\tcount\tcpu_ns\n0\t4\t4000\n1\t7\t7000\n");
		DUMP("procs", "--at", "2026-01-02T03:20:00Z", "--fields", "pid,pid * 2 as double", "--sort", "-double");
		assert_lines("pid\tdouble\n30\t60\n20\t40\n10\t20\n");
		/* Of a column that is not shown. */
		DUMP("procs", "--at", "2026-01-02T03:20:00Z", "--fields", "pid,cpu_percent / 2 as half", "--limit", "1",
		     "--sort", "pid");
		assert_lines("pid\thalf\n10\t0.00\n");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(run(cmd_dump, "procs", "--store", store, "--fields", wrong[i][0], NULL), STATUS_USAGE);
		assert_said_on_stderr(wrong[i][1]);
	}
}

/* A part of what is in hundredths is in hundredths; a ratio of two such is one too. */
static void test_hundredths_are_computed_once(void **state)
{
	static const char *const texts[] = {"load1_hundredths / 2 as x", "load1 / load5 as x", "load1 * 2 as x"};
	static const uint64_t values[] = {277, 200, 1110};
	char error[200], text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct computed_list list = {0};
		uint64_t value;

		snprintf(text, sizeof(text), "%s", texts[i]);
		assert_int_equal(computed_read(table_by_id(TABLE_SYSTEM), text, &list, error, sizeof(error)), 0);
		assert_int_equal(list.list[0].field.unit, UNIT_HUNDREDTHS);
		assert_true(computed_value(&list.list[0], 555, 277, &value));
		assert_int_equal(value, values[i]);
	}
}

static void test_a_map_keeps_what_it_was_given(void **state)
{
	struct map map = {0};

	(void)state;
	assert_null(map_find(&map, (struct map_key){1, 2}));
	for (uint64_t i = 0; i < 10000; i++)
		*map_put(&map, (struct map_key){i % 100, i / 100}) = (uint32_t)i;
	assert_int_equal(map.n, 10000);
	for (uint64_t i = 0; i < 10000; i++)
		assert_int_equal(*map_find(&map, (struct map_key){i % 100, i / 100}), i);
	assert_int_equal(*map_put(&map, (struct map_key){5, 5}), 505);
	assert_null(map_find(&map, (struct map_key){100, 0}));
	map_done(&map);
	assert_int_equal(map.n, 0);
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	for (int i = 0; i < N_TABLES; i++)
		blocks[i] = chunk_block_new(i);
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	for (int i = 0; i < N_TABLES; i++)
		block_free(blocks[i]);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command); /* NOLINT(cert-env33-c): a path of this test */
}

static int remove_stores(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'/log '%s'/sealed", dir, dir);
	return system(command); /* NOLINT(cert-env33-c): a path of this test */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_rows_get_names, remove_stores),
		cmocka_unit_test_teardown(test_names_select_and_group, remove_stores),
		cmocka_unit_test_teardown(test_an_extract_knows_who_lived_and_what_it_is_called, remove_stores),
		cmocka_unit_test_teardown(test_headings_can_be_typed_back, remove_stores),
		cmocka_unit_test_teardown(test_columns_that_are_computed, remove_stores),
		cmocka_unit_test(test_hundredths_are_computed_once),
		cmocka_unit_test(test_a_map_keeps_what_it_was_given),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
