// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a column of any field, with or without what predictions need; a column that comes out goes in again in
 * every form there is and comes out the same.
 *
 *   u8 table | u8 field | u16 rows less 1 | the column
 */
#include "store/column.h"
#include "input.h"

/* More are no other, only slower. */
#define MOST_ROWS 300

static uint64_t before[2][MOST_ROWS], ends[MOST_ROWS];
static const uint64_t *fields_before[TABLE_MAX_FIELDS];

static void must_come_back(const struct field *field, const struct column_rows *rows, const uint64_t *numbers,
			   const uint8_t *nulls, const struct column_entries *entries, struct column_choice choice)
{
	static uint64_t rest[MOST_ROWS], again[MOST_ROWS], interned[MOST_ROWS];
	static uint8_t again_nulls[MOST_ROWS];
	static struct column_texts texts;
	static struct sink sink;
	struct column_entries again_entries = {0};
	bool is_text = field_is_text(field);
	struct source from;

	if (is_text)
		MUST(column_texts_begin(&texts, entries->bytes, rows->n) == 0);
	for (uint32_t row = 0; row < rows->n && is_text; row++)
		interned[row] = nulls[row] ? 0 : column_texts_intern(&texts, entries->entries[numbers[row]]);
	sink.len = 0;
	column_put(&sink, field, rows, is_text ? interned : numbers, nulls, is_text ? &texts : NULL, &choice, rest,
		   NULL);
	MUST(!sink.failed);
	from = (struct source){sink.data, sink.len, 0};
	MUST(column_get(&from, field, rows, again, again_nulls, &again_entries) == 0);
	for (uint32_t row = 0; row < rows->n; row++) {
		MUST(again_nulls[row] == nulls[row]);
		if (nulls[row])
			continue;
		if (!is_text) {
			MUST(again[row] == numbers[row]);
			continue;
		}
		const struct span *a = &entries->entries[numbers[row]], *b = &again_entries.entries[again[row]];

		MUST(a->len == b->len &&
		     (!a->len || memcmp(entries->bytes + a->offset, again_entries.bytes + b->offset, a->len) == 0));
	}
	free(again_entries.entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	size_t n_tables;
	const struct table *const *tables = tables_all(&n_tables);
	const struct table *table = tables[take_u8(&input) % n_tables];
	const struct field *field = &table->fields[take_u8(&input) % table->n_fields];
	struct column_rows rows = {.n = 1 + take_u16(&input) % MOST_ROWS};
	uint64_t numbers[MOST_ROWS];
	uint8_t nulls[MOST_ROWS];
	struct column_entries entries = {0};
	struct source from = {input.data, input.left, 0};
	int r;

	for (uint32_t row = 0; row < MOST_ROWS; row++) {
		before[0][row] = row * UINT64_C(0x123456789);
		before[1][row] = UINT64_MAX - row;
		ends[row] = 1700000000000000000 + row / 7 * UINT64_C(1000000007);
	}
	fields_before[0] = before[0];
	fields_before[1] = before[1];
	if (size % 2) {
		rows.numbers = fields_before;
		rows.interval_ends = ends;
	}
	r = column_get(&from, field, &rows, numbers, nulls, &entries);
	rows.numbers = fields_before;
	rows.interval_ends = ends;
	for (unsigned form = 0; form < 16 && r == 0; form++)
		must_come_back(field, &rows, numbers, nulls, &entries,
			       (struct column_choice){.prediction = form >> 1 & 3,
						      .packing = form & 1 ? PACK_LENGTHS : PACK_PLANES,
						      .minuend = 0,
						      .subtrahend = form & 8 ? 1 : NO_COLUMN,
						      .has_factor = form & 8});
	free(entries.entries);
	return 0;
}
