/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes on their way out through a file descriptor (or another taker), in large writes. The first error sticks; what is
 * added after it is thrown away, so that a writer of rows asks once a row. The descriptor is not owned.
 *
 * With SIGPIPE ignored, a reader that went away shows as -EPIPE.
 */
#ifndef OBIT_BASE_STREAM_H
#define OBIT_BASE_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define STREAM_BYTES 65536 /* a pipe's default capacity: one write fills it */

struct stream {
	int fd;							   /* -1: to `write` */
	int (*write)(void *context, const void *data, size_t len); /* all of it; 0 or -errno */
	void *context;
	int error;	  /* 0 or the -errno of the first write that failed */
	uint64_t flushed; /* bytes that have left the buffer */
	size_t used;
	char buffer[STREAM_BYTES];
};

void stream_init(struct stream *stream, int fd);
void stream_init_taker(struct stream *stream, int (*write)(void *context, const void *data, size_t len), void *context);

/* Writes out what is held. 0 or the sticky error. */
int stream_flush(struct stream *stream);

void stream_add(struct stream *stream, const void *data, size_t len);
void stream_add_text(struct stream *stream, const char *text);
void stream_add_u64(struct stream *stream, uint64_t value);
void stream_add_i64(struct stream *stream, int64_t value);

/* Bytes added so far. */
static inline uint64_t stream_position(const struct stream *stream)
{
	return stream->flushed + stream->used;
}

/* Where the next `len` <= STREAM_BYTES bytes may be put; stream_commit() says how many were. */
static inline char *stream_room(struct stream *stream, size_t len)
{
	if (len > STREAM_BYTES - stream->used)
		stream_flush(stream);
	return stream->buffer + stream->used;
}

static inline void stream_commit(struct stream *stream, size_t len)
{
	stream->used += len;
}

static inline void stream_add_char(struct stream *stream, char c)
{
	*stream_room(stream, 1) = c;
	stream_commit(stream, 1);
}

/*
 * All of it to a descriptor, without a stream. One that does not block (a shared terminal, a socket) is waited for. 0
 * or -errno.
 */
int write_all(int fd, const void *bytes, size_t len);

#endif
