/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk as it stands in a frame's decompressed bytes:
 *
 *   u32 length of body | u32 crc32 of body | body:
 *     varint interval number | varint begin | varint end | u8 flags | u8 tables |
 *     for each table: varint id | varint rows | varint bytes | columns (codec.h)
 */
#ifndef OBIT_STORE_CHUNK_CODEC_H
#define OBIT_STORE_CHUNK_CODEC_H

#include "model/block.h"
#include "model/origin.h"
#include "store/codec.h"

#define CHUNK_PREFIX 8u

/* Dictionaries of all tables, by id; made when first needed. */
struct dictionaries {
	struct dictionary *of[TABLE_MAX_TABLES];
};

/* NULL: out of memory, or an id beyond TABLE_MAX_TABLES. */
struct dictionary *dictionaries_get(struct dictionaries *dictionaries, uint32_t id);
void dictionaries_clear(struct dictionaries *dictionaries);
void dictionaries_done(struct dictionaries *dictionaries);
int dictionaries_full(const struct dictionaries *dictionaries);

/* Appends the chunk, prefix and all; `ordinal` counts the frame's chunks from 0, `section` is scratch. */
void chunk_put(struct sink *sink, struct sink *section, uint32_t ordinal, const struct interval *interval,
	       struct block *const *blocks, size_t n_blocks, struct dictionaries *dictionaries);

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

#endif
