// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading the terms of a grouping. What would come out as nonsense is refused here: the sum of times of day,
 * a percentile within 0.4 % of the time since 1970.
 */
#include "query/terms.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/quantity.h"
#include "query/names.h"
#include "query/selection.h"

#define MAX_SHOWN 60 /* of a term, in an error */

struct reading {
	const struct table *source;
	struct terms *terms;
	char *error;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int report_error(struct reading *reading, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reading->error, reading->size, format, args);
	va_end(args);
	return -EINVAL;
}

static int shown_len(size_t len)
{
	return len > MAX_SHOWN ? MAX_SHOWN : (int)len;
}

static int find_field(struct reading *reading, const char *name, size_t len)
{
	return names_field(reading->source, name, len, reading->error, reading->size);
}

/* p50 and p99 of a field come from the same counts. */
static int find_duplicate(const struct terms *terms, const struct term *term)
{
	uint32_t i = 0;

	while (i < terms->n && (term->kind != TERM_QUANTILE || terms->terms[i].kind != TERM_QUANTILE ||
				terms->terms[i].field != term->field))
		i++;
	return (int)i;
}

static int add_term(struct reading *reading, const struct term *term, const char *text, size_t len)
{
	struct term *added = &reading->terms->terms[reading->terms->n];

	if (reading->terms->n == TABLE_MAX_FIELDS)
		return report_error(reading, "at most %d columns can be shown", TABLE_MAX_FIELDS);
	if (len >= sizeof(added->name))
		return report_error(reading, "%.*s... is too long", MAX_SHOWN, text);
	*added = *term;
	memcpy(added->name, text, len);
	added->name[len] = 0;
	added->duplicate = find_duplicate(reading->terms, term);
	reading->terms->n++;
	return 0;
}

/* --- keys ------------------------------------------------------------------------------------------------------- */
static int read_step(struct reading *reading, const struct field *field, const char *text, size_t len, uint64_t *ret)
{
	const char *expected;
	int r;

	if (field_is_text(field) || field->type == FIELD_BOOL || field->unit == UNIT_SIGNAL)
		return report_error(reading, "%s/%.*s: only numbers and times have steps", field->name, shown_len(len),
				    text);
	if (field->unit == UNIT_TIME || field->unit == UNIT_NS) {
		expected = "a duration such as 1h or 10ms";
		r = quantity_read_ns(text, len, ret);
		if (r == 0 && text[len - 1] >= '0' && text[len - 1] <= '9')
			r = -EINVAL; /* 60 of what? */
	} else if (field->unit == UNIT_BYTES) {
		expected = "a size such as 10MiB";
		r = quantity_read_bytes(text, len, ret);
	} else {
		expected = "a number such as 100";
		r = quantity_read_count(text, len, ret);
	}
	if (r < 0 || *ret == 0 || *ret > INT64_MAX)
		return report_error(reading, "%s/%.*s: expected %s", field->name, shown_len(len), text, expected);
	return 0;
}

static int read_key(struct reading *reading, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t name_len = slash ? (size_t)(slash - text) : len;
	struct term term = {.kind = TERM_KEY, .field = find_field(reading, text, name_len)};

	if (term.field < 0)
		return term.field;
	if (slash &&
	    read_step(reading, &reading->source->fields[term.field], slash + 1, len - name_len - 1, &term.step) < 0)
		return -EINVAL;
	text = reading->source->fields[term.field].name;
	return add_term(reading, &term, text, strlen(text));
}

/* --- what is computed of a group ------------------------------------------------------------------------------------
 */
static const struct {
	const char *name;
	enum term_kind kind;
} functions[] = {
	{"count", TERM_COUNT}, {"sum", TERM_SUM},     {"avg", TERM_AVG},   {"min", TERM_MIN},
	{"max", TERM_MAX},     {"first", TERM_FIRST}, {"last", TERM_LAST},
};

#define N_FUNCTIONS (ARRAY_SIZE(functions))

/* p50, p99, p99.9 */
static int read_share(const char *text, size_t len, double *ret)
{
	char number[16];
	char *end;

	if (len < 2 || len > 8 || *text != 'p' || strspn(text + 1, "0123456789.") < len - 1)
		return -EINVAL;
	memcpy(number, text + 1, len - 1);
	number[len - 1] = 0;
	*ret = strtod(number, &end) / 100;
	return *end || *ret > 1 ? -EINVAL : 0;
}

