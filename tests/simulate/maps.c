// SPDX-License-Identifier: BSD-2-Clause
/*
 * The programs' rings and maps as the agent sees them: made, emptied and read, as collect.c and collect_maps.c do.
 */
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

int programs_init(struct world *world)
{
	for (unsigned i = 0; i < world->plan->n_cpus; i++) {
		world->rings[i].memory = aligned_alloc(PAGE_BYTES, PAGE_BYTES + world->plan->ring_bytes);
		if (!world->rings[i].memory)
			return -1;
	}
	for (int i = 0; i < 2; i++)
		world->rolled[i] = calloc(MAX_ROLLUPS, sizeof(**world->rolled));
	world->births_late = calloc(MAX_BOUNDARY, sizeof(*world->births_late));
	world->deaths_unrecorded = calloc(MAX_BOUNDARY, sizeof(*world->deaths_unrecorded));
	return world->rolled[0] && world->rolled[1] && world->births_late && world->deaths_unrecorded ? 0 : -1;
}

void programs_done(struct world *world)
{
	for (unsigned i = 0; i < world->plan->n_cpus; i++)
		free(world->rings[i].memory);
	free(world->rolled[0]);
	free(world->rolled[1]);
	free(world->births_late);
	free(world->deaths_unrecorded);
}

/* The first stage brings new maps and new rings: nothing is left of an agent before. */
void programs_attach(struct world *world, enum attached attached)
{
	world->attached = attached;
	if (attached == ATTACHED_ALL)
		world->announced_since_boot_ns = world->boot_ns;
	if (attached != ATTACHED_FORK)
		return;
	world->announced_since_boot_ns = UINT64_MAX;
	world->is_adopting = world->is_settling = 0;
	world->epoch = 0;
	memset(world->boundary_ns, 0, sizeof(world->boundary_ns));
	memset(world->counts, 0, sizeof(world->counts));
	memset(world->counted, 0, sizeof(world->counted));
	memset(world->other, 0, sizeof(world->other));
	world->n_rolled[0] = world->n_rolled[1] = 0;
	world->n_births_late = world->n_deaths_unrecorded = 0;
	world->n_noted = world->n_leaderless = 0;
	for (uint32_t i = 0; i < world->n_live; i++) {
		world->live[i]->is_noted = world->live[i]->is_counted = world->live[i]->is_leaderless = 0;
		world->live[i]->least_epoch = 0;
		/* See on_fork(). */
		if (world->live[i]->stage == STAGE_TOLD)
			world->live[i]->stage = STAGE_RUNNING;
	}
	for (unsigned i = 0; i < world->plan->n_cpus; i++) {
		memset(world->rings[i].memory, 0, PAGE_BYTES);
		world->rings[i].head = world->rings[i].lost = 0;
	}
}

void programs_detach(struct world *world)
{
	world->attached = ATTACHED_NONE;
}

void programs_begin_epoch(struct world *world, uint32_t epoch, uint64_t boundary_boot_ns)
{
	world->boundary_ns[epoch & 1] = boundary_boot_ns;
	world->epoch = epoch;
}

void programs_counters(struct world *world, uint32_t epoch, struct counters *ret)
{
	const uint64_t *now = (const uint64_t *)(const void *)&world->counts[epoch & 1];
	uint64_t *before = (uint64_t *)(void *)&world->counted[epoch & 1];

	for (size_t i = 0; i < sizeof(*ret) / 8; i++) {
		((uint64_t *)(void *)ret)[i] = now[i] - before[i];
		before[i] = now[i];
	}
}

size_t programs_rollups(struct world *world, uint32_t epoch, struct rollup_row *rows)
{
	struct rollup *other = &world->other[epoch & 1];
	size_t n = 0;

	/* A hash map gives its keys in no order. */
	for (size_t left = world->n_rolled[epoch & 1]; left; left--) {
		struct rollup_entry *entry = &world->rolled[epoch & 1][chance_below(&world->chance, left)];

		rows[n++] = (struct rollup_row){entry->key, entry->sum, 0};
		*entry = world->rolled[epoch & 1][left - 1];
	}
	world->n_rolled[epoch & 1] = 0;
	if (other->exits || other->amendments)
		rows[n++] = (struct rollup_row){.sum = *other, .is_other = 1};
	memset(other, 0, sizeof(*other));
	return n;
}

static size_t take_boundary_processes(struct boundary_process *map, size_t *n, uint32_t epoch,
				      struct boundary_process *rows)
{
	size_t taken = 0, kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (map[i].epoch <= epoch)
			rows[taken++] = map[i];
		else
			map[kept++] = map[i];
	*n = kept;
	return taken;
}

size_t programs_births_late(struct world *world, uint32_t epoch, struct boundary_process *rows)
{
	return take_boundary_processes(world->births_late, &world->n_births_late, epoch, rows);
}

static int compare_boundary_processes(const void *a, const void *b)
{
	const struct boundary_process *one = a, *other = b;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	return one->start_boot_ns < other->start_boot_ns ? -1 : one->start_boot_ns > other->start_boot_ns;
}

size_t programs_exiting(struct world *world, uint32_t epoch, struct boundary_process *rows)
{
	size_t n = 0;

	for (uint32_t i = 0; i < world->n_live; i++)
		if (world->live[i]->is_noted && !world->live[i]->is_counted)
			rows[n++] =
				(struct boundary_process){world->live[i]->start_boot_ns, world->live[i]->pid, epoch};
	return n;
}

size_t programs_exits_unreported(struct world *world, uint32_t epoch, struct boundary_process *rows, size_t n)
{
	size_t all = n, kept = 0;

	all += take_boundary_processes(world->deaths_unrecorded, &world->n_deaths_unrecorded, epoch, rows + n);
	qsort(rows, all, sizeof(*rows), compare_boundary_processes);
	for (size_t i = 0; i < all; i++)
		if (!kept || compare_boundary_processes(&rows[kept - 1], &rows[i]) != 0)
			rows[kept++] = rows[i];
	return kept;
}
