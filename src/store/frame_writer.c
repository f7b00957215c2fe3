// SPDX-License-Identifier: BSD-2-Clause
/*
 * zstd's streaming compressor into memory, and memory to the file in one go.
 */
#include "store/frame_writer.h"

#include <errno.h>
#include <unistd.h>
#include <zstd.h>

const struct file_calls file_calls_real = {write, ftruncate, fsync};

int frame_writer_init(struct frame_writer *writer, int fd, const struct file_calls *calls, int level)
{
	*writer = (struct frame_writer){.fd = fd, .calls = calls};
	writer->zstd = ZSTD_createCCtx();
	if (!writer->zstd)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
	return 0;
}

void frame_writer_done(struct frame_writer *writer)
{
	ZSTD_freeCCtx(writer->zstd);
	sink_done(&writer->waiting);
}

void frame_writer_restart(struct frame_writer *writer, int fd)
{
	ZSTD_CCtx_reset(writer->zstd, ZSTD_reset_session_only);
	writer->fd = fd;
	writer->committed = 0;
	writer->waiting.len = 0;
	writer->waiting.failed = 0;
	writer->is_open = 0;
}

static int compress_with(struct frame_writer *writer, const void *data, size_t len, ZSTD_EndDirective directive)
{
	ZSTD_inBuffer in = {data, len, 0};
	size_t left;

	do {
		size_t room = ZSTD_CStreamOutSize();
		unsigned char *to = sink_room(&writer->waiting, room);
		ZSTD_outBuffer out = {to, room, 0};

		if (!to)
			return -ENOMEM;
		left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
		if (ZSTD_isError(left))
			return -ENOMEM; /* the only way it fails with valid parameters */
		writer->waiting.len += out.pos;
	} while (left || in.pos < in.size);
	return 0;
}

int frame_writer_compress(struct frame_writer *writer, const void *data, size_t len)
{
	writer->is_open = 1;
	return compress_with(writer, data, len, ZSTD_e_flush);
}

int frame_writer_end(struct frame_writer *writer)
{
	if (!writer->is_open)
		return 0;
	writer->is_open = 0;
	return compress_with(writer, NULL, 0, ZSTD_e_end);
}

int frame_writer_commit(struct frame_writer *writer)
{
	size_t done = 0;

	while (done < writer->waiting.len) {
		ssize_t n = writer->calls->write(writer->fd, writer->waiting.data + done, writer->waiting.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int r = n < 0 ? -errno : -EIO;

			/* Readers must not see half a chunk; and the next try starts where this one did. */
			if (done && writer->calls->ftruncate(writer->fd, (off_t)writer->committed) == 0)
				lseek(writer->fd, (off_t)writer->committed, SEEK_SET);
			else if (done) {
				/* The half stays; go on behind it next time. */
				writer->committed += done;
				writer->waiting.len -= done;
				__builtin_memmove(writer->waiting.data, writer->waiting.data + done,
						  writer->waiting.len);
			}
			return r;
		}
		done += (size_t)n;
	}
	writer->committed += done;
	writer->waiting.len = 0;
	return 0;
}
