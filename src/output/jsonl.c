// SPDX-License-Identifier: BSD-2-Clause
/*
 * JSON lines: one object a row, keys in the order of the columns, every key in every row. Room for the longest that a
 * row may become is made first, so that nothing else asks for room.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/format.h"
#include "output/plain.h"

#define VALUE_BYTES (PLAIN_NUMBER_BYTES + 2)  /* a number or a null, with quotes */
#define ITEM_BYTES  (PLAIN_JSON_BYTES(0) + 1) /* an item of a list, but for its own bytes */

/* The keys, each as ,"name": with { in place of the first comma. */
struct keys {
	struct buffer text;
	size_t at[TABLE_MAX_FIELDS + 1];
};

static int begin(struct output *output)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	output->state = keys;
	for (uint32_t i = 0; i < output->n_columns; i++) {
		keys->at[i] = keys->text.used;
		buffer_add_format(&keys->text, "%c\"%s\":", i ? ',' : '{', output->columns[i].name);
	}
	keys->at[output->n_columns] = keys->text.used;
	return keys->text.error;
}

static void done(struct output *output)
{
	struct keys *keys = output->state;

	if (keys)
		buffer_done(&keys->text);
	free(keys);
}

static char *write_list(char *to, const char *data, size_t len)
{
	*to++ = '[';
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\0', len - at);
		size_t item_len = end ? (size_t)(end - data) - at : len - at;

		if (at)
			*to++ = ',';
		to = plain_write_json(to, data + at, item_len);
		at += item_len + 1;
	}
	*to++ = ']';
	return to;
}

static char *write_value(char *to, const struct field *column, const struct block *block, uint32_t row, int field)
{
	const char *text;
	size_t len;

	if (cell_is_null(block, row, field)) {
		memcpy(to, "null", 4);
		return to + 4;
	}
	if (field_is_text(column)) {
		text = block_text(block, row, (uint32_t)field, &len);
		return column->type == FIELD_STRINGS ? write_list(to, text, len) : plain_write_json(to, text, len);
	}
	if (column->unit != UNIT_TIME || column->type == FIELD_BOOL)
		return plain_write_number(to, column, block_number(block, row, (uint32_t)field));
	*to++ = '"';
	to = plain_write_number(to, column, block_number(block, row, (uint32_t)field));
	*to++ = '"';
	return to;
}

/* Each byte of a list may be an item of its own. */
static size_t row_bound(const struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	const struct keys *keys = output->state;
	size_t bound = keys->text.used + output->n_columns * VALUE_BYTES + 2, len;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		if (!field_is_text(&output->columns[i]) || cell_is_null(block, row, fields[i]))
			continue;
		block_text(block, row, (uint32_t)fields[i], &len);
		bound += PLAIN_JSON_BYTES(len) + (output->columns[i].type == FIELD_STRINGS ? ITEM_BYTES * len : 0);
	}
	return bound;
}

static char *write_row(char *to, const struct output *output, const struct block *block, uint32_t row,
		       const int *fields)
{
	const struct keys *keys = output->state;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		size_t len = keys->at[i + 1] - keys->at[i];

		memcpy(to, keys->text.data + keys->at[i], len);
		to = write_value(to + len, &output->columns[i], block, row, fields[i]);
	}
	*to++ = '}';
	*to++ = '\n';
	return to;
}

static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	size_t bound = row_bound(output, block, row, fields);
	struct stream *stream = output->options.stream;
	struct buffer *scratch = &output->scratch;
	char *to;

	if (bound <= STREAM_BYTES) {
		to = stream_room(stream, bound);
		stream_commit(stream, (size_t)(write_row(to, output, block, row, fields) - to));
		return 0;
	}
	scratch->used = 0;
	if (buffer_reserve(scratch, bound) < 0)
		return scratch->error;
	stream_add(stream, scratch->data,
		   (size_t)(write_row(scratch->data, output, block, row, fields) - scratch->data));
	return 0;
}

const struct format format_jsonl = {begin, add_row, NULL, NULL, done};
