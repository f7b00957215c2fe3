// SPDX-License-Identifier: BSD-2-Clause
#include "output/table_layout.h"

#define MAX_PADDED 48 /* columns that a text is padded to when nothing limits the line */

static uint32_t last_column(const struct table_layout *layout)
{
	uint32_t last = layout->n_columns;

	while (last > 0 && layout->columns[last - 1].is_left_out)
		last--;
	return last ? last - 1 : 0;
}

static uint32_t least_width(const struct table_column *column)
{
	return column->is_text && column->least < column->width ? column->least : column->width;
}

/* The rightmost that can go: the first two say who it is, the last what it ran. */
static struct table_column *one_too_many(struct table_layout *layout)
{
	uint32_t last = last_column(layout), kept = 0;
	struct table_column *found = NULL;

	for (uint32_t i = 0; i < last; i++) {
		if (layout->columns[i].is_left_out)
			continue;
		if (++kept > 2)
			found = &layout->columns[i];
	}
	return found;
}

static uint32_t total_of_least(const struct table_layout *layout)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < layout->n_columns; i++)
		if (!layout->columns[i].is_left_out)
			total += least_width(&layout->columns[i]) + (total ? TABLE_GAP : 0);
	return total;
}

static void leave_out(struct table_layout *layout)
{
	while (total_of_least(layout) > layout->width) {
		struct table_column *column = one_too_many(layout);

		if (!column)
			return;
		column->is_left_out = true;
		layout->n_too_many++;
	}
}

/* A column that does not fit into a line begins the next one. */
static void break_lines(struct table_layout *layout)
{
	uint32_t at = 0, line = 0;

	for (uint32_t i = 0; i < layout->n_columns; i++) {
		struct table_column *column = &layout->columns[i];
		uint32_t begin = line ? TABLE_INDENT : 0, least = least_width(column);

		if (column->is_left_out)
			continue;
		if (at > begin && at + TABLE_GAP + least > layout->width) {
			line++;
			at = TABLE_INDENT;
		}
		at += (at > (line ? TABLE_INDENT : 0) ? TABLE_GAP : 0) + least;
		column->line = line;
	}
	layout->n_lines = line + 1;
}

/* Takes from the widest text of the line what is too much, until it fits or none can give. */
static void shrink(struct table_layout *layout, uint32_t line)
{
	uint32_t total = line ? TABLE_INDENT : 0, n = 0;

	for (uint32_t i = 0; i < layout->n_columns; i++)
		if (!layout->columns[i].is_left_out && layout->columns[i].line == line)
			total += layout->columns[i].width + (n++ ? TABLE_GAP : 0);
	while (total > layout->width) {
		struct table_column *widest = NULL;

		for (uint32_t i = 0; i < layout->n_columns; i++) {
			struct table_column *column = &layout->columns[i];

			if (!column->is_left_out && column->line == line && column->is_text &&
			    column->width > column->least && (!widest || column->width > widest->width))
				widest = column;
		}
		if (!widest)
			return;
		widest->width--;
		total--;
	}
}

void table_layout_fit(struct table_layout *layout)
{
	layout->n_lines = 1;
	layout->n_too_many = 0;
	if (!layout->width) {
		for (uint32_t i = 0; i < last_column(layout); i++)
			if (layout->columns[i].is_text && layout->columns[i].width > MAX_PADDED)
				layout->columns[i].width = MAX_PADDED;
		return;
	}
	if (layout->may_leave_out)
		leave_out(layout);
	break_lines(layout);
	for (uint32_t line = 0; line < layout->n_lines; line++)
		shrink(layout, line);
}
