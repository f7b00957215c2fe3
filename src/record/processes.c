// SPDX-License-Identifier: BSD-2-Clause
/*
 * Open addressing with linear probing, at most three quarters full. Removing shifts back what follows, so
 * that no tombstones gather in a table that lives for ever.
 */
#include "record/processes.h"

#include <stdlib.h>

struct processes {
	struct process *slots;
	uint32_t mask, count, max;
};

struct processes *processes_new(uint32_t max)
{
	struct processes *processes = calloc(1, sizeof(*processes));
	uint32_t slots = 64;

	while (slots / 4 * 3 < max)
		slots *= 2;
	if (!processes)
		return NULL;
	processes->slots = calloc(slots, sizeof(*processes->slots));
	processes->mask = slots - 1;
	processes->max = max;
	if (!processes->slots) {
		free(processes);
		return NULL;
	}
	return processes;
}

void processes_free(struct processes *processes)
{
	if (!processes)
		return;
	free(processes->slots);
	free(processes);
}

/*
 * Pids are given out in order: 16 of them are neighbours here too, so that the next one's slot is in the cache already.
 * Where these sixteen are is a multiplicative hash (Knuth 6.4), by its upper bits.
 */
static uint32_t home_of(const struct processes *processes, uint32_t pid)
{
	uint32_t sixteen = ((pid >> 4) * UINT32_C(2654435769)) >> 8;

	return (sixteen << 4 | (pid & 15)) & processes->mask;
}

static struct process *slot_for(struct processes *processes, uint32_t pid, uint64_t start_boot_ns)
{
	uint32_t i = home_of(processes, pid);
	struct process *slot = &processes->slots[i];

	while (slot->pid && (slot->pid != pid || slot->start_boot_ns != start_boot_ns)) {
		i = (i + 1) & processes->mask;
		slot = &processes->slots[i];
	}
	return slot;
}

struct process *processes_find(struct processes *processes, uint32_t pid, uint64_t start_boot_ns)
{
	struct process *slot = slot_for(processes, pid, start_boot_ns);

	return slot->pid ? slot : NULL;
}

struct process *processes_add(struct processes *processes, uint32_t pid, uint64_t start_boot_ns)
{
	struct process *slot;

	if (processes->count == processes->max || !pid)
		return NULL;
	slot = slot_for(processes, pid, start_boot_ns);
	*slot = (struct process){.pid = pid, .start_boot_ns = start_boot_ns};
	processes->count++;
	return slot;
}

void processes_remove(struct processes *processes, struct process *process)
{
	uint32_t hole = (uint32_t)(process - processes->slots), i = hole;

	for (;;) {
		struct process *next;
		uint32_t home;

		i = (i + 1) & processes->mask;
		next = &processes->slots[i];
		if (!next->pid)
			break;
		home = home_of(processes, next->pid);
		/* It may move back unless its home lies between the hole and itself. */
		if (((i - home) & processes->mask) >= ((i - hole) & processes->mask)) {
			processes->slots[hole] = *next;
			hole = i;
		}
	}
	processes->slots[hole].pid = 0;
	processes->count--;
}

uint32_t processes_sweep(struct processes *processes, int (*gone)(struct process *process, void *ctx), void *ctx)
{
	uint32_t removed = 0;

	for (uint32_t i = 0; i <= processes->mask;) {
		struct process *slot = &processes->slots[i];

		/* What removing moves into this slot is looked at next. */
		if (slot->pid && gone(slot, ctx)) {
			processes_remove(processes, slot);
			removed++;
		} else {
			i++;
		}
	}
	return removed;
}

uint32_t processes_count(const struct processes *processes)
{
	return processes->count;
}
