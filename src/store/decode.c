// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes to columns. All columns of numbers are decoded, whatever is asked for: others are predicted from them.
 */
#include <errno.h>
#include <string.h>

#include "store/codec.h"
#include "store/segment_format.h"

/* A column on its way in. */
struct column {
	struct block *block;
	struct codec_state *state;
	uint32_t field;
	uint8_t head;
	uint64_t origin, boundary, factor;
	struct column_models *models;
	const uint64_t *minuend, *subtrahend;
	uint64_t *values; /* to here; 0 where null */
};

static void get_nulls(struct range_source *from, struct column_models *models, uint8_t *nulls, uint32_t rows)
{
	uint8_t before = 0;

	for (uint32_t row = 0; row < rows; row++)
		before = nulls[row] = (uint8_t)range_get(from, &models->is_null[before]);
}

static uint64_t get_alone(struct range_source *from, struct column_models *models)
{
	uint8_t length = 0;

	return get_number(from, models, &length);
}

/* The column's two that come before it and hold numbers. */
static int get_relation(struct range_source *from, struct column *column)
{
	const struct table *table = column->block->table;
	uint64_t minuend = get_alone(from, column->models), subtrahend = get_alone(from, column->models);

	if (minuend >= column->field || field_is_text(&table->fields[minuend]))
		return -EBADMSG;
	column->minuend = column->block->numbers[minuend];
	if (subtrahend == NO_COLUMN)
		return 0;
	if (subtrahend >= column->field || field_is_text(&table->fields[subtrahend]))
		return -EBADMSG;
	column->subtrahend = column->block->numbers[subtrahend];
	return 0;
}

/* What nothing predicts is by itself; else it is signed and added. */
static void get_numbers(struct range_source *from, const struct column *column)
{
	const uint8_t predicted = column->head & PREDICTED_MASK, *nulls = column->block->nulls[column->field];
	const uint32_t *series_ids = column->state->series_ids;
	const int is_constant = (column->head & FORM_MASK) == FORM_CONSTANT;
	uint64_t *lasts = codec_state_last(column->state, column->field);
	uint8_t *lengths = codec_state_lengths(column->state, column->field);
	uint64_t before = column->origin, number = is_constant ? get_alone(from, column->models) : 0;
	struct range_source coder = *from; /* in registers */

	for (uint32_t row = 0; row < column->block->rows; row++) {
		uint64_t *last = &lasts[series_ids[row]], value;

		if (nulls[row]) {
			column->values[row] = 0;
			continue;
		}
		if (!is_constant)
			number = get_number(&coder, column->models, &lengths[series_ids[row]]);
		value = (predicted ? unzigzag(number) : number) * column->factor;
		switch (predicted) {
		case FOREREPORTED_BY_ROW:
			value += before;
			break;
		case FOREREPORTED_BY_SERIES:
			value += *last;
			break;
		case FOREREPORTED_BY_COLUMNS:
			value += column->minuend[row] - (column->subtrahend ? column->subtrahend[row] : 0);
			break;
		case FOREREPORTED_BY_EDGE:
			value += column->boundary;
			break;
		}
		before = *last = column->values[row] = value;
	}
	*from = coder;
}

static int get_column(struct range_source *from, struct column *column)
{
	const uint32_t rows = column->block->rows;
	uint8_t *nulls = column->block->nulls[column->field];
	int r = 0;

	column->head = get_head(from, column->models->head);
	if ((column->head & FORM_MASK) > FORM_EACH || (column->head & PREDICTED_MASK) > FOREREPORTED_BY_EDGE)
		return -EBADMSG;
	if ((column->head & FORM_MASK) == FORM_ALL_NULL) {
		memset(nulls, 1, rows);
		memset(column->values, 0, rows * sizeof(*column->values));
		return 0;
	}
	memset(nulls, 0, rows);
	if ((column->head & PREDICTED_MASK) == FOREREPORTED_BY_COLUMNS)
		r = get_relation(from, column);
	column->factor = column->head & COLUMN_HAS_FACTOR ? get_alone(from, column->models) : 1;
	if (r < 0)
		return r;
	if (column->head & COLUMN_HAS_NULLS)
		get_nulls(from, column->models, nulls, rows);
	get_numbers(from, column);
	return 0;
}

/* The texts that the column has named for the first time. */
static int get_new_texts(struct source *source, const struct column *column)
{
	struct dictionary *texts = &column->state->texts;
	uint64_t last = 0;

	for (uint32_t row = 0; row < column->block->rows; row++)
		if (column->values[row] > last)
			last = column->values[row];
	while (texts->n < last) {
		uint64_t len = get_varint(source);
		const unsigned char *data = len <= source->left ? get_bytes(source, len) : NULL;
		int r = data ? dictionary_add(texts, data, len) : -EBADMSG;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Each text is in the block once, however many rows have it. */
static int place_text(struct block *block, struct dictionary *texts, uint32_t field, uint32_t row, uint64_t number)
{
	struct dictionary_text *text;
	int r = 0;

	if (!number)
		return -EBADMSG;
	text = &texts->texts[number - 1];
	if (text->section == texts->section) {
		block->texts[field][row] = (struct span){text->place, text->len};
		return 0;
	}
	if (text->len > block->arena_size - block->arena_used)
		r = block_reserve(block, block->capacity, (block->arena_used + text->len) * 2);
	text->section = texts->section;
	text->place = block->arena_used;
	return r < 0 ? r : block_set_text(block, row, field, texts->bytes.data + text->offset, text->len);
}

static int place_texts(const struct column *column)
{
	struct block *block = column->block;

	for (uint32_t row = 0; row < block->rows; row++) {
		int r = 0;

		if (block_is_null(block, row, column->field))
			block->texts[column->field][row] = (struct span){0, 0};
		else
			r = place_text(block, &column->state->texts, column->field, row, column->values[row]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A series that was not there before is the next one. */
static int get_series(struct range_source *from, uint32_t rows, struct codec_state *state)
{
	uint64_t series_id = 0;
	uint8_t length = 0;

	for (uint32_t row = 0; row < rows; row++) {
		series_id += unzigzag(get_number(from, &state->models[state->n_fields], &length));
		if (series_id > state->n_series)
			return -EBADMSG;
		if (series_id == state->n_series) {
			int r = codec_state_add_series(state);

			if (r < 0)
				return r;
		}
		state->series_ids[row] = (uint32_t)series_id;
	}
	return 0;
}

int section_get(struct source *numbers, struct source *texts, uint32_t rows, struct block *block,
		const struct interval *interval, struct codec_state *state)
{
	const struct table *table = block->table;
	struct range_source from;
	int r = block_reserve(block, rows, block->arena_size);

	if (r == 0)
		r = codec_state_reserve(state, rows, table->n_fields);
	if (r < 0)
		return r;
	range_get_begin(&from, numbers->data, numbers->left);
	r = get_series(&from, rows, state);
	block->rows = r == 0 ? rows : 0;
	state->texts.section++;
	for (uint32_t field = 0; r >= 0 && field < table->n_fields; field++) {
		int is_text = field_is_text(&table->fields[field]);
		struct column column = {
			.block = block,
			.state = state,
			.field = field,
			.origin = column_origin(&table->fields[field], interval),
			.boundary = interval_boundary(interval),
			.models = &state->models[field],
			.values = is_text ? state->values : block->numbers[field],
		};

		r = get_column(&from, &column);
		if (r == 0 && is_text)
			r = get_new_texts(texts, &column);
		if (r == 0 && is_text)
			r = place_texts(&column);
	}
	return r < 0 ? r : 0;
}
