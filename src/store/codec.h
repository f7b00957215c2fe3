/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows to bytes and back: one section for each table of a chunk, column after column.
 *
 * Texts are interned by table and frame: the first time a text is written in full and gets the next number,
 * after that its number stands for it. So a section can be decoded only after all earlier sections of its
 * table in the same frame; those of other tables can be skipped.
 */
#ifndef OBIT_STORE_CODEC_H
#define OBIT_STORE_CODEC_H

#include "model/block.h"
#include "store/bytes.h"

/* Texts of one table in one frame. Either side has one for each table. */
struct dictionary;

struct dictionary *dictionary_new(void);
void dictionary_free(struct dictionary *dictionary);
void dictionary_clear(struct dictionary *dictionary);
/* A frame should end before the next chunk. */
int dictionary_is_full(const struct dictionary *dictionary);

/* The columns of the block. Errors show in sink->failed (out of memory). */
void section_put(struct sink *sink, const struct block *block, struct dictionary *dictionary);

/*
 * Columns of `rows` rows into an empty block of the right table. 0; -EBADMSG: the bytes make no sense (the
 * block's contents are then undefined, and so is the dictionary); -ENOMEM.
 */
int section_get(struct source *source, uint32_t rows, struct block *block, struct dictionary *dictionary);

#endif
