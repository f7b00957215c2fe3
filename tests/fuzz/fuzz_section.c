// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as the columns of a table, twice in a frame; rows that come out go in again and come out the same.
 *
 *   u8 table | twice: u16 rows less 1 | u16 length | texts | u16 length | numbers
 */
#include "model/block.h"
#include "store/chunk_codec.h"
#include "store/segment_format.h"
#include "input.h"

/* More are no other, only slower. */
#define MOST_ROWS 300

static const struct interval interval = {1, 1700000000000000000, 1700000001000000000, 1};

static struct source take_source(struct input *input)
{
	size_t len;
	const uint8_t *data = take(input, take_u16(input), &len);

	return (struct source){data, len, 0};
}

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
	static struct sink numbers, texts;
	struct codec_state *written = codec_state_new(), *read = codec_state_new();
	struct block *again = block_new(block->table, 1, 1);
	struct source from_numbers, from_texts;

	numbers.len = texts.len = 0;
	section_put(&numbers, &texts, block, &interval, written);
	MUST(!numbers.failed);
	from_numbers = (struct source){numbers.data, numbers.len, 0};
	from_texts = (struct source){texts.data, texts.len, 0};
	MUST(section_get(&from_numbers, &from_texts, block->rows, again, &interval, read) == 0);
	must_be_equal(block, again);
	block_free(again);
	codec_state_free(written);
	codec_state_free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	size_t n_tables;
	const struct table *const *tables = tables_all(&n_tables);
	const struct table *table = tables[take_u8(&input) % n_tables];
	struct codec_state *state = codec_state_new();

	for (int i = 0, r = 0; i < 2 && r == 0; i++) {
		struct block *block = block_new(table, 1, 1);
		uint32_t rows = take_u16(&input);
		struct source texts = take_source(&input), numbers = take_source(&input);

		r = section_get(&numbers, &texts, 1 + rows % MOST_ROWS, block, &interval, state);
		if (r == 0)
			must_come_back(block);
		block_free(block);
	}
	codec_state_free(state);
	return 0;
}
