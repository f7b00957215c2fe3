/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parquet's metadata (parquet.thrift of the parquet-format project): what a file says of itself at its end.
 * The footer says every field's type, unit, kind and help as JSON under the key "obit.fields"; the first row
 * group's columns say their own under "obit.unit", "obit.kind" and "obit.help".
 */
#ifndef OBIT_OUTPUT_PARQUET_METADATA_H
#define OBIT_OUTPUT_PARQUET_METADATA_H

#include <stdint.h>

#include "model/table.h"
#include "output/parquet_column.h"

/* The row groups so far, as the footer will list them. Zeroed is empty; the caller frees `groups`. */
struct parquet_metadata {
	struct buffer groups;
	uint32_t n_groups;
	uint64_t n_rows;
};

/* Adds a row group of columns that have been written. Errors stay in `groups`. */
void parquet_metadata_add_group(struct parquet_metadata *metadata, const struct parquet_column *columns,
				const struct parquet_chunk *chunks, uint32_t n_columns, uint64_t n_rows);

/* Adds the struct FileMetaData. `table` names the rows, or is NULL. */
void parquet_metadata_put(const struct parquet_metadata *metadata, const struct table *table,
			  const struct parquet_field *fields, uint32_t n_fields, struct buffer *out);

#endif
