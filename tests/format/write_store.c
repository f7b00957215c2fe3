// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes a store that has everything the format has: all tables and types, every column encoding, nulls, hard
 * values, several chunks, frames and segments; the last segment is left without an index when asked.
 *
 * usage: write_store DIR [sealed|unsealed [INTERVALS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/block.h"
#include "store/writer.h"

#define INTERVALS 700
#define MAX_ROWS  40
#define ARENA	  (1u << 16)

static uint64_t state = 20261123; /* the seed */

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled"). */
static uint64_t model(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545F4914F6CDD1DULL;
}

static void set_text(struct block *block, uint32_t row, uint32_t field)
{
	static const char *const texts[] = {
		"",
		"cc1",
		"a b",
		"\"quoted\"",
		"new\nline\ttab\r",
		"back\\slash",
		"\xff\xfe\x80 bytes",
		"\xe2\x82\xac euro",
		"'",
		"\x01\x1f\x7f",
		"\xf0\x9f\x92\x80",
		"\xed\xa0\x80 no surrogate",
		"\xc0\xaf overlong",
	};
	char list[256];
	size_t len = 0;
	int n_items = block->table->fields[field].type == FIELD_STRINGS ? (int)(model() % 4) : -1;

	if (n_items < 0) {
		const char *text = texts[model() % (sizeof(texts) / sizeof(texts[0]))];

		block_set_text(block, row, field, text, strlen(text));
		return;
	}
	for (int i = 0; i < n_items; i++)
		len += (size_t)sprintf(list + len, "%s", texts[model() % (sizeof(texts) / sizeof(texts[0]))]) + 1;
	block_set_text(block, row, field, list, len);
}

static uint64_t number_of(const struct field *field, uint32_t row, uint64_t interval)
{
	static const uint64_t hard[] = {0, 1, 127, 128, UINT32_MAX, INT64_MAX, 1ull << 63, UINT64_MAX};

	if (field->type == FIELD_BOOL)
		return model() & 1;
	if (field->unit == UNIT_TIME)
		return 1700000000000000000ull + interval * 1000000000ull + row;
	switch (model() % 8) {
	case 0:
		return hard[model() % 8];
	case 1:
		return model();
	default:
		return model() % 100000;
	}
}

static void fill(struct block *block, uint64_t interval)
{
	uint32_t rows = (uint32_t)(model() % MAX_ROWS);

	block_clear(block);
	for (uint32_t row = 0; row < rows; row++)
		block_add_row(block);
	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		uint64_t how = model() % 6, constant = model();

		for (uint32_t row = 0; row < rows; row++) {
			if (how == 0 || (how == 1 && model() & 1))
				continue; /* null */
			if (field_is_text(&block->table->fields[field]))
				set_text(block, row, field);
			else if (how == 2 && block->table->fields[field].type != FIELD_BOOL &&
				 block->table->fields[field].unit != UNIT_TIME)
				block_set_number(block, row, field, constant);
			else
				block_set_number(block, row, field,
						 number_of(&block->table->fields[field], row, interval));
		}
	}
}

int main(int argc, char **argv)
{
	struct store_options options = {.dir = argc > 1 ? argv[1] : "", .segment_bytes = 400000};
	int is_killed = argc > 2 && strcmp(argv[2], "unsealed") == 0;
	struct origin origin = {
		.host = "h", .boot_id = "b", .kernel = "k", .agent = "a", .run_real_ns = 1700000000000000000ull};
	uint64_t intervals = argc > 3 ? strtoull(argv[3], NULL, 10) : INTERVALS;
	struct store_writer *writer;
	size_t n;
	const struct table *const *tables = tables_all(&n);
	struct block *blocks[TABLE_MAX_TABLES];

	options.is_sealing = !is_killed;
	if (argc < 2 || store_writer_open(&options, &origin, &writer, NULL) < 0) {
		fprintf(stderr, "usage: write_store DIR [sealed|unsealed [INTERVALS]]\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++)
		blocks[i] = block_new(tables[i], MAX_ROWS, ARENA);
	for (uint64_t number = 1; number <= intervals; number++) {
		struct interval interval = {
			.number = number,
			.begin_real_ns = 1700000000000000000ull + number * 1000000000ull,
			.is_last_chunk = number % 3 != 0,
		};

		interval.end_real_ns = interval.is_last_chunk ? interval.begin_real_ns + 1000000000ull : 0;
		for (size_t i = 0; i < n; i++)
			fill(blocks[i], number);
		if (store_writer_append(writer, &interval, blocks, n) < 0)
			return 1;
	}
	if (is_killed)
		_exit(0); /* as a kill would */
	return store_writer_close(writer) < 0;
}
