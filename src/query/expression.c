// SPDX-License-Identifier: BSD-2-Clause
/*
 * The compiler of filters: recursive descent with a bounded depth, straight into instructions. What it
 * makes is described in query/program.h and run by evaluate.c.
 */
#include "query/expression.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "query/lexer.h"
#include "query/literal.h"
#include "query/names.h"
#include "query/program.h"

struct parser {
	const char *text;
	const struct literal_context *context;
	struct token token; /* the one looked at */
	bool is_heading;    /* the field was named by its heading */
	int depth;
	struct expression *expression;
	struct expression_error *error;
};

static int parse_or(struct parser *parser);

static void advance(struct parser *parser)
{
	parser->token = lexer_next(parser->text, parser->token.at + parser->token.len);
}

static int report_error(struct parser *parser, struct token where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int report_error(struct parser *parser, struct token where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parser->error->message, sizeof(parser->error->message), format, args);
	va_end(args);
	parser->error->at = where.at;
	parser->error->len = where.len;
	return -EINVAL;
}

static int error_expected(struct parser *parser, const char *what)
{
	if (parser->token.kind == TOKEN_UNENDED)
		return report_error(parser, parser->token, "this quote does not end");
	if (parser->token.kind == TOKEN_END)
		return report_error(parser, parser->token, "expected %s, but the expression ends", what);
	return report_error(parser, parser->token, "expected %s", what);
}

static void emit(struct parser *parser, enum opcode opcode, uint32_t operand)
{
	struct instruction instruction = {opcode, operand};

	buffer_add(&parser->expression->instructions, &instruction, sizeof(instruction));
}

static size_t n_instructions(const struct parser *parser)
{
	return parser->expression->instructions.used / sizeof(struct instruction);
}

/* What is computed of a group is called like a call, `p99(wall_ns)`: one name, where the table has such names. */
static void take_call(struct parser *parser)
{
	const struct table *table = parser->expression->table;
	size_t end = parser->token.at + parser->token.len, len;
	const char *close = parser->text[end] == '(' ? strchr(parser->text + end, ')') : NULL;

	len = close ? (size_t)(close + 1 - parser->text) - parser->token.at : 0;
	for (uint32_t i = 0; i < table->n_fields && len; i++)
		if (strlen(table->fields[i].name) == len &&
		    memcmp(table->fields[i].name, parser->text + parser->token.at, len) == 0)
			parser->token.len = len;
}

static int find_field(struct parser *parser, const struct field **ret)
{
	const struct table *table = parser->expression->table;
	char error[sizeof(parser->error->message)];
	int field;

	take_call(parser);
	field = names_field(table, parser->text + parser->token.at, parser->token.len, error, sizeof(error));

	if (field < 0)
		return report_error(parser, parser->token, "%s", error);
	*ret = &table->fields[field];
	parser->is_heading = parser->token.len != strlen(table->fields[field].name);
	return 0;
}

/* A time may be several bare words: today 03:00, 3m ago. */
static struct token take_literal_token(struct parser *parser, const struct field *field)
{
	struct token token = parser->token;

	advance(parser);
	if (field->unit == UNIT_TIME && token.kind == TOKEN_WORD)
		for (; parser->token.kind == TOKEN_WORD; advance(parser))
			token.len = parser->token.at + parser->token.len - token.at;
	return token;
}

/* Adds the literal under the parser to the constants; its place in texts goes with it. */
static int parse_literal(struct parser *parser, const struct field *field, struct token *ret_token)
{
	struct buffer *texts = &parser->expression->texts;
	struct constant constant = {0, texts->used, 0};
	char error[LITERAL_ERROR_BYTES];
	struct token token;

	if (parser->token.kind == TOKEN_NULL)
		return report_error(parser, parser->token,
				    "null is no value to compare with; write `%s is null` or `is not null`",
				    field->name);
	if (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_QUOTED) {
		if (parser->token.kind >= TOKEN_AND)
			return report_error(parser, parser->token,
					    "expected a value; put quotes around this word to mean it");
		return error_expected(parser, "a value");
	}
	token = take_literal_token(parser, field);
	if (buffer_reserve(texts, token.len + 1) < 0)
		return -ENOMEM;
	constant.text_len = lexer_value(parser->text, &token, texts->data + texts->used);
	if (field->unit == UNIT_HUNDREDTHS && (parser->is_heading || field_heading_len(field) == strlen(field->name))) {
		if (quantity_read_hundredths(texts->data + constant.text_at, constant.text_len, &constant.number) < 0)
			return report_error(parser, token, "expected a number such as 1.5");
	} else if (!field_is_text(field) && literal_number(field, texts->data + constant.text_at, constant.text_len,
							   parser->context, &constant.number, error) < 0)
		return report_error(parser, token, "%s", error);
	texts->data[constant.text_at + constant.text_len] = '\0';
	texts->used += constant.text_len + 1;
	buffer_add(&parser->expression->constants, &constant, sizeof(constant));
	*ret_token = token;
	return 0;
}

