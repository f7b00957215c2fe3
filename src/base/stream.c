// SPDX-License-Identifier: BSD-2-Clause
/*
 * Buffered output: stdio does the same, but takes a lock for each character and forgets errno by the time
 * its error flag is asked for.
 */
#include "base/stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/decimal.h"

void stream_init(struct stream *stream, int fd)
{
	stream->fd = fd;
	stream->write = NULL;
	stream->context = NULL;
	stream->error = 0;
	stream->flushed = 0;
	stream->used = 0;
}

void stream_init_taker(struct stream *stream, int (*write)(void *context, const void *data, size_t len), void *context)
{
	stream_init(stream, -1);
	stream->write = write;
	stream->context = context;
}

int write_all(int fd, const void *bytes, size_t len)
{
	const char *data = bytes;

	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				return -errno;
			continue;
		}
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void pass_on(struct stream *stream, const void *data, size_t len)
{
	if (!stream->error)
		stream->error =
			stream->write ? stream->write(stream->context, data, len) : write_all(stream->fd, data, len);
	stream->flushed += len;
}

int stream_flush(struct stream *stream)
{
	pass_on(stream, stream->buffer, stream->used);
	stream->used = 0;
	return stream->error;
}

void stream_add(struct stream *stream, const void *data, size_t len)
{
	if (len > STREAM_BYTES - stream->used) {
		stream_flush(stream);
		if (len > STREAM_BYTES) {
			pass_on(stream, data, len);
			return;
		}
	}
	if (len)
		memcpy(stream->buffer + stream->used, data, len);
	stream->used += len;
}

void stream_add_text(struct stream *stream, const char *text)
{
	stream_add(stream, text, strlen(text));
}

void stream_add_u64(struct stream *stream, uint64_t value)
{
	char *to = stream_room(stream, DECIMAL_MAX_BYTES);

	stream_commit(stream, (size_t)(decimal_write_u64(to, value) - to));
}

void stream_add_i64(struct stream *stream, int64_t value)
{
	char *to = stream_room(stream, DECIMAL_MAX_BYTES);

	stream_commit(stream, (size_t)(decimal_write_i64(to, value) - to));
}
