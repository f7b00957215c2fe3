/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts of numbers by size, for quantiles of any number of them: every power of two is cut into 128 parts,
 * so that a quantile is within 0.4 % of the value that a sort would give (exact below 256).
 *
 * Only the parts that occur take memory, 16 to 32 bytes each: of one number as much, of the widest possible
 * mix 256 KiB, however many they are. Zero-initialised is empty. One thread.
 */
#ifndef OBIT_BASE_HISTOGRAM_H
#define OBIT_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

struct histogram_part;

struct histogram {
	struct histogram_part *parts; /* a hash table; once asked, sorted */
	uint32_t n_parts, size;	      /* used, and slots: a power of two */
	bool is_sorted;
	uint64_t n; /* numbers counted */
};

void histogram_done(struct histogram *histogram);

/* The value, so many times. 0; -ENOMEM; -EOVERFLOW, more than 2^64 numbers. Not after a quantile was asked for. */
int histogram_add(struct histogram *histogram, uint64_t value, uint64_t times);

/* The smallest value that at least this share (0 to 1) of all are not above: nearest rank. 0 when there are none. */
uint64_t histogram_quantile(struct histogram *histogram, double share);

#endif
