/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Hive-style dataset being written into a directory:
 *
 *   TABLE/host=HOST/date=YYYY-MM-DD/part-N.parquet
 *
 * The date is that of the row's time, in UTC. Rows come nearly in order of time, so that two files are open at
 * most: what goes back further, or comes from another host in between, gets the next part.
 */
#ifndef OBIT_CMD_DATASET_H
#define OBIT_CMD_DATASET_H

#include "model/block.h"
#include "output/output.h"

struct dataset;

/* The directory is not owned, nor the table. `options`: how to write the files. `command` is for errors. NULL: out of
 * memory. */
struct dataset *dataset_new(int dir_fd, const struct table *table, const struct output_options *options,
			    const char *command);

/* Whose rows come from now on. */
void dataset_set_host(struct dataset *dataset, const char *host);

/* Row of a block; columns[i] is its field for the table's field i. 0, or -EINVAL after saying what is wrong. */
int dataset_row(struct dataset *dataset, const struct block *block, uint32_t row, const int *columns);

/* Ends all files and frees. 0, or -EINVAL after saying what is wrong. NULL is legal. */
int dataset_close(struct dataset *dataset);

/* Does this directory hold files of a dataset and nothing else? Says what else. */
int dataset_is_one(const char *dir, const char *command);

#endif
