// SPDX-License-Identifier: BSD-2-Clause
/*
 * What kind of history a seed is. Most have room for everything and lose nothing, so that all must be exact;
 * the others are short of one thing or another, by which much of the code is only ever reached.
 */
#include <stdio.h>
#include <string.h>

#include "simulate.h"

#define ROOMY 4096 /* processes of the ledger: several times the largest population */

static uint64_t one_of(struct chance *chance, const uint32_t *values, size_t n)
{
	return values[chance_below(chance, n)];
}

static void draw_room(struct plan *plan, struct chance *chance)
{
	static const uint32_t ring_bytes[] = {8192, 8192, 8192, 16384, 65536, 131072};
	static const uint32_t few[] = {1, 4, 16, 64, 256, 1024};

	plan->ring_bytes = (uint32_t)one_of(chance, ring_bytes, 6);
	plan->max_rollups = (uint32_t)one_of(chance, few, 6);
	plan->max_boundary = MAX_BOUNDARY;
	plan->max_exiting = plan->max_leaderless = 65536;
	plan->max_processes = ROOMY;
	if (chance_is(chance, 120))
		plan->max_processes = 16 + (uint32_t)chance_below(chance, 200);
	if (chance_is(chance, 60))
		plan->max_exiting = 1 + (uint32_t)chance_below(chance, 20);
	if (chance_is(chance, 40) && plan->max_exiting == 65536)
		plan->max_leaderless = 1 + (uint32_t)chance_below(chance, 4);
	if (chance_is(chance, 40))
		plan->max_boundary = 1 + (uint32_t)chance_below(chance, 4);
}

static void draw_misses(struct plan *plan, struct chance *chance)
{
	if (!chance_is(chance, 200))
		return;
	if (chance_is(chance, 500))
		plan->miss_fork = 1 + (unsigned)chance_below(chance, 30);
	if (chance_is(chance, 500))
		plan->miss_exec = 1 + (unsigned)chance_below(chance, 100);
	if (chance_is(chance, 500))
		plan->miss_signal = 1 + (unsigned)chance_below(chance, 100);
	if (chance_is(chance, 500) && plan->sched_on && plan->max_exiting == 65536)
		plan->miss_switch = 1 + (unsigned)chance_below(chance, 50);
	if (chance_is(chance, 500) && plan->sched_on && plan->max_exiting == 65536)
		plan->miss_free = 1 + (unsigned)chance_below(chance, 50);
}

static void draw_disk(struct plan *plan, struct chance *chance)
{
	plan->disk_errors = chance_is(chance, 400) ? 1 + (unsigned)chance_below(chance, 300) : 0;
	plan->segment_bytes = chance_is(chance, 600) ? 12000 + chance_below(chance, 60000) : 0;
	plan->fsync_each_interval = chance_is(chance, 300);
	plan->crashes = chance_is(chance, 600) ? 5 + (unsigned)chance_below(chance, 60) : 0;
	plan->power_cuts = (unsigned)chance_below(chance, 1000);
	/* Not drawn: the histories of seeds stay what they were. */
	plan->is_sealing = plan->power_cuts % 10 < 7;
}

/* The drain hardly comes by, or the agent takes long for its rollovers: whole maps and chunks fill. */
static void draw_storm(struct plan *plan, struct chance *chance)
{
	plan->steps_per_interval = 2000 + (unsigned)chance_scaled(chance, 14);
	plan->n_cgroups = 1 + (unsigned)chance_scaled(chance, 10);
	plan->n_comms = 1 + (unsigned)chance_scaled(chance, 8);
	if (plan->events < 6000)
		plan->events *= 4;
	if (chance_is(chance, 600)) {
		plan->ring_bytes = 8192;
		plan->n_cpus = 1 + (unsigned)chance_below(chance, 2);
		plan->idle_drain = 1000 - (unsigned)chance_scaled(chance, 5);
		if (chance_is(chance, 300)) {
			plan->max_rollups = MAX_ROLLUPS;
			plan->long_cgroups = 900;
			plan->n_cgroups = 1000;
		}
		return;
	}
	plan->ring_bytes = 131072;
	plan->n_cpus = MAX_CPUS;
	plan->slow_argv = 1000;
	plan->steps_per_stage = 2000 + (unsigned)chance_scaled(chance, 12);
	plan->steps_per_interval = plan->steps_per_stage;
}

