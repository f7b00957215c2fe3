// SPDX-License-Identifier: BSD-2-Clause
/*
 * Exact values, for programs.
 */
#include "output/plain.h"

#include <string.h>

#include "base/decimal.h"
#include "base/rfc3339.h"
#include "output/text.h"

_Static_assert(RFC3339_LEN <= PLAIN_NUMBER_BYTES && DECIMAL_MAX_BYTES + 3 <= PLAIN_NUMBER_BYTES,
	       "every number has room");

char *plain_write_number(char *to, const struct field *field, uint64_t value)
{
	if (field->type == FIELD_BOOL) {
		memcpy(to, value ? "true" : "false", 5);
		return to + (value ? 4 : 5);
	}
	if (field->unit == UNIT_TIME) {
		rfc3339_write(value, to);
		return to + RFC3339_LEN;
	}
	/* A share that was computed: its name does not say that it is in hundredths. */
	if (field->unit == UNIT_HUNDREDTHS && !strstr(field->name, "_hundredths")) {
		to = decimal_write_u64(to, value / 100);
		*to++ = '.';
		decimal_write_fixed(to, (uint32_t)(value % 100), 2);
		return to + 2;
	}
	return field->type == FIELD_I64 ? decimal_write_i64(to, (int64_t)value) : decimal_write_u64(to, value);
}

static char *write_escape(char *to, uint32_t code)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*to++ = digits[code >> shift & 15];
	return to;
}

/* \\xNN: a backslash is two in a string of JSON. */
static char *write_byte(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	*to++ = '\\';
	*to++ = '\\';
	*to++ = 'x';
	*to++ = digits[byte >> 4];
	*to++ = digits[byte & 15];
	return to;
}

/* What needs more than a copy, at data[0]; *ret_len is how many bytes it was. */
static char *write_special(char *to, const char *data, size_t len, size_t *ret_len)
{
	uint32_t code;
	size_t n = text_character(data, len, &code);

	*ret_len = n ? n : 1;
	if (n == 0)
		return write_byte(to, (unsigned char)data[0]);
	if (code == '"' || code == '\\') {
		*to++ = '\\';
		*to++ = (char)code;
		return to;
	}
	if (code < 0xffff && text_width(code) < 0)
		return write_escape(to, code);
	memcpy(to, data, n);
	return to + n;
}

char *plain_write_json(char *to, const char *data, size_t len)
{
	*to++ = '"';
	for (size_t i = 0, n; i < len; i += n) {
		unsigned char c = (unsigned char)data[i];

		n = 1;
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			*to++ = (char)c;
		else
			to = write_special(to, data + i, len - i, &n);
	}
	*to++ = '"';
	return to;
}
