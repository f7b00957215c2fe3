// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sealed segments: columns give back what the log had, around damage; and sealing beside a writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "store/columns_file.h"
#include "store/seal.h"
#include "store/writer_inside.h"

#define INTERVALS 4
#define ROWS	  6
#define MANY_ROWS 3000

/* --- one column ------------------------------------------------------------------------------------------------- */
static uint64_t number_of(const struct field *field, int kind, uint32_t row)
{
	uint64_t random = mix(row * 7 + (uint64_t)kind);

	if (field->type == FIELD_BOOL)
		return random & 1;
	switch (kind) {
	case 0: /* all lengths */
		return random >> (mix(random) % 64);
	case 1:
		return 4096 * (random % 100);
	case 2:
		return 1767323045000000000u + row * 1000003u + random % 1000;
	case 3:
		return 77;
	default:
		return random; /* nothing to be saved */
	}
}

static void test_every_form_of_a_column_is_read_back(void **state)
{
	static uint64_t numbers[MANY_ROWS], before[2][MANY_ROWS], ends[MANY_ROWS], rest[MANY_ROWS], again[MANY_ROWS];
	static uint8_t nulls[MANY_ROWS], again_nulls[MANY_ROWS];
	const struct field fields[] = {{"u", FIELD_U64, UNIT_NONE, KIND_SUM, ""},
				       {"i", FIELD_I64, UNIT_NONE, KIND_SUM, ""},
				       {"b", FIELD_BOOL, UNIT_NONE, KIND_LABEL, ""}};
	const uint64_t *fields_before[TABLE_MAX_FIELDS] = {before[0], before[1]};
	struct column_rows rows = {.n = MANY_ROWS, .interval_ends = ends, .numbers = fields_before};
	struct column_entries entries = {0};
	struct sink sink = {0};

	(void)state;
	for (uint32_t row = 0; row < MANY_ROWS; row++) {
		before[0][row] = mix(row);
		before[1][row] = mix(row) >> 40;
		ends[row] = 1767323045000000000u + row / 7 * 1000000007u;
	}
	for (int at = 0; at < 3 * 5 * 3 * 16; at++) {
		int which = at % 3, kind = at / 3 % 5, share = at / 15 % 3, form = at / 45;
		struct column_choice choice = {
			.prediction = (enum prediction)(form % 4),
			.packing = form & 4 ? PACK_LENGTHS : PACK_PLANES,
			.minuend = 0,
			.subtrahend = form & 8 ? 1 : NO_COLUMN,
			.has_factor = form & 8,
		};

		for (uint32_t row = 0; row < MANY_ROWS; row++) {
			nulls[row] = share == 0 ? 0 : share == 1 ? mix(row) % 3 == 0 : row != 1234;
			numbers[row] = nulls[row] ? 0 : number_of(&fields[which], kind, row);
		}
		sink.len = 0;
		column_put(&sink, &fields[which], &rows, numbers, share ? nulls : NULL, NULL, &choice, rest, NULL);
		assert_false(sink.failed);
		struct source from = {sink.data, sink.len, 0};

		assert_int_equal(column_get(&from, &fields[which], &rows, again, again_nulls, &entries), 0);
		assert_memory_equal(again, numbers, sizeof(numbers));
		assert_memory_equal(again_nulls, nulls, sizeof(nulls));
		/* Less is never taken for all of it. */
		from = (struct source){sink.data, sink.len - 1, 0};
		assert_int_equal(column_get(&from, &fields[which], &rows, again, again_nulls, &entries), -EBADMSG);
	}
	sink_done(&sink);
}

/* --- a segment -------------------------------------------------------------------------------------------------- */
static struct reading log_reading, reading;
static struct records written;

static void seal_last(const struct fixture *fixture, struct seal_result *ret)
{
	char path[128];
	struct seal_result again;
	struct segment_name name;
	int dir_fd = open(fixture->dir, O_RDONLY | O_DIRECTORY);

	last_segment(fixture, path, sizeof(path));
	snprintf(name.text, sizeof(name.text), "%s", strrchr(path, '/') + 1);
	assert_int_equal(seal_write(dir_fd, &name, &file_calls_real, NULL, ret), 0);
	assert_int_equal(seal_replace(dir_fd, &name, ret), 0);
	assert_int_equal(seal_is_needed(dir_fd, &name), 0);
	assert_int_equal(seal_write(dir_fd, &name, &file_calls_real, NULL, &again), -EALREADY);
	close(dir_fd);
}