void plan_draw(struct plan *plan, struct chance *chance, uint64_t events)
{
	memset(plan, 0, sizeof(*plan));
	plan->events = events ? events : 1000 + chance_scaled(chance, 13);
	plan->n_cpus = 1 + (unsigned)chance_below(chance, MAX_CPUS);
	plan->population = 4 + (unsigned)chance_scaled(chance, 8);
	plan->sched_on = !chance_is(chance, 200);
	draw_room(plan, chance);
	draw_misses(plan, chance);
	plan->idle_drain = chance_is(chance, 500) ? 900 + (unsigned)chance_below(chance, 100) : 200;
	plan->slow_argv = chance_is(chance, 200) ? 500 : 10;
	plan->long_cgroups = chance_is(chance, 200) ? 500 : 20;
	plan->n_cgroups = 1 + (unsigned)chance_scaled(chance, 9);
	plan->n_comms = 1 + (unsigned)chance_scaled(chance, 6);
	plan->steps_per_interval = 50 + (unsigned)chance_scaled(chance, 12);
	plan->steps_per_stage = 1 + (unsigned)chance_scaled(chance, chance_is(chance, 100) ? 11 : 5);
	plan->late_stamps = chance_is(chance, 300) ? 100 : 0;
	plan->clock_steps = chance_is(chance, 300) ? 100 : 0;
	draw_disk(plan, chance);
	if (chance_is(chance, 200))
		draw_storm(plan, chance);
}

int plan_has_misses(const struct plan *plan)
{
	return plan->miss_fork || plan->miss_switch || plan->miss_free || plan->max_exiting < 65536 ||
	       plan->max_leaderless < 65536 || plan->max_boundary < MAX_BOUNDARY;
}

int plan_is_tight(const struct plan *plan)
{
	/* Where its end may be lost, the ledger gives a process up early or late, with what its threads left. */
	return plan->max_processes < ROOMY || plan->max_exiting < 65536 || (plan->miss_switch && plan->miss_free);
}

static uint64_t mix(uint64_t x)
{
	struct chance chance = {x};

	return chance_next(&chance);
}

size_t image_exe(uint32_t image, char *to)
{
	return (size_t)sprintf(to, "/usr/lib/%x/tool-%u", (unsigned)(mix(image) & 7), image);
}

/* Arguments, each ended by NUL. */
size_t image_argv(uint32_t image, const struct plan *plan, char *to)
{
	uint64_t draw = mix(image + 0x1000000ULL);
	size_t len = (size_t)sprintf(to, "tool-%u", image) + 1;
	size_t more = draw % 1000 < plan->slow_argv ? (draw >> 20) % (OBIT_ARGV_MAX - 40) : (draw >> 20) % 60;

	for (size_t i = 0; i < more; i++)
		to[len + i] = (char)(i % 13 == 12 ? 0 : 'a' + (mix(draw + i / 13) >> (i % 13 * 4)) % 26);
	if (more)
		to[len + more - 1] = 0;
	return len + more;
}

size_t cgroup_path_of(uint64_t id, const struct plan *plan, char *to)
{
	uint64_t draw = mix(id ^ 0x55aa);
	size_t len, more = draw % 1000 < plan->long_cgroups ? 100 + (draw >> 20) % 900 : (draw >> 20) % 40;

	if (id % 11 == 10)
		return 0;
	len = (size_t)sprintf(to, "/kubepods.slice/job-%u-", (unsigned)id);
	for (size_t i = 0; i < more; i++)
		to[len + i] = "0123456789abcdef"[(draw >> (i % 60)) & 15];
	return len + more;
}
