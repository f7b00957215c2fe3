/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A range coder (Martin 1979; its binary, adaptive form as in LZMA): yes-or-no questions cost as little as their
 * answers are expected. Each question has a `model`, which learns from every answer, the first ones most; writer and
 * reader learn the same. docs/format.md says it to the bit.
 */
#ifndef OBIT_STORE_RANGE_H
#define OBIT_STORE_RANGE_H

#include <stdint.h>

#include "store/bytes.h"

/* Inlined wherever it is called, so that a loop over a column keeps the coder in registers. */
#define RANGE_INLINE static inline __attribute__((always_inline))

/* 12 bits of the probability of "no", and below it 4 bits that count the answers so far, up to 15. */
typedef uint16_t model;
#define PROBABILITY_EVEN ((model)(2048 << 4))
#define PROBABILITY_BITS 12

/* Neither answer ever becomes impossible: what is taken is less than what is there. */
RANGE_INLINE void model_learn(model *chance_, unsigned answer)
{
	static const uint8_t shift[16] = {1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5};
	unsigned n = *chance_ & 15, p = *chance_ >> 4;
	unsigned less = p - (p >> shift[n]), more = p + (((1u << PROBABILITY_BITS) - p) >> shift[n]);

	*chance_ = (model)((answer ? less : more) << 4 | (n + (n < 15)));
}

/*
 * After each step `range` has more than 32 bits: then a question costs at most 12 of them, and plain bits 24. Four
 * bytes go out or come in at a time, seldom enough for the branch to be foreseen; no other depends on the answers.
 */
#define RANGE_MIN	 (1ull << 32)
#define RANGE_PLAIN_BITS 24

/* Bytes come out behind what the sink holds. */
struct range_sink {
	struct sink *sink;
	size_t start;
	unsigned char *at; /* in the sink's room */
	uint64_t low, range;
};

void range_put_begin(struct range_sink *to, struct sink *sink);
/* Room for `len` more bytes and the end: to be asked for before answers are put. 0 or -ENOMEM. */
int range_put_room(struct range_sink *to, size_t len);
void range_put_end(struct range_sink *to);

RANGE_INLINE void range_add(struct range_sink *to, uint64_t offset)
{
	to->low += offset;
	if (__builtin_expect(to->low < offset, 0))
		for (unsigned char *byte = to->at; ++*--byte == 0;)
			;
}

RANGE_INLINE void range_put_normalize(struct range_sink *to)
{
	if (__builtin_expect(to->range >= RANGE_MIN, 1))
		return;
	for (int i = 0; i < 4; i++)
		*to->at++ = (unsigned char)(to->low >> (56 - 8 * i));
	to->low <<= 32;
	to->range <<= 32;
}

RANGE_INLINE void range_put(struct range_sink *to, model *chance_, unsigned answer)
{
	uint64_t bound = (to->range >> PROBABILITY_BITS) * (*chance_ >> 4);

	range_add(to, answer ? bound : 0);
	to->range = answer ? to->range - bound : bound;
	model_learn(chance_, answer);
	range_put_normalize(to);
}

/* `n` bits of which nothing is known. */
RANGE_INLINE void range_put_plain(struct range_sink *to, uint64_t value, unsigned n)
{
	while (n) {
		unsigned step = n < RANGE_PLAIN_BITS ? n : RANGE_PLAIN_BITS;

		n -= step;
		to->range >>= step;
		range_add(to, (value >> n & ((1u << step) - 1)) * to->range);
		range_put_normalize(to);
	}
}

/* Behind the last byte zeros are read, so that no bytes make it fail. */
struct range_source {
	const unsigned char *at, *end;
	uint64_t code, range;
};

void range_get_begin(struct range_source *from, const unsigned char *data, size_t len);

RANGE_INLINE void range_get_normalize(struct range_source *from)
{
	if (__builtin_expect(from->range >= RANGE_MIN, 1))
		return;
	for (int i = 0; i < 4; i++)
		from->code = from->code << 8 | (from->at < from->end ? *from->at++ : 0);
	from->range <<= 32;
}

RANGE_INLINE unsigned range_get(struct range_source *from, model *chance_)
{
	uint64_t bound = (from->range >> PROBABILITY_BITS) * (*chance_ >> 4);
	unsigned answer = from->code >= bound;

	from->code -= answer ? bound : 0;
	from->range = answer ? from->range - bound : bound;
	model_learn(chance_, answer);
	range_get_normalize(from);
	return answer;
}

RANGE_INLINE uint64_t range_get_plain(struct range_source *from, unsigned n)
{
	uint64_t value = 0;

	while (n) {
		unsigned step = n < RANGE_PLAIN_BITS ? n : RANGE_PLAIN_BITS;
		uint64_t part;

		n -= step;
		from->range >>= step;
		part = from->code / from->range;
		/* Only bytes that no writer made lead beyond. */
		if (part >> step)
			part = (1u << step) - 1;
		from->code -= part * from->range;
		value = value << step | part;
		range_get_normalize(from);
	}
	return value;
}

#endif
