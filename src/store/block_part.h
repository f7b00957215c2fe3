/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks seen as one of several parts: so many of the rows of each, where they lie. For a chunk that is too long for a
 * file.
 */
#ifndef OBIT_STORE_BLOCK_PART_H
#define OBIT_STORE_BLOCK_PART_H

#include "model/block.h"

struct block_part;

/* Part `part` of `parts` of the blocks, which must outlive it: the last one has the last row of each. NULL: out of
 * memory. */
struct block_part *block_part_new(struct block *const *blocks, size_t n, uint32_t part, uint32_t parts);
void block_part_free(struct block_part *part);

struct block *const *block_part_blocks(const struct block_part *part);
uint32_t block_part_rows(const struct block_part *part);

#endif
