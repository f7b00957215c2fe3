// SPDX-License-Identifier: BSD-2-Clause
#include "base/histogram.h"

#include <errno.h>
#include <stdlib.h>

#define PARTS_LOG2 7
#define PARTS	   (1u << PARTS_LOG2)
#define OCTAVES	   (64 - PARTS_LOG2 + 1) /* the first holds 0 to PARTS - 1, one value each */

struct histogram {
	uint64_t *octaves[OCTAVES]; /* PARTS counts each; NULL: none */
	uint64_t n;
};

struct histogram *histogram_new(void)
{
	return calloc(1, sizeof(struct histogram));
}

void histogram_free(struct histogram *histogram)
{
	for (unsigned i = 0; histogram && i < OCTAVES; i++)
		free(histogram->octaves[i]);
	free(histogram);
}

static unsigned octave_of(uint64_t value)
{
	return value < PARTS ? 0 : 64 - PARTS_LOG2 - (unsigned)__builtin_clzll(value);
}

/* In octave k > 0 a part is 2^(k-1) wide. */
static unsigned part_of(uint64_t value, unsigned octave)
{
	return (unsigned)(octave ? value >> (octave - 1) : value) & (PARTS - 1);
}

static uint64_t middle_of(unsigned octave, unsigned part)
{
	return octave ? ((uint64_t)(PARTS + part) << (octave - 1)) + ((UINT64_C(1) << (octave - 1)) - 1) / 2 : part;
}

int histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
	unsigned octave = octave_of(value);

	if (!histogram->octaves[octave]) {
		histogram->octaves[octave] = calloc(PARTS, sizeof(uint64_t));
		if (!histogram->octaves[octave])
			return -ENOMEM;
	}
	histogram->octaves[octave][part_of(value, octave)] += times;
	histogram->n += times;
	return 0;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	/* 0.07 of 5000 is a little above 350 in binary. */
	double wanted = share * (double)histogram->n * (1 - 1e-12);
	uint64_t seen = 0, last = 0;

	for (unsigned octave = 0; octave < OCTAVES; octave++)
		for (unsigned part = 0; histogram->octaves[octave] && part < PARTS; part++) {
			uint64_t here = histogram->octaves[octave][part];

			if (!here)
				continue;
			seen += here;
			last = middle_of(octave, part);
			if ((double)seen >= wanted)
				return last;
		}
	return last;
}
