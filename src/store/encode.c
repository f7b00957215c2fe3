// SPDX-License-Identifier: BSD-2-Clause
/*
 * Columns to bytes. Of each value something predicts a part: the row before, the series's row before, other columns
 * of its row. What does it best is tried on some rows of the column, and the rest is written: one number when it is the
 * same in all rows, else a varint for each, divided by what divides them all (pages, ticks).
 */
#include "store/codec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/segment_format.h"
#include "store/series.h"

#define TRIED_ROWS 512

/* A column on its way out. */
struct column {
	const struct block *block;
	const struct interval *interval;
	struct codec_state *state;
	uint32_t field, rows;
	const uint64_t *values; /* numbers, or numbers of texts */
	const uint8_t *nulls;
	const uint64_t *minuend, *subtrahend; /* of its relation, NULL where there is none */
	struct relation relation;
	uint64_t *last;
};

static uint64_t related(const struct column *column, uint32_t row)
{
	return column->minuend[row] - (column->subtrahend ? column->subtrahend[row] : 0);
}

/* About what the entropy of such numbers is: the bits of each. */
static unsigned bits_of(uint64_t value)
{
	return value ? 64 - (unsigned)__builtin_clzll(value) : 0;
}

/* What each way to predict costs on the first rows. `last` is left as it is: rows of one series are far apart, mostly.
 */
static uint8_t cheapest(const struct column *column)
{
	static const uint8_t ways[] = {FOREREPORTED_BY_NOTHING, FOREREPORTED_BY_ROW, FOREREPORTED_BY_SERIES,
				       FOREREPORTED_BY_COLUMNS, FOREREPORTED_BY_EDGE};
	uint64_t costs[sizeof(ways)] = {0};
	const struct field *field = &column->block->table->fields[column->field];
	uint64_t before = column_origin(field, column->interval), boundary = interval_boundary(column->interval);
	uint32_t rows = column->rows < TRIED_ROWS ? column->rows : TRIED_ROWS;
	uint8_t best = 0;

	for (uint32_t row = 0; row < rows; row++) {
		uint64_t value = column->values[row], last = column->last[column->state->series_ids[row]];

		if (column->nulls[row])
			continue;
		costs[0] += bits_of(value);
		costs[1] += bits_of(zigzag(value - before));
		costs[2] += bits_of(zigzag(value - last));
		costs[3] += column->minuend ? bits_of(zigzag(value - related(column, row))) : 64;
		costs[4] += field->unit == UNIT_TIME ? bits_of(zigzag(value - boundary)) : 64;
		before = value;
	}
	for (size_t i = 1; i < sizeof(ways); i++)
		if (costs[i] < costs[best])
			best = i;
	return ways[best];
}

/* What is left of the values, signed unless nothing predicts them, to state->rest. How many. */
static uint32_t take_rest(const struct column *column, uint8_t predicted)
{
	const struct field *field = &column->block->table->fields[column->field];
	uint64_t before = column_origin(field, column->interval), boundary = interval_boundary(column->interval);
	uint64_t *rest = column->state->rest;
	uint32_t n = 0;

	for (uint32_t row = 0; row < column->rows; row++) {
		uint64_t value = column->values[row], *last = &column->last[column->state->series_ids[row]];

		if (column->nulls[row])
			continue;
		switch (predicted) {
		case FOREREPORTED_BY_ROW:
			rest[n++] = value - before;
			break;
		case FOREREPORTED_BY_SERIES:
			rest[n++] = value - *last;
			break;
		case FOREREPORTED_BY_COLUMNS:
			rest[n++] = value - related(column, row);
			break;
		case FOREREPORTED_BY_EDGE:
			rest[n++] = value - boundary;
			break;
		default:
			rest[n++] = value;
		}
		before = *last = value;
	}
	return n;
}

static uint64_t magnitude(uint64_t value, bool is_signed)
{
	return is_signed && (int64_t)value < 0 ? 0 - value : value;
}

