/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a format implements, inside src/output only. output.c sees to memory and the flush.
 */
#ifndef OBIT_OUTPUT_FORMAT_H
#define OBIT_OUTPUT_FORMAT_H

#include "base/buffer.h"
#include "output/output.h"

struct output {
	struct output_options options;
	const struct format *format;
	struct field columns[TABLE_MAX_FIELDS];
	uint32_t n_columns;
	struct buffer scratch; /* one value on its way */
	uint64_t n_beyond;
	void *state; /* the format's own */
};

/* Each returns 0 or -ENOMEM; errors of the stream stay in the stream. */
struct format {
	int (*begin)(struct output *output);
	int (*row)(struct output *output, const struct block *block, uint32_t row, const int *fields);
	int (*end)(struct output *output);   /* may be NULL */
	int (*flush)(struct output *output); /* lets go the rows held back; may be NULL */
	void (*done)(struct output *output); /* frees `state`; may be NULL */
};

extern const struct format format_table, format_csv, format_tsv, format_jsonl, format_parquet, format_perfetto;

static inline int cell_is_null(const struct block *block, uint32_t row, int field)
{
	return field < 0 || block_is_null(block, row, (uint32_t)field);
}

#endif