static int read_function(struct reading *reading, const char *text, size_t len, struct term *ret)
{
	for (size_t i = 0; i < N_FUNCTIONS; i++)
		if (strlen(functions[i].name) == len && memcmp(functions[i].name, text, len) == 0) {
			ret->kind = functions[i].kind;
			return 0;
		}
	ret->kind = TERM_QUANTILE;
	if (read_share(text, len, &ret->share) == 0)
		return 0;
	return report_error(reading, "\"%.*s(\": expected count, sum, avg, min, max, first, last or p0 to p100",
			    shown_len(len), text);
}

/* Why the field has no such term; NULL: it has. */
static const char *objection(enum term_kind kind, const struct field *field)
{
	int is_of_any = kind == TERM_COUNT || kind == TERM_FIRST || kind == TERM_LAST;
	int is_of_order = is_of_any || kind == TERM_MIN || kind == TERM_MAX;

	if (field_is_text(field) && !is_of_any)
		return "is a text: ask for count, first or last of it";
	if (field->type == FIELD_BOOL && !is_of_any && kind != TERM_SUM)
		return "is true or false: ask for sum, how often it is true, count, first or last of it";
	if (field->unit == UNIT_TIME && !is_of_order)
		return "is a time: ask for count, min, max, first or last of it";
	if (field->unit == UNIT_SIGNAL && !is_of_order)
		return "is a signal: ask for count, first or last of it, or group by it";
	if (field->type == FIELD_I64 && kind == TERM_QUANTILE)
		return "may be negative: percentiles are of positive numbers";
	return NULL;
}

static int read_call(struct reading *reading, const char *text, size_t len, const char *open)
{
	size_t function_len = (size_t)(open - text);
	const char *problem;
	struct term term = {0};
	int r;

	if (text[len - 1] != ')')
		return report_error(reading, "%.*s: a ) is missing", shown_len(len), text);
	r = read_function(reading, text, function_len, &term);
	if (r < 0)
		return r;
	term.field = find_field(reading, open + 1, len - function_len - 2);
	if (term.field < 0)
		return term.field;
	problem = objection(term.kind, &reading->source->fields[term.field]);
	if (problem)
		return report_error(reading, "%.*s: %s %s", shown_len(len), text,
				    reading->source->fields[term.field].name, problem);
	return add_term(reading, &term, text, len);
}

/* What a field says of a group when it is named alone; KEY: nothing. */
static enum term_kind kind_alone(const struct field *field)
{
	switch (field->kind) {
	case KIND_SUM:
	case KIND_WEIGHT:
		return TERM_SUM;
	case KIND_MAX:
	case KIND_GAUGE:
		return TERM_MAX;
	case KIND_LABEL:
	case KIND_JOINED:
		break;
	}
	return TERM_KEY;
}

static int find_term(const struct terms *terms, const char *text, size_t len)
{
	for (uint32_t i = 0; i < terms->n; i++)
		if (strlen(terms->terms[i].name) == len && memcmp(terms->terms[i].name, text, len) == 0)
			return (int)i;
	return -1;
}

/* By its heading too. */
static int find_key(const struct reading *reading, const char *text, size_t len)
{
	char error[256];
	int field = names_field(reading->source, text, len, error, sizeof(error));

	for (uint32_t i = 0; i < reading->terms->n_keys && field >= 0; i++)
		if (reading->terms->terms[i].field == field)
			return (int)i;
	return -1;
}

static int read_group(struct reading *reading, const char *name, size_t len);

static int read_term(struct reading *reading, const char *text, size_t len)
{
	const char *open = memchr(text, '(', len);
	struct term term = {.kind = TERM_COUNT, .field = -1};

	if (open)
		return read_call(reading, text, len, open);
	if (len && *text == '+')
		return read_group(reading, text + 1, len - 1);
	if (len == 5 && memcmp(text, "count", 5) == 0)
		return add_term(reading, &term, text, len);
	term.field = find_field(reading, text, len);
	if (term.field < 0)
		return term.field;
	for (uint32_t i = 0; i < reading->terms->n_keys; i++)
		if (reading->terms->terms[i].field == term.field)
			return 0; /* what groups is shown already */
	term.kind = kind_alone(&reading->source->fields[term.field]);
	if (term.kind == TERM_KEY)
		return report_error(reading,
				    "%.*s differs within a group: group by it, or ask for first(%.*s) or last(%.*s)",
				    (int)len, text, (int)len, text, (int)len, text);
	text = reading->source->fields[term.field].name;
	return add_term(reading, &term, text, strlen(text));
}

