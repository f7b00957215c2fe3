/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows on their way to users and programs.
 *
 *   table  human-readable: aligned, human units, local time, argv quoted as for a shell. No byte of a process
 *          reaches the terminal that could move its cursor: controls, invalid UTF-8 and invisible characters
 *          are written as \xNN.
 *   csv    RFC 4180, with a header.
 *   tsv    a header; \t \n \r \\ and \0 stand for tab, newline, return, backslash and NUL.
 *   jsonl  one object a line; integers exact; controls are escaped.
 *
 *   parquet   Apache Parquet: parquet_schema.h has its types.
 *   perfetto  Chrome's trace events in JSON: each row of exits is a slice from fork to end. Text as in jsonl.
 *
 * All of them are UTF-8, whatever bytes a process puts into its name: one that is not stands there as \xNN, as Python's
 * backslashreplace has it.
 *
 * In csv, tsv and jsonl a time is RFC 3339 in UTC with nanoseconds, every other number is a plain integer in
 * the field's unit, a signal its number, a bool true or false. Null is null in jsonl, nothing in csv and tsv,
 * - in a table. argv is an array in jsonl, elsewhere its words quoted for a shell. On a terminal csv and tsv
 * show control bytes as \xNN too.
 */
#ifndef OBIT_OUTPUT_OUTPUT_H
#define OBIT_OUTPUT_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/stream.h"
#include "model/block.h"

enum output_format {
	OUTPUT_TABLE,
	OUTPUT_CSV,
	OUTPUT_TSV,
	OUTPUT_JSONL,
	OUTPUT_PARQUET,
	OUTPUT_PERFETTO,
};

/* On which track a process is a slice. */
enum output_track {
	TRACK_CGROUP,
	TRACK_PARENT,
};

/* The names of those that are text, which come first in the enum, in its order; *ret_n is how many. */
const char *const *output_format_names(size_t *ret_n);

enum compression_kind { COMPRESSION_ZSTD, COMPRESSION_GZIP, COMPRESSION_NONE };

struct compression {
	enum compression_kind kind;
	int level; /* zstd 1 to 19, gzip 1 to 9 */
};

struct output_options {
	enum output_format format;
	struct stream *stream; /* not owned */
	bool is_terminal;
	bool is_coloured;
	uint32_t width;		   /* of a table's lines, in columns; 0: no limit */
	bool may_leave_out;	   /* columns of a table that do not fit; else they go to further lines of the row */
	bool wraps;		   /* the last column of a table is prose: it goes on below, and is not cut */
	uint64_t now_real_ns;	   /* a table writes times of this day without the date */
	const struct table *table; /* what parquet says the rows are; not owned; or NULL */
	struct compression compression; /* of parquet's pages */
	bool are_times_ns;		/* parquet's times are TIMESTAMP in ns, not in µs with NAME_ns beside */
	enum output_track track;	/* of perfetto, and the time that it counts from */
	uint64_t origin_real_ns;
};

struct output;

/* The columns are copied, their names are not. 0, -ENOMEM. */
int output_open(const struct output_options *options, const struct field *columns, uint32_t n_columns,
		struct output **ret);

/* Column i is the block's field fields[i], of the same type, or null where that is -1. 0, -ENOMEM, a write's error. */
int output_row(struct output *output, const struct block *block, uint32_t row, const int *fields);

/* Writes what is held back and flushes the stream; more rows may follow. 0, -ENOMEM, or the stream's error. */
int output_flush(struct output *output);

/* Numbers so far that parquet's INT64 has no room for, and that are null there. */
uint64_t output_beyond(const struct output *output);

/* Writes what is held back, flushes the stream and frees. 0, -ENOMEM, or the stream's error. NULL is legal. */
int output_close(struct output *output);

#endif
