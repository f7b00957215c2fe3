/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the pages of a Parquet file are compressed.
 */
#ifndef OBIT_OUTPUT_PARQUET_CODEC_H
#define OBIT_OUTPUT_PARQUET_CODEC_H

#include "base/buffer.h"
#include "output/output.h"

struct parquet_codec {
	struct compression compression;
	struct ZSTD_CCtx_s *zstd;
};

/* 0 or -ENOMEM; parquet_codec_done() is due in any case. */
int parquet_codec_init(struct parquet_codec *ret, const struct compression *compression);
void parquet_codec_done(struct parquet_codec *codec);

/* `out` becomes the compressed bytes; its error is -ENOMEM where there is no memory for them. */
void parquet_compress(const struct parquet_codec *codec, const struct buffer *bytes, struct buffer *out);

/* The number that parquet.thrift has for it. */
int parquet_codec_number(const struct parquet_codec *codec);

#endif
