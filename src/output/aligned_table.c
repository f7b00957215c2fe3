// SPDX-License-Identifier: BSD-2-Clause
/*
 * The human-readable table. The first rows are held back until it is known from them how wide columns are, in which
 * unit their numbers are, and, where they are all rows, which columns are the same in all: those are said once, above.
 * Later rows follow with these widths and units, and a number that needs more takes it and pushes its line to the
 * right.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/cell.h"
#include "output/format.h"
#include "output/scale.h"
#include "output/table_layout.h"

#define HELD_ROWS 500 /* a screen or ten; what is shown at once is aligned */
#define MIN_TEXT  15  /* a command's name; of arguments and of the last column: */
#define MIN_LAST  20
#define MAX_WIDTH 4096		 /* beyond this nothing is aligned: a store may hold any text */
#define CUT_MARK  "\xe2\x80\xa6" /* the ellipsis, one column */

enum colour {
	COLOUR_NONE,
	COLOUR_HEADER,
	COLOUR_FAILED,
};

static const char *const colours[] = {"", "\033[1m", "\033[31m"};

/* A value that waits for its column's unit, or, where there is none, is written already. */
struct cell {
	uint64_t number;
	size_t text_at, text_len;
	bool is_number;
};

struct table_state {
	struct table_layout layout;
	const struct scale *scales[TABLE_MAX_FIELDS]; /* NULL: numbers are written as they are */
	struct buffer cells, texts;		      /* of the rows held back, one after the other */
	struct buffer value;			      /* on its way */
	uint32_t held;
	bool is_laid_out;
};

static int begin(struct output *output)
{
	struct table_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	output->state = state;
	state->layout.n_columns = output->n_columns;
	state->layout.width = output->options.width;
	state->layout.may_leave_out = output->options.may_leave_out;
	for (uint32_t i = 0; i < output->n_columns; i++)
		state->layout.columns[i].is_text = field_is_text(&output->columns[i]);
	return 0;
}

static void done(struct output *output)
{
	struct table_state *state = output->state;

	if (state) {
		buffer_done(&state->cells);
		buffer_done(&state->texts);
		buffer_done(&state->value);
	}
	free(state);
}

/* --- cells ------------------------------------------------------------------------------------------------------ */
static struct cell *held_cell(const struct table_state *state, uint32_t row, uint32_t column)
{
	return (struct cell *)(void *)state->cells.data + (size_t)row * state->layout.n_columns + column;
}

static const char *value_of(struct table_state *state, uint32_t column, const struct cell *cell, size_t *ret_len)
{
	if (!cell->is_number) {
		*ret_len = cell->text_len;
		return state->texts.data + cell->text_at;
	}
	state->value.used = 0;
	scale_add(&state->value, state->scales[column], cell->number);
	*ret_len = state->value.used;
	return state->value.data;
}

static int hold_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	struct table_state *state = output->state;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		const struct field *column = &output->columns[i];
		struct cell cell = {.text_at = state->texts.used};

		if (scale_is_of(column) && !cell_is_null(block, row, fields[i])) {
			cell.is_number = true;
			cell.number = block_number(block, row, (uint32_t)fields[i]);
		} else {
			cell_add(&state->texts, column, block, row, fields[i], output->options.now_real_ns);
			cell.text_len = state->texts.used - cell.text_at;
		}
		buffer_add(&state->cells, &cell, sizeof(cell));
	}
	state->held++;
	return state->cells.error || state->texts.error ? -ENOMEM : 0;
}

