// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chunks to frames: a frame ends when readers would have to read too much to get at its last chunk.
 */
#include "store/segment_writer.h"

#include <errno.h>

#include "store/segment_format.h"
#include "store/header.h"

int segment_writer_begin(struct segment_writer *writer, int fd, const struct file_calls *calls, int level,
			 const struct origin *origin, const struct table *const *tables, size_t n_tables)
{
	int r = 0;

	if (!writer->frames.zstd)
		r = frame_writer_init(&writer->frames, fd, calls, level);
	if (r < 0)
		return r;
	frame_writer_restart(&writer->frames, fd);
	writer->first_number = writer->last_number = 0;
	writer->frame_chunks = 0;
	header_put(&writer->frames.waiting, origin, tables, n_tables);
	return writer->frames.waiting.failed ? -ENOMEM : 0;
}

static int frame_is_full(const struct segment_writer *writer)
{
	return writer->frame_chunks >= FRAME_CHUNKS || writer->frame_raw_bytes >= FRAME_RAW_BYTES;
}

int segment_writer_put(struct segment_writer *writer, const struct interval *interval, struct block *const *blocks,
		       size_t n_blocks)
{
	int r = 0;

	if (writer->frame_chunks && frame_is_full(writer)) {
		r = frame_writer_end(&writer->frames);
		writer->frame_chunks = 0;
	}
	if (!writer->frame_chunks)
		writer->frame_raw_bytes = 0;
	if (r < 0)
		return r;
	writer->raw.len = 0;
	chunk_put(&writer->raw, &writer->sections, writer->frame_chunks, interval, blocks, n_blocks);
	if (writer->raw.failed)
		return -ENOMEM;
	r = frame_writer_compress(&writer->frames, writer->raw.data, writer->raw.len);
	writer->frame_chunks++;
	writer->frame_raw_bytes += writer->raw.len;
	if (!writer->first_number)
		writer->first_number = interval->number;
	if (interval->number > writer->last_number)
		writer->last_number = interval->number;
	return r;
}

int segment_writer_end(struct segment_writer *writer)
{
	writer->frame_chunks = 0;
	return frame_writer_end(&writer->frames);
}

int segment_writer_commit(struct segment_writer *writer)
{
	return frame_writer_commit(&writer->frames);
}

uint64_t segment_writer_bytes(const struct segment_writer *writer)
{
	return writer->frames.committed + writer->frames.waiting.len;
}

void segment_writer_done(struct segment_writer *writer)
{
	frame_writer_done(&writer->frames);
	section_writer_done(&writer->sections);
	sink_done(&writer->raw);
}
