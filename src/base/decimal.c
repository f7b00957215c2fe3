// SPDX-License-Identifier: BSD-2-Clause
/*
 * A division by 100 for each pair of digits: exports write twenty million numbers a second.
 */
#include "base/decimal.h"

#include <string.h>

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
	"49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
	"9899";

char *decimal_write_u64(char *to, uint64_t value)
{
	char digits[DECIMAL_MAX_BYTES];
	char *at = digits + sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(at, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, pairs + value * 2, 2);
	} else {
		*--at = (char)('0' + value);
	}
	memcpy(to, at, (size_t)(digits + sizeof(digits) - at));
	return to + (digits + sizeof(digits) - at);
}

char *decimal_write_i64(char *to, int64_t value)
{
	if (value >= 0)
		return decimal_write_u64(to, (uint64_t)value);
	*to = '-';
	return decimal_write_u64(to + 1, -(uint64_t)value);
}

char *decimal_write_fixed(char *to, uint32_t value, int width)
{
	int at = width;

	for (; at >= 2; value /= 100) {
		at -= 2;
		memcpy(to + at, pairs + value % 100 * 2, 2);
	}
	if (at)
		to[0] = (char)('0' + value % 10);
	return to + width;
}
