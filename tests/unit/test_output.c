// SPDX-License-Identifier: BSD-2-Clause
/*
 * Formats: jsonl as jq and Python read it, csv as Python's csv reads it, and a table that no process can
 * use to write to the terminal. The outside readers are run when they are installed; else it is said.
 */
#define _GNU_SOURCE /* memfd_create */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output/output.h"
#include "output/text.h"

#define S   UINT64_C(1000000000)
#define NOW (UINT64_C(1767323045) * S)
#define EVIL                                                                                                           \
	"\x1b]0;owned\x07\x1b[2J\xff\xc3\x28\xe2\x80\xae\xc2\x9b"                                                      \
	"\"',\n\t\\\r"

static struct block *block;
static int identity[N_EXITS_FIELDS];

static int set_up(void **state)
{
	static const char argv[] = "/usr/bin/cc\0-o\0a b\0it's\0\0" EVIL;

	(void)state;
	setenv("TZ", "UTC0", 1);
	signal(SIGPIPE, SIG_IGN);
	block = block_new(table_by_id(TABLE_EXITS), 3, 4096);
	for (int i = 0; i < 3; i++)
		block_add_row(block);
	for (int i = 0; i < N_EXITS_FIELDS; i++)
		identity[i] = i;
	block_set_number(block, 0, EXITS_exit_time, NOW - 123456789);
	block_set_number(block, 0, EXITS_pid, 4711);
	block_set_number(block, 0, EXITS_cgroup_id, UINT64_MAX);
	block_set_number(block, 0, EXITS_exit_signal, 9);
	block_set_number(block, 0, EXITS_oom_killed, 1);
	block_set_number(block, 0, EXITS_cpu_ns, 12345678);
	block_set_number(block, 0, EXITS_max_rss_bytes, 4718592);
	block_set_text(block, 0, EXITS_comm, "cc1", 3);
	block_set_text(block, 0, EXITS_argv, argv, sizeof(argv));
	block_set_text(block, 1, EXITS_comm, EVIL, strlen(EVIL));
	block_set_text(block, 1, EXITS_argv, "", 0);
	block_set_text(block, 1, EXITS_exe, "", 0);
	block_set_number(block, 1, EXITS_exit_time, NOW - 86400 * S);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	block_free(block);
	return 0;
}

struct written {
	char *data;
	size_t len;
};

/* All rows of the block, all fields unless `n` names the first few of `fields`. The caller frees. */
static struct written write_rows(struct output_options options, const int *fields, uint32_t n)
{
	static struct stream stream;
	struct field columns[TABLE_MAX_FIELDS];
	struct output *output;
	struct written written;
	int fd = memfd_create("output", 0);

	for (uint32_t i = 0; i < n; i++)
		columns[i] = block->table->fields[fields[i]];
	stream_init(&stream, fd);
	options.stream = &stream;
	options.now_real_ns = NOW;
	assert_int_equal(output_open(&options, columns, n, &output), 0);
	for (uint32_t row = 0; row < block->rows; row++)
		assert_int_equal(output_row(output, block, row, fields), 0);
	assert_int_equal(output_close(output), 0);
	written.len = (size_t)lseek(fd, 0, SEEK_END);
	written.data = calloc(1, written.len + 1);
	assert_int_equal(pread(fd, written.data, written.len, 0), written.len);
	close(fd);
	return written;
}

