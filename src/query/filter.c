// SPDX-License-Identifier: BSD-2-Clause
/*
 * The program of an expression (program.h) run over all rows of a group at once: its one register is a column of
 * truths. What a jump leaps over is the second half of an `and` or `or`: it is run only if the first half leaves a row
 * open.
 *
 * Over what is known of columns alone the same program is run with three truths: of no row, of some, of all.
 */
#include "query/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/program.h"
#include "query/test_value.h"

#define MAX_DEPTH (2 * EXPRESSION_MAX_DEPTH + 4) /* of an `and` in an `or` in an `and` ... */

struct filter {
	const struct expression *expression;
	struct buffer joined;
	uint8_t *truths[MAX_DEPTH]; /* of each depth that was reached */
	uint8_t *entries;	    /* of texts: does it hold for them? */
	uint32_t capacity, entries_capacity;

	struct group_reader *reader; /* of the group at hand */
	const struct block *block;
};

static const struct instruction *program_of(const struct expression *expression, size_t *ret_n)
{
	*ret_n = expression->instructions.used / sizeof(struct instruction);
	return (const struct instruction *)(const void *)expression->instructions.data;
}

struct filter *filter_new(const struct expression *expression)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (filter)
		filter->expression = expression;
	return filter;
}

static void free_truths(struct filter *filter)
{
	for (int i = 0; i < MAX_DEPTH; i++) {
		free(filter->truths[i]);
		filter->truths[i] = NULL;
	}
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	free_truths(filter);
	free(filter->entries);
	buffer_done(&filter->joined);
	free(filter);
}

/* --- what is known without reading ------------------------------------------------------------------------------ */
enum truth { OF_NONE, OF_SOME, OF_ALL };

static int order_of(const struct field *field, uint64_t a, uint64_t b)
{
	if (field->type == FIELD_I64)
		return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
	return (a > b) - (a < b);
}

/* Of rows that are not null: least and greatest against the constant. */
static enum truth compare_ends(enum comparison comparison, int least, int greatest)
{
	switch (comparison) {
	case COMPARE_EQ:
		return least > 0 || greatest < 0 ? OF_NONE : least == 0 && greatest == 0 ? OF_ALL : OF_SOME;
	case COMPARE_NE:
		return least > 0 || greatest < 0 ? OF_ALL : least == 0 && greatest == 0 ? OF_NONE : OF_SOME;
	case COMPARE_LT:
		return least >= 0 ? OF_NONE : greatest < 0 ? OF_ALL : OF_SOME;
	case COMPARE_LE:
		return least > 0 ? OF_NONE : greatest <= 0 ? OF_ALL : OF_SOME;
	case COMPARE_GT:
		return greatest <= 0 ? OF_NONE : least > 0 ? OF_ALL : OF_SOME;
	case COMPARE_GE:
		return greatest < 0 ? OF_NONE : least >= 0 ? OF_ALL : OF_SOME;
	default:
		return OF_SOME;
	}
}

/* Only the beginnings of texts are known: none may be equal, but never surely one is. */
static enum truth judge_text(const struct expression *expression, const struct predicate *predicate,
			     const struct column_stats *stats)
{
	const struct constant *constants = (const struct constant *)(const void *)expression->constants.data;

	/* Items of a list are compared with spaces between them. */
	if ((predicate->comparison != COMPARE_EQ && predicate->comparison != COMPARE_IN) ||
	    predicate->field->type != FIELD_STRING)
		return OF_SOME;
	for (uint32_t i = 0; i < predicate->n_constants; i++) {
		const struct constant *constant = &constants[predicate->first_constant + i];
		uint64_t prefix = text_prefix(expression->texts.data + constant->text_at, constant->text_len);

		if (prefix >= stats->least && prefix <= stats->greatest)
			return OF_SOME;
	}
	return OF_NONE;
}

static enum truth judge_numbers(const struct expression *expression, const struct predicate *predicate,
				const struct column_stats *stats)
{
	const struct constant *constants = (const struct constant *)(const void *)expression->constants.data;

	constants += predicate->first_constant;
	if (predicate->comparison == COMPARE_NOT_IN)
		return OF_SOME;
	if (predicate->comparison != COMPARE_IN)
		return compare_ends(predicate->comparison, order_of(predicate->field, stats->least, constants->number),
				    order_of(predicate->field, stats->greatest, constants->number));
	for (uint32_t i = 0; i < predicate->n_constants; i++)
		if (compare_ends(COMPARE_EQ, order_of(predicate->field, stats->least, constants[i].number),
				 order_of(predicate->field, stats->greatest, constants[i].number)) != OF_NONE)
			return OF_SOME;
	return OF_NONE;
}

