// SPDX-License-Identifier: BSD-2-Clause
/*
 * A pool of processes, and an index of it by pid: open addressing with linear probing, at most half full. Removing
 * shifts back what follows, so that no tombstones gather in a table that lives for ever. Both are as large as they may
 * become, and take memory as far as they have ever been used: the pool gives out again first what was given back last.
 */
#include "ledger/processes.h"

#include <stdlib.h>

struct processes {
	uint32_t *index; /* 0: free; else the number of a process */
	uint32_t mask;
	struct process *pool; /* by number, from 1; one that is free has pid 0 and the next free one in `row` */
	uint32_t n_used, free, count, max;
};

struct processes *processes_new(uint32_t max)
{
	struct processes *processes = calloc(1, sizeof(*processes));
	uint32_t slots = 64;

	while (slots / 2 < max)
		slots *= 2;
	if (!processes)
		return NULL;
	processes->index = calloc(slots, sizeof(*processes->index));
	processes->pool = calloc((size_t)max + 1, sizeof(*processes->pool));
	processes->mask = slots - 1;
	processes->max = max;
	if (!processes->index || !processes->pool) {
		processes_free(processes);
		return NULL;
	}
	return processes;
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	free(processes->index);
	free(processes->pool);
	free(processes);
}

/*
 * Pids are given out in order: 16 of them are neighbours here too, so that the next one's slot is in the cache already.
 * Where these sixteen are is a multiplicative hash (Knuth 6.4), by its upper bits.
 */
static uint32_t first_slot_of(const struct processes *processes, uint32_t pid)
{
	uint32_t sixteen = ((pid >> 4) * UINT32_C(2654435769)) >> 8;

	return (sixteen << 4 | (pid & 15)) & processes->mask;
}

/* Where it is, or the free slot where it would be. */
static uint32_t slot_for(const struct processes *processes, uint32_t pid, uint64_t start_boot_ns)
{
	uint32_t i = first_slot_of(processes, pid), id;

	while ((id = processes->index[i]) &&
	       (processes->pool[id].pid != pid || processes->pool[id].start_boot_ns != start_boot_ns))
		i = (i + 1) & processes->mask;
	return i;
}

struct process *processes_find(struct processes *processes, uint32_t pid, uint64_t start_boot_ns)
{
	uint32_t id = processes->index[slot_for(processes, pid, start_boot_ns)];

	return id ? &processes->pool[id] : NULL;
}

struct process *processes_add(struct processes *processes, uint32_t pid, uint64_t start_boot_ns)
{
	uint32_t id = processes->free;

	if (processes->count == processes->max || !pid)
		return NULL;
	if (id)
		processes->free = processes->pool[id].row;
	else
		id = ++processes->n_used;
	processes->index[slot_for(processes, pid, start_boot_ns)] = id;
	processes->pool[id] = (struct process){.pid = pid, .start_boot_ns = start_boot_ns};
	processes->count++;
	return &processes->pool[id];
}

static void clear_slot(struct processes *processes, uint32_t hole)
{
	for (uint32_t i = (hole + 1) & processes->mask; processes->index[i]; i = (i + 1) & processes->mask) {
		uint32_t first_slot = first_slot_of(processes, processes->pool[processes->index[i]].pid);

		/* It may move back unless its first slot lies between the hole and itself. */
		if (((i - first_slot) & processes->mask) >= ((i - hole) & processes->mask)) {
			processes->index[hole] = processes->index[i];
			hole = i;
		}
	}
	processes->index[hole] = 0;
}

void processes_remove(struct processes *processes, struct process *process)
{
	clear_slot(processes, slot_for(processes, process->pid, process->start_boot_ns));
	process->pid = 0;
	process->row = processes->free;
	processes->free = (uint32_t)(process - processes->pool);
	processes->count--;
}

uint32_t processes_sweep(struct processes *processes, bool (*gone)(struct process *process, void *ctx), void *ctx)
{
	uint32_t removed = 0;

	for (uint32_t id = 1; id <= processes->n_used; id++) {
		struct process *process = &processes->pool[id];

		if (process->pid && gone(process, ctx)) {
			processes_remove(processes, process);
			removed++;
		}
	}
	return removed;
}

uint32_t processes_count(const struct processes *processes)
{
	return processes->count;
}
