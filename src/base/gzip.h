/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream whose bytes are compressed as gzip (RFC 1952) on their way to a file descriptor.
 */
#ifndef OBIT_BASE_GZIP_H
#define OBIT_BASE_GZIP_H

#include "base/buffer.h"
#include "base/stream.h"

struct gzip;

/* The descriptor is not owned. NULL: out of memory. */
struct gzip *gzip_new(int fd);

/* What is to be compressed is added here. */
struct stream *gzip_stream(struct gzip *gzip);

/* Ends the compressed data and writes out what is held. 0 or the stream's error, which stays in the stream too. */
int gzip_finish(struct gzip *gzip);
void gzip_free(struct gzip *gzip);

/* Adds all of it at once, compressed at that level, 1 to 9. Its error is -ENOMEM. */
void gzip_add(struct buffer *out, const void *data, size_t len, int level);

#endif
