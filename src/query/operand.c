// SPDX-License-Identifier: BSD-2-Clause
#include "query/operand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"

static int find_number_field(const struct table *table, const char *name, size_t len)
{
	for (uint32_t i = 0; i < table->n_fields; i++) {
		const struct field *field = &table->fields[i];

		if ((strlen(field->name) == len || field_heading_len(field) == len) &&
		    memcmp(field->name, name, len) == 0 && !field_is_text(field) && field->type != FIELD_BOOL)
			return (int)i;
	}
	return -1;
}

int operand_read(const struct table *table, const struct field *of, const char *text, struct operand *ret, char *error,
		 size_t size)
{
	size_t name_len = strcspn(text, "*/");
	int field = find_number_field(table, text, name_len);
	uint64_t factor = QUANTITY_MILLION;
	int r = 0;

	if (field < 0)
		return 0;
	if (table->fields[field].unit != of->unit) {
		snprintf(error, size, "%s is not of the unit of %s: they cannot be compared", table->fields[field].name,
			 of->name);
		return -EINVAL;
	}
	if (text[name_len])
		r = quantity_read_millionths(text + name_len + 1, strlen(text + name_len + 1), &factor);
	if (r < 0 || !factor || factor / QUANTITY_MILLION > OPERAND_NUMBER_MAX) {
		snprintf(error, size, "expected a number behind %.*s%c, such as 2 or 0.5, up to %llu", (int)name_len,
			 text, text[name_len], (unsigned long long)OPERAND_NUMBER_MAX);
		return -EINVAL;
	}
	*ret = (struct operand){
		.field = &table->fields[field],
		.column = field,
		.numerator = text[name_len] == '/' ? QUANTITY_MILLION : factor,
		.denominator = text[name_len] == '/' ? factor : QUANTITY_MILLION,
	};
	return 1;
}

/* 2^64 times 10^15 is below 2^127. */
_Static_assert(OPERAND_NUMBER_MAX *QUANTITY_MILLION <= UINT64_C(1000000000000000), "products are exact");

int operand_compare(const struct operand *operand, const struct field *of, uint64_t value, uint64_t other)
{
	__int128 left = of->type == FIELD_I64 ? (__int128)(int64_t)value : (__int128)value;
	__int128 right = operand->field->type == FIELD_I64 ? (__int128)(int64_t)other : (__int128)other;

	left *= operand->denominator;
	right *= operand->numerator;
	return (left > right) - (left < right);
}
