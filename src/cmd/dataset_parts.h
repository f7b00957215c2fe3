/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of one table of one segment on their way to the parts of a dataset, a file for each day (UTC) that they are
 * of. They are written into a directory of their own, from which they are moved later, where '/' is '+':
 *
 *   exits+host=web1+date=2026-11-28+RUN-SEGMENT.parquet  is  exits/host=web1/date=2026-11-28/RUN-SEGMENT.parquet
 */
#ifndef OBIT_CMD_DATASET_PARTS_H
#define OBIT_CMD_DATASET_PARTS_H

#include "cmd/manifest.h"
#include "model/block.h"
#include "output/output.h"

#define PARTS_DAYS 32 /* that the rows of a segment may be of */

struct dataset_parts;

/* `options` has the table. Nothing is owned, and must live as long. NULL: out of memory. */
struct dataset_parts *dataset_parts_new(int dir_fd, const char *host, const char *stem,
					const struct output_options *options);
void dataset_parts_free(struct dataset_parts *parts);

/*
 * The row, whose time is that (NULL: it has none). 0; -EMFILE, the rows are of more days than can be; what the system
 * said.
 */
int dataset_parts_row(struct dataset_parts *parts, const struct block *block, uint32_t row, const int *columns,
		      const uint64_t *real_ns);

/* Ends the files. Adds the rows and the parts to `ret`. 0, -ENOMEM or what the system said. */
int dataset_parts_end(struct dataset_parts *parts, struct manifest_table *ret);

/* Numbers that Parquet's INT64 had no room for. */
uint64_t dataset_parts_beyond(const struct dataset_parts *parts);

/* A host's name, which may be anything, as it stands in paths: what is no plain letter is %XX, as Hive has it. */
#define PARTS_HOST_SIZE 128
void dataset_parts_host(const char *host, char ret[PARTS_HOST_SIZE]);

/* The path of a file in that directory. false: it is none of these. */
bool dataset_parts_path(const char *name, char *ret, size_t size);

#endif