/* Euclid; 0 for zeros only, most often 1 after a few rows. */
static uint64_t common_factor(const uint64_t *rest, uint32_t n, bool is_signed)
{
	uint64_t factor = 0;

	for (uint32_t i = 0; i < n && factor != 1; i++) {
		uint64_t a = magnitude(rest[i], is_signed), b = factor;

		while (b) {
			uint64_t left = a % b;

			a = b;
			b = left;
		}
		factor = a;
	}
	return factor;
}

static void make_numbers(uint64_t *rest, uint32_t n, uint64_t factor, bool is_signed)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t value = rest[i];

		if (is_signed && (int64_t)value < 0)
			rest[i] = zigzag(0 - (0 - value) / factor);
		else
			rest[i] = is_signed ? zigzag(value / factor) : value / factor;
	}
}

static bool is_constant(const uint64_t *values, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (values[i] != values[0])
			return 0;
	return 1;
}

static void put_nulls(struct range_sink *to, struct column_models *models, const uint8_t *nulls, uint32_t rows)
{
	uint8_t before = 0;

	for (uint32_t row = 0; row < rows; row++) {
		range_put(to, &models->is_null[before], nulls[row]);
		before = nulls[row];
	}
}

/* Numbers of one column, each with the length of its series's number before. */
static void put_each(struct range_sink *to, const struct column *column, struct column_models *models)
{
	uint8_t *lengths = codec_state_lengths(column->state, column->field);
	const uint32_t *series_ids = column->state->series_ids;
	const uint64_t *number = column->state->rest;
	struct range_sink coder = *to; /* in registers */

	for (uint32_t row = 0; row < column->rows; row++)
		if (!column->nulls[row])
			put_number(&coder, models, &lengths[series_ids[row]], *number++);
	*to = coder;
}

static void put_alone(struct range_sink *to, struct column_models *models, uint64_t number)
{
	uint8_t length = 0;

	put_number(to, models, &length, number);
}

static void put_column(struct range_sink *to, const struct column *column)
{
	struct column_models *models = &column->state->models[column->field];
	uint8_t predicted = cheapest(column);
	uint64_t *rest = column->state->rest, factor;
	uint32_t n = take_rest(column, predicted);
	uint8_t head = predicted | (n < column->rows ? COLUMN_HAS_NULLS : 0);
	int is_signed = predicted != FOREREPORTED_BY_NOTHING;

	if (!n) {
		put_head(to, models->head, FORM_ALL_NULL);
		return;
	}
	head |= is_constant(rest, n) ? FORM_CONSTANT : FORM_EACH;
	factor = (head & FORM_MASK) == FORM_EACH ? common_factor(rest, n, is_signed) : 1;
	if (factor > 1)
		head |= COLUMN_HAS_FACTOR;
	put_head(to, models->head, head);
	if (predicted == FOREREPORTED_BY_COLUMNS) {
		put_alone(to, models, column->relation.minuend);
		put_alone(to, models, column->relation.subtrahend);
	}
	if (factor > 1)
		put_alone(to, models, factor);
	if (head & COLUMN_HAS_NULLS)
		put_nulls(to, models, column->nulls, column->rows);
	make_numbers(rest, n, factor, is_signed);
	if ((head & FORM_MASK) == FORM_CONSTANT)
		put_alone(to, models, rest[0]);
	else
		put_each(to, column, models);
}

/* Series are stored like a column, each from the row's before. */
static void put_series(struct range_sink *to, struct codec_state *state, uint32_t rows)
{
	struct column_models *models = &state->models[state->n_fields];
	uint64_t before = 0;
	uint8_t length = 0;

	for (uint32_t row = 0; row < rows; row++) {
		put_number(to, models, &length, zigzag(state->series_ids[row] - before));
		before = state->series_ids[row];
	}
}

