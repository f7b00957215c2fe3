// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store as its users see it: what is written is read, exactly, also while it is written; one writer only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/file.h>
#include <sys/wait.h>

#include "store/segment_format.h"
#include "store_fixture.h"

static struct records written;
static struct reading reading;

/* Value by value, so that a failure says which. */
static void assert_same_block(const struct block *expected, const struct block *block)
{
	assert_string_equal(expected->table->name, block->table->name);
	assert_int_equal(expected->table->n_fields, block->table->n_fields);
	assert_int_equal(expected->rows, block->rows);
	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		const struct field *described = &block->table->fields[field], *known = &expected->table->fields[field];

		assert_string_equal(described->name, known->name);
		assert_string_equal(described->help, known->help);
		assert_int_equal(described->type, known->type);
		assert_int_equal(described->unit, known->unit);
		assert_int_equal(described->kind, known->kind);
		assert_memory_equal(expected->nulls[field], block->nulls[field], block->rows);
		for (uint32_t row = 0; row < block->rows; row++) {
			size_t len, known_len;
			const char *text, *known_text;

			if (!field_is_text(known)) {
				assert_int_equal(block_number(expected, row, field), block_number(block, row, field));
				continue;
			}
			known_text = block_text(expected, row, field, &known_len);
			text = block_text(block, row, field, &len);
			assert_int_equal(known_len, len);
			if (len)
				assert_memory_equal(known_text, text, len);
		}
	}
}

/* Writes the fixture's blocks as one chunk and reads it back. */
static void assert_round_trip(struct fixture *fixture)
{
	struct interval interval = interval_of(1, 1, 1);
	struct store_select select = {0};
	struct store_writer *writer;
	struct store_reader *reader;
	static struct chunks chunks;
	struct store_chunk chunk;
	size_t at = 0, n_damage;

	empty_store(fixture);
	writer = open_writer(fixture, 1, 0);
	assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS), 0);
	assert_int_equal(store_writer_close(writer), 0);
	assert_zstd_accepts(fixture);
	assert_int_equal(store_reader_open(fixture->dir, &select, &reader), 0);
	assert_int_equal(chunks_next(&chunks, reader, &chunk), 1);
	assert_int_equal(chunk.interval.number, 1);
	assert_int_equal(chunk.interval.begin_real_ns, interval.begin_real_ns);
	assert_int_equal(chunk.interval.end_real_ns, interval.end_real_ns);
	assert_int_equal(chunk.interval.is_last_chunk, 1);
	for (int i = 0; i < N_BLOCKS; i++)
		if (fixture->blocks[i]->rows) {
			assert_true(at < chunk.n_blocks);
			assert_same_block(fixture->blocks[i], chunk.blocks[at++]);
		}
	assert_int_equal(at, chunk.n_blocks);
	assert_int_equal(chunks_next(&chunks, reader, &chunk), 0);
	store_reader_damage(reader, &n_damage);
	assert_int_equal(n_damage, 0);
	chunks_done(&chunks);
	store_reader_close(reader);
}

static void test_every_value_of_every_type_comes_back(void **state)
{
	static const uint32_t rows[] = {0, 1, 2, 7, 8, 9, 100, 4096};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int block = 0; block < N_BLOCKS; block++)
			fill(fixture->blocks[block], rows[i], i * 100 + (uint64_t)block);
		assert_round_trip(fixture);
	}
}

static void set_all_numbers(struct block *block, uint64_t first, uint64_t step)
{
	block_clear(block);
	for (uint64_t i = 0; i < 10; i++) {
		uint32_t row = (uint32_t)block_add_row(block);

		for (uint32_t field = 0; field < block->table->n_fields; field++)
			if (!field_is_text(&block->table->fields[field]))
				block_set_number(block, row, field, first + i * step);
	}
}

static void test_columns_of_extremes_come_back(void **state)
{
	static const uint64_t firsts[] = {0, 1, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX, UINT64_MAX - 4};
	static const uint64_t steps[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, UINT64_C(0x5555555555555555)};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++)
		for (size_t j = 0; j < sizeof(steps) / sizeof(*steps); j++) {
			for (int block = 0; block < N_BLOCKS; block++)
				set_all_numbers(fixture->blocks[block], firsts[i], steps[j]);
			assert_round_trip(fixture);
		}
}

