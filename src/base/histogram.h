/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts of numbers by size, for quantiles of any number of them: every power of two is cut into 128 parts,
 * so that a quantile is within 0.4 % of the value that a sort would give (exact below 256). Memory is taken
 * by power of two, 1 KiB each. One thread.
 */
#ifndef OBIT_BASE_HISTOGRAM_H
#define OBIT_BASE_HISTOGRAM_H

#include <stdint.h>

struct histogram;

/* NULL: out of memory. */
struct histogram *histogram_new(void);
void histogram_free(struct histogram *histogram);

/* The value, so many times. 0 or -ENOMEM. */
int histogram_add(struct histogram *histogram, uint64_t value, uint64_t times);

/* The smallest value that at least this share (0 to 1) of all are not above: nearest rank. 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
