/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a dataset says that it holds: the file _obit.jsonl in its directory, a line of JSON for each segment that was
 * added, or added once more since it had grown. Of a table of a segment the last line that names it holds. The first
 * line says how the rows were chosen and written, which is the same for all.
 *
 *   {"obit_dataset":1,"times":"us","where":null}
 *   {"batch":1,"host":"web1","boot_id":"…","run":1764…,"segment":"1764….obit",
 *    "tables":{"exits":{"rows":812,"complete":true,"intervals":[1,3600],"ranges":[[0,null]],
 *                       "parts":["exits/host=web1/date=2026-11-28/….parquet"]}}}
 *
 * run: ns since the epoch; complete: the segment grows no more; ranges: the times, [since, until), of which rows were
 * taken, null: for ever.
 */
#ifndef OBIT_CMD_MANIFEST_H
#define OBIT_CMD_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "model/origin.h"
#include "query/time_ranges.h"

#define MANIFEST_NAME  "_obit.jsonl"
#define COMPACTED_NAME "_obit.jsonl.new" /* the next one, on its way */

struct manifest_table {
	char *name;
	uint64_t rows;
	bool is_complete;
	uint64_t first_number, last_number; /* intervals */
	struct time_ranges ranges;
	char **parts; /* paths in the dataset; of what is to be added only */
	size_t n_parts;
	int64_t offset, bytes; /* of its line */
};

struct manifest_segment {
	char *host, *boot_id, *segment; /* the host as in paths */
	uint64_t run_real_ns;
	struct manifest_table *tables;
	size_t n_tables;
};

struct manifest {
	bool are_times_ns;
	char *where; /* or NULL */
	struct manifest_segment *segments;
	size_t n_segments, capacity;
	struct map by_name;
	size_t n_lines;
	uint64_t last_batch;
	int64_t bytes, head_bytes; /* of whole lines; of the first */
};

/*
 * Reads it; a last line that is not whole is taken away. 0; -ENOENT: there is none; -EBADMSG: *ret_line is none of a
 * manifest; -ENOMEM, -errno. manifest_done() is due in any case.
 */
int manifest_read(struct manifest *ret, int dir_fd, size_t *ret_line);
void manifest_done(struct manifest *manifest);

/* Leaves out the lines that others have replaced, if they are most. 0 or -errno: then it is as it was. */
int manifest_compact(struct manifest *manifest, int dir_fd);

/* Begins one: are_times_ns and where are set. 0 or -errno. */
int manifest_begin(struct manifest *manifest, int dir_fd);

/* NULL: it is not there. Valid until the next one is added. */
const struct manifest_segment *manifest_find(const struct manifest *manifest, const struct manifest_segment *like);
const struct manifest_table *manifest_table(const struct manifest_segment *segment, const char *name);

/*
 * Writes a line and syncs it, and empties `segment`, also when it fails. 0 or -errno: then nothing is written.
 */
int manifest_add(struct manifest *manifest, int dir_fd, uint64_t batch, struct manifest_segment *segment);

/* Zeroed is one without tables. */
void manifest_segment_done(struct manifest_segment *segment);
/* Adds a table of that name. NULL: out of memory. */
struct manifest_table *manifest_segment_add(struct manifest_segment *segment, const char *name);
/* 0 or -ENOMEM. */
int manifest_table_add_part(struct manifest_table *table, const char *path);

#endif
