// SPDX-License-Identifier: BSD-2-Clause
/*
 * Segments of other versions of obit: what this one does not know it passes on, or refuses by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "query/query.h"
#include "store_fixture.h"
#include "store_craft.h"
#include "store/group_directory.h"

/* exits of another version: without comm, with fields of its own, in its own order. */
static const struct field other_fields[] = {
	{"pid", FIELD_U64, UNIT_NONE, KIND_LABEL, "process id"},
	{"future_text", FIELD_STRING, UNIT_NONE, KIND_LABEL, "nobody knows"},
	{"exit_time", FIELD_U64, UNIT_TIME, KIND_LABEL, "when"},
	{"future_change", FIELD_I64, (enum field_unit)99, (enum field_kind)77, "of a unit and kind from later"},
	{"argv", FIELD_STRINGS, UNIT_NONE, KIND_LABEL, "arguments"},
	{"future_flag", FIELD_BOOL, UNIT_NONE, KIND_LABEL, ""},
};

static const struct field flight_fields[] = {
	{"from", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	{"height", FIELD_I64, UNIT_NONE, KIND_MAX, ""},
};

static const struct table other_tables[] = {
	{"exits", "as another version has them", TABLE_EXITS, 6, other_fields},
	{"flights", "a table from later", 9, 2, flight_fields},
};

static struct records written;
static struct reading reading;

static void put_features(const struct fixture *fixture, const struct craft_format *features)
{
	unsigned char begin[COLUMNS_BEGIN_BYTES];
	struct sink sink = {0};
	char path[128];
	int fd;

	last_segment(fixture, path, sizeof(path));
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, begin, sizeof(begin), 0), sizeof(begin));
	put_bytes(&sink, begin, 12);
	put_u16(&sink, features->version);
	put_u32(&sink, features->compatible);
	put_u32(&sink, features->incompatible);
	put_u32(&sink, (uint32_t)crc32(0, sink.data + 8, (unsigned)(sink.len - 8)));
	assert_int_equal(sink.len, sizeof(begin));
	assert_int_equal(pwrite(fd, sink.data, sink.len, 0), sink.len);
	sink_done(&sink);
	close(fd);
}

/* A segment of three intervals in those tables, with these features. */
static void write_other(const struct fixture *fixture, const struct craft_format *features, int is_sealed)
{
	struct block *blocks[2] = {block_new(&other_tables[0], 100, 10000), block_new(&other_tables[1], 100, 10000)};
	struct craft_format format = *features;
	struct origin origin = origin_of(1);
	struct sink header = {0};
	struct craft craft;

	/* No obit of this version makes columns of what it does not know: they get it afterwards. */
	if (is_sealed)
		format = (struct craft_format){.version = FORMAT_VERSION};
	format.tables = other_tables;
	format.n_tables = 2;
	format.has_help = 1;
	written.n = 0;
	craft_header(&header, &origin, &format);
	craft_open(&craft, fixture, BEGIN, &header);
	for (uint64_t number = 1; number <= 3; number++) {
		struct interval interval = interval_of(1, number, 1);

		fill(blocks[0], 20, number);
		fill(blocks[1], 10, number);
		craft_chunk(&craft, &interval, blocks, 2);
		add_record(&written, (struct record){number, digest_chunk(&interval, blocks, 2), 0});
	}
	if (is_sealed) {
		craft_seal(&craft, fixture);
		put_features(fixture, features);
	}
	craft_close(&craft);
	block_free(blocks[0]);
	block_free(blocks[1]);
}

static void assert_all_is_read(const struct fixture *fixture)
{
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, written.n);
	assert_int_equal(reading.n_damage, 0);
}

static void test_a_compatible_feature_from_later_is_passed_by(void **state)
{
	for (int bit = 0; bit < 32; bit++) {
		struct craft_format format = {.version = FORMAT_VERSION, .compatible = 1u << bit};

		write_other(*state, &format, bit % 2);
		read_store(*state, NULL, &reading);
		assert_reads(&reading, &written, 3);
		assert_int_equal(reading.n_damage, 0);
	}
}

/* Of the file nothing is read, for this reason; the next writer does not touch it, and writes beside it. */
static void assert_is_refused(struct fixture *fixture, const char *reason)
{
	struct stat before, after;
	struct store_writer *writer;
	char path[128];

	last_segment(fixture, path, sizeof(path));
	assert_int_equal(stat(path, &before), 0);
	written.n = 0;
	writer = open_sealing_writer(fixture, 2, 0);
	append(fixture, writer, interval_of(2, 1, 1), 5, &written);
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 1);
	assert_int_equal(reading.n_damage, 1);
	assert_int_equal(reading.damage[0].offset, 0);
	assert_int_equal(reading.damage[0].bytes, before.st_size);
	assert_int_equal(reading.damage[0].is_torn_tail, 0);
	assert_true(strstr(path, reading.damage[0].segment) != NULL);
	if (!strstr(reading.damage[0].what, reason))
		fail_msg("it says: %s", reading.damage[0].what);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_size, after.st_size);
	empty_store(fixture);
}