static int parse_list(struct parser *parser, struct predicate *predicate)
{
	struct token ignored;

	if (parser->token.kind != TOKEN_OPEN)
		return error_expected(parser, "( and a list of values");
	do {
		int r;

		advance(parser);
		r = parse_literal(parser, predicate->field, &ignored);
		if (r < 0)
			return r;
		predicate->n_constants++;
	} while (parser->token.kind == TOKEN_COMMA);
	if (parser->token.kind != TOKEN_CLOSE)
		return error_expected(parser, ", or ) in the list of values");
	advance(parser);
	return 0;
}

static int parse_pattern(struct parser *parser, struct predicate *predicate)
{
	const struct constant *constant;
	const char *pattern;
	struct token token;
	char reason[100];
	int r;

	if (!field_is_text(predicate->field))
		return report_error(parser, parser->token, "%s is a number; ~ and !~ compare text",
				    predicate->field->name);
	advance(parser);
	r = parse_literal(parser, predicate->field, &token);
	if (r < 0)
		return r;
	if (parser->expression->constants.error)
		return -ENOMEM;
	constant = (const struct constant *)(const void *)parser->expression->constants.data;
	constant += predicate->first_constant;
	pattern = parser->expression->texts.data + constant->text_at;
	if (constant->text_len > EXPRESSION_MAX_PATTERN)
		return report_error(parser, token, "a regular expression may have %d bytes", EXPRESSION_MAX_PATTERN);
	predicate->regex = calloc(1, sizeof(*predicate->regex));
	if (!predicate->regex)
		return -ENOMEM;
	r = regcomp(predicate->regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		return 0;
	regerror(r, predicate->regex, reason, sizeof(reason));
	free(predicate->regex);
	predicate->regex = NULL;
	return r == REG_ESPACE ? -ENOMEM : report_error(parser, token, "not a regular expression: %s", reason);
}

static int parse_is_null(struct parser *parser, struct predicate *predicate)
{
	advance(parser);
	predicate->comparison = COMPARE_IS_NULL;
	if (parser->token.kind == TOKEN_NOT) {
		predicate->comparison = COMPARE_IS_NOT_NULL;
		advance(parser);
	}
	if (parser->token.kind != TOKEN_NULL)
		return error_expected(parser, "null or not null");
	advance(parser);
	return 0;
}

/* `wall_ns / 2` is a word or several. 1; 0: it is a literal; -EINVAL. */
static int parse_operand_field(struct parser *parser, struct predicate *predicate)
{
	struct token token = parser->token;
	char text[128], error[sizeof(parser->error->message)];
	size_t len = 0;
	int r;

	for (bool goes_on = true; goes_on && token.kind == TOKEN_WORD && token.len < sizeof(text) - len;) {
		struct token next = lexer_next(parser->text, token.at + token.len);

		memcpy(text + len, parser->text + token.at, token.len);
		len += token.len;
		goes_on =
			next.kind == TOKEN_WORD && (strchr("*/", parser->text[next.at]) || strchr("*/", text[len - 1]));
		if (goes_on)
			token = next;
	}
	text[len] = '\0';
	r = operand_read(parser->expression->table, predicate->field, text, &predicate->operand, error, sizeof(error));
	if (r < 0)
		return report_error(parser, parser->token, "%s", error);
	if (r > 0) {
		parser->token = token;
		advance(parser);
	}
	return r;
}

static int parse_order(struct parser *parser, struct predicate *predicate)
{
	static const enum comparison comparisons[] = {
		[TOKEN_EQ] = COMPARE_EQ, [TOKEN_NE] = COMPARE_NE, [TOKEN_LT] = COMPARE_LT,
		[TOKEN_LE] = COMPARE_LE, [TOKEN_GT] = COMPARE_GT, [TOKEN_GE] = COMPARE_GE,
	};
	struct token ignored;

	predicate->comparison = comparisons[parser->token.kind];
	advance(parser);
	if (parser->token.kind == TOKEN_NULL &&
	    (predicate->comparison == COMPARE_EQ || predicate->comparison == COMPARE_NE)) {
		predicate->comparison = predicate->comparison == COMPARE_EQ ? COMPARE_IS_NULL : COMPARE_IS_NOT_NULL;
		advance(parser);
		return 0;
	}
	if (!field_is_text(predicate->field) && predicate->field->type != FIELD_BOOL &&
	    parser->token.kind == TOKEN_WORD) {
		int r = parse_operand_field(parser, predicate);

		if (r)
			return r < 0 ? r : 0;
	}
	predicate->n_constants = 1;
	return parse_literal(parser, predicate->field, &ignored);
}

/* What follows the field's name. */
static int parse_comparison(struct parser *parser, struct predicate *predicate)
{
	switch (parser->token.kind) {
	case TOKEN_EQ:
	case TOKEN_NE:
	case TOKEN_LT:
	case TOKEN_LE:
	case TOKEN_GT:
	case TOKEN_GE:
		return parse_order(parser, predicate);
	case TOKEN_MATCH:
	case TOKEN_NO_MATCH:
		predicate->comparison = parser->token.kind == TOKEN_MATCH ? COMPARE_MATCH : COMPARE_NO_MATCH;
		return parse_pattern(parser, predicate);
	case TOKEN_IS:
		return parse_is_null(parser, predicate);
	case TOKEN_IN:
		predicate->comparison = COMPARE_IN;
		advance(parser);
		return parse_list(parser, predicate);
	case TOKEN_NOT:
		advance(parser);
		if (parser->token.kind != TOKEN_IN)
			return error_expected(parser, "in");
		predicate->comparison = COMPARE_NOT_IN;
		advance(parser);
		return parse_list(parser, predicate);
	default:
		return error_expected(parser, "a comparison: = != < <= > >= ~ !~ in, is null");
	}
}

/* A bool may stand alone: it holds when it is true. */
static int parse_predicate(struct parser *parser)
{
	struct expression *expression = parser->expression;
	size_t n_constants = expression->constants.used / sizeof(struct constant);
	struct predicate predicate = {.first_constant = (uint32_t)n_constants};
	enum token_kind next;
	int r;

	if (parser->token.kind != TOKEN_WORD)
		return error_expected(parser, "a field");
	r = find_field(parser, &predicate.field);
	if (r < 0)
		return r;
	predicate.column = (int)(predicate.field - expression->table->fields);
	advance(parser);
	next = parser->token.kind;
	if (predicate.field->type == FIELD_BOOL &&
	    (next == TOKEN_END || next == TOKEN_CLOSE || next == TOKEN_AND || next == TOKEN_OR)) {
		struct constant is_true = {.number = 1};

		predicate.n_constants = 1;
		buffer_add(&expression->constants, &is_true, sizeof(is_true));
	} else {
		r = parse_comparison(parser, &predicate);
	}
	if (r < 0)
		return r;
	emit(parser, OP_TEST, (uint32_t)(expression->predicates.used / sizeof(predicate)));
	if (buffer_reserve(&expression->predicates, sizeof(predicate)) < 0 && predicate.regex) {
		regfree(predicate.regex);
		free(predicate.regex);
	}
	buffer_add(&expression->predicates, &predicate, sizeof(predicate));
	return 0;
}

static int parse_nested(struct parser *parser)
{
	struct token open = parser->token;
	int r;

	advance(parser);
	r = parse_or(parser);
	if (r < 0)
		return r;
	if (parser->token.kind == TOKEN_END)
		return report_error(parser, open, "this parenthesis is never closed");
	if (parser->token.kind != TOKEN_CLOSE)
		return error_expected(parser, "and, or or )");
	advance(parser);
	return 0;
}

static int parse_not(struct parser *parser)
{
	uint32_t negations = 0;
	int r;

	for (; parser->token.kind == TOKEN_NOT; advance(parser))
		negations++;
	if (parser->token.kind == TOKEN_OPEN) {
		if (++parser->depth > EXPRESSION_MAX_DEPTH)
			return report_error(parser, parser->token, "more than %d parentheses inside each other",
					    EXPRESSION_MAX_DEPTH);
		r = parse_nested(parser);
		parser->depth--;
	} else {
		r = parse_predicate(parser);
	}
	if (r == 0 && negations % 2)
		emit(parser, OP_NEGATE, 0);
	return r;
}

/* a skip b skip c: each skip leads to the next skip, which skips too, or to the end. */
static int parse_chain(struct parser *parser, enum token_kind joint, enum opcode skip,
		       int (*parse_operand)(struct parser *))
{
	int r = parse_operand(parser);

	while (r == 0 && parser->token.kind == joint) {
		size_t skip_at = n_instructions(parser);

		emit(parser, skip, 0);
		advance(parser);
		r = parse_operand(parser);
		if (r < 0 || parser->expression->instructions.error)
			break;
		((struct instruction *)(void *)parser->expression->instructions.data)[skip_at].operand =
			(uint32_t)n_instructions(parser);
	}
	return r;
}

static int parse_and(struct parser *parser)
{
	return parse_chain(parser, TOKEN_AND, OP_SKIP_IF_FALSE, parse_not);
}

static int parse_or(struct parser *parser)
{
	return parse_chain(parser, TOKEN_OR, OP_SKIP_IF_TRUE, parse_and);
}

static int parse(struct parser *parser)
{
	struct expression *expression = parser->expression;
	int r;

	if (strlen(parser->text) > EXPRESSION_MAX_BYTES)
		return report_error(parser, parser->token, "an expression may have %d bytes", EXPRESSION_MAX_BYTES);
	advance(parser);
	r = parse_or(parser);
	if (r < 0)
		return r;
	if (parser->token.kind == TOKEN_CLOSE)
		return report_error(parser, parser->token, "no parenthesis is open here");
	if (parser->token.kind != TOKEN_END)
		return error_expected(parser, "and, or or the end");
	if (expression->instructions.error || expression->predicates.error || expression->constants.error)
		return -ENOMEM;
	return 0;
}

int expression_compile(const char *text, const struct table *table, const struct literal_context *context,
		       struct expression **ret, struct expression_error *ret_error)
{
	struct parser parser = {.text = text, .context = context, .error = ret_error};
	int r;

	parser.expression = calloc(1, sizeof(*parser.expression));
	if (!parser.expression)
		return -ENOMEM;
	parser.expression->table = table;
	r = parse(&parser);
	if (r < 0)
		expression_free(parser.expression);
	else
		*ret = parser.expression;
	return r;
}

void expression_fields(const struct expression *expression, bool *ret)
{
	const struct table *table = expression->table;
	size_t n;
	const struct predicate *predicates = expression_predicates(expression, &n);

	for (size_t i = 0; i < n; i++) {
		ret[table_field(table, predicates[i].field->name)] = true;
		if (predicates[i].operand.field)
			ret[table_field(table, predicates[i].operand.field->name)] = true;
	}
}

/* One column a character of UTF-8; what would move the cursor becomes a question mark. */
void expression_error_write(const struct expression_error *error, const char *text, char *ret, size_t size)
{
	size_t len = strlen(text), begin = error->at > 60 ? error->at - 60 : 0;
	struct buffer shown = {0}, caret = {0};

	while (begin && ((unsigned char)text[begin] & 0xc0) == 0x80)
		begin--;
	for (size_t i = begin; i < len && i < begin + 150; i++) {
		unsigned char c = (unsigned char)text[i];
		int is_control = c < 0x20 || c == 0x7f;

		buffer_add_char(&shown, is_control ? '?' : (char)c);
		if ((c & 0xc0) != 0x80 && i <= error->at)
			buffer_add_char(&caret, i == error->at ? '^' : ' ');
		else if ((c & 0xc0) != 0x80 && i < error->at + error->len)
			buffer_add_char(&caret, '~');
	}
	if (error->at >= len)
		buffer_add_char(&caret, '^');
	snprintf(ret, size, "%s\n  %.*s\n  %.*s", error->message, (int)shown.used, shown.used ? shown.data : "",
		 (int)caret.used, caret.used ? caret.data : "");
	buffer_done(&shown);
	buffer_done(&caret);
}
