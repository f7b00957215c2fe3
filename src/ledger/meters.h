/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Meters: of each living process, how much of its costs has been written in rows already. What a new reading
 * adds is the next row. A fixed pool; the ledger's thread only.
 *
 * A reading may come out a little short (a thread that ends while it is taken), never long: then nothing is
 * added, the meter stays, and the next reading catches up. So the rows of a life add up to its end.
 */
#ifndef OBIT_LEDGER_METERS_H
#define OBIT_LEDGER_METERS_H

#include <linux/types.h>
#include <stdint.h>

#include "bpf/event.h"

/* What is new since the last reading; wall_ns and threads are 0, max_delay_ns is the reading's own. */
struct meter_step {
	struct costs costs;
	struct waits waits;
	uint64_t user_ns, system_ns; /* costs.cpu_ns in the proportion of the kernel's ticks so far */
	int is_empty;
};

struct meters;

/* A meter's number; 0 is none. */
typedef uint32_t meter_id;

struct meters *meters_new(uint32_t max);
void meters_free(struct meters *meters);

/* A new one, at zero. 0: there is no room. */
meter_id meters_add(struct meters *meters);

/* Dropping 0 is legal and does nothing. */
void meters_drop(struct meters *meters, meter_id id);

/* Moves the meter up to these totals. */
void meters_advance(struct meters *meters, meter_id id, const struct costs *costs, const struct waits *waits,
		    struct meter_step *ret);

#endif