static void write_log(struct fixture *fixture, uint64_t intervals, uint32_t rows)
{
	struct store_writer *writer;

	empty_store(fixture);
	written.n = 0;
	writer = open_writer(fixture, 1, 0);
	for (uint64_t number = 1; number <= intervals; number++)
		append(fixture, writer, interval_of(1, number, 1), rows, &written);
	assert_int_equal(store_writer_close(writer), 0);
}

static void test_columns_have_what_the_log_had(void **state)
{
	struct fixture *fixture = *state;
	struct seal_result result;

	for (uint32_t rows = 1; rows <= 512; rows *= 8) {
		write_log(fixture, 20, rows);
		read_store(fixture, NULL, &log_reading);
		assert_reads(&log_reading, &written, 20);
		seal_last(fixture, &result);
		read_store(fixture, NULL, &reading);
		assert_reads(&reading, &written, 20);
		assert_int_equal(reading.n_damage, 0);
		assert_zstd_accepts(fixture);
	}
}

/* Long arguments that are all different: memory is bounded by what is held, not by rows. */
static void test_sealing_takes_little_memory_whatever_the_rows(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 1u << 30);
	struct seal_result result;
	char argv[4096];

	for (uint64_t number = 1; number <= 40; number++) {
		struct interval interval = interval_of(1, number, 1);

		fill(fixture->blocks[0], 0, 0);
		fill(fixture->blocks[1], 0, 0);
		fill(fixture->blocks[2], 1, number);
		for (uint32_t row = 0; row < 500; row++) {
			block_add_row(fixture->blocks[0]);
			for (size_t i = 0; i < sizeof(argv); i += 8)
				memcpy(argv + i, &(uint64_t){mix(number << 32 | row << 12 | i)}, 8);
			assert_int_equal(block_set_text(fixture->blocks[0], row, EXITS_argv, argv, sizeof(argv)), 0);
		}
		assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS), 0);
	}
	assert_int_equal(store_writer_close(writer), 0);
	seal_last(fixture, &result);
	assert_int_equal(result.rows, 40 * 501);
	print_message("%zu bytes of memory\n", result.memory_bytes);
	assert_true(result.memory_bytes <= 16u << 20);
	read_store(fixture, NULL, &reading);
	assert_int_equal(reading.records.n, 40);
	assert_int_equal(reading.n_damage, 0);
}

/* --- damage ----------------------------------------------------------------------------------------------------- */
struct truth {
	struct block *blocks[N_BLOCKS]; /* in the order of the columns */
	uint64_t rows;
};

/* Values that differ from the truth and are not null; rows that are there; whether values are missing. */
struct outcome {
	uint64_t wrong, rows, missing;
	size_t n_damage;
	struct store_damage damage;
};

static int place_of(const struct table *table)
{
	return table->id == TABLE_EXITS ? 0 : table->id == TABLE_ROLLUPS ? 1 : 2;
}

/* With take_truth the rows become the truth. */
static struct outcome read_all(const struct fixture *fixture, struct truth *truth, int take_truth)
{
	struct store_select all = {0};
	struct outcome outcome = {0};
	const struct store_damage *damage;
	const struct store_part *part;
	struct group_reader *groups;
	struct store_reader *reader;

	assert_int_equal(store_reader_open(fixture->dir, &all, &reader), 0);
	groups = group_reader_new(store_reader_note_damage, reader);
	while (store_reader_next(reader, &part) > 0)
		for (uint32_t i = 0; i < part->n_groups; i++) {
			const struct store_group *group = &part->groups[i];
			struct block **wanted = &truth->blocks[place_of(group->table)];
			const struct block *block = group_reader_block(groups);
			const uint64_t *places;

			assert_int_equal(group_reader_begin(groups, group), 0);
			group_reader_intervals(groups, &places);
			assert_int_equal(group_reader_columns(groups, NULL), 0);
			if (take_truth)
				*wanted = block_new(table_by_id(group->table->id), group->rows, 1u << 20);
			for (uint32_t row = 0; row < group->rows; row++) {
				if (take_truth)
					assert_int_equal(block_append_row(*wanted, block, row), 0);
				outcome.rows++;
				for (uint32_t field = 0; field < group->table->n_fields; field++) {
					int is_null = block_is_null(block, row, field);
					int was_null = block_is_null(*wanted, row, field);
					size_t len = 0, other_len = 0;

					outcome.missing += is_null && !was_null;
					if (is_null)
						continue;
					if (!field_is_text(&group->table->fields[field])) {
						outcome.wrong += was_null || block_number(block, row, field) !=
										     block_number(*wanted, row, field);
						continue;
					}
					const char *text = block_text(block, row, field, &len);
					const char *other = block_text(*wanted, row, field, &other_len);

					outcome.wrong +=
						was_null || len != other_len || (len && memcmp(text, other, len) != 0);
				}
			}
		}
	damage = store_reader_damage(reader, &outcome.n_damage);
	if (outcome.n_damage)
		outcome.damage = damage[0];
	group_reader_free(groups);
	store_reader_close(reader);
	return outcome;
}

