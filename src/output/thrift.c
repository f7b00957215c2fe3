// SPDX-License-Identifier: BSD-2-Clause
/*
 * Thrift's compact protocol.
 */
#include "output/thrift.h"

#include <assert.h>
#include <string.h>

enum { TYPE_TRUE = 1, TYPE_FALSE = 2, TYPE_I8 = 3, TYPE_I64 = 6, TYPE_LIST = 9 };

void thrift_varint(struct buffer *out, uint64_t value)
{
	char bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (char)(value | 0x80);
	bytes[n++] = (char)value;
	buffer_add(out, bytes, n);
}

static void put_head(struct thrift *thrift, int field, int type)
{
	int *last = &thrift->last[thrift->depth];

	assert(field > *last && field - *last < 16);
	buffer_add_char(thrift->out, (char)((field - *last) << 4 | type));
	*last = field;
}

void thrift_bool(struct thrift *thrift, int field, int value)
{
	put_head(thrift, field, value ? TYPE_TRUE : TYPE_FALSE);
}

void thrift_i8(struct thrift *thrift, int field, int8_t value)
{
	put_head(thrift, field, TYPE_I8);
	buffer_add_char(thrift->out, (char)value);
}

void thrift_i32(struct thrift *thrift, int field, int32_t value)
{
	put_head(thrift, field, THRIFT_I32);
	thrift_item_i32(thrift, value);
}

void thrift_i64(struct thrift *thrift, int field, int64_t value)
{
	put_head(thrift, field, TYPE_I64);
	thrift_varint(thrift->out, thrift_zigzag(value));
}

static void put_bytes(struct thrift *thrift, const void *data, size_t len)
{
	thrift_varint(thrift->out, len);
	buffer_add(thrift->out, data, len);
}

void thrift_bytes(struct thrift *thrift, int field, const void *data, size_t len)
{
	put_head(thrift, field, THRIFT_BYTES);
	put_bytes(thrift, data, len);
}

void thrift_text(struct thrift *thrift, int field, const char *text)
{
	thrift_bytes(thrift, field, text, strlen(text));
}

void thrift_begin(struct thrift *thrift, int field)
{
	put_head(thrift, field, THRIFT_STRUCT);
	thrift_item_begin(thrift);
}

void thrift_end(struct thrift *thrift)
{
	buffer_add_char(thrift->out, 0);
	if (thrift->depth)
		thrift->depth--;
}

void thrift_list(struct thrift *thrift, int field, enum thrift_type type, size_t n)
{
	put_head(thrift, field, TYPE_LIST);
	buffer_add_char(thrift->out, (char)((n < 15 ? n : 15) << 4 | type));
	if (n >= 15)
		thrift_varint(thrift->out, n);
}

void thrift_item_i32(struct thrift *thrift, int32_t value)
{
	thrift_varint(thrift->out, thrift_zigzag(value));
}

void thrift_item_text(struct thrift *thrift, const char *text)
{
	put_bytes(thrift, text, strlen(text));
}

void thrift_item_begin(struct thrift *thrift)
{
	assert(thrift->depth + 1 < THRIFT_MAX_DEPTH);
	thrift->last[++thrift->depth] = 0;
}
