/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk as it stands in a frame's decompressed bytes:
 *
 *   u32 length of body | u32 crc32 of body | body:
 *     varint place | varint interval number | varint begin | varint end | u8 flags | u8 tables |
 *     for each table: varint id | varint rows | varint bytes of texts | varint bytes of numbers |
 *     texts of each | numbers of each (codec.h)
 */
#ifndef OBIT_STORE_CHUNK_CODEC_H
#define OBIT_STORE_CHUNK_CODEC_H

#include "model/block.h"
#include "model/origin.h"
#include "store/codec.h"

#define CHUNK_PREFIX 8u

/* States of all tables, by id; made when first needed. */
struct states {
	struct codec_state *of[TABLE_MAX_TABLES];
};

/* NULL: out of memory, or an id beyond TABLE_MAX_TABLES. */
struct codec_state *codec_states_get(struct states *states, uint32_t id);
void codec_states_clear(struct states *states);
void codec_states_done(struct states *states);
int codec_states_full(const struct states *states);

/* Scratch of chunk_put(): what lies behind the sections' heads. Zeroed at first. */
struct chunk_parts {
	struct sink texts, numbers;
	size_t numbers_at; /* where they begin in the sink, after chunk_put(): no use in compressing them */
};

void chunk_parts_done(struct chunk_parts *parts);

/* Appends the chunk, prefix and all; `ordinal` counts the frame's chunks from 0. */
void chunk_put(struct sink *sink, struct chunk_parts *parts, uint32_t ordinal, const struct interval *interval,
	       struct block *const *blocks, size_t n_blocks, struct states *states);

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
	struct source texts, numbers;
};

/* The sections, TABLE_MAX_TABLES at most. 0 or -EBADMSG. */
int chunk_get_sections(struct source *body, struct chunk_section *ret, size_t *ret_n);

#endif