static enum truth judge(const struct expression *expression, const struct predicate *predicate,
			const struct store_group *group)
{
	int column = table_same_field(group->table, predicate->field);
	struct column_stats stats = {.nulls = group->rows};
	enum truth truth;

	if (column >= 0 && !store_group_stats(group, (uint32_t)column, &stats))
		return OF_SOME;
	if (predicate->comparison == COMPARE_IS_NULL)
		return stats.nulls == group->rows ? OF_ALL : stats.nulls ? OF_SOME : OF_NONE;
	if (predicate->comparison == COMPARE_IS_NOT_NULL)
		return stats.nulls == group->rows ? OF_NONE : stats.nulls ? OF_SOME : OF_ALL;
	if (stats.nulls == group->rows)
		return OF_NONE;
	if (predicate->operand.field)
		return OF_SOME;
	truth = field_is_text(predicate->field) ? judge_text(expression, predicate, &stats)
						: judge_numbers(expression, predicate, &stats);
	return truth == OF_ALL && stats.nulls ? OF_SOME : truth;
}

static enum truth judge_range(const struct expression *expression, const struct store_group *group, size_t first,
			      size_t last)
{
	size_t n;
	const struct instruction *program = program_of(expression, &n);
	const struct predicate *predicates = expression_predicates(expression, &n);
	enum truth truth = OF_ALL, second;

	for (size_t i = first; i < last;) {
		switch (program[i].opcode) {
		case OP_TEST:
			truth = judge(expression, &predicates[program[i].operand], group);
			break;
		case OP_NEGATE:
			truth = OF_ALL - truth;
			break;
		case OP_SKIP_IF_FALSE:
			second = judge_range(expression, group, i + 1, program[i].operand);
			truth = second < truth ? second : truth;
			i = program[i].operand;
			continue;
		case OP_SKIP_IF_TRUE:
			second = judge_range(expression, group, i + 1, program[i].operand);
			truth = second > truth ? second : truth;
			i = program[i].operand;
			continue;
		}
		i++;
	}
	return truth;
}

bool filter_may_match(const struct expression *expression, const struct store_group *group)
{
	size_t n;

	program_of(expression, &n);
	return judge_range(expression, group, 0, n) != OF_NONE;
}

/* --- rows ------------------------------------------------------------------------------------------------------- */
/* One comparison with one number, over all rows. */
#define COMPARE_ALL(type, operator)                                                                                    \
	for (uint32_t row = 0; row < n; row++)                                                                         \
	ret[row] = (type)values[row] operator(type) constant

static void compare_numbers(const struct predicate *predicate, uint64_t constant, const uint64_t *values, uint32_t n,
			    uint8_t *ret)
{
	bool is_signed = predicate->field->type == FIELD_I64;

	switch (predicate->comparison) {
	case COMPARE_EQ:
		COMPARE_ALL(uint64_t, ==);
		break;
	case COMPARE_NE:
		COMPARE_ALL(uint64_t, !=);
		break;
	case COMPARE_LT:
		if (is_signed)
			COMPARE_ALL(int64_t, <);
		else
			COMPARE_ALL(uint64_t, <);
		break;
	case COMPARE_LE:
		if (is_signed)
			COMPARE_ALL(int64_t, <=);
		else
			COMPARE_ALL(uint64_t, <=);
		break;
	case COMPARE_GT:
		if (is_signed)
			COMPARE_ALL(int64_t, >);
		else
			COMPARE_ALL(uint64_t, >);
		break;
	case COMPARE_GE:
		if (is_signed)
			COMPARE_ALL(int64_t, >=);
		else
			COMPARE_ALL(uint64_t, >=);
		break;
	default:
		break;
	}
}

static void test_numbers(struct filter *filter, const struct predicate *predicate, uint32_t column, uint8_t *ret)
{
	const struct constant *constants = (const struct constant *)(const void *)filter->expression->constants.data;
	const uint64_t *values = filter->block->numbers[column];
	uint32_t n = filter->block->rows;

	constants += predicate->first_constant;
	if (predicate->comparison != COMPARE_IN && predicate->comparison != COMPARE_NOT_IN) {
		compare_numbers(predicate, constants->number, values, n, ret);
		return;
	}
	memset(ret, 0, n);
	for (uint32_t i = 0; i < predicate->n_constants; i++)
		for (uint32_t row = 0; row < n; row++)
			ret[row] |= values[row] == constants[i].number;
	for (uint32_t row = 0; predicate->comparison == COMPARE_NOT_IN && row < n; row++)
		ret[row] = !ret[row];
}

