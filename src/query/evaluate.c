// SPDX-License-Identifier: BSD-2-Clause
/*
 * Running a compiled filter over the rows of a block.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "query/expression.h"
#include "query/program.h"
#include "query/test_value.h"

static int compare_texts(struct text_value a, struct text_value b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int comparison_holds(enum comparison comparison, int order)
{
	switch (comparison) {
	case COMPARE_EQ:
	case COMPARE_IN:
		return order == 0;
	case COMPARE_NE:
		return order != 0;
	case COMPARE_LT:
		return order < 0;
	case COMPARE_LE:
		return order <= 0;
	case COMPARE_GT:
		return order > 0;
	case COMPARE_GE:
		return order >= 0;
	default:
		return 0;
	}
}

static int compare_numbers(const struct predicate *predicate, uint64_t value, uint64_t constant)
{
	if (predicate->field->type == FIELD_I64)
		return ((int64_t)value > (int64_t)constant) - ((int64_t)value < (int64_t)constant);
	return (value > constant) - (value < constant);
}

static int test_number(const struct expression *expression, const struct predicate *predicate, uint64_t value)
{
	const struct constant *constants = (const struct constant *)(const void *)expression->constants.data;
	int is_listed = 0;

	constants += predicate->first_constant;
	if (predicate->comparison != COMPARE_IN && predicate->comparison != COMPARE_NOT_IN)
		return comparison_holds(predicate->comparison, compare_numbers(predicate, value, constants[0].number));
	for (uint32_t i = 0; i < predicate->n_constants && !is_listed; i++)
		is_listed = constants[i].number == value;
	return is_listed == (predicate->comparison == COMPARE_IN);
}

static int test_text(const struct expression *expression, const struct predicate *predicate, struct text_value value)
{
	const struct constant *constants = (const struct constant *)(const void *)expression->constants.data;
	int is_listed = 0;

	if (predicate->regex) {
		int is_match = regexec(predicate->regex, value.data, 0, NULL, 0) == 0;

		return is_match == (predicate->comparison == COMPARE_MATCH);
	}
	constants += predicate->first_constant;
	for (uint32_t i = 0; i < predicate->n_constants && !is_listed; i++) {
		struct text_value constant = {expression->texts.data + constants[i].text_at, constants[i].text_len};
		int order = compare_texts(value, constant);

		if (predicate->comparison != COMPARE_IN && predicate->comparison != COMPARE_NOT_IN)
			return comparison_holds(predicate->comparison, order);
		is_listed = order == 0;
	}
	return is_listed == (predicate->comparison == COMPARE_IN);
}

/*
 * A copy with spaces where NULs are: the items of a list with one space between them, and for regexec() a
 * string that ends where the value does. The NUL behind the last item falls away.
 */
static int copy_joined(struct buffer *joined, struct text_value *value, bool is_list)
{
	joined->used = 0;
	if (is_list && value->len && value->data[value->len - 1] == '\0')
		value->len--;
	if (buffer_reserve(joined, value->len + 1) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < value->len; i++)
		joined->data[i] = value->data[i] ? value->data[i] : ' ';
	joined->data[value->len] = '\0';
	value->data = joined->data;
	return 0;
}

int test_text_value(const struct expression *expression, const struct predicate *predicate, struct text_value value,
		    struct buffer *scratch)
{
	bool is_list = predicate->field->type == FIELD_STRINGS;

	if ((is_list || predicate->regex) && copy_joined(scratch, &value, is_list) < 0)
		return -ENOMEM;
	return test_text(expression, predicate, value);
}

static int test_operand(const struct predicate *predicate, const struct block *block, uint32_t row)
{
	const struct operand *operand = &predicate->operand;

	if (operand->column < 0 || block_is_null(block, row, (uint32_t)operand->column))
		return 0;
	return comparison_holds(predicate->comparison,
				operand_compare(operand, predicate->field,
						block_number(block, row, (uint32_t)predicate->column),
						block_number(block, row, (uint32_t)operand->column)));
}

static int test(struct expression *expression, const struct predicate *predicate, const struct block *block,
		uint32_t row)
{
	int is_null = predicate->column < 0 || block_is_null(block, row, (uint32_t)predicate->column);
	struct text_value value;

	if (predicate->comparison == COMPARE_IS_NULL)
		return is_null;
	if (predicate->comparison == COMPARE_IS_NOT_NULL)
		return !is_null;
	if (is_null)
		return 0;
	if (predicate->operand.field)
		return test_operand(predicate, block, row);
	if (!field_is_text(predicate->field))
		return test_number(expression, predicate, block_number(block, row, (uint32_t)predicate->column));
	value.data = block_text(block, row, (uint32_t)predicate->column, &value.len);
	return test_text_value(expression, predicate, value, &expression->joined);
}

int expression_matches(struct expression *expression, const struct block *block, uint32_t row)
{
	const struct instruction *program = (const struct instruction *)(const void *)expression->instructions.data;
	size_t n_predicates, n = expression->instructions.used / sizeof(*program);
	const struct predicate *predicates = expression_predicates(expression, &n_predicates);
	int truth = 1;

	for (size_t i = 0; i < n;) {
		switch (program[i].opcode) {
		case OP_TEST:
			truth = test(expression, &predicates[program[i].operand], block, row);
			if (truth < 0)
				return truth;
			break;
		case OP_NEGATE:
			truth = !truth;
			break;
		case OP_SKIP_IF_FALSE:
		case OP_SKIP_IF_TRUE:
			if (truth == (program[i].opcode == OP_SKIP_IF_TRUE)) {
				i = program[i].operand;
				continue;
			}
			break;
		}
		i++;
	}
	return truth;
}

void expression_bind(struct expression *expression, const struct table *table)
{
	size_t n;
	struct predicate *predicates = expression_predicates(expression, &n);

	for (size_t i = 0; i < n; i++) {
		predicates[i].column = table_same_field(table, predicates[i].field);
		if (predicates[i].operand.field)
			predicates[i].operand.column = table_same_field(table, predicates[i].operand.field);
	}
}

void expression_free(struct expression *expression)
{
	struct predicate *predicates;
	size_t n;

	if (!expression)
		return;
	predicates = expression_predicates(expression, &n);
	for (size_t i = 0; i < n; i++) {
		if (predicates[i].regex)
			regfree(predicates[i].regex);
		free(predicates[i].regex);
	}
	buffer_done(&expression->instructions);
	buffer_done(&expression->predicates);
	buffer_done(&expression->constants);
	buffer_done(&expression->texts);
	buffer_done(&expression->joined);
	free(expression);
}
