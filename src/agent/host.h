/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the agent asks of the host for itself: limits, locked memory, a place at the end of the OOM killer's
 * list; and what it says of itself in the ledger. Main thread.
 */
#ifndef OBIT_AGENT_HOST_H
#define OBIT_AGENT_HOST_H

#include <stdint.h>

#include "model/origin.h"

/* What is lost by where this process runs: the i-th line (from 0), or NULL. */
const char *host_namespace_loss(unsigned i);

/* Raises limits, before anything is loaded. What may not be done is said, once, and is not fatal. */
void host_raise_limits(void);

/*
 * Locks what is in memory, and each page that will be from when it is used first: tables that may grow are mapped
 * whole. After what is loaded once. True when it could; says why not.
 */
int host_lock_memory(void);

/* Who and where this run is; run_real_ns is now. */
void host_describe(struct origin *ret);

uint64_t host_own_cpu_ns(void);
uint64_t host_own_rss_bytes(void);

#endif
