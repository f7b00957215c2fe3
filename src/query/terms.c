// SPDX-License-Identifier: BSD-2-Clause
#include "query/terms.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "query/selection.h"

struct reading {
	const struct table *source;
	struct terms *terms;
	char *complaint;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int complain(struct reading *reading, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reading->complaint, reading->size, format, args);
	va_end(args);
	return -EINVAL;
}

static int find_field(struct reading *reading, const char *name, size_t len)
{
	const char *names[TABLE_MAX_FIELDS], *nearest;

	for (uint32_t i = 0; i < reading->source->n_fields; i++) {
		names[i] = reading->source->fields[i].name;
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (int)i;
	}
	nearest = nearest_name(name, len, names, reading->source->n_fields);
	return complain(reading, "%s has no field \"%.*s\"; %s%s%s", reading->source->name, (int)len, name,
			nearest ? "did you mean " : "`obit schema ", nearest ? nearest : reading->source->name,
			nearest ? "?" : "` lists them");
}

static int add_term(struct reading *reading, const struct term *term, const char *text, size_t len)
{
	struct term *added;

	if (reading->terms->n == TABLE_MAX_FIELDS)
		return complain(reading, "at most %d columns can be shown", TABLE_MAX_FIELDS);
	added = &reading->terms->terms[reading->terms->n++];
	*added = *term;
	if (len >= sizeof(added->name))
		return complain(reading, "%.*s...: no such field", 60, text);
	memcpy(added->name, text, len);
	added->name[len] = 0;
	return 0;
}

static int read_step(struct reading *reading, const struct field *field, const char *text, size_t len, uint64_t *ret)
{
	int is_time = field->unit == UNIT_TIME || field->unit == UNIT_NS;
	int r = is_time			    ? quantity_read_ns(text, len, ret)
		: field->unit == UNIT_BYTES ? quantity_read_bytes(text, len, ret)
					    : quantity_read_count(text, len, ret);

	if (field_is_text(field) || r < 0 || !*ret)
		return complain(reading, "%s/%.*s: expected %s", field->name, (int)len, text,
				field_is_text(field) ? "no step: it is a text"
				: is_time	     ? "a duration such as 1h or 10ms"
				: field->unit == UNIT_BYTES ? "a size such as 10MiB"
							    : "a number such as 100");
	return 0;
}

static int read_key(struct reading *reading, const char *text, size_t len)
{
	struct term term = {.kind = TERM_KEY};
	const char *slash = memchr(text, '/', len);
	size_t name_len = slash ? (size_t)(slash - text) : len;

	term.field = find_field(reading, text, name_len);
	if (term.field < 0)
		return term.field;
	if (slash && read_step(reading, &reading->source->fields[term.field], slash + 1, len - name_len - 1, &term.step) < 0)
		return -EINVAL;
	return add_term(reading, &term, text, name_len);
}

static const struct {
	const char *name;
	enum term_kind kind;
	int is_of_text;
} functions[] = {
	{"sum", TERM_SUM, 0}, {"avg", TERM_AVG, 0},	{"min", TERM_MIN, 0},
	{"max", TERM_MAX, 0}, {"first", TERM_FIRST, 1}, {"last", TERM_LAST, 1},
};

/* p50, p99, p99.9 */
static int read_share(const char *text, size_t len, double *ret)
{
	char number[16];
	char *end;

	if (len < 2 || len > 8 || *text != 'p' || text[1] < '0' || text[1] > '9')
		return -EINVAL;
	memcpy(number, text + 1, len - 1);
	number[len - 1] = 0;
	*ret = strtod(number, &end) / 100;
	return *end || *ret < 0 || *ret > 1 ? -EINVAL : 0;
}

