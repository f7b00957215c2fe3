// SPDX-License-Identifier: BSD-2-Clause
/*
 * Choosing the format, and the life of an output.
 */
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "output/format.h"

static const char *const names[] = {
	[OUTPUT_TABLE] = "table",
	[OUTPUT_CSV] = "csv",
	[OUTPUT_TSV] = "tsv",
	[OUTPUT_JSONL] = "jsonl",
};

static const struct format *const formats[] = {
	[OUTPUT_TABLE] = &format_table, [OUTPUT_CSV] = &format_csv,	    [OUTPUT_TSV] = &format_tsv,
	[OUTPUT_JSONL] = &format_jsonl, [OUTPUT_PARQUET] = &format_parquet, [OUTPUT_PERFETTO] = &format_perfetto,
};

const char *const *output_format_names(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(names);
	return names;
}

static void output_free(struct output *output)
{
	if (output->format->done)
		output->format->done(output);
	buffer_done(&output->scratch);
	free(output);
}

int output_open(const struct output_options *options, const struct field *columns, uint32_t n_columns,
		struct output **ret)
{
	struct output *output = calloc(1, sizeof(*output));
	int r;

	if (!output)
		return -ENOMEM;
	output->options = *options;
	output->format = formats[options->format];
	output->n_columns = n_columns < TABLE_MAX_FIELDS ? n_columns : TABLE_MAX_FIELDS;
	memcpy(output->columns, columns, output->n_columns * sizeof(*columns));
	r = output->format->begin(output);
	if (r < 0) {
		output_free(output);
		return r;
	}
	*ret = output;
	return 0;
}

int output_row(struct output *output, const struct block *block, uint32_t row, const int *fields)
{
	int r = output->format->row(output, block, row, fields);

	return r < 0 ? r : output->options.stream->error;
}

int output_flush(struct output *output)
{
	int r = output->format->flush ? output->format->flush(output) : 0;

	stream_flush(output->options.stream);
	return r < 0 ? r : output->options.stream->error;
}

uint64_t output_beyond(const struct output *output)
{
	return output->n_beyond;
}

int output_close(struct output *output)
{
	struct stream *stream;
	int r;

	if (!output)
		return 0;
	stream = output->options.stream;
	r = output->format->end ? output->format->end(output) : 0;
	output_free(output);
	stream_flush(stream);
	return r < 0 ? r : stream->error;
}
