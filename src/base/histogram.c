// SPDX-License-Identifier: BSD-2-Clause
/*
 * A part's index is its octave and its place in it, so that indices sort as the values do:
 *
 *   octave 0      0 to 127, one value each
 *   octave k > 0  from 2^(6+k), 128 parts of 2^(k-1) values each
 *
 * While numbers come in, the parts are found by a hash of the index; to be counted through, they are sorted.
 */
#include "base/histogram.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define PARTS_LOG2 7
#define PARTS	   (1u << PARTS_LOG2)
#define FIRST_SIZE 2 /* a group often has one value */

struct histogram_part {
	uint64_t times; /* 0: a free slot */
	uint32_t index;
};

void histogram_done(struct histogram *histogram)
{
	free(histogram->parts);
	*histogram = (struct histogram){0};
}

static uint32_t index_of(uint64_t value)
{
	unsigned octave = value < PARTS ? 0 : 64 - PARTS_LOG2 - (unsigned)__builtin_clzll(value);

	return octave * PARTS + ((uint32_t)(octave ? value >> (octave - 1) : value) & (PARTS - 1));
}

static uint64_t middle_of(uint32_t index)
{
	uint32_t octave = index / PARTS, part = index % PARTS;

	return octave ? ((uint64_t)(PARTS + part) << (octave - 1)) + ((UINT64_C(1) << (octave - 1)) - 1) / 2 : part;
}

/* The slot of the part, or a free one for it. Multiplicative hashing (Knuth 6.4), by its upper bits. */
static struct histogram_part *slot_of(const struct histogram *histogram, uint32_t index)
{
	uint32_t at = ((index * UINT32_C(2654435769)) >> 16) & (histogram->size - 1);

	while (histogram->parts[at].times && histogram->parts[at].index != index)
		at = (at + 1) & (histogram->size - 1);
	return &histogram->parts[at];
}

_Static_assert((64 - PARTS_LOG2 + 1) * PARTS * 2 <= 1u << 16, "16 bits of hash reach every slot");

static int grow(struct histogram *histogram)
{
	struct histogram old = *histogram;

	histogram->size = old.size ? old.size * 2 : FIRST_SIZE;
	histogram->parts = calloc(histogram->size, sizeof(*histogram->parts));
	if (!histogram->parts) {
		*histogram = old;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < old.size; i++)
		if (old.parts[i].times)
			*slot_of(histogram, old.parts[i].index) = old.parts[i];
	free(old.parts);
	return 0;
}

int histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
	struct histogram_part *part;
	uint64_t n;

	assert(!histogram->is_sorted);
	if (!times)
		return 0;
	if (__builtin_add_overflow(histogram->n, times, &n))
		return -EOVERFLOW;
	if (histogram->n_parts * 4 >= histogram->size * 3 && grow(histogram) < 0)
		return -ENOMEM;
	part = slot_of(histogram, index_of(value));
	histogram->n_parts += !part->times;
	part->index = index_of(value);
	part->times += times;
	histogram->n = n;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct histogram_part *one = a, *other = b;

	return (one->index > other->index) - (one->index < other->index);
}

static void sort(struct histogram *histogram)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < histogram->size; i++)
		if (histogram->parts[i].times)
			histogram->parts[n++] = histogram->parts[i];
	if (n)
		qsort(histogram->parts, n, sizeof(histogram->parts[0]), compare);
	histogram->is_sorted = 1;
}

uint64_t histogram_quantile(struct histogram *histogram, double share)
{
	/* 0.07 of 5000 is a little above 350 in binary. */
	double wanted = share * (double)histogram->n * (1 - 1e-12);
	uint64_t seen = 0;

	if (!histogram->is_sorted)
		sort(histogram);
	for (uint32_t i = 0; i < histogram->n_parts; i++) {
		seen += histogram->parts[i].times;
		if ((double)seen >= wanted || i + 1 == histogram->n_parts)
			return middle_of(histogram->parts[i].index);
	}
	return 0;
}