static int read_call(struct reading *reading, const char *text, size_t len, const char *open)
{
	struct term term = {.kind = TERM_QUANTILE};
	size_t function_len = (size_t)(open - text);
	const struct field *field;
	int is_of_text = 0;

	if (text[len - 1] != ')')
		return complain(reading, "%.*s: a ) is missing", (int)len, text);
	term.field = find_field(reading, open + 1, len - function_len - 2);
	if (term.field < 0)
		return term.field;
	field = &reading->source->fields[term.field];
	if (read_share(text, function_len, &term.share) < 0) {
		size_t i = 0;

		while (i < sizeof(functions) / sizeof(functions[0]) &&
		       (strlen(functions[i].name) != function_len || memcmp(functions[i].name, text, function_len)))
			i++;
		if (i == sizeof(functions) / sizeof(functions[0]))
			return complain(reading, "%.*s: expected sum, avg, min, max, first, last or p0 to p100", (int)len,
					text);
		term.kind = functions[i].kind;
		is_of_text = functions[i].is_of_text;
	}
	if (field_is_text(field) && !is_of_text)
		return complain(reading, "%.*s: %s is a text; first(%s) and last(%s) can be told of it", (int)len, text,
				field->name, field->name, field->name);
	return add_term(reading, &term, text, len);
}

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
		break;
	}
	return TERM_KEY;
}

/* A field that groups is shown already. */
static int is_key(const struct terms *terms, int field)
{
	for (uint32_t i = 0; i < terms->n_keys; i++)
		if (terms->terms[i].field == field)
			return 1;
	return 0;
}

static int read_told(struct reading *reading, const char *text, size_t len)
{
	const char *open = memchr(text, '(', len);
	struct term term = {.kind = TERM_COUNT, .field = -1};

	if (open)
		return read_call(reading, text, len, open);
	if (len == 5 && memcmp(text, "count", 5) == 0)
		return add_term(reading, &term, text, len);
	term.field = find_field(reading, text, len);
	if (term.field < 0 || is_key(reading->terms, term.field))
		return term.field < 0 ? term.field : 0;
	term.kind = kind_alone(&reading->source->fields[term.field]);
	if (term.kind == TERM_KEY)
		return complain(reading, "%.*s differs within a group: group by it, or ask for first(%.*s) or last(%.*s)",
				(int)len, text, (int)len, text, (int)len, text);
	return add_term(reading, &term, text, len);
}

static int read_list(struct reading *reading, const char *list,
		     int (*read)(struct reading *reading, const char *text, size_t len))
{
	int r = 0;

	for (;; list++) {
		size_t len, spaces = strspn(list, " ");

		list += spaces;
		len = strcspn(list, ",");
		for (spaces = len; spaces && list[spaces - 1] == ' ';)
			spaces--;
		r = spaces ? read(reading, list, spaces) : complain(reading, "a field is missing in the list");
		list += len;
		if (r < 0 || !*list)
			return r;
	}
}

/* Those of the fields that are shown without grouping which can be added up. */
static int tell_default(struct reading *reading, int is_for_people)
{
	static struct selection shown;
	int r = selection_init(&shown, reading->source, NULL, is_for_people, NULL);

	if (r == 0)
		r = read_told(reading, "count", 5);
	for (uint32_t i = 0; i < shown.n_shown && r == 0; i++) {
		const char *name = shown.fields[i].name;

		if (kind_alone(&shown.fields[i]) != TERM_KEY)
			r = read_told(reading, name, strlen(name));
	}
	return r;
}

int terms_read(const struct table *source, const char *group_by, const char *fields, int is_for_people,
	       struct terms *ret, char *complaint, size_t size)
{
	struct reading reading = {source, ret, complaint, size};
	int r;

	ret->n = ret->n_keys = 0;
	r = read_list(&reading, group_by, read_key);
	ret->n_keys = ret->n;
	if (r < 0)
		return r;
	if (fields && strcmp(fields, "all") != 0)
		return read_list(&reading, fields, read_told);
	return tell_default(&reading, is_for_people && !fields);
}
