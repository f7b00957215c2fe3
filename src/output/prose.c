// SPDX-License-Identifier: BSD-2-Clause
#include "output/prose.h"

#include <stdbool.h>
#include <string.h>

#include "output/cell.h"

#define HANG	     2	/* of a line that is not made of columns */
#define LEAST_COLUMN 24 /* a last column that is narrower, or text that is indented less, is no place to go on in */

/* Where what does not fit begins, below. */
static uint32_t hanging(const char *line, size_t len, uint32_t width)
{
	size_t indent = strspn(line, " ");
	uint32_t last = 0;

	for (size_t i = indent < len ? indent : len; i + 2 < len; i++)
		if (line[i] == ' ' && line[i + 1] == ' ' && line[i + 2] != ' ') {
			uint32_t column = cell_width(line, i + 2);

			if (column + LEAST_COLUMN <= width)
				last = column;
		}
	if (last)
		return last;
	/* A sentence goes on where it began. */
	last = (uint32_t)indent + (indent >= LEAST_COLUMN || (*line >= 'A' && *line <= 'Z') ? 0 : HANG);
	return last < width / 2 ? last : 0;
}

/* The last space by which the line can be broken, from `from` on; 0: there is none. */
static size_t find_break(const char *line, size_t len, size_t from, uint32_t room)
{
	size_t found = 0;

	for (size_t i = from; i < len; i++) {
		if (line[i] != ' ')
			continue;
		if (cell_width(line, i) <= room)
			found = i;
		else
			return found ? found : i;
	}
	return found;
}

static void wrap_line(struct buffer *out, const char *line, size_t len, uint32_t width)
{
	uint32_t indent = hanging(line, len, width), room = width;
	size_t from = strspn(line, " ");

	while (cell_width(line, len) > room) {
		size_t at = find_break(line, len, from, room);

		if (!at)
			break;
		buffer_add(out, line, at);
		while (at < len && line[at] == ' ')
			at++;
		if (at == len)
			return;
		buffer_add_format(out, "\n%*s", (int)indent, "");
		line += at;
		len -= at;
		from = 0;
		room = width - indent;
	}
	buffer_add(out, line, len);
}

void prose_wrap(struct buffer *out, const char *text, size_t len, uint32_t width)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end ? (size_t)(end - text) : len, whole = line_len + (end != NULL);

		wrap_line(out, text, line_len, width);
		if (end)
			buffer_add_char(out, '\n');
		text += whole;
		len -= whole;
	}
}

void prose_join(struct buffer *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *next = text + len + (text[len] != '\0');
		bool is_prose = len && *text != ' ' && text[len - 1] != ':';

		buffer_add(out, text, len);
		buffer_add_char(out, is_prose && *next && *next != ' ' && *next != '\n' ? ' ' : '\n');
		text = next;
	}
}
