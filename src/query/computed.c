// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE /* memmem */
#include "query/computed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "query/names.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

struct item {
	const struct table *table;
	const char *text;
	size_t len;
	char *error;
	size_t size;
};

static int report_error(const struct item *item, const char *problem)
{
	snprintf(item->error, item->size, "%.*s: %s", item->len > 60 ? 60 : (int)item->len, item->text, problem);
	return -EINVAL;
}

/* The next word, without the spaces before it. */
static size_t take_word(const char **at, const char *end, const char **ret)
{
	const char *p = *at;

	while (p < end && *p == ' ')
		p++;
	*ret = p;
	if (p < end && strchr("+-*/", *p))
		p++;
	else
		while (p < end && *p != ' ' && !strchr("+-*/", *p))
			p++;
	*at = p;
	return (size_t)(p - *ret);
}

static int copy_name(const struct item *item, const char *word, size_t len, char ret[COMPUTED_NAME_MAX])
{
	if (!len || len >= COMPUTED_NAME_MAX)
		return report_error(item, "expected `A / B as NAME`");
	memcpy(ret, word, len);
	ret[len] = '\0';
	return 0;
}

/* A field of numbers. */
static int read_field(const struct item *item, const char *word, size_t len, char ret[COMPUTED_NAME_MAX],
		      enum field_unit *ret_unit)
{
	int field = names_field(item->table, word, len, item->error, item->size);
	const struct field *of;

	if (field < 0)
		return field;
	of = &item->table->fields[field];
	if (field_is_text(of) || of->type != FIELD_U64 || of->unit == UNIT_SIGNAL)
		return report_error(item, "only with fields of numbers can be computed");
	*ret_unit = of->unit;
	return copy_name(item, of->name, strlen(of->name), ret);
}

static const char *choose_unit(struct computed *computed, enum field_unit left, enum field_unit right)
{
	bool is_number = !*computed->right, is_time = left == UNIT_TIME || right == UNIT_TIME;

	computed->field.unit = left;
	switch (computed->operator) {
	case '/':
		if (is_time)
			return "a time cannot be divided";
		computed->is_ratio = !is_number && left == right;
		if (computed->is_ratio)
			computed->field.unit = UNIT_HUNDREDTHS;
		return NULL;
	case '*':
		if (is_time || (!is_number && left != UNIT_NONE && right != UNIT_NONE))
			return "one side of * must be a plain number";
		if (left == UNIT_NONE && !is_number)
			computed->field.unit = right;
		return NULL;
	default:
		if (is_number || left != right)
			return "+ and - are of two fields of the same unit";
		if (is_time && computed->operator== '+')
			return "two times cannot be added";
		if (is_time)
			computed->field.unit = UNIT_NS;
		return NULL;
	}
}

static int read_item(struct item *item, const char *as, struct computed *ret)
{
	const char *at = item->text, *word, *problem;
	enum field_unit left, right = UNIT_NONE;
	size_t len = take_word(&at, as, &word);
	int r = read_field(item, word, len, ret->left, &left);

	if (r < 0)
		return r;
	len = take_word(&at, as, &word);
	if (len != 1 || !strchr("+-*/", *word))
		return report_error(item, "expected one of + - * / behind the field");
	ret->operator= * word;
	len = take_word(&at, as, &word);
	if (len && *word >= '0' && *word <= '9') {
		if (quantity_read_millionths(word, len, &ret->millionths) < 0 || !ret->millionths)
			return report_error(item, "expected a number such as 2 or 0.5");
	} else if (read_field(item, word, len, ret->right, &right) < 0) {
		return -EINVAL;
	}
	if (take_word(&at, as, &word))
		return report_error(item, "one operator at a time");
	problem = choose_unit(ret, left, right);
	if (problem)
		return report_error(item, problem);
	word = as + strlen(" as ");
	word += strspn(word, " ");
	len = strspn(word, NAME_CHARACTERS);
	if (word + len != item->text + item->len || copy_name(item, word, len, ret->name) < 0)
		return report_error(item, "a name has letters in lower case, digits and _");
	if (table_field(item->table, ret->name) >= 0)
		return report_error(item, "there is a field of that name");
	ret->field.name = ret->name;
	ret->field.type = FIELD_U64;
	ret->field.kind = KIND_JOINED;
	ret->field.help = "computed";
	return 0;
}

int computed_read(const struct table *table, char *text, struct computed_list *ret, char *error, size_t size)
{
	const char *list = text, *name;
	char *to = text;
	size_t len;

	while (names_next(&list, &name, &len)) {
		const char *as = memmem(name, len, " as ", 4);
		struct item item = {table, name, len, error, size};

		if (as && ret->n == COMPUTED_MAX)
			return report_error(&item, "that is one computed field too many");
		if (as && read_item(&item, as, &ret->list[ret->n]) < 0)
			return -EINVAL;
		if (as) {
			name = ret->list[ret->n].name;
			len = strlen(name);
			ret->n++;
		}
		memmove(to, name, len);
		to += len;
		*to++ = list ? ',' : '\0';
	}
	return 0;
}

bool computed_value(const struct computed *computed, uint64_t left, uint64_t right, uint64_t *ret)
{
	__uint128_t value;

	*ret = 0;
	switch (computed->operator) {
	case '+':
		value = (__uint128_t)left + right;
		break;
	case '-':
		if (left < right)
			return false;
		value = left - right;
		break;
	case '*':
		value = *computed->right ? (__uint128_t)left * right
					 : (__uint128_t)left * computed->millionths / QUANTITY_MILLION;
		break;
	default:
		if (*computed->right && !right)
			return false;
		value = (__uint128_t)left * (computed->is_ratio ? 100 : 1);
		value = *computed->right ? value / right : value * QUANTITY_MILLION / computed->millionths;
	}
	if (value > UINT64_MAX)
		return false;
	*ret = (uint64_t)value;
	return true;
}
