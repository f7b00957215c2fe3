/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing Thrift's compact protocol, as far as Parquet's metadata needs it
 * (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md). Fields of a struct must
 * come in the order of their numbers, since each is written as the distance to the one before.
 *
 * A struct is thrift_begin() ... thrift_end(), also as an item of a list; the outermost one needs the end only.
 */
#ifndef OBIT_OUTPUT_THRIFT_H
#define OBIT_OUTPUT_THRIFT_H

#include <stdint.h>

#include "base/buffer.h"

#define THRIFT_MAX_DEPTH 8 /* Parquet's deepest is 6 */

enum thrift_type {
	THRIFT_I32 = 5,
	THRIFT_BYTES = 8,
	THRIFT_STRUCT = 12,
};

struct thrift {
	struct buffer *out; /* not owned; holds the error of a failed allocation */
	uint32_t depth;
	int last[THRIFT_MAX_DEPTH]; /* field written last in each open struct */
};

static inline void thrift_init(struct thrift *thrift, struct buffer *out)
{
	*thrift = (struct thrift){.out = out};
}

void thrift_bool(struct thrift *thrift, int field, int value);
void thrift_i8(struct thrift *thrift, int field, int8_t value);
void thrift_i32(struct thrift *thrift, int field, int32_t value);
void thrift_i64(struct thrift *thrift, int field, int64_t value);
void thrift_bytes(struct thrift *thrift, int field, const void *data, size_t len);
void thrift_text(struct thrift *thrift, int field, const char *text);

void thrift_begin(struct thrift *thrift, int field);
void thrift_end(struct thrift *thrift);

/* A list's n items of `type` must follow. */
void thrift_list(struct thrift *thrift, int field, enum thrift_type type, size_t n);
void thrift_item_i32(struct thrift *thrift, int32_t value);
void thrift_item_text(struct thrift *thrift, const char *text);
void thrift_item_begin(struct thrift *thrift);

/* Base 128, low bits first: Thrift's and Parquet's variable-length number. */
void thrift_varint(struct buffer *out, uint64_t value);

static inline uint64_t thrift_zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

#endif
