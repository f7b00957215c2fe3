// SPDX-License-Identifier: BSD-2-Clause
#include "ledger/baselines.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ledger/rows.h"

#define WORDS(type) (sizeof(type) / sizeof(__u64)) /* all their fields are __u64 */

struct baseline {
	struct costs costs;
	struct waits waits;
	uint64_t user_ns;
	baseline_id next; /* while free */
};

struct baselines {
	baseline_id free; /* given back last; 0: none */
	uint32_t n_used, max;
	struct baseline baselines[];
};

struct baselines *baselines_new(uint32_t max)
{
	struct baselines *baselines =
		calloc(1, sizeof(*baselines) + ((size_t)max + 1) * sizeof(baselines->baselines[0]));

	if (!baselines)
		return NULL;
	baselines->max = max;
	return baselines;
}

void baselines_free(struct baselines *baselines)
{
	free(baselines);
}

baseline_id baselines_add(struct baselines *baselines)
{
	baseline_id id = baselines->free;

	if (id)
		baselines->free = baselines->baselines[id].next;
	else if (baselines->n_used < baselines->max)
		id = ++baselines->n_used;
	else
		return 0;
	baselines->baselines[id] = (struct baseline){0};
	return id;
}

void baselines_drop(struct baselines *baselines, baseline_id id)
{
	if (!id)
		return;
	baselines->baselines[id].next = baselines->free;
	baselines->free = id;
}

/* Moves each word up; true when one has moved. */
static int advance_words(__u64 *baseline, const __u64 *now, __u64 *ret_step, size_t n)
{
	int has_moved = 0;

	for (size_t i = 0; i < n; i++) {
		ret_step[i] = now[i] > baseline[i] ? now[i] - baseline[i] : 0;
		baseline[i] += ret_step[i];
		has_moved |= ret_step[i] != 0;
	}
	return has_moved;
}

static void advance_split(struct baseline *baseline, struct cost_delta *step)
{
	const struct costs *costs = &baseline->costs;
	uint64_t user_ns, system_ns;

	split_cpu(costs->cpu_ns, costs->utime_ns, costs->stime_ns, &user_ns, &system_ns);
	step->user_ns = user_ns > baseline->user_ns ? user_ns - baseline->user_ns : 0;
	if (step->user_ns > step->costs.cpu_ns)
		step->user_ns = step->costs.cpu_ns;
	step->system_ns = step->costs.cpu_ns - step->user_ns;
	baseline->user_ns += step->user_ns;
}

void baselines_advance(struct baselines *baselines, baseline_id id, const struct costs *costs,
		       const struct waits *waits, struct cost_delta *ret)
{
	struct baseline *baseline = &baselines->baselines[id];
	struct costs sums = *costs;
	struct waits counts = *waits;
	bool has_moved;

	/* These are no sums. */
	sums.wall_ns = sums.threads = 0;
	counts.max_delay_ns = 0;
	*ret = (struct cost_delta){0};
	has_moved = advance_words((__u64 *)&baseline->costs, (const __u64 *)&sums, (__u64 *)&ret->costs,
				  WORDS(struct costs));
	has_moved |= advance_words((__u64 *)&baseline->waits, (const __u64 *)&counts, (__u64 *)&ret->waits,
				   WORDS(struct waits));
	advance_split(baseline, ret);
	ret->waits.max_delay_ns = waits->max_delay_ns;
	ret->is_empty = !has_moved;
}
