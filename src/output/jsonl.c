// SPDX-License-Identifier: BSD-2-Clause
/*
 * JSON lines: one object a row, keys in the order of the columns, every key in every row.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "output/format.h"
#include "output/text.h"

#define MAX_ESCAPE_BYTES 6 /* \uXXXX */

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

static size_t write_escape(char *ret, uint32_t code)
{
	static const char digits[] = "0123456789abcdef";

	ret[0] = '\\';
	ret[1] = 'u';
	for (int i = 0; i < 4; i++)
		ret[2 + i] = digits[code >> (12 - 4 * i) & 15];
	return MAX_ESCAPE_BYTES;
}

/* What needs more than a copy, at data[0]. Returns how many bytes it was. */
static size_t add_special(struct stream *stream, const char *data, size_t len)
{
	char *to = stream_room(stream, MAX_ESCAPE_BYTES);
	uint32_t code;
	size_t n = text_character(data, len, &code);

	if (n == 0) {
		stream_commit(stream, write_escape(to, 0xdc00u | (unsigned char)data[0]));
		return 1;
	}
	if (code == '"' || code == '\\') {
		to[0] = '\\';
		to[1] = (char)code;
		stream_commit(stream, 2);
	} else if (code < 0xffff && text_width(code) < 0) {
		stream_commit(stream, write_escape(to, code));
	} else {
		memcpy(to, data, n);
		stream_commit(stream, n);
	}
	return n;
}

static void add_string(struct stream *stream, const char *data, size_t len)
{
	size_t copied = 0;

	stream_add_char(stream, '"');
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)data[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			i++;
			continue;
		}
		stream_add(stream, data + copied, i - copied);
		i += add_special(stream, data + i, len - i);
		copied = i;
	}
	stream_add(stream, data + copied, len - copied);
	stream_add_char(stream, '"');
}

static void add_strings(struct stream *stream, const char *data, size_t len)
{
	stream_add_char(stream, '[');
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\0', len - at);
		size_t item_len = end ? (size_t)(end - data) - at : len - at;

		if (at)
			stream_add_char(stream, ',');
		add_string(stream, data + at, item_len);
		at += item_len + 1;
	}
	stream_add_char(stream, ']');
}

static void add_number(struct stream *stream, const struct field *column, uint64_t value)
{
	if (column->type == FIELD_BOOL) {
		stream_add_text(stream, value ? "true" : "false");
	} else if (column->unit == UNIT_TIME) {
		char *to = stream_room(stream, RFC3339_LEN + 2);

		to[0] = '"';
		rfc3339_write(value, to + 1);
		to[RFC3339_LEN + 1] = '"';
		stream_commit(stream, RFC3339_LEN + 2);
	} else if (column->type == FIELD_I64) {
		stream_add_i64(stream, (int64_t)value);
	} else {
		stream_add_u64(stream, value);
	}
}

static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	struct stream *stream = output->options.stream;
	const struct keys *keys = output->state;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		const struct field *column = &output->columns[i];
		const char *text;
		size_t len;

		stream_add(stream, keys->text.data + keys->at[i], keys->at[i + 1] - keys->at[i]);
		if (cell_is_null(block, row, fields[i])) {
			stream_add(stream, "null", 4);
		} else if (!field_is_text(column)) {
			add_number(stream, column, block_number(block, row, (uint32_t)fields[i]));
		} else {
			text = block_text(block, row, (uint32_t)fields[i], &len);
			if (column->type == FIELD_STRINGS)
				add_strings(stream, text, len);
			else
				add_string(stream, text, len);
		}
	}
	stream_add(stream, "}\n", 2);
	return 0;
}

const struct format format_jsonl = {begin, add_row, NULL, NULL, done};
