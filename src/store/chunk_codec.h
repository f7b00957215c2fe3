/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk as it stands in a frame's decompressed bytes. It can be read by itself:
 *
 *   u32 length of body | u32 crc32 of body | body:
 *     varint place | varint interval number | varint begin | varint end | u8 flags | u8 sections |
 *     for each: varint table | varint rows | varint bytes | the section (section.h)
 */
#ifndef OBIT_STORE_CHUNK_CODEC_H
#define OBIT_STORE_CHUNK_CODEC_H

#include "model/block.h"
#include "model/origin.h"
#include "store/section.h"

#define CHUNK_PREFIX 8u

/* Appends the chunk, prefix and all; `ordinal` counts the frame's chunks from 0. Errors show in sink->failed. */
void chunk_put(struct sink *sink, struct section_writer *sections, uint32_t ordinal, const struct interval *interval,
	       struct block *const *blocks, size_t n_blocks);

/*
 * Is there a whole chunk at the beginning of the bytes? Its length with the prefix; 0: not yet; -EBADMSG: it
 * can never become one, or its checksum is wrong.
 */
long chunk_whole(const void *data, size_t len);

/*
 * The body's head: the how manieth of its frame it is, what interval it belongs to. The source is left at the
 * number of tables. 0 or -EBADMSG.
 */
int chunk_get_head(struct source *body, uint64_t *ret_ordinal, struct interval *ret);

/* Rows of one table. */
struct chunk_section {
	uint64_t id, rows;
	struct source bytes;
};

/* The sections, TABLE_MAX_TABLES at most. 0 or -EBADMSG. */
int chunk_get_sections(struct source *body, struct chunk_section *ret, size_t *ret_n);

#endif
