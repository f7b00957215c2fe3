// SPDX-License-Identifier: BSD-2-Clause
/*
 * Statistics of column chunks.
 */
#include "output/parquet_range.h"

#include <endian.h>
#include <string.h>

#include "output/thrift.h"

#define TEXT_MAX_BYTES 256 /* more would weigh more in the metadata than it saves */

void parquet_range_done(struct parquet_range *range)
{
	buffer_done(&range->least_text);
	buffer_done(&range->most_text);
}

void parquet_range_clear(struct parquet_range *range)
{
	range->is_set = range->is_too_long = 0;
	range->least_text.used = range->most_text.used = 0;
}

void parquet_range_add_numbers(struct parquet_range *range, const uint64_t *values, size_t n)
{
	/* Moved by half, signed numbers are in the order of unsigned ones. */
	uint64_t half = 1ull << 63, least = UINT64_MAX, most = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t value = values[i] ^ half;

		least = value < least ? value : least;
		most = value > most ? value : most;
	}
	if (!n)
		return;
	if (!range->is_set || least < (range->least ^ half))
		range->least = least ^ half;
	if (!range->is_set || most > (range->most ^ half))
		range->most = most ^ half;
	range->is_set = 1;
}

/* As memcmp(); what goes on is larger. */
static int compare(const char *data, size_t len, const struct buffer *other)
{
	size_t common = len < other->used ? len : other->used;
	int r = common ? memcmp(data, other->data, common) : 0;

	return r ? r : (len > other->used) - (len < other->used);
}

static void set_text(struct buffer *buffer, const char *data, size_t len)
{
	buffer->used = 0;
	buffer_add(buffer, data, len);
}

void parquet_range_add_text(struct parquet_range *range, const char *data, size_t len)
{
	if (len > TEXT_MAX_BYTES)
		range->is_too_long = 1;
	if (range->is_too_long)
		return;
	if (!range->is_set || compare(data, len, &range->least_text) < 0)
		set_text(&range->least_text, data, len);
	if (!range->is_set || compare(data, len, &range->most_text) > 0)
		set_text(&range->most_text, data, len);
	range->is_set = 1;
}

static void put_value(struct thrift *thrift, int at, enum parquet_type type, uint64_t number, const struct buffer *text)
{
	uint64_t little = htole64(number);

	if (type == PARQUET_STRING)
		thrift_bytes(thrift, at, text->data, text->used);
	else
		thrift_bytes(thrift, at, &little, type == PARQUET_BOOLEAN ? 1 : sizeof(little));
}

void parquet_range_put(const struct parquet_range *range, enum parquet_type type, uint64_t nulls, struct thrift *thrift,
		       int at)
{
	thrift_begin(thrift, at);
	thrift_i64(thrift, 3, (int64_t)nulls);
	if (range->is_set && !range->is_too_long) {
		put_value(thrift, 5, type, range->most, &range->most_text);
		put_value(thrift, 6, type, range->least, &range->least_text);
	}
	thrift_end(thrift);
}
