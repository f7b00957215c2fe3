// SPDX-License-Identifier: BSD-2-Clause
/*
 * csv and tsv: a header, then a line a row. They differ in the separator and in what a value may hold.
 */
#include <string.h>

#include "output/format.h"
#include "output/plain.h"
#include "output/text.h"

static int begin(struct output *output, char separator, const char *end_of_line)
{
	for (uint32_t i = 0; i < output->n_columns; i++) {
		if (i)
			stream_add_char(output->options.stream, separator);
		stream_add_text(output->options.stream, output->columns[i].name);
	}
	stream_add_text(output->options.stream, end_of_line);
	return 0;
}

static void add_csv(struct stream *stream, const char *data, size_t len)
{
	int is_quoted = len == 0; /* an empty string, unlike null, has quotes */

	for (size_t i = 0; i < len && !is_quoted; i++)
		is_quoted = data[i] == '"' || data[i] == ',' || data[i] == '\n' || data[i] == '\r';
	if (!is_quoted) {
		stream_add(stream, data, len);
		return;
	}
	stream_add_char(stream, '"');
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '"')
			stream_add_char(stream, '"');
		stream_add_char(stream, data[i]);
	}
	stream_add_char(stream, '"');
}

static void add_tsv(struct stream *stream, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = data[i], escape = 0;

		if (c == '\t')
			escape = 't';
		else if (c == '\n')
			escape = 'n';
		else if (c == '\r')
			escape = 'r';
		else if (c == '\\')
			escape = '\\';
		else if (c == '\0')
			escape = '0';
		if (escape)
			stream_add_char(stream, '\\');
		stream_add_char(stream, escape ? escape : c);
	}
}

static void add_number(struct stream *stream, const struct field *column, uint64_t value)
{
	char *to = stream_room(stream, PLAIN_NUMBER_BYTES);

	stream_commit(stream, (size_t)(plain_write_number(to, column, value) - to));
}

static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields, char separator,
		   const char *end_of_line)
{
	struct stream *stream = output->options.stream;
	struct buffer *scratch = &output->scratch;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		const char *text;
		size_t len;

		if (i)
			stream_add_char(stream, separator);
		if (cell_is_null(block, row, fields[i]))
			continue;
		if (!field_is_text(&output->columns[i])) {
			add_number(stream, &output->columns[i], block_number(block, row, (uint32_t)fields[i]));
			continue;
		}
		text = block_text(block, row, (uint32_t)fields[i], &len);
		if (output->columns[i].type == FIELD_STRINGS || output->options.is_terminal ||
		    !text_is_ascii(text, len)) {
			scratch->used = 0;
			if (output->columns[i].type == FIELD_STRINGS)
				text_add_words(scratch, text, len);
			else if (output->options.is_terminal)
				text_add_visible(scratch, text, len);
			else
				text_add_utf8(scratch, text, len);
			if (scratch->error)
				return scratch->error;
			text = scratch->data;
			len = scratch->used;
		}
		if (separator == ',')
			add_csv(stream, text, len);
		else
			add_tsv(stream, text, len);
	}
	stream_add_text(stream, end_of_line);
	return 0;
}

static int begin_csv(struct output *output)
{
	return begin(output, ',', "\r\n");
}

static int begin_tsv(struct output *output)
{
	return begin(output, '\t', "\n");
}

static int add_csv_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	return add_row(output, block, row, fields, ',', "\r\n");
}

static int add_tsv_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	return add_row(output, block, row, fields, '\t', "\n");
}

const struct format format_csv = {begin_csv, add_csv_row, NULL, NULL, NULL};
const struct format format_tsv = {begin_tsv, add_tsv_row, NULL, NULL, NULL};
