// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes the golden stores of the present format into directories under DIR: what the real writer makes, sealed
 * and killed; and from its parts, what another obit might make. scripts/make-golden.sh runs it, once a format.
 *
 * usage: write_golden DIR
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../unit/store_fixture.h"
#include "../unit/store_craft.h"

#define ROWS  3
#define ARENA 4096

static const struct field few_fields[] = {
	{"exit_time", FIELD_U64, UNIT_TIME, KIND_LABEL, "when"},
	{"pid", FIELD_U64, UNIT_NONE, KIND_LABEL, "who"},
	{"comm", FIELD_STRING, UNIT_NONE, KIND_LABEL, "called"},
	{"argv", FIELD_STRINGS, UNIT_NONE, KIND_LABEL, "as started"},
};

/* The last three in an order, of a unit and of a kind that nobody knows yet. */
static const struct field more_fields[] = {
	{"future_text", FIELD_STRING, UNIT_NONE, KIND_LABEL, "a text from later"},
	{"pid", FIELD_U64, UNIT_NONE, KIND_LABEL, "who"},
	{"exit_time", FIELD_U64, UNIT_TIME, KIND_LABEL, "when"},
	{"future_bytes", FIELD_U64, UNIT_BYTES, KIND_MAX, "bytes from later"},
	{"future_change", FIELD_I64, (enum field_unit)99, (enum field_kind)77, "of a unit and kind from later"},
	{"future_flag", FIELD_BOOL, UNIT_NONE, KIND_LABEL, "a flag from later"},
};

static const struct field flight_fields[] = {
	{"time", FIELD_U64, UNIT_TIME, KIND_LABEL, "when it left"},
	{"from", FIELD_STRING, UNIT_NONE, KIND_LABEL, "where it left"},
	{"height", FIELD_I64, UNIT_NONE, KIND_MAX, "how high it got"},
};

static const struct table few_tables[] = {{"exits", "who ended", TABLE_EXITS, 4, few_fields}};
static const struct table more_tables[] = {
	{"exits", "who ended", TABLE_EXITS, 6, more_fields},
	{"flights", "a table from later", 29, 3, flight_fields},
};

static struct fixture fixture; /* its directory alone */

static void enter(const char *dir, const char *name)
{
	snprintf(fixture.dir, sizeof(fixture.dir), "%s/%s", dir, name);
	assert_int_equal(mkdir(fixture.dir, 0755), 0);
}

/* fill(), with times and lists that are some. */
static void fill_rows(struct block *block, uint32_t rows, uint64_t begin_real_ns, uint64_t seed)
{
	static const char list[] = "cc\0\0-o\0a b\0\xe2\x82\xac";

	fill(block, rows, seed);
	for (uint32_t field = 0; field < block->table->n_fields; field++)
		for (uint32_t row = 0; row < rows; row++) {
			if (block->table->fields[field].unit == UNIT_TIME)
				block_set_number(block, row, field, begin_real_ns + row * 1000 + field);
			if (block->table->fields[field].type == FIELD_STRINGS)
				block_set_text(block, row, field, list, row ? sizeof(list) : 0);
		}
}

/* All tables, `n` intervals; a ledger of more than one row is none, but rows of a table all the same. */
static struct store_writer *write_intervals(struct store_writer *writer, uint64_t n, uint32_t rows)
{
	struct block *blocks[TABLE_MAX_TABLES];
	size_t n_tables;
	const struct table *const *tables = tables_all(&n_tables);

	for (size_t i = 0; i < n_tables; i++)
		blocks[i] = block_new(tables[i], ROWS, ARENA);
	for (uint64_t number = 1; number <= n; number++) {
		struct interval interval = interval_of(1, number, 1);

		for (size_t i = 0; i < n_tables; i++)
			fill_rows(blocks[i], rows, interval.begin_real_ns, mix(number * 100 + i));
		assert_int_equal(store_writer_append(writer, &interval, blocks, n_tables), 0);
	}
	return writer;
}

/* As a kill would leave it in the middle of the third chunk. */
static void write_torn(void)
{
	struct store_writer *writer = write_intervals(open_writer(&fixture, 1, 0), 2, 1);
	uint64_t whole = store_writer_bytes(writer);
	struct block *exits = block_new(table_by_id(TABLE_EXITS), ROWS, ARENA);
	struct interval interval = interval_of(1, 3, 1);
	char path[128];

	fill_rows(exits, ROWS, interval.begin_real_ns, 3);
	assert_int_equal(store_writer_append(writer, &interval, &exits, 1), 0);
	last_segment(&fixture, path, sizeof(path));
	assert_int_equal(truncate(path, (off_t)(whole + (store_writer_bytes(writer) - whole) / 2)), 0);
	block_free(exits);
}

static void write_other(const struct craft_format *format, int is_sealed)
{
	struct block *blocks[2] = {0};
	struct origin origin = origin_of(1);
	struct sink header = {0};
	struct craft craft;

	craft_header(&header, &origin, format);
	craft_open(&craft, &fixture, origin.run_real_ns, &header);
	for (uint16_t i = 0; i < format->n_tables; i++)
		blocks[i] = block_new(&format->tables[i], ROWS, ARENA);
	for (uint64_t number = 1; number <= 2; number++) {
		struct interval interval = interval_of(1, number, 1);

		for (uint16_t i = 0; i < format->n_tables; i++)
			fill_rows(blocks[i], ROWS, interval.begin_real_ns, mix(number * 100 + i));
		craft_chunk(&craft, &interval, blocks, format->n_tables);
	}
	if (is_sealed)
		craft_seal(&craft, &fixture);
	else
		craft_end_frame(&craft);
	craft_close(&craft);
	block_free(blocks[0]);
	block_free(blocks[1]);
}

int main(int argc, char **argv)
{
	struct craft_format few = {FORMAT_VERSION, 0, 0, few_tables, 1, 1};
	struct craft_format more = {FORMAT_VERSION, 0, 0, more_tables, 2, 1};
	struct craft_format compatible = few, incompatible = few;

	if (argc != 2) {
		fprintf(stderr, "usage: write_golden DIR\n");
		return 2;
	}
	enter(argv[1], "sealed");
	assert_int_equal(store_writer_close(write_intervals(open_sealing_writer(&fixture, 1, 0), 3, ROWS)), 0);
	enter(argv[1], "log");
	assert_int_equal(store_writer_close(write_intervals(open_writer(&fixture, 1, 0), 1, ROWS)), 0);
	enter(argv[1], "torn");
	write_torn();
	enter(argv[1], "older");
	write_other(&few, 1);
	enter(argv[1], "newer");
	write_other(&more, 1);
	enter(argv[1], "compatible");
	compatible.compatible = 0x10;
	write_other(&compatible, 0);
	enter(argv[1], "incompatible");
	incompatible.incompatible = 0x4;
	write_other(&incompatible, 0);
	return 0;
}
