/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the format that docs/format.md describes. Everything is little-endian.
 */
#ifndef OBIT_STORE_SEGMENT_FORMAT_H
#define OBIT_STORE_SEGMENT_FORMAT_H

#include <stdint.h>

#define FORMAT_VERSION 1

/* Features a reader must know to read on, and those it may ignore. None exist yet. */
#define FORMAT_INCOMPATIBLE 0u
#define FORMAT_COMPATIBLE   0u

/* zstd's frame format: a skippable frame is magic, u32 size, bytes. */
#define MAGIC_HEADER_FRAME 0x184D2A50u
#define MAGIC_INDEX_FRAME  0x184D2A51u
#define MAGIC_ZSTD_FRAME   0xFD2FB528u

#define HEADER_MAGIC   "OBIT"
#define INDEX_MAGIC    "OBIX"
#define SEGMENT_SUFFIX ".obit"
#define LOCK_NAME      "lock"

/* Limits of what a reader takes and a writer makes. */
#define HEADER_MAX_BYTES (1u << 20)
#define CHUNK_MAX_BYTES	 (16u << 20) /* a chunk of 4,096 rows is below 4 MiB */
#define CHUNK_MAX_ROWS	 (1u << 16)
#define FRAME_CHUNKS	 256	    /* a frame ends after so many chunks */
#define FRAME_RAW_BYTES	 (8u << 20) /* ... or so many bytes */
#define DICTIONARY_TEXTS 16384	    /* ... or so many different texts in one table */
#define DICTIONARY_BYTES (1u << 20)
#define FRAME_SERIES	 16384 /* ... or so many series of one table */
#define SEGMENT_BYTES	 (64ull << 20)

/* Chunk flags. */
#define CHUNK_LAST 1u

/* A column's head: a form, what predicts the values, flags. */
enum {
	FORM_ALL_NULL = 0,
	FORM_CONSTANT = 1, /* one number for all rows */
	FORM_EACH = 2,	   /* a number for each */
	FORM_MASK = 7,

	FOREREPORTED_BY_NOTHING = 0 << 3,
	FOREREPORTED_BY_ROW = 1 << 3,	  /* the row before */
	FOREREPORTED_BY_SERIES = 2 << 3,  /* the series's row before */
	FOREREPORTED_BY_COLUMNS = 3 << 3, /* one column, or the difference of two */
	FOREREPORTED_BY_EDGE = 4 << 3,	  /* the end of the interval */
	PREDICTED_MASK = 7 << 3,

	COLUMN_HAS_FACTOR = 0x40, /* the numbers are to be multiplied */
	COLUMN_HAS_NULLS = 0x80,  /* a bitmap of nulls */
};

#define NO_COLUMN 255u

#endif
