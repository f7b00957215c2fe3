// SPDX-License-Identifier: BSD-2-Clause
#include "ledger/meters.h"

#include <stdlib.h>

#include "ledger/rows.h"

#define WORDS(type) (sizeof(type) / sizeof(__u64)) /* all their fields are __u64 */

struct meter {
	struct costs costs;
	struct waits waits;
	uint64_t user_ns;
	meter_id next; /* while free */
};

struct meters {
	meter_id free; /* given back last; 0: none */
	uint32_t n_used, max;
	struct meter meters[];
};

struct meters *meters_new(uint32_t max)
{
	struct meters *meters = calloc(1, sizeof(*meters) + ((size_t)max + 1) * sizeof(meters->meters[0]));

	if (!meters)
		return NULL;
	meters->max = max;
	return meters;
}

void meters_free(struct meters *meters)
{
	free(meters);
}

meter_id meters_add(struct meters *meters)
{
	meter_id id = meters->free;

	if (id)
		meters->free = meters->meters[id].next;
	else if (meters->n_used < meters->max)
		id = ++meters->n_used;
	else
		return 0;
	meters->meters[id] = (struct meter){0};
	return id;
}

void meters_drop(struct meters *meters, meter_id id)
{
	if (!id)
		return;
	meters->meters[id].next = meters->free;
	meters->free = id;
}

/* Moves each word up; true when one has moved. */
static int advance_words(__u64 *meter, const __u64 *now, __u64 *ret_step, size_t n)
{
	int has_moved = 0;

	for (size_t i = 0; i < n; i++) {
		ret_step[i] = now[i] > meter[i] ? now[i] - meter[i] : 0;
		meter[i] += ret_step[i];
		has_moved |= ret_step[i] != 0;
	}
	return has_moved;
}

static void advance_split(struct meter *meter, struct meter_step *step)
{
	const struct costs *costs = &meter->costs;
	uint64_t user_ns, system_ns;

	split_cpu(costs->cpu_ns, costs->utime_ns, costs->stime_ns, &user_ns, &system_ns);
	step->user_ns = user_ns > meter->user_ns ? user_ns - meter->user_ns : 0;
	if (step->user_ns > step->costs.cpu_ns)
		step->user_ns = step->costs.cpu_ns;
	step->system_ns = step->costs.cpu_ns - step->user_ns;
	meter->user_ns += step->user_ns;
}

void meters_advance(struct meters *meters, meter_id id, const struct costs *costs, const struct waits *waits,
		    struct meter_step *ret)
{
	struct meter *meter = &meters->meters[id];
	struct costs sums = *costs;
	struct waits counts = *waits;
	int has_moved;

	/* These are no sums. */
	sums.wall_ns = sums.threads = 0;
	counts.max_delay_ns = 0;
	*ret = (struct meter_step){0};
	has_moved = advance_words((__u64 *)&meter->costs, (const __u64 *)&sums, (__u64 *)&ret->costs,
				  WORDS(struct costs));
	has_moved |= advance_words((__u64 *)&meter->waits, (const __u64 *)&counts, (__u64 *)&ret->waits,
				   WORDS(struct waits));
	advance_split(meter, ret);
	ret->waits.max_delay_ns = waits->max_delay_ns;
	ret->is_empty = !has_moved;
}