static void test_rows_of_nulls_only_come_back(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 100; i++)
		for (int block = 0; block < N_BLOCKS; block++)
			block_add_row(fixture->blocks[block]);
	assert_round_trip(fixture);
}

static void test_an_empty_text_is_not_a_null(void **state)
{
	struct fixture *fixture = *state;
	struct block *exits = fixture->blocks[0];

	for (int i = 0; i < 3; i++)
		block_add_row(exits);
	block_set_text(exits, 1, EXITS_comm, "", 0);
	assert_round_trip(fixture);
	block_set_text(exits, 0, EXITS_argv, "", 0);
	block_set_text(exits, 1, EXITS_argv, "\0", 1);
	block_set_text(exits, 2, EXITS_argv, "a\0\0b\0", 5);
	block_set_text(exits, 2, EXITS_exe, "\xff\xfe\n\0", 4);
	assert_round_trip(fixture);
}

static void test_long_and_many_different_texts_come_back(void **state)
{
	struct fixture *fixture = *state;
	struct block *exits = fixture->blocks[0];
	char *text = malloc(1u << 20);

	assert_non_null(text);
	for (size_t i = 0; i < 1u << 20; i++)
		text[i] = (char)(mix(i) >> 8);
	block_add_row(exits);
	assert_int_equal(block_set_text(exits, 0, EXITS_argv, text, 1u << 20), 0);
	for (uint32_t i = 1; i < 4096; i++) {
		block_add_row(exits);
		for (uint32_t field = EXITS_comm; field <= EXITS_cgroup; field++)
			assert_int_equal(block_set_text(exits, i, field, text + i * 16 + field, 12), 0);
	}
	free(text);
	assert_round_trip(fixture);
}

static void test_intervals_of_many_chunks_come_back_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 0);

	written.n = 0;
	/* More chunks than a frame takes. */
	for (uint64_t number = 1; number <= 100; number++)
		for (int chunk = 0; chunk < 3; chunk++)
			append(fixture, writer, interval_of(1, number, chunk == 2), 5, &written);
	append(fixture, writer, interval_of(1, 101, 1), 0, &written);
	assert_int_equal(store_writer_close(writer), 0);
	assert_int_equal(count_segments(fixture), 1);
	assert_zstd_accepts(fixture);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(reading.n_damage, 0);
}

static void test_dictionaries_that_fill_up_begin_anew(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 0);
	struct block *exits = fixture->blocks[0];

	written.n = 0;
	for (uint64_t number = 1; number <= 12; number++) {
		struct interval interval = interval_of(1, number, 1);
		struct record record = fill_chunk(fixture, &interval, 4, number);
		char text[32];

		for (uint32_t i = 0; i < 2000; i++) {
			block_add_row(exits);
			snprintf(text, sizeof(text), "%u", (unsigned)(number * 1500 + i));
			block_set_text(exits, exits->rows - 1, EXITS_comm, text, strlen(text));
		}
		record.digest = digest_chunk(&interval, fixture->blocks, N_BLOCKS);
		assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS), 0);
		add_record(&written, record);
	}
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(reading.n_damage, 0);
}

static void test_a_full_segment_is_followed_by_another(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 60000);

	written.n = 0;
	for (uint64_t number = 1; number <= 30; number++)
		for (int chunk = 0; chunk < 2; chunk++)
			append(fixture, writer, interval_of(1, number, chunk), 50, &written);
	assert_int_equal(store_writer_close(writer), 0);
	assert_true(count_segments(fixture) > 3);
	assert_zstd_accepts(fixture);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(reading.n_damage, 0);
}

static void test_runs_are_read_one_after_the_other(void **state)
{
	struct fixture *fixture = *state;

	written.n = 0;
	for (uint64_t run = 1; run <= 3; run++) {
		struct store_writer *writer = open_writer(fixture, run, 0);

		append(fixture, writer, interval_of(run, 1, 1), 3, &written);
		assert_int_equal(store_writer_close(writer), 0);
	}
	/* The clock was set back: what is written later is still read later. */
	struct store_writer *writer = open_writer(fixture, 0, 0);

	append(fixture, writer, interval_of(0, 1, 1), 3, &written);
	assert_int_equal(store_writer_close(writer), 0);
	assert_int_equal(count_segments(fixture), 4);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
}