/* *ret_directory: where the first of the two directories begins. */
static int open_sealed(struct fixture *fixture, struct truth *truth, uint64_t *ret_bytes, uint64_t *ret_directory)
{
	unsigned char tail[GROUP_TRAILER_BYTES];
	struct group_trailer trailer;
	struct seal_result result;
	char path[128];
	int fd;

	write_log(fixture, INTERVALS, ROWS);
	seal_last(fixture, &result);
	truth->rows = read_all(fixture, truth, 1).rows;
	assert_true(truth->rows > INTERVALS * ROWS);
	last_segment(fixture, path, sizeof(path));
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	*ret_bytes = (uint64_t)lseek(fd, 0, SEEK_END);
	assert_int_equal(pread(fd, tail, sizeof(tail), (off_t)(*ret_bytes - sizeof(tail))), sizeof(tail));
	assert_int_equal(group_trailer_get(tail, &trailer), 0);
	*ret_directory = trailer.offset - GROUP_TRAILER_BYTES - trailer.bytes;
	return fd;
}

static void truth_done(struct truth *truth)
{
	for (int i = 0; i < N_BLOCKS; i++)
		block_free(truth->blocks[i]);
}

/* A changed byte costs a column of a group at the most, what is predicted from it, and is said. */
static void test_a_sealed_segment_changed_anywhere_says_so_and_gives_the_rest(void **state)
{
	struct fixture *fixture = *state;
	struct truth truth = {0};
	uint64_t bytes, directory, second, random = 20260102, most_missing = 0;
	int fd = open_sealed(fixture, &truth, &bytes, &directory);

	print_message("seed %llu\n", (unsigned long long)random);
	second = directory + (bytes - directory) / 2;
	/* Of the directories, which no byte of may differ, some. */
	for (uint64_t at = 0; at < bytes; at += at < directory || at > bytes - GROUP_TRAILER_BYTES ? 1 : 9) {
		struct outcome outcome;
		uint8_t byte, changed;

		assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
		changed = byte ^ (uint8_t)(1 + (random = mix(random)) % 255);
		assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
		outcome = read_all(fixture, &truth, 0);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		/* The first directory is there for want of the second: no reader looks at it before. */
		if (outcome.wrong || outcome.rows != truth.rows || outcome.n_damage > 4 ||
		    (!outcome.n_damage && (outcome.missing || at < directory || at >= second)))
			fail_msg("byte %llu changed: %llu values are wrong, %llu rows, %zu damages",
				 (unsigned long long)at, (unsigned long long)outcome.wrong,
				 (unsigned long long)outcome.rows, outcome.n_damage);
		most_missing = outcome.missing > most_missing ? outcome.missing : most_missing;
		if (outcome.damage.offset + outcome.damage.bytes > bytes)
			fail_msg("byte %llu changed: damage beyond the file", (unsigned long long)at);
	}
	assert_true(most_missing > 0 && most_missing <= 4 * INTERVALS * ROWS);
	close(fd);
	truth_done(&truth);
}

static void test_a_sealed_segment_that_is_cut_is_whole_or_said_to_be_lost(void **state)
{
	struct fixture *fixture = *state;
	struct truth truth = {0};
	uint64_t bytes, directory, whole = 0;
	int fd = open_sealed(fixture, &truth, &bytes, &directory);

	for (uint64_t cut = bytes; cut-- > 0; cut -= cut > 100 && cut < bytes - 100 ? 3 : 0) {
		struct outcome outcome;

		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		outcome = read_all(fixture, &truth, 0);
		assert_int_equal(outcome.wrong, 0);
		assert_int_equal(outcome.missing, 0);
		assert_true(outcome.rows == truth.rows || outcome.rows == 0);
		/* Cut off behind its first directory it has lost nothing but the second. */
		if (!outcome.rows && cut)
			assert_int_equal(outcome.n_damage, 1);
		whole += outcome.rows > 0;
	}
	assert_true(whole > 500);
	close(fd);
	truth_done(&truth);
}

