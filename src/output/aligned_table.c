// SPDX-License-Identifier: BSD-2-Clause
/*
 * The human-readable table. The first rows are held back until the widths of the columns are known from them;
 * later rows follow with these widths, and a cell that needs more takes it and pushes its line to the right.
 *
 * With a width given, text columns give way, the widest first, down to MIN_TEXT; what still does not fit is
 * cut off at the boundary. Without one only padding is limited, so that one long path does not push all lines out.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/cell.h"
#include "output/format.h"

#define HELD_ROWS  500 /* a screen or ten; what is shown at once is aligned */
#define MIN_TEXT   8
#define MAX_PADDED 48	/* columns that a text is padded to when nothing limits the line */
#define MAX_WIDTH  4096 /* beyond this nothing is aligned: a store may hold any text */
#define GAP	   2
#define CUT_MARK   "\xe2\x80\xa6" /* the ellipsis, one column */

enum colour {
	COLOUR_NONE,
	COLOUR_HEADER,
	COLOUR_FAILED,
};

static const char *const colours[] = {"", "\033[1m", "\033[31m"};

struct layout {
	uint32_t widths[TABLE_MAX_FIELDS];
	struct buffer cells;	 /* text of the rows held back, one after the other */
	struct buffer cell_lens; /* a size_t each */
	uint32_t held;
	bool is_laid_out;
};

static bool is_text(const struct output *output, uint32_t column)
{
	return field_is_text(&output->columns[column]);
}

/* Cells carry their units, so the heading goes without: cpu_ns becomes cpu. */
static size_t heading_len(const struct field *column)
{
	const char *unit = column->unit == UNIT_NS ? "_ns" : column->unit == UNIT_BYTES ? "_bytes" : "";
	size_t len = strlen(column->name), unit_len = strlen(unit);

	return len > unit_len && strcmp(column->name + len - unit_len, unit) == 0 ? len - unit_len : len;
}

static void widen(struct layout *layout, uint32_t column, uint32_t width)
{
	if (width > MAX_WIDTH)
		width = MAX_WIDTH;
	if (width > layout->widths[column])
		layout->widths[column] = width;
}

static int begin(struct output *output)
{
	struct layout *layout = calloc(1, sizeof(*layout));

	if (!layout)
		return -ENOMEM;
	output->state = layout;
	for (uint32_t i = 0; i < output->n_columns; i++)
		widen(layout, i, (uint32_t)heading_len(&output->columns[i]));
	return 0;
}

static void done(struct output *output)
{
	struct layout *layout = output->state;

	if (layout) {
		buffer_done(&layout->cells);
		buffer_done(&layout->cell_lens);
	}
	free(layout);
}

/* Takes from the widest text column what is too much, until it fits or none can give. */
static void shrink(const struct output *output, struct layout *layout)
{
	uint32_t limit = output->options.width, total = 0;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		if (!limit && is_text(output, i) && i + 1 < output->n_columns && layout->widths[i] > MAX_PADDED)
			layout->widths[i] = MAX_PADDED;
		total += layout->widths[i] + (i ? GAP : 0);
	}
	while (limit && total > limit) {
		uint32_t widest = TABLE_MAX_FIELDS, least;

		for (uint32_t i = 0; i < output->n_columns; i++) {
			least = (uint32_t)heading_len(&output->columns[i]);
			if (least < MIN_TEXT)
				least = MIN_TEXT;
			if (is_text(output, i) && layout->widths[i] > least &&
			    (widest == TABLE_MAX_FIELDS || layout->widths[i] > layout->widths[widest]))
				widest = i;
		}
		if (widest == TABLE_MAX_FIELDS)
			break;
		layout->widths[widest]--;
		total--;
	}
}

static void add_spaces(struct stream *stream, uint32_t n)
{
	while (n--)
		stream_add_char(stream, ' ');
}

static void add_coloured(const struct output *output, const char *text, size_t len, enum colour colour)
{
	struct stream *stream = output->options.stream;

	if (!output->options.is_coloured || colour == COLOUR_NONE) {
		stream_add(stream, text, len);
		return;
	}
	stream_add_text(stream, colours[colour]);
	stream_add(stream, text, len);
	stream_add_text(stream, "\033[0m");
}

