// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bits into bytes.
 */
#include "output/parquet_encoding.h"

#include <endian.h>
#include <string.h>

#include "output/thrift.h"

#define GROUP		 8u   /* of the hybrid: values are packed by eights */
#define MAX_GROUPS	 63u  /* so that a run's head is one byte */
#define BLOCK_VALUES	 128u /* of the delta encoding: the sizes that every writer uses */
#define MINIBLOCKS	 4u
#define MINIBLOCK_VALUES (BLOCK_VALUES / MINIBLOCKS)

void encode_bits(struct buffer *out, const uint64_t *values, size_t n, unsigned width)
{
	size_t bytes = (n * width + 7) / 8, at = out->used;
	uint64_t bits = 0, word;
	unsigned filled = 0;

	if (!width || buffer_reserve(out, bytes + sizeof(word)) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		bits |= values[i] << filled;
		filled += width;
		if (filled < 64)
			continue;
		word = htole64(bits);
		memcpy(out->data + at, &word, sizeof(word));
		at += sizeof(word);
		filled -= 64;
		bits = filled ? values[i] >> (width - filled) : 0;
	}
	word = htole64(bits);
	memcpy(out->data + at, &word, sizeof(word));
	out->used += bytes;
}

static size_t run_length(const uint32_t *values, size_t n)
{
	size_t len = 1;

	while (len < n && values[len] == values[0])
		len++;
	return len;
}

static int begins_run(const uint32_t *values, size_t n)
{
	return n >= GROUP && run_length(values, GROUP) == GROUP;
}

static void add_packed(struct buffer *out, const uint32_t *values, size_t n, unsigned width)
{
	uint64_t group[MAX_GROUPS * GROUP] = {0};
	size_t groups = (n + GROUP - 1) / GROUP;

	for (size_t i = 0; i < n; i++)
		group[i] = values[i];
	thrift_varint(out, groups << 1 | 1);
	encode_bits(out, group, groups * GROUP, width);
}

void encode_hybrid(struct buffer *out, const uint32_t *values, size_t n, unsigned width)
{
	for (size_t i = 0; i < n;) {
		size_t len = run_length(values + i, n - i);

		if (len >= GROUP || i + len == n) {
			uint32_t value = htole32(values[i]);

			thrift_varint(out, len << 1);
			buffer_add(out, &value, (width + 7) / 8);
		} else {
			len = GROUP;
			while (len < MAX_GROUPS * GROUP && i + len < n && !begins_run(values + i + len, n - i - len))
				len += GROUP;
			if (len > n - i)
				len = n - i;
			add_packed(out, values + i, len, width);
		}
		i += len;
	}
}

/* Differences, taken without overflow: a reader adds them in the same way. */
static void add_block(struct buffer *out, const uint64_t *values, size_t n)
{
	uint64_t deltas[BLOCK_VALUES] = {0}, any;
	char widths[MINIBLOCKS] = {0};
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		deltas[i] = values[i] - values[i - 1];
		if ((int64_t)deltas[i] < least)
			least = (int64_t)deltas[i];
	}
	for (size_t i = 0; i < n; i++)
		deltas[i] -= (uint64_t)least;
	for (size_t i = 0; i < MINIBLOCKS; i++) {
		any = 0;
		for (size_t j = 0; j < MINIBLOCK_VALUES; j++)
			any |= deltas[i * MINIBLOCK_VALUES + j];
		widths[i] = (char)encode_width(any);
	}
	thrift_varint(out, thrift_zigzag(least));
	buffer_add(out, widths, sizeof(widths));
	for (size_t i = 0; i < MINIBLOCKS && i * MINIBLOCK_VALUES < n; i++)
		encode_bits(out, deltas + i * MINIBLOCK_VALUES, MINIBLOCK_VALUES, (unsigned)widths[i]);
}

void encode_delta(struct buffer *out, const uint64_t *values, size_t n)
{
	thrift_varint(out, BLOCK_VALUES);
	thrift_varint(out, MINIBLOCKS);
	thrift_varint(out, n);
	thrift_varint(out, n ? thrift_zigzag((int64_t)values[0]) : 0);
	for (size_t i = 1; i < n; i += BLOCK_VALUES)
		add_block(out, values + i, n - i < BLOCK_VALUES ? n - i : BLOCK_VALUES);
}
