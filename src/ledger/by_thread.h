/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums of what the kernel keeps by thread alone (bpf/event.h).
 */
#ifndef OBIT_LEDGER_BY_THREAD_H
#define OBIT_LEDGER_BY_THREAD_H

#include <linux/types.h>
#include <stddef.h>

#include "bpf/event.h"

/* The i-th of N_BY_THREAD, in the order of the struct. */
static inline __u64 by_thread_at(const struct by_thread *of, size_t i)
{
	return ((const __u64 *)(const void *)of)[i];
}

static inline void by_thread_add(struct by_thread *sum, const struct by_thread *more)
{
	for (size_t i = 0; i < N_BY_THREAD; i++)
		((__u64 *)(void *)sum)[i] += by_thread_at(more, i);
}

#endif