/* --- beside a writer -------------------------------------------------------------------------------------------- */
static struct store_counts counts_of(const struct store_writer *writer)
{
	struct store_counts counts;

	store_writer_counts(writer, &counts);
	return counts;
}

static void test_a_log_is_sealed_beside_the_writer(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_sealing_writer(fixture, 1, 0);

	written.n = 0;
	append(fixture, writer, interval_of(1, 1, 1), 50, &written);
	store_writer_end_segment(writer);
	append(fixture, writer, interval_of(1, 2, 1), 50, &written);
	assert_int_equal(counts_of(writer).logs, 1);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	sealer_work(store_writer_sealer(writer));
	/* Whole, and not yet in the log's place: a reader sees the log. */
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(counts_of(writer).sealed, 0);
	append(fixture, writer, interval_of(1, 3, 1), 50, &written);
	assert_int_equal(counts_of(writer).sealed, 1);
	assert_int_equal(counts_of(writer).sealed_rows, 2 * (50 + 25 + 1));
	assert_int_equal(counts_of(writer).logs, 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(reading.n_damage, 0);
	assert_int_equal(store_writer_close(writer), 0);
	assert_int_equal(count_segments(fixture), 2);
}

static void test_a_log_that_has_gone_does_not_come_back(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_sealing_writer(fixture, 1, 0);
	char path[128];

	written.n = 0;
	store_writer_end_segment(writer);
	append(fixture, writer, interval_of(1, 1, 1), 5, &written);
	last_segment(fixture, path, sizeof(path));
	sealer_work(store_writer_sealer(writer));
	assert_int_equal(unlink(path), 0);
	append(fixture, writer, interval_of(1, 2, 1), 5, &written);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(counts_of(writer).sealed, 0);
	assert_int_equal(store_writer_close(writer), 0);
	assert_int_equal(count_segments(fixture), 1);
}

static int failing_writes;

static ssize_t fail_sealing(int fd, const void *data, size_t len)
{
	char link[64], path[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) > 0 && strstr(path, SEALING_NAME)) {
		failing_writes++;
		errno = ENOSPC;
		return -1;
	}
	return write(fd, data, len);
}

static void test_sealing_that_fails_delays_nothing_and_is_counted(void **state)
{
	const struct file_calls calls = {fail_sealing, ftruncate, fsync};
	struct fixture *fixture = *state;
	struct store_writer *writer = open_sealing_writer(fixture, 1, 0);

	written.n = 0;
	failing_writes = 0;
	store_writer_set_calls(writer, &calls);
	store_writer_end_segment(writer);
	append(fixture, writer, interval_of(1, 1, 1), 5, &written);
	sealer_work(store_writer_sealer(writer));
	for (uint64_t number = 2; number <= 5; number++) {
		append(fixture, writer, interval_of(1, number, 1), 5, &written);
		sealer_work(store_writer_sealer(writer));
	}
	/* Once, and then not before ten seconds have passed. */
	assert_int_equal(failing_writes, 1);
	assert_int_equal(counts_of(writer).seal_errors, 1);
	assert_int_equal(counts_of(writer).seal_error, -ENOSPC);
	assert_int_equal(counts_of(writer).logs, 1);
	store_writer_set_calls(writer, &file_calls_real);
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(reading.n_damage, 0);
	assert_int_equal(count_segments(fixture), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form_of_a_column_is_read_back),
		TEST(test_columns_have_what_the_log_had),
		TEST(test_sealing_takes_little_memory_whatever_the_rows),
		TEST(test_a_sealed_segment_changed_anywhere_says_so_and_gives_the_rest),
		TEST(test_a_sealed_segment_that_is_cut_is_whole_or_said_to_be_lost),
		TEST(test_a_log_is_sealed_beside_the_writer),
		TEST(test_a_log_that_has_gone_does_not_come_back),
		TEST(test_sealing_that_fails_delays_nothing_and_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
