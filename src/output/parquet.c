// SPDX-License-Identifier: BSD-2-Clause
/*
 * Apache Parquet, written in one go and without seeking:
 *
 *   PAR1 | row group: a column chunk for each column | ... | metadata | its length, 4 bytes | PAR1
 *
 * A row group ends at so many rows or compressed bytes, whichever comes first: memory does not follow the rows.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "output/format.h"
#include "output/parquet_column.h"
#include "output/parquet_metadata.h"

#define GROUP_ROWS  122880u /* a multiple of 2,048, as DuckDB likes it; it reads row groups in parallel */
#define GROUP_BYTES (12u << 20)
#define MAGIC	    "PAR1"

struct parquet {
	struct parquet_field fields[PARQUET_MAX_FIELDS];
	struct parquet_column columns[PARQUET_MAX_FIELDS];
	struct parquet_chunk chunks[PARQUET_MAX_FIELDS];
	uint32_t n_columns;
	struct parquet_metadata metadata;
	struct parquet_codec codec;
	uint64_t n_rows, n_bytes; /* of the row group */
};

static int begin(struct output *output)
{
	struct parquet *parquet = calloc(1, sizeof(*parquet));
	int r;

	if (!parquet)
		return -ENOMEM;
	output->state = parquet;
	r = parquet_codec_init(&parquet->codec, &output->options.compression);
	parquet->n_columns =
		parquet_schema_make(output->columns, output->n_columns, output->options.are_times_ns, parquet->fields);
	for (uint32_t i = 0; i < parquet->n_columns && r == 0; i++)
		r = parquet_column_init(&parquet->columns[i], &parquet->fields[i], &parquet->codec, &output->n_beyond);
	stream_add_text(output->options.stream, MAGIC);
	return r;
}

static void done(struct output *output)
{
	struct parquet *parquet = output->state;

	if (!parquet)
		return;
	for (uint32_t i = 0; i < parquet->n_columns; i++)
		parquet_column_done(&parquet->columns[i]);
	buffer_done(&parquet->metadata.groups);
	parquet_codec_done(&parquet->codec);
	free(parquet);
}

static int end_group(struct output *output)
{
	struct parquet *parquet = output->state;
	int r = 0;

	for (uint32_t i = 0; i < parquet->n_columns && r == 0; i++)
		r = parquet_column_write(&parquet->columns[i], output->options.stream, &parquet->chunks[i]);
	if (r < 0)
		return r;
	parquet_metadata_add_group(&parquet->metadata, parquet->columns, parquet->chunks, parquet->n_columns,
				   parquet->n_rows);
	for (uint32_t i = 0; i < parquet->n_columns; i++)
		parquet_column_clear(&parquet->columns[i]);
	parquet->n_rows = parquet->n_bytes = 0;
	return parquet->metadata.groups.error;
}

static int add_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	struct parquet *parquet = output->state;

	for (uint32_t i = 0; i < parquet->n_columns; i++)
		parquet->n_bytes +=
			parquet_column_add(&parquet->columns[i], block, row, fields[parquet->fields[i].column]);
	parquet->n_rows++;
	return parquet->n_rows == GROUP_ROWS || parquet->n_bytes >= GROUP_BYTES ? end_group(output) : 0;
}

static int end(struct output *output)
{
	struct parquet *parquet = output->state;
	struct buffer *footer = &output->scratch;
	uint32_t len;
	int r = parquet->n_rows ? end_group(output) : 0;

	if (r < 0)
		return r;
	footer->used = 0;
	parquet_metadata_put(&parquet->metadata, output->options.table, parquet->fields, parquet->n_columns, footer);
	len = htole32((uint32_t)footer->used);
	buffer_add(footer, &len, sizeof(len));
	buffer_add_text(footer, MAGIC);
	if (footer->error)
		return footer->error;
	stream_add(output->options.stream, footer->data, footer->used);
	return 0;
}

const struct format format_parquet = {begin, add_row, end, NULL, done};