/* --- lists ------------------------------------------------------------------------------------------------------ */
static int read_list(struct reading *reading, const char *list,
		     int (*read)(struct reading *reading, const char *text, size_t len))
{
	const char *text;
	size_t len;
	int r = 0;

	while (r == 0 && names_next(&list, &text, &len))
		r = read(reading, text, len);
	return r;
}

/* A field of a list that was not written for groups: labels and what is shown already are left out. */
static int read_usual(struct reading *reading, const char *text, size_t len)
{
	int field = find_field(reading, text, len);

	if (field < 0)
		return field;
	if (kind_alone(&reading->source->fields[field]) == TERM_KEY || find_term(reading->terms, text, len) >= 0)
		return 0;
	return read_term(reading, text, len);
}

/* Of the fields that are shown without grouping, those that say something of a group. */
static int add_usual_terms(struct reading *reading, bool is_human_readable)
{
	static struct selection shown;
	int r = selection_init(&shown, reading->source, NULL, is_human_readable, NULL);

	if (r == 0)
		r = read_term(reading, "count", 5);
	for (uint32_t i = 0; i < shown.n_shown && r == 0; i++)
		r = read_usual(reading, shown.fields[i].name, strlen(shown.fields[i].name));
	return r;
}

static int read_group(struct reading *reading, const char *name, size_t len)
{
	const struct field_group *group = names_group(reading->source, name, len, reading->error, reading->size);
	int r = group ? 0 : -EINVAL;

	if (group && reading->terms->n == reading->terms->n_keys)
		r = add_usual_terms(reading, 1);
	return r < 0 ? r : read_list(reading, group->fields, read_usual);
}

/*
 * What is shown under this name, or of the same field in the same way (`cpu_ns` and `sum(cpu_ns)`), is what to
 * sort by; else it is computed too, and hidden.
 */
static int read_sort(struct reading *reading, const char *sort)
{
	struct terms *terms = reading->terms;
	uint32_t added;
	size_t len;
	int r;

	terms->is_descending = *sort == '-';
	sort += terms->is_descending;
	len = strcspn(sort, "/"); /* a key is called by its field, without the step */
	terms->sort = find_term(terms, sort, len);
	if (terms->sort < 0)
		terms->sort = find_key(reading, sort, len);
	if (terms->sort >= 0)
		return 0;
	if (*sort == '+')
		return report_error(reading, "cannot sort by %.*s, a group of fields", MAX_SHOWN, sort);
	r = read_term(reading, sort, len);
	if (r < 0)
		return r;
	added = terms->n - 1;
	for (uint32_t i = 0; i < added && terms->sort < 0; i++)
		if (terms->terms[i].field == terms->terms[added].field &&
		    terms->terms[i].kind == terms->terms[added].kind &&
		    terms->terms[i].share == terms->terms[added].share)
			terms->sort = (int)i;
	if (terms->sort >= 0)
		terms->n--;
	else
		terms->sort = (int)added;
	return 0;
}

int terms_read(const struct table *source, const struct terms_text *text, struct terms *ret, char *error, size_t size)
{
	struct reading reading = {source, ret, error, size};
	int is_all = text->fields && strcmp(text->fields, "all") == 0, r;

	ret->n = ret->n_keys = 0;
	ret->sort = -1;
	ret->is_descending = 0;
	r = text->group_by ? read_list(&reading, text->group_by, read_key) : 0;
	ret->n_keys = ret->n;
	if (r == 0 && text->fields && !is_all)
		r = read_list(&reading, text->fields, read_term);
	else if (r == 0)
		r = add_usual_terms(&reading, text->is_human_readable && !is_all);
	ret->n_shown = ret->n;
	return r == 0 && text->sort ? read_sort(&reading, text->sort) : r;
}

int terms_are_of_groups(const char *fields)
{
	const char *text;
	size_t len;

	while (names_next(&fields, &text, &len))
		if (memchr(text, '(', len) || (len == 5 && memcmp(text, "count", 5) == 0))
			return 1;
	return 0;
}
