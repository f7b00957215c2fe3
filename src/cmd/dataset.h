/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Hive-style dataset that rows are added to, a segment of a store at a time:
 *
 *   DIR/TABLE/host=HOST/date=YYYY-MM-DD/RUN-SEGMENT.parquet
 *   DIR/_obit.jsonl                                             what it holds: manifest.h
 *   DIR/_incoming-N/                                            while segment N is being added
 *
 * A part is named by the run (ns since the epoch) and the segment that its rows are of, so that they are in it once,
 * however often they are exported; the date is that of the row's time, in UTC. A segment that has grown, or of which
 * more is wanted, is written anew, with what it held before, and its parts replaced. Nothing else is ever removed.
 *
 * Parts are written beside, synced, and moved when the manifest has the line that names them: one that is stopped
 * between is finished when the dataset is opened next. Who reads finds whole parts.
 *
 * Functions return 0, -ENOMEM, or -EINVAL after saying what is wrong.
 */
#ifndef OBIT_CMD_DATASET_H
#define OBIT_CMD_DATASET_H

#include <stdbool.h>

#include "output/output.h"
#include "query/time_ranges.h"
#include "store/segment_scan.h"

struct dataset;

struct dataset_options {
	const char *command; /* for errors */
	const char *dir;
	const char *where; /* which rows, as they were chosen; or NULL */
	struct output_options output;
};

/* Makes the directory if need be, locks it, and finishes what was stopped. */
int dataset_open(const struct dataset_options *options, struct dataset **ret);
void dataset_close(struct dataset *dataset);

/* Has the table, in that segment, rows of the time that may not be there yet? */
bool dataset_wants(const struct dataset *dataset, const struct scanned_segment *segment, const char *table,
		   struct time_range range);

/* It lives till the segment is ended or dropped. */
int dataset_begin(struct dataset *dataset, const struct scanned_segment *segment);

/* *ret: from when to when rows are to be read, those that were there before with them. */
int dataset_begin_table(struct dataset *dataset, const struct table *table, struct time_range range,
			struct time_range *ret);
/* As a row_sink's take(); the dataset is its context. Of rows of another time than is wanted nothing is kept. */
int dataset_row(void *dataset, const struct block *block, uint32_t row, const int *columns);
int dataset_end_table(struct dataset *dataset);

/* All of the segment's tables are there now. Where one has fewer rows than before, says so and keeps the old ones. */
int dataset_end(struct dataset *dataset);
/* The segment stays as it was. */
void dataset_drop(struct dataset *dataset);

/* What this one has added: segments, and the rows in them. */
void dataset_added(const struct dataset *dataset, uint64_t *ret_segments, uint64_t *ret_rows);
/* Numbers that Parquet's INT64 had no room for. */
uint64_t dataset_beyond(const struct dataset *dataset);

#endif
