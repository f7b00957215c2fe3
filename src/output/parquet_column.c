// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pages of one column. A page is of one encoding: when the dictionary gets full in the middle of one, the texts that
 * this page has by number so far are written out, and so are all pages behind it.
 */
#include "output/parquet_column.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "output/parquet_encoding.h"
#include "output/text.h"
#include "output/thrift.h"

#define PAGE_ENTRIES 8192u /* of 64-bit numbers: 64 KiB a column */
#define PAGE_BYTES   (256u << 10)

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_DELTA = 5, ENCODING_DICTIONARY = 8 };

/* Definition levels: how much of a value is there. */
enum { NULL_VALUE = 0, VALUE = 1 };
enum { NULL_LIST = 0, EMPTY_LIST = 1, ITEM = 2 };

int parquet_column_init(struct parquet_column *column, const struct parquet_field *field,
			const struct parquet_codec *codec, uint64_t *n_beyond)
{
	*column = (struct parquet_column){.field = field, .codec = codec, .n_beyond = n_beyond};
	if (parquet_is_text(field))
		return 0;
	column->numbers = malloc(PAGE_ENTRIES * sizeof(*column->numbers));
	return column->numbers ? 0 : -ENOMEM;
}

void parquet_column_done(struct parquet_column *column)
{
	struct buffer *buffers[] = {&column->definitions, &column->repetitions, &column->indices, &column->plain,
				    &column->pages,	  &column->content,	&column->packed,  &column->text};

	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		buffer_done(buffers[i]);
	free(column->numbers);
	parquet_dictionary_done(&column->dictionary);
	parquet_range_done(&column->range);
}

static inline void add_u32(struct buffer *buffer, uint32_t value)
{
	if (buffer->size - buffer->used < sizeof(value) && buffer_reserve(buffer, sizeof(value)) < 0)
		return;
	memcpy(buffer->data + buffer->used, &value, sizeof(value));
	buffer->used += sizeof(value);
}

static const uint32_t *all_u32(const struct buffer *buffer, size_t *ret_n)
{
	*ret_n = buffer->used / sizeof(uint32_t);
	return (const uint32_t *)(const void *)buffer->data;
}

/* Behind the length of what they take. */
static void add_levels(struct buffer *content, const struct buffer *levels, unsigned width)
{
	size_t at = content->used, n;
	const uint32_t *values = all_u32(levels, &n);
	uint32_t len;

	add_u32(content, 0);
	encode_hybrid(content, values, n, width);
	if (content->error)
		return;
	len = htole32((uint32_t)(content->used - at - sizeof(len)));
	memcpy(content->data + at, &len, sizeof(len));
}

/* Returns the encoding. */
static int add_values(struct parquet_column *column)
{
	struct buffer *content = &column->content;
	unsigned width;
	size_t n;
	const uint32_t *indices = all_u32(&column->indices, &n);

	if (column->numbers) {
		parquet_range_add_numbers(&column->range, column->numbers, column->n_values);
		if (column->field->type != PARQUET_BOOLEAN) {
			encode_delta(content, column->numbers, column->n_values);
			return ENCODING_DELTA;
		}
		encode_bits(content, column->numbers, column->n_values, 1);
		return ENCODING_PLAIN;
	}
	if (column->is_dictionary_full) {
		buffer_add(content, column->plain.data, column->plain.used);
		return ENCODING_PLAIN;
	}
	column->has_indices = 1;
	width = encode_width(column->dictionary.n ? column->dictionary.n - 1 : 0);
	buffer_add_char(content, (char)width);
	encode_hybrid(content, indices, n, width);
	return ENCODING_DICTIONARY;
}

/* Adds a page to `out`: its header, and what is in `content`, compressed. Returns its size before compression. */
static size_t add_page(struct parquet_column *column, struct buffer *out, const struct buffer *content, int type,
		       uint32_t n, int encoding)
{
	struct buffer *packed = &column->packed;
	size_t head_at = out->used, raw_bytes;
	struct thrift thrift;

	if (content->error)
		return 0;
	parquet_compress(column->codec, content, packed);
	if (packed->error)
		return 0;
	thrift_init(&thrift, out);
	thrift_i32(&thrift, 1, type);
	thrift_i32(&thrift, 2, (int32_t)content->used);
	thrift_i32(&thrift, 3, (int32_t)packed->used);
	thrift_begin(&thrift, type == PAGE_DATA ? 5 : 7);
	thrift_i32(&thrift, 1, (int32_t)n);
	thrift_i32(&thrift, 2, encoding);
	if (type == PAGE_DATA) {
		thrift_i32(&thrift, 3, ENCODING_RLE);
		thrift_i32(&thrift, 4, ENCODING_RLE);
	}
	thrift_end(&thrift);
	thrift_end(&thrift);
	raw_bytes = out->used - head_at + content->used;
	buffer_add(out, packed->data, packed->used);
	return raw_bytes;
}

