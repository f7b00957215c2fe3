// SPDX-License-Identifier: BSD-2-Clause
/*
 * What an export's file consists of, opened and closed in order.
 */
#include "cmd/export_file.h"

#include <errno.h>
#include <stdbool.h>

int export_file_open(struct export_file *ret, int fd, bool is_gzip, const struct output_options *options,
		     const struct table *columns)
{
	struct output_options with_stream = *options;

	ret->output = NULL;
	ret->gzip = is_gzip ? gzip_new(fd) : NULL;
	ret->stream = is_gzip ? NULL : &ret->plain;
	if (is_gzip && !ret->gzip)
		return -ENOMEM;
	if (is_gzip)
		ret->stream = gzip_stream(ret->gzip);
	else
		stream_init(&ret->plain, fd);
	with_stream.stream = ret->stream;
	return output_open(&with_stream, columns->fields, columns->n_fields, &ret->output);
}

int export_file_close(struct export_file *file)
{
	int r, gzip_r;

	file->n_beyond += file->output ? output_beyond(file->output) : 0;
	r = output_close(file->output);
	gzip_r = file->gzip ? gzip_finish(file->gzip) : 0;
	gzip_free(file->gzip);
	file->output = NULL;
	file->gzip = NULL;
	return r < 0 ? r : gzip_r;
}
