// SPDX-License-Identifier: BSD-2-Clause
/*
 * Columns. Each begins with its encoding; the smallest that fits is chosen by looking once over the values.
 */
#include "store/codec.h"

#include <errno.h>
#include <string.h>

#include "store/dictionary.h"
#include "store/format.h"

static int is_null(const struct block *block, uint32_t field, uint32_t row)
{
	return block->nulls[field][row];
}

static uint32_t count_nulls(const struct block *block, uint32_t field)
{
	uint32_t nulls = 0;

	for (uint32_t row = 0; row < block->rows; row++)
		nulls += block->nulls[field][row];
	return nulls;
}

static void put_null_bits(struct sink *sink, const struct block *block, uint32_t field)
{
	for (uint32_t row = 0; row < block->rows; row += 8) {
		uint8_t bits = 0;

		for (uint32_t i = 0; i < 8 && row + i < block->rows; i++)
			bits |= (uint8_t)(is_null(block, field, row + i) << i);
		put_u8(sink, bits);
	}
}

static unsigned varint_bytes(uint64_t value)
{
	return value ? (unsigned)(63 - __builtin_clzll(value)) / 7 + 1 : 1;
}

/* Counters differ little from their neighbours, or are small by themselves: whichever is shorter. */
static uint8_t number_encoding(const struct block *block, uint32_t field, uint64_t *ret_first)
{
	uint64_t before = 0, plain = 0, deltas = 0;
	int has_first = 0, is_constant = 1;

	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t value = block->numbers[field][row];

		if (is_null(block, field, row))
			continue;
		if (!has_first)
			*ret_first = value;
		has_first = 1;
		is_constant &= value == *ret_first;
		plain += varint_bytes(value);
		deltas += varint_bytes(zigzag(value - before));
		before = value;
	}
	if (is_constant)
		return COLUMN_CONSTANT;
	return deltas < plain ? COLUMN_DELTAS : COLUMN_PLAIN;
}

static void put_numbers(struct sink *sink, const struct block *block, uint32_t field, uint8_t nulls_flag)
{
	uint64_t first = 0, before = 0;
	uint8_t encoding = number_encoding(block, field, &first);

	put_u8(sink, encoding | nulls_flag);
	if (nulls_flag)
		put_null_bits(sink, block, field);
	if (encoding == COLUMN_CONSTANT) {
		put_varint(sink, first);
		return;
	}
	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t value = block->numbers[field][row];

		if (is_null(block, field, row))
			continue;
		put_varint(sink, encoding == COLUMN_DELTAS ? zigzag(value - before) : value);
		before = value;
	}
}

static void put_texts(struct sink *sink, const struct block *block, uint32_t field, uint8_t nulls_flag,
		      struct dictionary *dictionary)
{
	put_u8(sink, COLUMN_TEXTS | nulls_flag);
	if (nulls_flag)
		put_null_bits(sink, block, field);
	for (uint32_t row = 0; row < block->rows; row++) {
		const char *text;
		uint32_t number;
		size_t len;

		if (is_null(block, field, row))
			continue;
		text = block_text(block, row, field, &len);
		if (dictionary_intern(dictionary, text, len, &number) < 0)
			sink->failed = 1;
		put_varint(sink, number);
		if (number)
			continue;
		put_varint(sink, len);
		put_bytes(sink, text, len);
	}
}

void section_put(struct sink *sink, const struct block *block, struct dictionary *dictionary)
{
	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		uint32_t nulls = count_nulls(block, field);
		uint8_t nulls_flag = nulls ? COLUMN_HAS_NULLS : 0;

		if (nulls == block->rows)
			put_u8(sink, COLUMN_ALL_NULL);
		else if (field_is_text(&block->table->fields[field]))
			put_texts(sink, block, field, nulls_flag, dictionary);
		else
			put_numbers(sink, block, field, nulls_flag);
	}
}

static int get_null_bits(struct source *source, struct block *block, uint32_t field)
{
	const unsigned char *bits = get_bytes(source, (block->rows + 7) / 8);

	if (!bits)
		return -EBADMSG;
	for (uint32_t row = 0; row < block->rows; row++)
		block->nulls[field][row] = bits[row / 8] >> (row % 8) & 1;
	return 0;
}

static int get_numbers(struct source *source, struct block *block, uint32_t field, uint8_t encoding)
{
	uint64_t value = 0;

	if (field_is_text(&block->table->fields[field]))
		return -EBADMSG;
	if (encoding == COLUMN_CONSTANT)
		value = get_varint(source);
	for (uint32_t row = 0; row < block->rows; row++) {
		if (is_null(block, field, row))
			continue;
		if (encoding == COLUMN_DELTAS)
			value += unzigzag(get_varint(source));
		else if (encoding == COLUMN_PLAIN)
			value = get_varint(source);
		block->numbers[field][row] = value;
	}
	return source->failed ? -EBADMSG : 0;
}

static int get_text(struct source *source, struct block *block, uint32_t field, uint32_t row,
		    struct dictionary *dictionary)
{
	uint64_t number = get_varint(source);
	const struct dictionary_text *text;
	int r;

	if (!number) {
		uint64_t len = get_varint(source);
		const unsigned char *data = len <= source->left ? get_bytes(source, len) : NULL;

		if (!data)
			return -EBADMSG;
		r = dictionary_add(dictionary, data, len);
		if (r < 0)
			return r;
		number = dictionary->n;
	}
	if (source->failed || number > dictionary->n)
		return -EBADMSG;
	text = &dictionary->texts[number - 1];
	/* Few numbers can name much text: what a block may hold is bounded here. */
	if (block->arena_used + (uint64_t)text->len > 16u * CHUNK_MAX_BYTES)
		return -EBADMSG;
	r = block_reserve(block, block->capacity, block->arena_used + text->len > block->arena_size
							   ? (block->arena_used + text->len) * 2
							   : block->arena_size);
	return r < 0 ? r : block_set_text(block, row, field, dictionary->bytes.data + text->offset, text->len);
}

static int get_texts(struct source *source, struct block *block, uint32_t field, struct dictionary *dictionary)
{
	if (!field_is_text(&block->table->fields[field]))
		return -EBADMSG;
	for (uint32_t row = 0; row < block->rows; row++) {
		int r;

		if (is_null(block, field, row))
			continue;
		r = get_text(source, block, field, row, dictionary);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_column(struct source *source, struct block *block, uint32_t field, struct dictionary *dictionary)
{
	uint8_t encoding = get_u8(source);
	int r;

	if (source->failed)
		return -EBADMSG;
	if (encoding == COLUMN_ALL_NULL)
		return 0;
	memset(block->nulls[field], 0, block->rows);
	if (encoding & COLUMN_HAS_NULLS) {
		r = get_null_bits(source, block, field);
		if (r < 0)
			return r;
	}
	switch (encoding & ~COLUMN_HAS_NULLS) {
	case COLUMN_CONSTANT:
	case COLUMN_DELTAS:
	case COLUMN_PLAIN:
		return get_numbers(source, block, field, encoding & (uint8_t)~COLUMN_HAS_NULLS);
	case COLUMN_TEXTS:
		return get_texts(source, block, field, dictionary);
	}
	return -EBADMSG;
}

int section_get(struct source *source, uint32_t rows, struct block *block, struct dictionary *dictionary)
{
	int r = block_reserve(block, rows, block->arena_size);

	for (uint32_t i = 0; r >= 0 && i < rows; i++)
		r = block_add_row(block);
	for (uint32_t field = 0; r >= 0 && field < block->table->n_fields; field++)
		r = get_column(source, block, field, dictionary);
	return r < 0 ? r : 0;
}