/* Returns by how much the pages grow. */
static size_t end_page(struct parquet_column *column)
{
	size_t before = column->pages.used;
	int encoding;

	if (!column->n_entries)
		return 0;
	column->content.used = 0;
	if (parquet_column_is_list(column))
		add_levels(&column->content, &column->repetitions, 1);
	add_levels(&column->content, &column->definitions, parquet_column_is_list(column) ? 2 : 1);
	encoding = add_values(column);
	column->raw_bytes += add_page(column, &column->pages, &column->content, PAGE_DATA, column->n_entries, encoding);
	column->chunk_entries += column->n_entries;
	column->n_entries = column->n_values = 0;
	column->definitions.used = column->repetitions.used = column->indices.used = column->plain.used = 0;
	return column->pages.used - before;
}

/* What this page has by number becomes text. */
static void leave_dictionary(struct parquet_column *column)
{
	size_t n;
	const uint32_t *indices = all_u32(&column->indices, &n);

	for (size_t i = 0; i < n; i++)
		parquet_dictionary_copy(&column->dictionary, indices[i], &column->plain);
	column->indices.used = 0;
	column->is_dictionary_full = 1;
}

static void add_text(struct parquet_column *column, const char *data, size_t len)
{
	uint32_t number;
	int is_new = 1, r = 0;

	if (!text_is_ascii(data, len)) {
		column->text.used = 0;
		text_add_utf8(&column->text, data, len);
		data = column->text.data;
		len = column->text.used;
	}
	if (!column->is_dictionary_full) {
		r = parquet_dictionary_number(&column->dictionary, data, len, &number, &is_new);
		if (r > 0)
			add_u32(&column->indices, number);
		else if (r < 0)
			column->text.error = r;
		else
			leave_dictionary(column);
	}
	if (r == 0)
		parquet_dictionary_add_plain(&column->plain, data, len);
	if (is_new)
		parquet_range_add_text(&column->range, data, len);
}

static inline void add_entry(struct parquet_column *column, uint32_t definition)
{
	add_u32(&column->definitions, definition);
	column->n_entries++;
}

static void add_list(struct parquet_column *column, const char *data, size_t len)
{
	if (len == 0) {
		add_u32(&column->repetitions, 0);
		add_entry(column, EMPTY_LIST);
	}
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\0', len - at);
		size_t item_len = end ? (size_t)(end - data) - at : len - at;

		add_u32(&column->repetitions, at != 0);
		add_entry(column, ITEM);
		add_text(column, data + at, item_len);
		at += item_len + 1;
	}
}

/* False: null, or more than INT64 has room for. */
static bool find_number(struct parquet_column *column, const struct block *block, uint32_t row, int field)
{
	uint64_t value = block_number(block, row, (uint32_t)field);

	if (column->field->type == PARQUET_MICROS)
		value /= NS_PER_US;
	else if (value > INT64_MAX && column->field->field.type != FIELD_I64) {
		++*column->n_beyond;
		return false;
	}
	column->numbers[column->n_values++] = value;
	return true;
}

size_t parquet_column_add(struct parquet_column *column, const struct block *block, uint32_t row, int field)
{
	size_t grown = 0, len;
	const char *text;

	if (column->n_entries >= PAGE_ENTRIES || column->plain.used >= PAGE_BYTES)
		grown = end_page(column);
	if (field < 0 || block_is_null(block, row, (uint32_t)field) ||
	    (column->numbers && !find_number(column, block, row, field))) {
		if (parquet_column_is_list(column))
			add_u32(&column->repetitions, 0);
		add_entry(column, NULL_VALUE);
		column->chunk_nulls++;
	} else if (column->numbers) {
		add_entry(column, VALUE);
	} else {
		text = block_text(block, row, (uint32_t)field, &len);
		if (parquet_column_is_list(column)) {
			add_list(column, text, len);
		} else {
			add_entry(column, VALUE);
			add_text(column, text, len);
		}
	}
	return grown;
}

static int any_error(const struct parquet_column *column)
{
	const struct buffer *buffers[] = {&column->definitions,	   &column->repetitions, &column->indices,
					  &column->plain,	   &column->pages,	 &column->content,
					  &column->packed,	   &column->text,	 &column->range.least_text,
					  &column->range.most_text};

	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++)
		if (buffers[i]->error)
			return buffers[i]->error;
	return 0;
}

int parquet_column_write(struct parquet_column *column, struct stream *stream, struct parquet_chunk *ret)
{
	int r;

	end_page(column);
	*ret = (struct parquet_chunk){.offset = stream_position(stream)};
	if (column->has_indices) {
		column->content.used = 0;
		column->raw_bytes += add_page(column, &column->content, &column->dictionary.plain, PAGE_DICTIONARY,
					      column->dictionary.n, ENCODING_PLAIN);
		ret->has_dictionary = 1;
	}
	r = any_error(column);
	if (r < 0)
		return r;
	if (column->has_indices)
		stream_add(stream, column->content.data, column->content.used);
	ret->data_offset = stream_position(stream);
	stream_add(stream, column->pages.data, column->pages.used);
	ret->bytes = stream_position(stream) - ret->offset;
	ret->raw_bytes = column->raw_bytes;
	return 0;
}

void parquet_column_clear(struct parquet_column *column)
{
	parquet_dictionary_clear(&column->dictionary);
	parquet_range_clear(&column->range);
	column->is_dictionary_full = column->has_indices = 0;
	column->pages.used = 0;
	column->chunk_entries = column->chunk_nulls = column->raw_bytes = 0;
}
