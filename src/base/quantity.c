// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading is exact: 0.1s is 100,000,000 ns and what is not a whole ns is refused, so that a filter means
 * what it says. No floating point is used for it.
 */
#include "base/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

#define KIB UINT64_C(1024)

struct unit {
	const char *name;
	uint64_t scale;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};
static const struct unit millionths[] = {{"", QUANTITY_MILLION}, {NULL, 0}};
static const struct unit hundredths[] = {{"", 100}, {NULL, 0}};

static const struct unit durations[] = {
	{"", 1},
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000}, /* micro sign */
	{"\xce\xbcs", 1000}, /* Greek mu */
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", UINT64_C(60) * 1000000000},
	{"min", UINT64_C(60) * 1000000000},
	{"h", UINT64_C(3600) * 1000000000},
	{"d", UINT64_C(86400) * 1000000000},
	{"w", UINT64_C(7) * 86400 * 1000000000},
	{NULL, 0},
};

static const struct unit sizes[] = {
	{"", 1},
	{"B", 1},
	{"K", KIB},
	{"k", KIB},
	{"KiB", KIB},
	{"M", KIB *KIB},
	{"MiB", KIB *KIB},
	{"G", KIB *KIB *KIB},
	{"GiB", KIB *KIB *KIB},
	{"T", KIB *KIB *KIB *KIB},
	{"TiB", KIB *KIB *KIB *KIB},
	{"P", KIB *KIB *KIB *KIB *KIB},
	{"PiB", KIB *KIB *KIB *KIB *KIB},
	{"kB", 1000},
	{"KB", 1000},
	{"MB", 1000000},
	{"GB", 1000000000},
	{"TB", UINT64_C(1000000000000)},
	{"PB", UINT64_C(1000000000000000)},
	{NULL, 0},
};

static const struct unit *find_unit(const struct unit *units, const char *name, size_t len)
{
	for (; units->name; units++)
		if (strlen(units->name) == len && memcmp(units->name, name, len) == 0)
			return units;
	return NULL;
}

/* One number and its unit at *at. At most 20 digits count: 10^20 times the largest scale stays below 2^128. */
static int read_part(const char **at, const char *end, const struct unit *units, uint64_t *ret)
{
	const char *p = *at, *name;
	unsigned __int128 value = 0, divisor = 1;
	int digits = 0, n_seen = 0, in_fraction = 0;
	const struct unit *unit;

	for (; p < end && (isdigit((unsigned char)*p) || (*p == '.' && !in_fraction)); p++) {
		if (*p == '.') {
			in_fraction = 1;
			continue;
		}
		n_seen++;
		if (digits == 0 && *p == '0' && !in_fraction)
			continue;
		if (++digits > 20)
			return -ERANGE;
		value = value * 10 + (unsigned)(*p - '0');
		if (in_fraction)
			divisor *= 10;
	}
	if (n_seen == 0)
		return -EINVAL;
	for (name = p; p < end && !isdigit((unsigned char)*p) && *p != '.';)
		p++;
	unit = find_unit(units, name, (size_t)(p - name));
	if (!unit || (p == name && p < end)) /* in a chain each number has its unit */
		return -EINVAL;
	value *= unit->scale;
	if (value % divisor)
		return -EDOM;
	if (value / divisor > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)(value / divisor);
	*at = p;
	return 0;
}

static int read_one(const char *text, size_t len, const struct unit *units, uint64_t *ret)
{
	const char *at = text;
	uint64_t value;
	int r = read_part(&at, text + len, units, &value);

	if (r < 0)
		return r;
	if (at != text + len)
		return -EINVAL;
	*ret = value;
	return 0;
}

int quantity_read_count(const char *text, size_t len, uint64_t *ret)
{
	return read_one(text, len, no_units, ret);
}

int quantity_read_hundredths(const char *text, size_t len, uint64_t *ret)
{
	return read_one(text, len, hundredths, ret);
}

int quantity_read_millionths(const char *text, size_t len, uint64_t *ret)
{
	return read_one(text, len, millionths, ret);
}

int quantity_read_ns(const char *text, size_t len, uint64_t *ret_ns)
{
	const char *at = text, *end = text + len;
	uint64_t sum = 0, part;

	do {
		int r = read_part(&at, end, durations, &part);

		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, part, &sum))
			return -ERANGE;
	} while (at < end);
	*ret_ns = sum;
	return 0;
}

int quantity_read_bytes(const char *text, size_t len, uint64_t *ret_bytes)
{
	return read_one(text, len, sizes, ret_bytes);
}

static size_t write_scaled(char *ret, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	return (size_t)snprintf(ret, QUANTITY_TEXT_BYTES, "%.*f%s", decimals, value, unit);
}

size_t quantity_write_ns(uint64_t ns, char *ret)
{
	unsigned long long seconds = (ns + 500000000) / 1000000000;

	if (ns < 1000)
		return (size_t)snprintf(ret, QUANTITY_TEXT_BYTES, "%uns", (unsigned)ns);
	if (ns < 999500)
		return write_scaled(ret, (double)ns / 1e3, "us");
	if (ns < 999500000)
		return write_scaled(ret, (double)ns / 1e6, "ms");
	if (ns < UINT64_C(59950000000))
		return write_scaled(ret, (double)ns / 1e9, "s");
	if (ns > UINT64_MAX - 500000000)
		seconds = ns / 1000000000;
	if (seconds < 3600)
		return (size_t)snprintf(ret, QUANTITY_TEXT_BYTES, "%llum%02llus", seconds / 60, seconds % 60);
	if (seconds < 86400)
		return (size_t)snprintf(ret, QUANTITY_TEXT_BYTES, "%lluh%02llum", seconds / 3600, seconds / 60 % 60);
	return (size_t)snprintf(ret, QUANTITY_TEXT_BYTES, "%llud%02lluh", seconds / 86400, seconds / 3600 % 24);
}

size_t quantity_write_bytes(uint64_t bytes, char *ret)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024)
		return (size_t)snprintf(ret, QUANTITY_TEXT_BYTES, "%uB", (unsigned)bytes);
	for (; value >= 1023.5 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	return write_scaled(ret, value, units[i]);
}
