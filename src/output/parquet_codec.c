// SPDX-License-Identifier: BSD-2-Clause
/*
 * zstd, gzip or nothing.
 */
#include "output/parquet_codec.h"

#include <errno.h>
#include <zstd.h>

#include "base/gzip.h"

int parquet_codec_init(struct parquet_codec *ret, const struct compression *compression)
{
	*ret = (struct parquet_codec){.compression = *compression};
	if (compression->kind != COMPRESSION_ZSTD)
		return 0;
	ret->zstd = ZSTD_createCCtx();
	return ret->zstd ? 0 : -ENOMEM;
}

void parquet_codec_done(struct parquet_codec *codec)
{
	ZSTD_freeCCtx(codec->zstd);
}

static void compress_zstd(const struct parquet_codec *codec, const struct buffer *bytes, struct buffer *out)
{
	size_t bound = ZSTD_compressBound(bytes->used), len;

	if (buffer_reserve(out, bound) < 0)
		return;
	len = ZSTD_compressCCtx(codec->zstd, out->data, bound, bytes->data, bytes->used, codec->compression.level);
	if (ZSTD_isError(len))
		out->error = -ENOMEM; /* nothing else can fail: the room is enough */
	else
		out->used = len;
}

void parquet_compress(const struct parquet_codec *codec, const struct buffer *bytes, struct buffer *out)
{
	out->used = 0;
	switch (codec->compression.kind) {
	case COMPRESSION_ZSTD:
		compress_zstd(codec, bytes, out);
		break;
	case COMPRESSION_GZIP:
		gzip_add(out, bytes->data, bytes->used, codec->compression.level);
		break;
	case COMPRESSION_NONE:
		buffer_add(out, bytes->data, bytes->used);
		break;
	}
}

int parquet_codec_number(const struct parquet_codec *codec)
{
	static const int numbers[] = {[COMPRESSION_ZSTD] = 6, [COMPRESSION_GZIP] = 2, [COMPRESSION_NONE] = 0};

	return numbers[codec->compression.kind];
}