static void forget_rows(struct table_state *state)
{
	state->cells.used = 0;
	state->texts.used = 0;
	state->held = 0;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */
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

/* Prose in lines of so many columns, broken at spaces; all but the first begin at column `at`. */
static void add_wrapped(struct stream *stream, const char *text, size_t len, uint32_t width, uint32_t at)
{
	for (bool is_first = true; len; is_first = false) {
		size_t n = cell_fit(text, len, width), next;

		if (n < len)
			for (size_t i = n; i > 0; i--)
				if (text[i] == ' ') {
					n = i;
					break;
				}
		/* A character that is wider than the column. */
		if (!n)
			n = len;
		if (!is_first) {
			stream_add_char(stream, '\n');
			add_spaces(stream, at);
		}
		stream_add(stream, text, n);
		for (next = n; next < len && text[next] == ' ';)
			next++;
		text += next;
		len -= next;
	}
}

/* One cell, at column `at` of the line; returns where the line is then. A text ends where the line does. */
static uint32_t add_cell(const struct output *output, uint32_t column, bool is_last, uint32_t at, const char *text,
			 size_t len, enum colour colour)
{
	const struct table_state *state = output->state;
	const struct table_column *of = &state->layout.columns[column];
	struct stream *stream = output->options.stream;
	uint32_t width = cell_width(text, len), allowed = of->width, pad;
	bool is_cut;

	if (state->layout.width && allowed > state->layout.width - at && at < state->layout.width)
		allowed = state->layout.width - at;
	is_cut = of->is_text && state->layout.width && width > allowed;
	if (is_cut && output->options.wraps && column + 1 == state->layout.n_columns) {
		add_wrapped(stream, text, len, allowed, at);
		return at + allowed;
	}
	if (is_cut) {
		len = cell_fit(text, len, allowed ? allowed - 1 : 0);
		width = cell_width(text, len) + 1;
	}
	pad = allowed > width ? allowed - width : 0;
	if (!of->is_text)
		add_spaces(stream, pad);
	add_coloured(output, text, len, colour);
	if (is_cut)
		stream_add_text(stream, CUT_MARK);
	if (of->is_text && !is_last)
		add_spaces(stream, pad);
	return at + width + pad;
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

static bool is_last_of_line(const struct table_layout *layout, uint32_t column)
{
	for (uint32_t i = column + 1; i < layout->n_columns; i++)
		if (!layout->columns[i].is_left_out)
			return layout->columns[i].line != layout->columns[column].line;
	return true;
}

enum line_kind { LINE_HEADINGS, LINE_UNITS, LINE_ROW };

static const char *text_in(const struct output *output, enum line_kind kind, uint32_t column, const struct cell *row,
			   size_t *ret_len, enum colour *ret_colour)
{
	struct table_state *state = output->state;
	const struct field *field = &output->columns[column];
	const char *text;

	*ret_colour = kind == LINE_HEADINGS ? COLOUR_HEADER : COLOUR_NONE;
	switch (kind) {
	case LINE_HEADINGS:
		*ret_len = field_heading_len(field);
		return field->name;
	case LINE_UNITS:
		text = state->scales[column] ? state->scales[column]->name : "";
		*ret_len = strlen(text);
		return text;
	case LINE_ROW:
		break;
	}
	text = value_of(state, column, &row[column], ret_len);
	*ret_colour = colour_of(field, text, *ret_len);
	return text;
}

/* In the line, from that column on. */
static bool has_units(const struct table_state *state, uint32_t first, uint32_t line)
{
	for (uint32_t i = first; i < state->layout.n_columns; i++)
		if (!state->layout.columns[i].is_left_out && state->layout.columns[i].line == line &&
		    state->scales[i] && *state->scales[i]->name)
			return true;
	return false;
}

/* The columns of one line of the row. */
static void add_line(const struct output *output, uint32_t line, enum line_kind kind, const struct cell *row)
{
	const struct table_state *state = output->state;
	const struct table_layout *layout = &state->layout;
	struct stream *stream = output->options.stream;
	uint32_t begin = line ? TABLE_INDENT : 0, at = begin;

	add_spaces(stream, begin);
	for (uint32_t i = 0; i < layout->n_columns; i++) {
		enum colour colour;
		const char *text;
		size_t len;

		if (layout->columns[i].is_left_out || layout->columns[i].line != line)
			continue;
		if (kind == LINE_UNITS && !has_units(state, i, line))
			break;
		if (at > begin) {
			add_spaces(stream, TABLE_GAP);
			at += TABLE_GAP;
		}
		text = text_in(output, kind, i, row, &len, &colour);
		at = add_cell(output, i, is_last_of_line(layout, i), at, text, len, colour);
	}
	stream_add_char(stream, '\n');
}

static void add_row_lines(const struct output *output, const struct cell *row)
{
	const struct table_state *state = output->state;

	for (uint32_t line = 0; line < state->layout.n_lines; line++)
		add_line(output, line, LINE_ROW, row);
}

static void add_header(const struct output *output)
{
	const struct table_state *state = output->state;

	for (uint32_t line = 0; line < state->layout.n_lines; line++) {
		add_line(output, line, LINE_HEADINGS, NULL);
		if (has_units(state, 0, line))
			add_line(output, line, LINE_UNITS, NULL);
	}
}

/* --- what is the same in all rows ------------------------------------------------------------------------------- */
static bool is_same(const struct table_state *state, uint32_t column)
{
	const struct cell *first = held_cell(state, 0, column);

	for (uint32_t row = 1; row < state->held; row++) {
		const struct cell *cell = held_cell(state, row, column);

		if (cell->is_number != first->is_number ||
		    (cell->is_number ? cell->number != first->number
				     : cell->text_len != first->text_len ||
					       memcmp(state->texts.data + cell->text_at,
						      state->texts.data + first->text_at, cell->text_len) != 0))
			return false;
	}
	return true;
}

/* NAME=VALUE; a line breaks between two of them. */
static uint32_t add_same(const struct output *output, uint32_t column, uint32_t at)
{
	struct table_state *state = output->state;
	const struct field *field = &output->columns[column];
	const struct cell *cell = held_cell(state, 0, column);
	struct stream *stream = output->options.stream;
	uint32_t limit = state->layout.width ? state->layout.width : MAX_WIDTH, width, room;
	size_t len;

	state->value.used = 0;
	buffer_add(&state->value, field->name, field_heading_len(field));
	buffer_add_char(&state->value, '=');
	if (cell->is_number)
		cell_add_number(&state->value, field, cell->number, output->options.now_real_ns);
	else
		buffer_add(&state->value, state->texts.data + cell->text_at, cell->text_len);
	width = cell_width(state->value.data, state->value.used);
	if (at > TABLE_INDENT && at + TABLE_GAP + width > limit) {
		stream_add_text(stream, "\n    ");
		at = TABLE_INDENT;
	} else {
		add_spaces(stream, TABLE_GAP);
		at += TABLE_GAP;
	}
	room = limit > at ? limit - at : 1;
	len = width > room ? cell_fit(state->value.data, state->value.used, room - 1) : state->value.used;
	stream_add(stream, state->value.data, len);
	if (width > room)
		stream_add_text(stream, CUT_MARK);
	return at + (width > room ? room : width);
}

/* One column is left at least. */
static void say_what_is_same(const struct output *output)
{
	static const char label[] = "in all rows:";
	struct table_state *state = output->state;
	uint32_t n = 0, at = sizeof(label) - 1;

	for (uint32_t i = 0; i < output->n_columns; i++)
		n += is_same(state, i);
	if (!n || n == output->n_columns)
		return;
	add_coloured(output, label, at, COLOUR_HEADER);
	for (uint32_t i = 0; i < output->n_columns; i++) {
		if (!is_same(state, i))
			continue;
		at = add_same(output, i, at);
		state->layout.columns[i].is_left_out = true;
	}
	stream_add_char(output->options.stream, '\n');
}

/* --- laying out ------------------------------------------------------------------------------------------------- */
static void choose_scales(const struct output *output)
{
	struct table_state *state = output->state;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		uint64_t greatest = 0;

		if (!scale_is_of(&output->columns[i]))
			continue;
		for (uint32_t row = 0; row < state->held; row++) {
			const struct cell *cell = held_cell(state, row, i);

			if (cell->is_number && cell->number > greatest)
				greatest = cell->number;
		}
		state->scales[i] = scale_for(&output->columns[i], greatest);
	}
}

static void widen(struct table_column *column, size_t width)
{
	if (width > MAX_WIDTH)
		width = MAX_WIDTH;
	if (width > column->width)
		column->width = (uint32_t)width;
}

static void measure(const struct output *output)
{
	struct table_state *state = output->state;

	for (uint32_t i = 0; i < output->n_columns; i++) {
		struct table_column *column = &state->layout.columns[i];

		column->least =
			i + 1 == output->n_columns || output->columns[i].type == FIELD_STRINGS ? MIN_LAST : MIN_TEXT;
		if (column->least < field_heading_len(&output->columns[i]))
			column->least = (uint32_t)field_heading_len(&output->columns[i]);
		widen(column, field_heading_len(&output->columns[i]));
		if (state->scales[i])
			widen(column, strlen(state->scales[i]->name));
		for (uint32_t row = 0; row < state->held; row++) {
			size_t len;
			const char *text = value_of(state, i, held_cell(state, row, i), &len);

			widen(column, cell_width(text, len));
		}
	}
}

/* Fixes widths and units, and lets go what was held back. */
static int lay_out(struct output *output, bool are_all_rows)
{
	struct table_state *state = output->state;

	state->is_laid_out = true;
	choose_scales(output);
	if (are_all_rows && state->held > 1)
		say_what_is_same(output);
	measure(output);
	table_layout_fit(&state->layout);
	add_header(output);
	for (uint32_t row = 0; row < state->held; row++)
		add_row_lines(output, held_cell(state, row, 0));
	forget_rows(state);
	return state->value.error;
}

static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	struct table_state *state = output->state;
	int r = hold_row(output, block, row, fields);

	if (r < 0)
		return r;
	if (!state->is_laid_out)
		return state->held == HELD_ROWS ? lay_out(output, false) : 0;
	add_row_lines(output, held_cell(state, 0, 0));
	forget_rows(state);
	return state->value.error;
}

static int end(struct output *output)
{
	struct table_state *state = output->state;
	int r = state->is_laid_out ? 0 : lay_out(output, true);

	if (state->layout.n_too_many) {
		buffer_add_format(&output->scratch, "+%u column%s: --wide or --fields\n", state->layout.n_too_many,
				  state->layout.n_too_many == 1 ? "" : "s");
		stream_add(output->options.stream, output->scratch.data, output->scratch.used);
	}
	return r;
}

/* The widths are those of the rows that came first, if any did. */
static int flush(struct output *output)
{
	struct table_state *state = output->state;

	return !state->is_laid_out && state->held ? lay_out(output, false) : 0;
}

const struct format format_table = {begin, add_row, end, flush, done};
