/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers through the range coder: how many bits it has, the top ones of them, and the rest as plain bits. What one
 * column has taught is kept for the frame: struct column_models.
 *
 * How many bits are expected depends on how many the series's number had the time before (`length`): a process that did
 * little does little.
 */
#ifndef OBIT_STORE_NUMBERS_H
#define OBIT_STORE_NUMBERS_H

#include <stddef.h>

#include "store/range.h"

#define LENGTH_CLASSES	 12
#define TOP_BITS	 3  /* below the highest, which is 1 */
#define NUMBER_MAX_BYTES 23 /* 10 answers of 12 bits at the worst, and 60 plain bits */

struct column_models {
	model is_null[2]; /* by the row before */
	model head[256];
	model is_something[LENGTH_CLASSES];
	model length[LENGTH_CLASSES][64];
	model top[65][1 << TOP_BITS];
};

void column_models_clear(struct column_models *models);

/*
 * A tree of models holds one for each question that the answers before can lead to: node 1 asks first, and node n leads
 * to 2n and 2n + 1.
 */
RANGE_INLINE void put_tree(struct range_sink *to, model *tree, unsigned value, unsigned n_bits)
{
	unsigned node = 1;

	while (n_bits--) {
		unsigned bit = value >> n_bits & 1;

		range_put(to, &tree[node], bit);
		node = node << 1 | bit;
	}
}

RANGE_INLINE unsigned get_tree(struct range_source *from, model *tree, unsigned n_bits)
{
	unsigned node = 1;

	for (unsigned i = 0; i < n_bits; i++)
		node = node << 1 | range_get(from, &tree[node]);
	return node - (1u << n_bits);
}

/* A byte, bit by bit from the highest on. */
RANGE_INLINE void put_head(struct range_sink *to, model *models, uint8_t head)
{
	put_tree(to, models, head, 8);
}

RANGE_INLINE uint8_t get_head(struct range_source *from, model *models)
{
	return (uint8_t)get_tree(from, models, 8);
}

/* The class of a length: near 0 each by itself, then wider. */
static const uint8_t class_of[65] = {
	0,  1,	2,  3,	4,  4,	5,  5,	6,  6,	6,  7,	7,  7,	7,  8,	8,  8,	8,  9,	9,  9,
	9,  10, 10, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
	11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11,
};

RANGE_INLINE void put_number(struct range_sink *to, struct column_models *models, uint8_t *length, uint64_t number)
{
	unsigned class = class_of[*length], bits = number ? 64 - (unsigned)__builtin_clzll(number) : 0, below, top;

	*length = (uint8_t)bits;
	range_put(to, &models->is_something[class], bits > 0);
	if (!bits)
		return;
	put_tree(to, models->length[class], bits - 1, 6);
	below = bits - 1;
	top = below < TOP_BITS ? below : TOP_BITS;
	below -= top;
	put_tree(to, models->top[bits], (unsigned)(number >> below) & ((1u << top) - 1), top);
	range_put_plain(to, number & ((1ull << below) - 1), below);
}

RANGE_INLINE uint64_t get_number(struct range_source *from, struct column_models *models, uint8_t *length)
{
	unsigned class = class_of[*length], bits, below, top;
	uint64_t number;

	*length = 0;
	if (!range_get(from, &models->is_something[class]))
		return 0;
	bits = get_tree(from, models->length[class], 6) + 1;
	*length = (uint8_t)bits;
	below = bits - 1;
	top = below < TOP_BITS ? below : TOP_BITS;
	below -= top;
	number = 1ull << top | get_tree(from, models->top[bits], top);
	return number << below | range_get_plain(from, below);
}

#endif