/* One cell, at column `at` of the line; returns where the line is then. Nothing goes beyond the line's width. */
static uint32_t add_cell(const struct output *output, uint32_t column, uint32_t at, const char *text, size_t len,
			 enum colour colour)
{
	const struct layout *layout = output->state;
	struct stream *stream = output->options.stream;
	uint32_t width = cell_width(text, len), allowed = UINT32_MAX, is_cut, pad;

	if (output->options.width) {
		if (at >= output->options.width)
			return at;
		allowed = output->options.width - at;
		if (is_text(output, column) && layout->widths[column] < allowed)
			allowed = layout->widths[column];
	}
	is_cut = width > allowed;
	if (is_cut) {
		len = cell_fit(text, len, allowed - 1);
		width = cell_width(text, len) + 1;
	}
	pad = layout->widths[column] > width ? layout->widths[column] - width : 0;
	if (pad > allowed - width)
		pad = allowed - width;
	if (!is_text(output, column))
		add_spaces(stream, pad);
	add_coloured(output, text, len, colour);
	if (is_cut)
		stream_add_text(stream, CUT_MARK);
	if (is_text(output, column) && column + 1 < output->n_columns)
		add_spaces(stream, pad);
	return at + width + pad;
}

static uint32_t add_gap(const struct output *output, uint32_t column, uint32_t at)
{
	if (!column || (output->options.width && at + GAP >= output->options.width))
		return column ? at + GAP : at;
	add_spaces(output->options.stream, GAP);
	return at + GAP;
}

/* What a reader looks for first: an end by a signal, an exit code other than 0. */
static enum colour colour_of(const struct field *column, const char *text, size_t len)
{
	if (column->unit == UNIT_SIGNAL && !(len == 1 && *text == '-'))
		return COLOUR_FAILED;
	if (strcmp(column->name, "exit_code") == 0 && !(len == 1 && (*text == '0' || *text == '-')))
		return COLOUR_FAILED;
	return COLOUR_NONE;
}

static void add_line(const struct output *output, const char *cells, const size_t *lens)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		at = add_gap(output, i, at);
		at = add_cell(output, i, at, cells, lens[i], colour_of(&output->columns[i], cells, lens[i]));
		cells += lens[i];
	}
	stream_add_char(output->options.stream, '\n');
}

static void add_header(const struct output *output)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		const struct field *column = &output->columns[i];

		at = add_gap(output, i, at);
		at = add_cell(output, i, at, column->name, heading_len(column), COLOUR_HEADER);
	}
	stream_add_char(output->options.stream, '\n');
}

/* Fixes the widths and lets go what was held back. */
static void lay_out_columns(struct output *output)
{
	struct layout *layout = output->state;
	const size_t *lens = (const size_t *)(const void *)layout->cell_lens.data;
	const char *cells = layout->cells.data;

	layout->is_laid_out = 1;
	shrink(output, layout);
	add_header(output);
	for (uint32_t row = 0; row < layout->held; row++) {
		add_line(output, cells, lens);
		for (uint32_t i = 0; i < output->n_columns; i++)
			cells += *lens++;
	}
	layout->cells.used = 0;
	layout->cell_lens.used = 0;
}

static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	struct layout *layout = output->state;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		size_t before = layout->cells.used, len;

		cell_add(&layout->cells, &output->columns[i], block, row, fields[i], output->options.now_real_ns);
		len = layout->cells.used - before;
		buffer_add(&layout->cell_lens, &len, sizeof(len));
		if (!layout->is_laid_out && !layout->cells.error)
			widen(layout, i, cell_width(layout->cells.data + before, len));
	}
	if (layout->cells.error || layout->cell_lens.error)
		return -ENOMEM;
	if (layout->is_laid_out) {
		add_line(output, layout->cells.data, (const size_t *)(const void *)layout->cell_lens.data);
		layout->cells.used = 0;
		layout->cell_lens.used = 0;
	} else if (++layout->held == HELD_ROWS) {
		lay_out_columns(output);
	}
	return 0;
}

static int end(struct output *output)
{
	struct layout *layout = output->state;

	if (!layout->is_laid_out)
		lay_out_columns(output);
	return 0;
}

/* The widths are those of the rows that came first, if any did. */
static int flush(struct output *output)
{
	struct layout *layout = output->state;

	if (!layout->is_laid_out && layout->held)
		lay_out_columns(output);
	return 0;
}

const struct format format_table = {begin, add_row, end, flush, done};
