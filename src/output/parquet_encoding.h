/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parquet's encodings of numbers (https://parquet.apache.org/docs/file-format/data-pages/encodings/). Each adds to
 * `out`, which holds the error of a failed allocation.
 */
#ifndef OBIT_OUTPUT_PARQUET_ENCODING_H
#define OBIT_OUTPUT_PARQUET_ENCODING_H

#include <stdint.h>

#include "base/buffer.h"

/* n values of `width` bits each, 0 to 64, lowest bits first; the last byte is filled with zeros. */
void encode_bits(struct buffer *out, const uint64_t *values, size_t n, unsigned width);

/* RLE / bit-packing hybrid: runs of equals, and groups of eight in `width` bits. */
void encode_hybrid(struct buffer *out, const uint32_t *values, size_t n, unsigned width);

/* DELTA_BINARY_PACKED of 64-bit numbers. */
void encode_delta(struct buffer *out, const uint64_t *values, size_t n);

/* Bits that a number takes; 0 for 0. */
static inline unsigned encode_width(uint64_t value)
{
	return value ? 64u - (unsigned)__builtin_clzll(value) : 0;
}

#endif
