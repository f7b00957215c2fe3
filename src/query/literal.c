// SPDX-License-Identifier: BSD-2-Clause
/*
 * Literals: one reader a unit, and for each what to say when it does not understand.
 */
#include "query/literal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "base/signal_name.h"
#include "query/time.h"

#define MAX_SHOWN 40 /* of a literal, in an error */

struct literal {
	const char *text;
	size_t len;
	char *error;
};

static int report_error(const struct literal *literal, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int report_error(const struct literal *literal, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(literal->error, LITERAL_ERROR_BYTES, format, args);
	va_end(args);
	return -EINVAL;
}

static int shown_len(const struct literal *literal)
{
	return literal->len > MAX_SHOWN ? MAX_SHOWN : (int)literal->len;
}

static bool is_word(const struct literal *literal, const char *word)
{
	size_t i;

	for (i = 0; i < literal->len && word[i]; i++)
		if (tolower((unsigned char)literal->text[i]) != word[i])
			return 0;
	return !word[i] && i == literal->len;
}

static int read_bool(const struct literal *literal, uint64_t *ret_number)
{
	if (is_word(literal, "true") || is_word(literal, "yes") || is_word(literal, "1"))
		*ret_number = 1;
	else if (is_word(literal, "false") || is_word(literal, "no") || is_word(literal, "0"))
		*ret_number = 0;
	else
		return report_error(literal, "expected true or false");
	return 0;
}

static int read_signal(const struct literal *literal, uint64_t *ret_number)
{
	int number = signal_number(literal->text, literal->len);
	const char *const *names, *nearest;
	char upper[MAX_SHOWN];
	size_t n, len = 0, skip;

	if (number > 0) {
		*ret_number = (uint64_t)number;
		return 0;
	}
	names = signal_names(&n);
	skip = literal->len > 3 && strncasecmp(literal->text, "SIG", 3) == 0 ? 3 : 0;
	for (size_t i = skip; i < literal->len && len < sizeof(upper); i++)
		upper[len++] = (char)toupper((unsigned char)literal->text[i]);
	nearest = nearest_name(upper, len, names, n);
	if (nearest)
		return report_error(literal, "no signal is called that; did you mean %s?", nearest);
	return report_error(literal, "expected a signal: a number from 1 to 64 or a name such as KILL or SIGSEGV");
}

static int read_time(const struct literal *literal, uint64_t now_real_ns, uint64_t *ret_number)
{
	int r = query_time(literal->text, literal->len, now_real_ns, ret_number);

	if (r == -ERANGE)
		return report_error(literal, "this time is before 1970 or after 2553");
	if (r < 0)
		return report_error(literal,
				    "expected a time such as 2026-01-02T03:04:05Z, -10m, 3m ago, today or 03:12");
	return 0;
}

static int read_quantity(const struct literal *literal, enum field_unit unit, uint64_t *ret_number)
{
	int r;

	if (unit == UNIT_NS)
		r = quantity_read_ns(literal->text, literal->len, ret_number);
	else if (unit == UNIT_BYTES)
		r = quantity_read_bytes(literal->text, literal->len, ret_number);
	else
		r = quantity_read_count(literal->text, literal->len, ret_number);
	if (r == -ERANGE)
		return report_error(literal, "%.*s is larger than any value can be", shown_len(literal), literal->text);
	if (r == -EDOM)
		return report_error(literal, "%.*s is not a whole number%s", shown_len(literal), literal->text,
				    unit == UNIT_NS	 ? " of nanoseconds"
				    : unit == UNIT_BYTES ? " of bytes"
							 : "");
	if (r < 0 && unit == UNIT_NS)
		return report_error(literal, "expected a duration such as 1.5s, 200ms, 3us or 1h30m");
	if (r < 0 && unit == UNIT_BYTES)
		return report_error(literal, "expected a size such as 512, 64KiB or 2GiB");
	if (r < 0)
		return report_error(literal, "expected a number");
	return 0;
}

/* A sign in front of a quantity: only an I64 can be below zero. */
static int read_signed(struct literal literal, const struct field *field, uint64_t *ret_number)
{
	int is_negative = literal.len > 1 && literal.text[0] == '-';
	uint64_t value;
	int r;

	if (is_negative || (literal.len > 1 && literal.text[0] == '+')) {
		literal.text++;
		literal.len--;
	}
	r = read_quantity(&literal, field->unit, &value);
	if (r < 0)
		return r;
	if (is_negative && field->type != FIELD_I64)
		return report_error(&literal, "%s is never negative", field->name);
	if (field->type == FIELD_I64 && value > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
		return report_error(&literal, "%.*s is larger than any value can be", shown_len(&literal),
				    literal.text);
	*ret_number = is_negative ? -value : value;
	return 0;
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* 1: it is a name, and its number is known; 0: it is not one. */
static int read_account(const struct literal *literal, const struct field *field, const struct literal_context *context,
			uint64_t *ret_number)
{
	bool is_group = ends_in(field->name, "gid");

	if ((!is_group && !ends_in(field->name, "uid")) || strcmp(field->name, "pgid") == 0 || !literal->len ||
	    isdigit((unsigned char)*literal->text) || !context->account_id)
		return 0;
	if (context->account_id(context->ctx, is_group, literal->text, literal->len, ret_number))
		return 1;
	return report_error(literal, "no %s of that name was recorded in that time; `obit dump %s` lists them",
			    is_group ? "group" : "user", is_group ? "groups" : "users");
}

int literal_number(const struct field *field, const char *text, size_t len, const struct literal_context *context,
		   uint64_t *ret_number, char reterr[LITERAL_ERROR_BYTES])
{
	struct literal literal = {text, len, reterr};
	int r;

	if (field->type == FIELD_BOOL)
		return read_bool(&literal, ret_number);
	if (field->unit == UNIT_SIGNAL)
		return read_signal(&literal, ret_number);
	if (field->unit == UNIT_TIME)
		return read_time(&literal, context->now_real_ns, ret_number);
	r = read_account(&literal, field, context, ret_number);
	if (r)
		return r < 0 ? r : 0;
	return read_signed(literal, field, ret_number);
}