/* Runs a program of a shell with the bytes in $F; its exit status. */
static int run_on(struct written written, const char *script)
{
	char path[] = "/tmp/obit-test-XXXXXX";
	int fd = mkstemp(path), status;

	assert_int_equal(write(fd, written.data, written.len), written.len);
	close(fd);
	setenv("F", path, 1);
	setenv("PYTHONUTF8", "1", 1);
	status = system(script);
	unlink(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int lacks(const char *program)
{
	char script[100];

	snprintf(script, sizeof(script), "command -v %s >/dev/null", program);
	if (system(script) == 0)
		return 0;
	print_message("SKIPPED: %s is not installed\n", program);
	return 1;
}

static void test_jsonl_keeps_numbers_nulls_and_times_exact(void **state)
{
	static const int fields[] = {EXITS_exit_time,	EXITS_pid,	  EXITS_cgroup_id, EXITS_comm,
				     EXITS_exit_signal, EXITS_oom_killed, EXITS_cpu_ns,	   EXITS_uid};
	struct written written = write_rows((struct output_options){.format = OUTPUT_JSONL}, fields, 8);

	(void)state;
	*strchr(written.data, '\n') = '\0';
	assert_string_equal(
		written.data,
		"{\"exit_time\":\"2026-01-02T03:04:04.876543211Z\",\"pid\":4711,\"cgroup_id\":18446744073709551615,"
		"\"comm\":\"cc1\",\"exit_signal\":9,\"oom_killed\":true,\"cpu_ns\":12345678,\"uid\":null}");
	free(written.data);
}

static void test_jsonl_is_read_by_jq(void **state)
{
	struct written written;

	(void)state;
	if (lacks("jq"))
		skip();
	written = write_rows((struct output_options){.format = OUTPUT_JSONL}, identity, N_EXITS_FIELDS);
	assert_int_equal(run_on(written, "test \"$(jq -s 'length, (map(keys|length)|add), .[0].argv[3], .[1].argv' -c "
					 "<$F | tr '\\n' ' ')\" = '3 183 \"it'\"'\"'s\" [] '"),
			 0);
	free(written.data);
}

static void test_jsonl_is_strict_utf8_and_keeps_what_is(void **state)
{
	static const char script[] =
		"python3 - <<'E'\n"
		"import json, os\n"
		"rows = [json.loads(l) for l in open(os.environ['F'], encoding='ascii', newline='\\n')]\n"
		"evil = b'\\x1b]0;owned\\x07\\x1b[2J\\xff\\xc3\\x28\\xe2\\x80\\xae\\xc2\\x9b\"\\',\\n\\t\\\\\\r'\n"
		"assert rows[1]['comm'] == evil.decode('utf-8', 'backslashreplace')\n"
		"assert rows[0]['argv'][-1] == evil.decode('utf-8', 'backslashreplace')\n"
		"assert rows[0]['argv'][:5] == ['/usr/bin/cc', '-o', 'a b', \"it's\", '']\n"
		"assert rows[0]['cgroup_id'] == 2**64 - 1 and rows[2]['pid'] is None and rows[1]['exe'] == ''\n"
		"E\n";
	struct written written;

	(void)state;
	if (lacks("python3"))
		skip();
	written = write_rows((struct output_options){.format = OUTPUT_JSONL}, identity, N_EXITS_FIELDS);
	assert_int_equal(run_on(written, script), 0);
	free(written.data);
}

static void test_csv_is_read_by_python(void **state)
{
	static const char script[] =
		"python3 - <<'E'\n"
		"import csv, os, subprocess\n"
		"f = open(os.environ['F'], encoding='utf-8', errors='strict', newline='')\n"
		"rows = list(csv.DictReader(f))\n"
		"evil = b'\\x1b]0;owned\\x07\\x1b[2J\\xff\\xc3\\x28\\xe2\\x80\\xae\\xc2\\x9b\"\\',\\n\\t\\\\\\r'\n"
		"assert len(rows) == 3 and len(rows[0]) == 61\n"
		"assert rows[1]['comm'] == evil.decode('utf-8', 'backslashreplace')\n"
		"assert rows[0]['exit_signal'] == '9' and rows[0]['oom_killed'] == 'true' and rows[2]['pid'] == ''\n"
		"assert rows[0]['exit_time'] == '2026-01-02T03:04:04.876543211Z'\n"
		"words = subprocess.run(['bash', '-c', 'printf \"%s\\\\0\" ' + rows[0]['argv']], "
		"stdout=subprocess.PIPE).stdout\n"
		"assert words == b\"/usr/bin/cc\\0-o\\0a b\\0it's\\0\\0\" + evil + b'\\0', words\n"
		"E\n";
	struct written written;

	(void)state;
	if (lacks("python3"))
		skip();
	written = write_rows((struct output_options){.format = OUTPUT_CSV}, identity, N_EXITS_FIELDS);
	assert_int_equal(run_on(written, script), 0);
	free(written.data);
}

static void test_csv_distinguishes_null_from_empty(void **state)
{
	static const int fields[] = {EXITS_comm, EXITS_exe, EXITS_pid};
	struct written written = write_rows((struct output_options){.format = OUTPUT_CSV}, fields, 3);

	(void)state;
	assert_memory_equal(written.data, "comm,exe,pid\r\ncc1,,4711\r\n\"\x1b", 26);
	assert_memory_equal(written.data + written.len - 10, ",\"\",\r\n,,\r\n", 10);
	free(written.data);
}

static void test_tsv_has_a_line_a_row(void **state)
{
	static const int fields[] = {EXITS_comm, EXITS_pid, EXITS_exit_code};
	struct written written = write_rows((struct output_options){.format = OUTPUT_TSV}, fields, 3);

	(void)state;
	assert_string_equal(written.data,
			    "comm\tpid\texit_code\ncc1\t4711\t\n\x1b]0;owned\x07\x1b[2J\\\\xff\\\\xc3(\xe2\x80"
			    "\xae\xc2\x9b\"',\\n\\t\\\\\\r\t\t\n\t\t\n");
	free(written.data);
}

static void test_messages_move_no_terminal(void **state)
{
	static const char typed[] = "obit: \x1b[2J\r\xff \\d\t\xe2\x80\xae\n";
	struct buffer buffer = {0};

	(void)state;
	text_add_message(&buffer, typed, sizeof(typed) - 1);
	buffer_add_char(&buffer, '\0');
	assert_string_equal(buffer.data, "obit: \\x1b[2J\\x0d\\xff \\d\t\\xe2\\x80\\xae\n");
	buffer_done(&buffer);
}

static void test_table_has_units_human_readable(void **state)
{
	static const int fields[] = {EXITS_exit_time, EXITS_pid,	   EXITS_comm, EXITS_exit_signal,
				     EXITS_cpu_ns,    EXITS_max_rss_bytes, EXITS_argv};
	struct written written;

	(void)state;
	block->texts[EXITS_comm][1].len = 0;
	written = write_rows((struct output_options){.format = OUTPUT_TABLE}, fields, 7);
	block->texts[EXITS_comm][1].len = strlen(EVIL);
	assert_string_equal(
		written.data,
		"              exit_time   pid  comm  exit_signal     cpu  max_rss  argv\n"
		"                                                      ms      MiB\n"
		"           03:04:04.876  4711  cc1          KILL  12.346     4.50  /usr/bin/cc -o 'a b' "
		"'it'\\''s' '' "
		"$'\\x1b]0;owned\\x07\\x1b[2J\\xff\\xc3(\\xe2\\x80\\xae\\xc2\\x9b\"\\',\\x0a\\x09\\\\\\x0d'\n"
		"2026-01-01 03:04:05.000     -                  -       -        -  \n"
		"                      -     -  -               -       -        -  -\n");
	free(written.data);
}

/* Whatever a process is called: the terminal gets printable ASCII, whole characters and our own colours only. */
static void test_nothing_from_a_process_moves_the_terminal(void **state)
{
	static const enum output_format formats[] = {OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_TSV, OUTPUT_JSONL};

	(void)state;
	for (size_t f = 0; f < 4; f++) {
		struct output_options options = {.format = formats[f], .is_terminal = 1, .width = formats[f] ? 0 : 100};
		struct written written = write_rows(options, identity, N_EXITS_FIELDS);

		for (size_t i = 0; i < written.len;) {
			uint32_t code = 0;
			size_t n = text_character(written.data + i, written.len - i, &code);

			assert_int_not_equal(n, 0);
			if (code != '\n' && code != '\r' && code != '\t')
				assert_in_range(text_width(code), 0, 2);
			i += n;
		}
		free(written.data);
	}
}

static void test_table_fits_its_width(void **state)
{
	static const int fields[] = {EXITS_exit_time, EXITS_comm, EXITS_pid, EXITS_exe, EXITS_argv};

	(void)state;
	block_set_text(block, 2, EXITS_exe, "\xe6\xbc\xa2\xe5\xad\x97/\xc3\xa4/very/long/path/that/goes/on", 37);
	/* Numbers are never cut: below 40 columns there is no room for them. */
	for (uint32_t width = 40; width < 200; width++) {
		for (int may_leave_out = 0; may_leave_out < 2; may_leave_out++) {
			struct output_options options = {.format = OUTPUT_TABLE,
							 .is_terminal = 1,
							 .width = width,
							 .may_leave_out = may_leave_out};
			struct written written = write_rows(options, fields, 5);
			uint32_t columns = 0;

			for (size_t i = 0; i < written.len;) {
				uint32_t code = 0;
				size_t n = text_character(written.data + i, written.len - i, &code);

				assert_int_not_equal(n, 0);
				columns = code == '\n' ? 0 : columns + (uint32_t)text_width(code);
				assert_true(columns <= width);
				i += n;
			}
			/* Nothing that was asked for is missing. */
			assert_non_null(strstr(written.data, "comm"));
			if (!may_leave_out)
				assert_true(strstr(written.data, "exe") && strstr(written.data, "argv"));
			free(written.data);
		}
	}
	block->nulls[EXITS_exe][2] = 1;
}

/* Rows of exits made of these values of cpu_ns, max_rss_bytes and pid. */
static struct written write_numbers(struct output_options options, const uint64_t (*rows)[3], size_t n)
{
	static const int fields[] = {EXITS_pid, EXITS_comm, EXITS_cpu_ns, EXITS_max_rss_bytes, EXITS_uid, EXITS_argv};
	struct block *kept = block;
	struct written written;

	block = block_new(kept->table, (uint32_t)n, 4096);
	for (size_t i = 0; i < n; i++) {
		uint32_t row = (uint32_t)block_add_row(block);

		block_set_number(block, row, EXITS_cpu_ns, rows[i][0]);
		block_set_number(block, row, EXITS_max_rss_bytes, rows[i][1]);
		block_set_number(block, row, EXITS_pid, rows[i][2]);
		block_set_text(block, row, EXITS_comm, "sh", 2);
		block_set_number(block, row, EXITS_uid, 0);
		block_set_text(block, row, EXITS_argv, "sh\0-c\0a long line that goes on and on\0", 38);
	}
	written = write_rows(options, fields, 6);
	block_free(block);
	block = kept;
	return written;
}

static void test_a_column_has_one_unit(void **state)
{
	static const uint64_t rows[][3] = {
		{958000000, 1024, 1}, {958000, UINT64_C(5) << 30, 2}, {1, 1, 3}, {0, 0, 4}, {999999999, 0, 5}};
	struct written written = write_numbers((struct output_options){.format = OUTPUT_TABLE}, rows, 5);

	(void)state;
	assert_string_equal(written.data, "in all rows:  comm=sh  uid=0  argv=sh -c 'a long line that goes on and on'\n"
					  "pid       cpu  max_rss\n"
					  "           ms      GiB\n"
					  "  1   958.000     <.01\n"
					  "  2     0.958     5.00\n"
					  "  3     <.001     <.01\n"
					  "  4         0        0\n"
					  "  5  1000.000        0\n");
	free(written.data);
}

static void test_prose_goes_on_below(void **state)
{
	static const uint64_t rows[][3] = {{958000000, 1024, 1}};
	struct output_options options = {.format = OUTPUT_TABLE, .width = 60, .wraps = true};
	struct written written = write_numbers(options, rows, 1);

	(void)state;
	assert_string_equal(written.data, "pid  comm      cpu  max_rss  uid  argv\n"
					  "                ms      KiB\n"
					  "  1  sh    958.000     1.00    0  sh -c 'a long line that\n"
					  "                                  goes on and on'\n");
	free(written.data);
}

static void test_columns_that_do_not_fit(void **state)
{
	static const uint64_t rows[][3] = {{958000000, 1024, 1}};
	struct output_options options = {.format = OUTPUT_TABLE, .width = 40, .may_leave_out = true};
	struct written written = write_numbers(options, rows, 1);

	(void)state;
	assert_string_equal(written.data, "pid  comm      cpu  argv\n"
					  "                ms\n"
					  "  1  sh    958.000  sh -c 'a long line …\n"
					  "+2 columns: --wide or --fields\n");
	free(written.data);
	options.may_leave_out = false;
	written = write_numbers(options, rows, 1);
	assert_string_equal(written.data, "pid  comm      cpu  max_rss  uid\n"
					  "                ms      KiB\n"
					  "    argv\n"
					  "  1  sh    958.000     1.00    0\n"
					  "    sh -c 'a long line that goes on and…\n");
	free(written.data);
}

static void test_missing_fields_are_null(void **state)
{
	static const int none[] = {-1, -1, -1, -1};
	static struct stream stream;
	struct output_options options = {.format = OUTPUT_JSONL, .stream = &stream};
	struct output *output;
	char text[100] = "";
	int fd = memfd_create("output", 0);

	(void)state;
	stream_init(&stream, fd);
	assert_int_equal(output_open(&options, block->table->fields, 2, &output), 0);
	assert_int_equal(output_row(output, block, 0, none), 0);
	assert_int_equal(output_close(output), 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 37);
	assert_string_equal(text, "{\"exit_time\":null,\"start_time\":null}\n");
	close(fd);
}

static void test_broken_pipe_and_full_disk_are_distinguished(void **state)
{
	static struct stream stream;
	struct output_options options = {.format = OUTPUT_JSONL, .stream = &stream};
	struct output *output;
	int ends[2], r = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	stream_init(&stream, ends[1]);
	assert_int_equal(output_open(&options, block->table->fields, N_EXITS_FIELDS, &output), 0);
	for (int i = 0; i < 10000 && r == 0; i++)
		r = output_row(output, block, 0, identity);
	assert_int_equal(r, -EPIPE);
	assert_int_equal(output_close(output), -EPIPE);
	close(ends[1]);
	stream_init(&stream, open("/dev/full", O_WRONLY));
	assert_int_equal(output_open(&options, block->table->fields, N_EXITS_FIELDS, &output), 0);
	assert_int_equal(output_row(output, block, 0, identity), 0);
	assert_int_equal(output_close(output), -ENOSPC);
	close(stream.fd);
}

static void test_random_bytes_stay_valid_in_every_format(void **state)
{
	struct block *kept = block;
	uint32_t seed = 7;

	(void)state;
	block = block_new(kept->table, 200, 200 * 80);
	for (uint32_t row = 0; row < 200; row++) {
		char bytes[40];

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 16 & (i % 3 ? 0xff : 0xf7));
		}
		block_add_row(block);
		block_set_text(block, row, EXITS_comm, bytes, seed >> 8 & 31);
		block_set_text(block, row, EXITS_argv, bytes, sizeof(bytes));
	}
	for (enum output_format format = OUTPUT_TABLE; format <= OUTPUT_JSONL; format++) {
		struct written written =
			write_rows((struct output_options){.format = format, .width = 60}, identity, N_EXITS_FIELDS);

		if (format == OUTPUT_JSONL && !lacks("python3"))
			assert_int_equal(
				run_on(written,
				       "python3 -c 'import json, os\n"
				       "rows = [json.loads(l) for l in open(os.environ[\"F\"], encoding=\"utf-8\", "
				       "newline=\"\\n\")]\n"
				       "assert len(rows) == 200\n"
				       "for r in rows:\n"
				       "    json.dumps(r, ensure_ascii=False).encode(\"utf-8\", \"strict\")\n"
				       "    # The name is cut anywhere: a character that it cut is \\xNN there.\n"
				       "    assert (\"\\0\".join(r[\"argv\"]) + \"\\0\" * "
				       "40).startswith(r[\"comm\"][:-12])'"),
				0);
		free(written.data);
	}
	block_free(block);
	block = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jsonl_keeps_numbers_nulls_and_times_exact),
		cmocka_unit_test(test_jsonl_is_read_by_jq),
		cmocka_unit_test(test_jsonl_is_strict_utf8_and_keeps_what_is),
		cmocka_unit_test(test_csv_is_read_by_python),
		cmocka_unit_test(test_csv_distinguishes_null_from_empty),
		cmocka_unit_test(test_tsv_has_a_line_a_row),
		cmocka_unit_test(test_messages_move_no_terminal),
		cmocka_unit_test(test_table_has_units_human_readable),
		cmocka_unit_test(test_nothing_from_a_process_moves_the_terminal),
		cmocka_unit_test(test_table_fits_its_width),
		cmocka_unit_test(test_a_column_has_one_unit),
		cmocka_unit_test(test_columns_that_do_not_fit),
		cmocka_unit_test(test_prose_goes_on_below),
		cmocka_unit_test(test_missing_fields_are_null),
		cmocka_unit_test(test_broken_pipe_and_full_disk_are_distinguished),
		cmocka_unit_test(test_random_bytes_stay_valid_in_every_format),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
