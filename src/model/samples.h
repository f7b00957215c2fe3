/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables that are sampled when an interval ends, and room for an interval's rows of each.
 */
#ifndef OBIT_MODEL_SAMPLES_H
#define OBIT_MODEL_SAMPLES_H

#include "model/block.h"

/* In the order of their tables. */
enum { SAMPLE_SYSTEM, SAMPLE_DISKS, SAMPLE_NICS, SAMPLE_CGROUPS, N_SAMPLES };

const struct table *samples_table(int sample);

/* An empty block of the sample's table, with room for the rows of an interval. NULL: out of memory. */
struct block *samples_block_new(int sample);

#endif