static void test_an_incompatible_feature_from_later_is_refused_by_name(void **state)
{
	for (int is_sealed = 0; is_sealed < 2; is_sealed++) {
		struct craft_format format = {.version = FORMAT_VERSION, .incompatible = 0x4};

		write_other(*state, &format, is_sealed);
		assert_is_refused(*state, "feature 0x4 ");
		format.incompatible = 0x80000001;
		write_other(*state, &format, is_sealed);
		assert_is_refused(*state, "features 0x80000001 ");
	}
}

static void test_another_version_of_the_format_is_refused_by_its_number(void **state)
{
	write_other(*state, &(struct craft_format){.version = FORMAT_VERSION + 1}, 1);
	assert_is_refused(*state, "format 3 ");
	write_other(*state, &(struct craft_format){.version = 0}, 1);
	assert_is_refused(*state, "format 0 ");
}

static void test_fields_and_tables_from_later_come_with_what_they_are(void **state)
{
	struct store_select select = {0};
	struct store_reader *reader;
	static struct chunks chunks;
	struct store_chunk chunk;
	const struct field *field;

	write_other(*state, &(struct craft_format){.version = FORMAT_VERSION}, 1);
	assert_all_is_read(*state);
	assert_int_equal(store_reader_open(((struct fixture *)*state)->dir, &select, &reader), 0);
	assert_int_equal(chunks_next(&chunks, reader, &chunk), 1);
	assert_int_equal(chunk.n_blocks, 2);
	assert_string_equal(chunk.blocks[1]->table->name, "flights");
	field = &chunk.blocks[0]->table->fields[3];
	assert_string_equal(field->name, "future_change");
	assert_string_equal(field->help, "of a unit and kind from later");
	assert_int_equal(field->unit, 99);
	assert_string_equal(field_unit_name(field->unit), "?");
	assert_int_equal(table_field(chunk.blocks[0]->table, "comm"), -1);
	chunks_done(&chunks);
	store_reader_close(reader);
}

static int take(void *context, const struct block *block, uint32_t row, const int *columns)
{
	(void)row;
	assert_int_equal(columns[0], 0);
	assert_int_equal(columns[1], -1);
	assert_int_equal(columns[2], 4);
	assert_string_equal(block->table->help, "as another version has them");
	++*(int *)context;
	return 0;
}

static void test_a_field_that_another_version_did_not_have_is_null(void **state)
{
	const struct fixture *fixture = *state;
	struct store_select select = {.table = "exits"};
	struct selection selection;
	struct store_reader *reader;
	static struct chunks chunks;
	struct store_chunk chunk;
	struct query *query;
	int rows = 0;

	write_other(fixture, &(struct craft_format){.version = FORMAT_VERSION}, 1);
	assert_int_equal(selection_init(&selection, table_by_id(TABLE_EXITS), "pid,comm,argv", 0, NULL), 0);
	query = query_new(&(struct query_options){.selection = &selection, .sink = {take, &rows}});
	assert_non_null(query);
	assert_int_equal(store_reader_open(fixture->dir, &select, &reader), 0);
	while (chunks_next(&chunks, reader, &chunk) > 0)
		assert_int_equal(query_block(query, chunk.blocks[0]), 0);
	assert_int_equal(query_finish(query), 0);
	assert_int_equal(rows, 60);
	chunks_done(&chunks);
	store_reader_close(reader);
	query_free(query);
}

static void test_a_torn_segment_from_later_is_sealed_with_all_that_it_has(void **state)
{
	struct fixture *fixture = *state;

	write_other(fixture, &(struct craft_format){.version = FORMAT_VERSION, .compatible = 0x10}, 0);
	assert_int_equal(store_writer_close(open_sealing_writer(fixture, 2, 0)), 0);
	assert_zstd_accepts(fixture);
	assert_all_is_read(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_compatible_feature_from_later_is_passed_by),
		TEST(test_an_incompatible_feature_from_later_is_refused_by_name),
		TEST(test_another_version_of_the_format_is_refused_by_its_number),
		TEST(test_fields_and_tables_from_later_come_with_what_they_are),
		TEST(test_a_field_that_another_version_did_not_have_is_null),
		TEST(test_a_torn_segment_from_later_is_sealed_with_all_that_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
