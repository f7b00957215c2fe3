// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sections are written at once, for little: no column is looked at twice to find the shortest form.
 */
#include "store/section.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void section_writer_done(struct section_writer *writer)
{
	sink_done(&writer->lengths);
	sink_done(&writer->columns);
	column_texts_done(&writer->texts);
	free(writer->numbers);
	free(writer->rest);
	*writer = (struct section_writer){0};
}

static int reserve(struct section_writer *writer, uint32_t rows)
{
	if (rows <= writer->capacity)
		return 0;
	free(writer->numbers);
	free(writer->rest);
	writer->numbers = malloc(rows * sizeof(*writer->numbers));
	writer->rest = malloc(rows * sizeof(*writer->rest));
	writer->capacity = writer->numbers && writer->rest ? rows : 0;
	return writer->capacity ? 0 : -ENOMEM;
}

/* The numbers of a column's texts. Most rows have that of the row before. */
static int intern_column(struct section_writer *writer, const struct block *block, uint32_t field)
{
	const struct span *spans = block->texts[field];
	struct span before = {0, UINT32_MAX};
	uint32_t number = 0;
	int r = column_texts_begin(&writer->texts, block->arena, block->rows);

	for (uint32_t row = 0; row < block->rows && r == 0; row++) {
		struct span text = spans[row];

		writer->numbers[row] = 0;
		if (block->nulls[field][row])
			continue;
		if (text.len != before.len ||
		    (text.len && memcmp(block->arena + before.offset, block->arena + text.offset, text.len) != 0))
			number = column_texts_intern(&writer->texts, text);
		writer->numbers[row] = number;
		before = text;
	}
	return r;
}

static int put_column(struct section_writer *writer, const struct block *block, uint32_t field)
{
	const struct column_choice cheapest = {0};
	struct column_rows rows = {.n = block->rows};
	const uint8_t *nulls = block->nulls[field];
	bool is_text = field_is_text(&block->table->fields[field]);
	int r = 0;

	if (!memchr(nulls, 0, block->rows)) {
		put_u8(&writer->columns, PACK_NULLS);
		return 0;
	}
	if (is_text)
		r = intern_column(writer, block, field);
	if (r == 0)
		column_put(&writer->columns, &block->table->fields[field], &rows,
			   is_text ? writer->numbers : block->numbers[field],
			   memchr(nulls, 1, block->rows) ? nulls : NULL, is_text ? &writer->texts : NULL, &cheapest,
			   writer->rest, NULL);
	return r;
}

int section_put(struct section_writer *writer, const struct block *block)
{
	int r = reserve(writer, block->rows);

	writer->lengths.len = writer->columns.len = 0;
	put_varint(&writer->lengths, block->table->n_fields);
	for (uint32_t field = 0; field < block->table->n_fields && r == 0; field++) {
		size_t before = writer->columns.len;

		r = put_column(writer, block, field);
		put_varint(&writer->lengths, writer->columns.len - before);
	}
	return r == 0 && (writer->lengths.failed || writer->columns.failed) ? -ENOMEM : r;
}

int section_open(struct source *from, const struct table *table, uint32_t rows, struct section *ret)
{
	ret->table = table;
	ret->rows = rows;
	ret->n_columns = (uint32_t)get_varint(from);
	if (from->failed || ret->n_columns != table->n_fields)
		return -EBADMSG;
	for (uint32_t i = 0; i < ret->n_columns; i++)
		ret->bytes[i] = get_varint(from);
	for (uint32_t i = 0; i < ret->n_columns; i++)
		ret->columns[i] = get_bytes(from, ret->bytes[i]);
	return from->failed || from->left ? -EBADMSG : 0;
}
