// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as the columns of a table, twice in a frame; rows that come out go in again and come out the same.
 *
 *   u8 table | twice: u16 rows | u16 length | columns
 */
#include "model/block.h"
#include "store/chunk_codec.h"
#include "store/format.h"
#include "input.h"

static void must_be_equal(const struct block *a, const struct block *b)
{
	MUST(a->rows == b->rows);
	for (uint32_t field = 0; field < a->table->n_fields; field++)
		for (uint32_t row = 0; row < a->rows; row++) {
			size_t a_len, b_len;
			const char *text, *other;

			MUST(!block_is_null(a, row, field) == !block_is_null(b, row, field));
			if (!field_is_text(&a->table->fields[field])) {
				MUST(block_number(a, row, field) == block_number(b, row, field));
				continue;
			}
			text = block_text(a, row, field, &a_len);
			other = block_text(b, row, field, &b_len);
			MUST(a_len == b_len && (!a_len || memcmp(text, other, a_len) == 0));
		}
}

/* Through the codec once more, by a writer and a reader of their own. */
static void must_come_back(const struct block *block)
{
	static struct sink sink;
	struct dictionary *written = dictionary_new(), *read = dictionary_new();
	struct block *again = block_new(block->table, 1, 1);
	struct source source;

	sink.len = 0;
	section_put(&sink, block, written);
	source = (struct source){sink.data, sink.len, 0};
	MUST(section_get(&source, block->rows, again, read) == 0);
	must_be_equal(block, again);
	block_free(again);
	dictionary_free(written);
	dictionary_free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	size_t n_tables;
	const struct table *const *tables = tables_all(&n_tables);
	const struct table *table = tables[take_u8(&input) % n_tables];
	struct dictionary *dictionary = dictionary_new();

	for (int i = 0, r = 0; i < 2 && r == 0; i++) {
		struct block *block = block_new(table, 1, 1);
		uint32_t rows = take_u16(&input);
		size_t len;
		const uint8_t *columns = take(&input, take_u16(&input), &len);
		struct source source = {columns, len, 0};

		r = section_get(&source, rows % CHUNK_MAX_ROWS, block, dictionary);
		if (r == 0)
			must_come_back(block);
		block_free(block);
	}
	dictionary_free(dictionary);
	return 0;
}
