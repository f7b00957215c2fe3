/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two kinds of ring do differently; ring.c calls one or the other.
 */
#ifndef OBIT_KERNEL_RING_KINDS_H
#define OBIT_KERNEL_RING_KINDS_H

#include "kernel/ring.h"

#define PERF_SAMPLE_MAX 65536u /* its header's size is 16 bits */

uint64_t ring_perf_head(const struct ring *ring);
uint64_t ring_perf_tail(const struct ring *ring);
const void *ring_perf_peek(struct ring *ring, uint32_t *ret_size);
void ring_perf_give_back(struct ring *ring);

uint64_t ring_bpf_head(const struct ring *ring);
uint64_t ring_bpf_tail(const struct ring *ring);
const void *ring_bpf_peek(struct ring *ring, uint32_t *ret_size);
void ring_bpf_give_back(struct ring *ring);

#endif