static void test_every_chunk_is_visible_as_soon_as_it_is_written(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 40000);

	written.n = 0;
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 0);
	for (uint64_t i = 0; i < 60; i++) {
		append(fixture, writer, interval_of(1, 1 + i / 2, i % 2), 20, &written);
		read_store(fixture, NULL, &reading);
		assert_reads(&reading, &written, written.n);
		assert_int_equal(reading.n_damage, 0);
	}
	assert_true(count_segments(fixture) > 1);
	assert_int_equal(store_writer_close(writer), 0);
}

static void test_a_store_without_rows_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer;

	written.n = 0;
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 0);
	writer = open_writer(fixture, 1, 0);
	assert_int_equal(store_writer_close(writer), 0);
	assert_zstd_accepts(fixture);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 0);
	assert_int_equal(reading.n_damage, 0);
}

/*
 * The reading ends with these chunks. Before them come, at the most, chunks that are not the last of their
 * interval: when it ended is only known further on.
 */
static void assert_selects(const struct fixture *fixture, struct store_select select, size_t first, size_t n,
			   size_t n_before)
{
	read_store(fixture, &select, &reading);
	assert_int_equal(reading.records.n, n + n_before);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(reading.records.list[n_before + i].digest, written.list[first + i].digest);
	for (size_t i = 0; i < n_before; i++)
		assert_int_equal(reading.records.list[i].number, 2);
}

static void test_a_range_of_time_gives_every_chunk_that_reaches_into_it(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin = interval_of(1, 0, 0).begin_real_ns, middle = begin + 2 * S + S / 2;
	struct store_writer *writer = open_writer(fixture, 1, 0);

	written.n = 0;
	/* Intervals 1 and 3 have one chunk; 2 has 600 and lies in three frames. */
	append(fixture, writer, interval_of(1, 1, 1), 1, &written);
	for (int i = 0; i < 600; i++)
		append(fixture, writer, interval_of(1, 2, i == 599), 1, &written);
	append(fixture, writer, interval_of(1, 3, 1), 1, &written);
	for (int is_closed = 0; is_closed < 2; is_closed++) {
		assert_selects(fixture, (struct store_select){.since_real_ns = middle}, 1, 601, 0);
		assert_selects(fixture, (struct store_select){middle, middle + 1, NULL, NULL}, 1, 600, 0);
		assert_selects(fixture, (struct store_select){.since_real_ns = middle + S}, 601, 1, 599);
		assert_selects(fixture, (struct store_select){.since_real_ns = begin + 5 * S}, 0, 0, 599);
		assert_selects(fixture, (struct store_select){.until_real_ns = begin + 2 * S}, 0, 1, 0);
		assert_selects(fixture, (struct store_select){.until_real_ns = begin + 2 * S + 1}, 0, 601, 0);
		if (!is_closed)
			assert_int_equal(store_writer_close(writer), 0);
	}
}

static void test_one_table_can_be_read_alone(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 0);
	struct store_select select = {.table = "ledger"};

	written.n = 0;
	for (uint64_t number = 1; number <= 10; number++) {
		struct interval interval = interval_of(1, number, 1);
		struct record record = fill_chunk(fixture, &interval, 30, number);

		record.digest = digest_chunk(&interval, &fixture->blocks[2], 1);
		assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS), 0);
		add_record(&written, record);
	}
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, &select, &reading);
	assert_reads(&reading, &written, 10);
}

static void test_a_chunk_that_no_reader_takes_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 0);
	struct block *big = block_new(table_by_id(TABLE_EXITS), GROUP_MAX_ROWS + 1, 1);
	struct block *wide = block_new(table_by_id(TABLE_EXITS), 1, CHUNK_MAX_BYTES + 1);
	struct interval interval = interval_of(1, 1, 0);
	char *text = calloc(1, CHUNK_MAX_BYTES + 1);

	written.n = 0;
	assert_non_null(text);
	for (uint32_t i = 0; i <= GROUP_MAX_ROWS; i++)
		block_add_row(big);
	block_add_row(wide);
	assert_int_equal(block_set_text(wide, 0, EXITS_argv, text, CHUNK_MAX_BYTES + 1), 0);
	assert_int_equal(store_writer_append(writer, &interval, &big, 1), -E2BIG);
	assert_int_equal(store_writer_append(writer, &interval, &wide, 1), -E2BIG);
	append(fixture, writer, interval_of(1, 1, 1), 5, &written);
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 1);
	block_free(big);
	block_free(wide);
	free(text);
}

