/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of rows being written: rows → format → [gzip] → descriptor.
 */
#ifndef OBIT_CMD_EXPORT_FILE_H
#define OBIT_CMD_EXPORT_FILE_H

#include <stdbool.h>

#include "base/gzip.h"
#include "output/output.h"

struct export_file {
	struct gzip *gzip;     /* or NULL */
	struct stream *stream; /* gzip's, or the one below */
	struct output *output;
	struct stream plain;
	uint64_t n_beyond; /* of all files: numbers that Parquet's INT64 has no room for */
};

/* The descriptor is not owned. `options` but for its stream. 0 or -ENOMEM; export_file_close() is due in any case. */
int export_file_open(struct export_file *ret, int fd, bool is_gzip, const struct output_options *options,
		     const struct table *columns);

/* Ends it. 0, -ENOMEM, or the stream's error. */
int export_file_close(struct export_file *file);

#endif
