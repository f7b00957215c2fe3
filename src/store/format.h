/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of the format that docs/format.md describes. Everything is little-endian.
 */
#ifndef OBIT_STORE_FORMAT_H
#define OBIT_STORE_FORMAT_H

#include <stdint.h>

#define FORMAT_VERSION 1

/* Features a reader must know to read on, and those it may ignore. None exist yet. */
#define FORMAT_INCOMPATIBLE 0u
#define FORMAT_COMPATIBLE   0u

/* zstd's frame format: a skippable frame is magic, u32 size, bytes. */
#define MAGIC_HEADER_FRAME 0x184D2A50u
#define MAGIC_INDEX_FRAME  0x184D2A51u
#define MAGIC_ZSTD_FRAME   0xFD2FB528u

#define HEADER_MAGIC "OBIT"
#define INDEX_MAGIC  "OBIX"
#define SEGMENT_SUFFIX ".obit"
#define LOCK_NAME      "lock"

/* Limits of what a reader takes and a writer makes. */
#define HEADER_MAX_BYTES (1u << 20)
#define CHUNK_MAX_BYTES	 (16u << 20) /* a chunk of 4,096 rows is below 4 MiB */
#define CHUNK_MAX_ROWS	 (1u << 16)
#define FRAME_CHUNKS	 256	     /* a frame ends after so many chunks */
#define FRAME_RAW_BYTES	 (8u << 20)  /* ... or so many bytes */
#define DICTIONARY_TEXTS 16384	     /* ... or so many different texts in one table */
#define DICTIONARY_BYTES (1u << 20)
#define SEGMENT_BYTES	 (64ull << 20)

/* Chunk flags. */
#define CHUNK_LAST 1u

/* Column encodings; COLUMN_HAS_NULLS is added when a bitmap of nulls comes first. */
enum {
	COLUMN_ALL_NULL = 0,
	COLUMN_CONSTANT = 1,
	COLUMN_DELTAS = 2, /* numbers: zigzag of the difference to the one before */
	COLUMN_PLAIN = 3,  /* numbers: each by itself */
	COLUMN_TEXTS = 4,  /* numbers of texts; 0 brings a new one */
	COLUMN_HAS_NULLS = 0x80,
};

#endif
