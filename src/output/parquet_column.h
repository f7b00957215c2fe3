/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One column of a Parquet file on its way to a column chunk: values become pages as they come, encoded and
 * compressed at once, so that what is held of a row group is its compressed size and one page a column.
 *
 *   values → page of some thousand → levels + encoded values → zstd → `pages`
 */
#ifndef OBIT_OUTPUT_PARQUET_COLUMN_H
#define OBIT_OUTPUT_PARQUET_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "model/block.h"
#include "output/parquet_codec.h"
#include "output/parquet_dictionary.h"
#include "output/parquet_range.h"

struct parquet_column {
	const struct parquet_field *field; /* not owned */
	const struct parquet_codec *codec; /* not owned; shared by the columns of a file */

	/* The page so far. An entry is a value or a null or, in a list, an item or an empty list. */
	struct buffer definitions, repetitions; /* uint32_t: the levels of each entry */
	uint64_t *numbers;
	struct buffer indices; /* uint32_t: into the dictionary */
	struct buffer plain;   /* texts that the dictionary had no room for */
	uint32_t n_entries, n_values;

	/* The column chunk so far. */
	struct parquet_dictionary dictionary;
	bool is_dictionary_full;
	struct buffer pages; /* each with its header */
	uint64_t chunk_entries, chunk_nulls, raw_bytes;
	uint64_t *n_beyond; /* of the file: numbers that INT64 has no room for; not owned */
	bool has_indices;   /* in any page */
	struct parquet_range range;

	struct buffer content, packed, text; /* scratch */
};

/* What a row group needs to know of a column chunk that has been written. */
struct parquet_chunk {
	uint64_t offset, data_offset; /* in the file; the dictionary, if there is one, comes first */
	uint64_t bytes, raw_bytes;    /* compressed and not, with page headers */
	bool has_dictionary;
};

/* 0 or -ENOMEM. */
int parquet_column_init(struct parquet_column *column, const struct parquet_field *field,
			const struct parquet_codec *codec, uint64_t *n_beyond);
void parquet_column_done(struct parquet_column *column);

/* Adds the value of the block's field (-1: null). Bytes that its pages have grown by; parquet_column_write() returns
 * errors. */
size_t parquet_column_add(struct parquet_column *column, const struct block *block, uint32_t row, int field);

/* Writes the column chunk. Errors of the stream stay in the stream; 0 or -ENOMEM. */
int parquet_column_write(struct parquet_column *column, struct stream *stream, struct parquet_chunk *ret);

/* Forgets the column chunk; the next one begins. */
void parquet_column_clear(struct parquet_column *column);

static inline int parquet_column_is_list(const struct parquet_column *column)
{
	return column->field->type == PARQUET_LIST;
}

#endif
