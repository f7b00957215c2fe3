/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the format that docs/format.md describes. Everything is little-endian.
 */
#ifndef OBIT_STORE_SEGMENT_FORMAT_H
#define OBIT_STORE_SEGMENT_FORMAT_H

#include <stdint.h>

#define FORMAT_VERSION 2

/* Features a reader must know to read on, and those it may ignore. None exist yet. */
#define FORMAT_INCOMPATIBLE 0u
#define FORMAT_COMPATIBLE   0u

/* zstd's frame format: a skippable frame is magic, u32 size, bytes. */
#define MAGIC_HEADER_FRAME  0x184D2A50u
#define MAGIC_INDEX_FRAME   0x184D2A51u
#define MAGIC_COLUMNS_FRAME 0x184D2A52u
#define MAGIC_ZSTD_FRAME    0xFD2FB528u

#define HEADER_MAGIC   "OBIT"
#define INDEX_MAGIC    "OBIX"
#define COLUMNS_MAGIC  "OBIC"
#define SEGMENT_SUFFIX ".obit"
#define LOCK_NAME      "lock"

/* Limits of what a reader takes and a writer makes. */
#define HEADER_MAX_BYTES      (1u << 20)
#define CHUNK_MAX_BYTES	      (16u << 20) /* a chunk of 4,096 rows is below 4 MiB */
#define GROUP_MAX_ROWS	      (1u << 16)  /* of one table in a chunk, or in a row group */
#define GROUP_ROWS	      (1u << 15)  /* of a row group that a writer makes, where memory allows */
#define SEGMENT_MAX_INTERVALS (1u << 16)
#define COLUMN_MAX_BYTES      (64u << 20) /* of one in a row group: the numbers are below 1 MiB, its texts what they are */
#define DIRECTORY_MAX_BYTES   (64u << 20)
#define FRAME_CHUNKS	      256	    /* a frame ends after so many chunks */
#define FRAME_RAW_BYTES	      (8u << 20)    /* ... or so many bytes */
#define SEGMENT_BYTES	      (32ull << 20) /* of a log: it is read from its beginning */

/* Chunk flags. */
#define CHUNK_LAST 1u

/* A column's head: how the numbers are packed, what predicts the values, flags. */
enum packing {
	PACK_PLANES = 0,   /* all the lowest bytes, then the next ones, as many as the greatest needs */
	PACK_LENGTHS = 1,  /* a class each (length in bits, two bits below the highest), then the plain bits */
	PACK_CONSTANT = 2, /* one number for all rows */
	PACK_NULLS = 3,	   /* all rows are null; nothing follows */
};
#define PACKING_MASK 7u

enum prediction {
	PREDICT_NOTHING = 0,	  /* numbers are above the least */
	PREDICT_ROW = 1,	  /* the row before that is not null */
	PREDICT_COLUMNS = 2,	  /* one column before, or the difference of two */
	PREDICT_INTERVAL_END = 3, /* when the row's interval ended */
};
#define PREDICTION_SHIFT 3
#define PREDICTION_MASK	 7u

#define COLUMN_HAS_FACTOR 0x40u /* the numbers are to be multiplied */
#define COLUMN_HAS_NULLS  0x80u /* a bit for each row */

#define NO_COLUMN 255u

/* The class of a number in PACK_LENGTHS, which must be below 2^63: its length in bits times 4, and two more bits. */
static inline unsigned char length_class(uint64_t number)
{
	unsigned length = number ? 64 - (unsigned)__builtin_clzll(number) : 0;

	if (length < 3)
		return (unsigned char)(length << 2 | (length == 2 ? (number & 1) << 1 : 0));
	return (unsigned char)(length << 2 | (number >> (length - 3) & 3));
}

/* How many bits of it are plain. */
static inline unsigned length_plain_bits(unsigned char class)
{
	unsigned length = class >> 2;

	return length > 3 ? length - 3 : 0;
}

/* Such a number without its plain bits. */
static inline uint64_t length_top(unsigned char class)
{
	unsigned length = class >> 2, below = class & 3;

	if (length < 2)
		return length;
	if (length == 2)
		return 2 | below >> 1;
	return (uint64_t)(4 | below) << (length - 3);
}

#endif