static int test_texts(struct filter *filter, const struct predicate *predicate, uint32_t column, uint8_t *ret)
{
	const struct block *block = filter->block;
	const struct block_dictionary *dictionary = &block->dictionaries[column];
	uint32_t n = dictionary->n_entries;

	if (n > filter->entries_capacity) {
		free(filter->entries);
		filter->entries = malloc(n);
		filter->entries_capacity = filter->entries ? n : 0;
		if (!filter->entries)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct text_value value = {block->arena + dictionary->entries[i].offset, dictionary->entries[i].len};
		int r = test_text_value(filter->expression, predicate, value, &filter->joined);

		if (r < 0)
			return r;
		filter->entries[i] = (uint8_t)r;
	}
	for (uint32_t row = 0; row < block->rows; row++)
		ret[row] = block->nulls[column][row] ? 0 : filter->entries[dictionary->numbers[row]];
	return 0;
}

static int test_operand(struct filter *filter, const struct predicate *predicate, uint32_t column, uint8_t *ret)
{
	const struct operand *operand = &predicate->operand;
	const struct block *block = filter->block;
	int other = table_same_field(block->table, operand->field);
	int r = other < 0 ? 0 : group_reader_column(filter->reader, (uint32_t)other);

	memset(ret, 0, block->rows);
	for (uint32_t row = 0; row < block->rows && other >= 0 && r == 0; row++)
		ret[row] = !block->nulls[column][row] && !block->nulls[other][row] &&
			   comparison_holds(predicate->comparison,
					    operand_compare(operand, predicate->field, block->numbers[column][row],
							    block->numbers[other][row]));
	return r;
}

static int test_all(struct filter *filter, const struct predicate *predicate, uint8_t *ret)
{
	const struct block *block = filter->block;
	int column = table_same_field(block->table, predicate->field), r;
	bool wants_null = predicate->comparison == COMPARE_IS_NULL;
	const uint8_t *nulls;

	if (column < 0) {
		memset(ret, wants_null, block->rows);
		return 0;
	}
	r = group_reader_column(filter->reader, (uint32_t)column);
	if (r < 0)
		return r;
	nulls = block->nulls[column];
	if (wants_null || predicate->comparison == COMPARE_IS_NOT_NULL) {
		for (uint32_t row = 0; row < block->rows; row++)
			ret[row] = (nulls[row] != 0) == wants_null;
		return 0;
	}
	if (predicate->operand.field)
		return test_operand(filter, predicate, (uint32_t)column, ret);
	if (!field_is_text(predicate->field))
		test_numbers(filter, predicate, (uint32_t)column, ret);
	else if (block->dictionaries[column].numbers)
		return test_texts(filter, predicate, (uint32_t)column, ret);
	else
		memset(ret, 0, block->rows); /* all null, or damaged */
	for (uint32_t row = 0; row < block->rows; row++)
		ret[row] &= nulls[row] == 0;
	return 0;
}

static int run(struct filter *filter, size_t first, size_t last, unsigned depth)
{
	size_t n;
	const struct instruction *program = program_of(filter->expression, &n);
	const struct predicate *predicates = expression_predicates(filter->expression, &n);
	uint32_t rows = filter->block->rows;
	uint8_t *truth, *second;
	int r = 0;

	if (depth + 1 >= MAX_DEPTH)
		return -E2BIG; /* the parser allows no such depth */
	if (!filter->truths[depth])
		filter->truths[depth] = malloc(filter->capacity);
	truth = filter->truths[depth];
	if (!truth)
		return -ENOMEM;
	memset(truth, 1, rows);
	for (size_t i = first; i < last && r == 0;) {
		bool is_and = program[i].opcode == OP_SKIP_IF_FALSE;

		if (program[i].opcode == OP_TEST)
			r = test_all(filter, &predicates[program[i].operand], truth);
		for (uint32_t row = 0; program[i].opcode == OP_NEGATE && row < rows; row++)
			truth[row] = !truth[row];
		if (program[i].opcode == OP_TEST || program[i].opcode == OP_NEGATE) {
			i++;
			continue;
		}
		/* Is there a row that the second half can change? */
		if (memchr(truth, is_and ? 1 : 0, rows)) {
			r = run(filter, i + 1, program[i].operand, depth + 1);
			second = filter->truths[depth + 1];
			for (uint32_t row = 0; row < rows && r == 0; row++)
				truth[row] = is_and ? truth[row] & second[row] : truth[row] | second[row];
		}
		i = program[i].operand;
	}
	return r;
}

int filter_rows(struct filter *filter, struct group_reader *reader, uint8_t *rows)
{
	size_t n;
	int r;

	filter->reader = reader;
	filter->block = group_reader_block(reader);
	if (filter->block->rows > filter->capacity) {
		free_truths(filter);
		filter->capacity = filter->block->rows;
	}
	program_of(filter->expression, &n);
	r = run(filter, 0, n, 0);
	for (uint32_t row = 0; row < filter->block->rows && r == 0; row++)
		rows[row] &= filter->truths[0][row];
	return r;
}
