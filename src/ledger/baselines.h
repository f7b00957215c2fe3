/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Baselines: of each live process, how much of its costs has been written in rows already. What a new reading
 * adds is the next row. A fixed pool; the ledger's thread only.
 *
 * A reading may come out a little short (a thread that ends while it is taken), never long: then nothing is
 * added, the baseline stays, and the next reading catches up. So the rows of a life add up to its end.
 */
#ifndef OBIT_LEDGER_BASELINES_H
#define OBIT_LEDGER_BASELINES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/event.h"

/* What is new since the last reading; wall_ns and threads are 0, max_delay_ns is the reading's own. */
struct cost_delta {
	struct costs costs;
	struct waits waits;
	uint64_t user_ns, system_ns; /* costs.cpu_ns in the proportion of the kernel's ticks so far */
	bool is_empty;
};

struct baselines;

/* A baseline's number; 0 is none. */
typedef uint32_t baseline_id;

struct baselines *baselines_new(uint32_t max);
void baselines_free(struct baselines *baselines);

/* A new one, at zero. 0: there is no room. */
baseline_id baselines_add(struct baselines *baselines);

/* Dropping 0 is legal and does nothing. */
void baselines_drop(struct baselines *baselines, baseline_id id);

/* Moves the baseline up to these totals. */
void baselines_advance(struct baselines *baselines, baseline_id id, const struct costs *costs,
		       const struct waits *waits, struct cost_delta *ret);

#endif
