// SPDX-License-Identifier: BSD-2-Clause
/*
 * zlib between two streams.
 */
#include "base/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define LEVEL	    3		     /* of text: 6 is half as fast and 10 % smaller */
#define GZIP_WINDOW (MAX_WBITS + 16) /* with gzip's header and checksum */

struct gzip {
	z_stream zlib;
	struct stream raw, packed;
};

/* Compresses what zlib has been given; `flush` as deflate() takes it. */
static int deflate_all(struct gzip *gzip, int flush)
{
	int r;

	do {
		gzip->zlib.next_out = (unsigned char *)stream_room(&gzip->packed, STREAM_BYTES);
		gzip->zlib.avail_out = STREAM_BYTES;
		r = deflate(&gzip->zlib, flush);
		stream_commit(&gzip->packed, STREAM_BYTES - gzip->zlib.avail_out);
	} while (gzip->zlib.avail_in || (flush == Z_FINISH && r == Z_OK));
	return gzip->packed.error;
}

static int compress_bytes(void *context, const void *data, size_t len)
{
	struct gzip *gzip = context;
	unsigned char *bytes = (unsigned char *)data; /* zlib reads only, and says so in newer versions */

	for (size_t n; len; bytes += n, len -= n) {
		n = len < STREAM_BYTES ? len : STREAM_BYTES;
		gzip->zlib.next_in = bytes;
		gzip->zlib.avail_in = (unsigned)n;
		if (deflate_all(gzip, Z_NO_FLUSH) < 0)
			break;
	}
	return gzip->packed.error;
}

struct gzip *gzip_new(int fd)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	if (deflateInit2(&gzip->zlib, LEVEL, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	stream_init_taker(&gzip->raw, compress_bytes, gzip);
	stream_init(&gzip->packed, fd);
	return gzip;
}

struct stream *gzip_stream(struct gzip *gzip)
{
	return &gzip->raw;
}

int gzip_finish(struct gzip *gzip)
{
	if (stream_flush(&gzip->raw) == 0) {
		gzip->zlib.avail_in = 0;
		deflate_all(gzip, Z_FINISH);
		gzip->raw.error = stream_flush(&gzip->packed);
	}
	return gzip->raw.error;
}

void gzip_free(struct gzip *gzip)
{
	if (!gzip)
		return;
	deflateEnd(&gzip->zlib);
	free(gzip);
}

void gzip_add(struct buffer *out, const void *data, size_t len, int level)
{
	z_stream zlib = {0};
	size_t bound;

	if (deflateInit2(&zlib, level, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		out->error = -ENOMEM;
		return;
	}
	bound = deflateBound(&zlib, len);
	if (buffer_reserve(out, bound) == 0) {
		zlib.next_in = (unsigned char *)data; /* zlib reads only, and says so in newer versions */
		zlib.avail_in = (unsigned)len;
		zlib.next_out = (unsigned char *)out->data + out->used;
		zlib.avail_out = (unsigned)bound;
		deflate(&zlib, Z_FINISH); /* the room is enough: nothing can fail */
		out->used += bound - zlib.avail_out;
	}
	deflateEnd(&zlib);
}