/* In another process: what opening the store says, and which holder it names. */
static int open_elsewhere(const struct fixture *fixture, int *ret_holder)
{
	int status, answer[2], ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct store_options options = {.dir = fixture->dir};
		struct origin origin = origin_of(9);
		struct store_writer *writer;

		answer[1] = -1;
		answer[0] = store_writer_open(&options, &origin, &writer, &answer[1]);
		_exit(write(ends[1], answer, sizeof(answer)) != sizeof(answer));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], answer, sizeof(answer)), sizeof(answer));
	close(ends[0]);
	close(ends[1]);
	*ret_holder = answer[1];
	return answer[0];
}

static void test_a_second_writer_refuses_and_names_the_first(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 0), *second = NULL;
	struct store_options options = {.dir = fixture->dir};
	struct origin origin = origin_of(2);
	int holder;

	written.n = 0;
	append(fixture, writer, interval_of(1, 1, 1), 5, &written);
	assert_int_equal(open_elsewhere(fixture, &holder), -EBUSY);
	assert_int_equal(holder, getpid());
	holder = -1;
	assert_int_equal(store_writer_open(&options, &origin, &second, &holder), -EBUSY);
	assert_int_equal(holder, getpid());
	assert_null(second);
	/* Neither has touched what the first is writing. */
	append(fixture, writer, interval_of(1, 2, 1), 5, &written);
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 2);
	assert_int_equal(open_elsewhere(fixture, &holder), 0);
}

static void test_a_directory_of_another_program_is_refused_and_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = {.dir = fixture->dir};
	struct origin origin = origin_of(1);
	struct store_writer *writer = NULL;
	struct store_reader *reader = NULL;
	struct store_select select = {0};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/notes.txt", fixture->dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -EMEDIUMTYPE);
	assert_int_equal(store_reader_open(fixture->dir, &select, &reader), -EMEDIUMTYPE);
	assert_int_equal(count_segments(fixture), 0);
	snprintf(path, sizeof(path), "%s/lock", fixture->dir);
	assert_int_equal(access(path, F_OK), -1);
}

/* What opening the store as somebody without rights gives; only root can become nobody. */
static int open_as_nobody(const struct fixture *fixture)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct store_options options = {.dir = fixture->dir};
		struct origin origin = origin_of(1);
		struct store_writer *writer;

		_exit(setgid(65534) || setuid(65534) ? 0 : -store_writer_open(&options, &origin, &writer, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_a_directory_that_cannot_be_used_gives_its_errno(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = {.dir = "/dev/null/store"};
	struct origin origin = origin_of(1);
	struct store_writer *writer;
	struct store_reader *reader;
	struct store_select select = {0};

	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -ENOTDIR);
	options.dir = "/dev/null";
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -ENOTDIR);
	options.dir = "/nonexistent/store";
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -ENOENT);
	assert_int_equal(store_reader_open("/nonexistent/store", &select, &reader), -ENOENT);
	if (getuid() != 0) {
		print_message("SKIPPED: only root can open the store as somebody else\n");
		skip();
	}
	assert_int_equal(chmod(fixture->dir, 0755), 0);
	assert_int_equal(open_as_nobody(fixture), EACCES);
	assert_int_equal(chmod(fixture->dir, 0700), 0);
	assert_int_equal(open_as_nobody(fixture), EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_value_of_every_type_comes_back),
		TEST(test_columns_of_extremes_come_back),
		TEST(test_rows_of_nulls_only_come_back),
		TEST(test_an_empty_text_is_not_a_null),
		TEST(test_long_and_many_different_texts_come_back),
		TEST(test_intervals_of_many_chunks_come_back_in_order),
		TEST(test_dictionaries_that_fill_up_begin_anew),
		TEST(test_a_full_segment_is_followed_by_another),
		TEST(test_runs_are_read_one_after_the_other),
		TEST(test_every_chunk_is_visible_as_soon_as_it_is_written),
		TEST(test_a_store_without_rows_is_read),
		TEST(test_a_range_of_time_gives_every_chunk_that_reaches_into_it),
		TEST(test_one_table_can_be_read_alone),
		TEST(test_a_chunk_that_no_reader_takes_is_refused),
		TEST(test_a_second_writer_refuses_and_names_the_first),
		TEST(test_a_directory_of_another_program_is_refused_and_left_alone),
		TEST(test_a_directory_that_cannot_be_used_gives_its_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
