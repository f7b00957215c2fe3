// SPDX-License-Identifier: BSD-2-Clause
/*
 * Adding up values one by one. Numbers come from disk, so that a sum may pass 64 bits; then it says so.
 */
#include "query/aggregate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool has_text(const struct term *term, const struct field *field)
{
	return (term->kind == TERM_FIRST || term->kind == TERM_LAST) && field && field_is_text(field);
}

struct field aggregate_field(const struct term *term, const struct field *field)
{
	struct field ret = {NULL, FIELD_U64, UNIT_NONE, KIND_SUM, "rows in the group"};

	if (field)
		ret = *field;
	ret.name = term->name;
	switch (term->kind) {
	case TERM_KEY:
		ret.kind = KIND_LABEL;
		break;
	case TERM_COUNT:
		ret.type = FIELD_U64;
		ret.unit = UNIT_NONE;
		ret.kind = KIND_SUM;
		break;
	case TERM_SUM:
		ret.kind = KIND_SUM;
		if (ret.type == FIELD_BOOL)
			ret.type = FIELD_U64; /* how often it was true */
		break;
	case TERM_MAX:
		ret.kind = KIND_MAX;
		break;
	default:
		ret.kind = KIND_GAUGE;
	}
	return ret;
}

int aggregate_count(struct aggregate *aggregate, uint64_t weight)
{
	return __builtin_add_overflow(aggregate->n, weight, &aggregate->n) ? -EOVERFLOW : 0;
}

static int add_sum(struct aggregate *aggregate, const struct field *field, uint64_t value, uint64_t weight)
{
	int is_past = 0;

	if (field->type == FIELD_I64) {
		int64_t sum = (int64_t)aggregate->number, part;

		is_past = __builtin_mul_overflow((int64_t)value, weight, &part) ||
			  __builtin_add_overflow(sum, part, &sum);
		aggregate->number = (uint64_t)sum;
	} else {
		uint64_t part;

		is_past = __builtin_mul_overflow(value, weight, &part) ||
			  __builtin_add_overflow(aggregate->number, part, &aggregate->number);
	}
	return is_past ? -EOVERFLOW : 0;
}

static int add_quantile(struct aggregate *aggregate, uint64_t value, uint64_t weight)
{
	if (!aggregate->histogram)
		aggregate->histogram = calloc(1, sizeof(*aggregate->histogram));
	return aggregate->histogram ? histogram_add(aggregate->histogram, value, weight) : -ENOMEM;
}

static bool is_less(const struct field *field, uint64_t a, uint64_t b)
{
	return field->type == FIELD_I64 ? (int64_t)a < (int64_t)b : a < b;
}

/* Of two rows of the same time the one that came first is the first, the other the last. */
static bool is_wanted_by_time(const struct term *term, uint64_t real_ns, uint64_t kept_real_ns)
{
	return term->kind == TERM_FIRST ? real_ns < kept_real_ns : real_ns >= kept_real_ns;
}

static int keep_text(struct aggregate *aggregate, const struct observation *observation)
{
	size_t len;
	const char *data = block_text(observation->block, observation->row, observation->column, &len);
	struct aggregate_text *text = aggregate->text;

	if (!text || text->len < len) {
		text = realloc(text, sizeof(*text) + len);
		if (!text)
			return -ENOMEM;
		aggregate->text = text;
	}
	if (len)
		memcpy(text->data, data, len);
	text->len = len;
	aggregate->number = observation->real_ns;
	return 0;
}

static int add_by_time(struct aggregate *aggregate, const struct term *term, const struct field *field,
		       const struct observation *observation, bool is_first)
{
	int is_text = field_is_text(field);
	uint64_t kept_real_ns = is_text ? aggregate->number : aggregate->real_ns;

	if (!is_first && !is_wanted_by_time(term, observation->real_ns, kept_real_ns))
		return 0;
	if (is_text)
		return keep_text(aggregate, observation);
	aggregate->number = block_number(observation->block, observation->row, observation->column);
	aggregate->real_ns = observation->real_ns;
	return 0;
}

int aggregate_add(struct aggregate *aggregate, const struct term *term, const struct field *field,
		  const struct observation *observation)
{
	/* A weight is what it counts: of itself a row stands for one. A row that stands for none says nothing. */
	uint64_t weight = field->kind == KIND_WEIGHT && term->kind != TERM_COUNT ? 1 : observation->weight;
	int is_first = !aggregate->n;
	uint64_t value;

	if (!weight)
		return 0;
	if (aggregate_count(aggregate, weight) < 0)
		return -EOVERFLOW;
	if (term->kind == TERM_FIRST || term->kind == TERM_LAST)
		return add_by_time(aggregate, term, field, observation, is_first);
	if (term->kind == TERM_COUNT)
		return 0;
	value = block_number(observation->block, observation->row, observation->column);
	if (term->kind == TERM_SUM || term->kind == TERM_AVG)
		return add_sum(aggregate, field, value, weight);
	if (term->kind == TERM_QUANTILE)
		return add_quantile(aggregate, value, weight);
	if (is_first || (term->kind == TERM_MIN ? is_less(field, value, aggregate->number)
						: is_less(field, aggregate->number, value)))
		aggregate->number = value;
	return 0;
}

size_t aggregate_text_len(const struct aggregate *aggregate, const struct term *term, const struct field *field)
{
	return has_text(term, field) && aggregate->text ? aggregate->text->len : 0;
}

/* Rounded towards zero. */
static uint64_t average(const struct aggregate *aggregate, const struct field *field)
{
	int is_negative = field->type == FIELD_I64 && (int64_t)aggregate->number < 0;

	if (is_negative)
		return -(-aggregate->number / aggregate->n);
	return aggregate->number / aggregate->n;
}

int aggregate_put(struct aggregate *aggregate, const struct term *term, const struct field *field, struct block *block,
		  uint32_t row, uint32_t column)
{
	if (term->kind == TERM_COUNT)
		block_set_number(block, row, column, aggregate->n);
	else if (!aggregate->n)
		return 0;
	else if (has_text(term, field))
		return block_set_text(block, row, column, aggregate->text->data, aggregate->text->len);
	else if (term->kind == TERM_QUANTILE)
		block_set_number(block, row, column, histogram_quantile(aggregate->histogram, term->share));
	else
		block_set_number(block, row, column,
				 term->kind == TERM_AVG ? average(aggregate, field) : aggregate->number);
	return 0;
}

void aggregate_done(struct aggregate *aggregate, const struct term *term, const struct field *field)
{
	if (term->kind == TERM_QUANTILE && aggregate->histogram) {
		histogram_done(aggregate->histogram);
		free(aggregate->histogram);
	} else if (has_text(term, field)) {
		free(aggregate->text);
	}
}