/* Numbers of all texts, new ones in the order of columns and rows. */
static int intern_texts(const struct block *block, struct codec_state *state)
{
	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		uint64_t *numbers;

		if (!field_is_text(&block->table->fields[field]))
			continue;
		numbers = codec_state_numbers(state, field);
		for (uint32_t row = 0; row < block->rows; row++) {
			uint32_t number = 0;
			size_t len;
			const char *text = block_text(block, row, field, &len);
			int r = block_is_null(block, row, field) ? 0
								 : dictionary_intern(&state->texts, text, len, &number);

			if (r < 0)
				return r;
			numbers[row] = number;
		}
	}
	return 0;
}

/* Behind a column of texts: those that it has named for the first time. Where the next column's begin is returned. */
static uint32_t put_new_texts(struct sink *texts_sink, const struct column *column, uint32_t next)
{
	const struct dictionary *texts = &column->state->texts;
	uint32_t end = next;

	for (uint32_t row = 0; row < column->rows; row++)
		if (column->values[row] > end)
			end = (uint32_t)column->values[row];
	for (; next < end; next++) {
		put_varint(texts_sink, texts->texts[next].len);
		put_bytes(texts_sink, texts->bytes.data + texts->texts[next].offset, texts->texts[next].len);
	}
	return end;
}

static const uint64_t *number_column(const struct block *block, uint32_t field)
{
	return field < block->table->n_fields && !field_is_text(&block->table->fields[field]) ? block->numbers[field]
											      : NULL;
}

static void relate(struct column *column)
{
	const struct relation *relation = relation_of(column->block->table, column->field);

	if (!relation || !number_column(column->block, column->field))
		return;
	column->relation = *relation;
	column->minuend = number_column(column->block, relation->minuend);
	column->subtrahend = number_column(column->block, relation->subtrahend);
	if (!column->subtrahend && relation->subtrahend != NO_COLUMN)
		column->minuend = NULL;
}

/* How many fields have texts. */
static uint32_t place_texts(const struct table *table, struct codec_state *state)
{
	uint32_t n = 0;

	for (uint32_t field = 0; field < table->n_fields; field++)
		if (field_is_text(&table->fields[field]))
			state->text_places[field] = (uint8_t)n++;
	return n;
}

static int prepare(const struct block *block, struct codec_state *state)
{
	int r = codec_state_reserve(state, block->rows, block->table->n_fields);

	if (r < 0)
		return r;
	if (!state->numbers)
		state->numbers = malloc((size_t)state->rows * place_texts(block->table, state) * sizeof(uint64_t) + 1);
	if (!state->numbers)
		return -ENOMEM;
	r = intern_texts(block, state);
	return r < 0 ? r : series_of(block, state);
}

void section_put(struct sink *numbers, struct sink *texts, const struct block *block, const struct interval *interval,
		 struct codec_state *state)
{
	/* A column: head, nulls, factor and relation, and a number for each row. */
	const size_t column_room = (block->rows + 8ull) * (NUMBER_MAX_BYTES + 1);
	uint32_t next_text = state->texts.n;
	struct range_sink to;

	range_put_begin(&to, numbers);
	if (range_put_room(&to, column_room) < 0 || prepare(block, state) < 0) {
		numbers->failed = 1;
		return;
	}
	put_series(&to, state, block->rows);
	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		int is_text = field_is_text(&block->table->fields[field]);
		struct column column = {
			.block = block,
			.interval = interval,
			.state = state,
			.field = field,
			.rows = block->rows,
			.values = is_text ? codec_state_numbers(state, field) : block->numbers[field],
			.nulls = block->nulls[field],
			.last = codec_state_last(state, field),
		};

		if (range_put_room(&to, column_room) < 0)
			return;
		relate(&column);
		put_column(&to, &column);
		if (is_text)
			next_text = put_new_texts(texts, &column, next_text);
	}
	range_put_end(&to);
	numbers->failed |= texts->failed;
}
