// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sets of processes, by binary search in the walk (it is in order of pid) and by looking through the few
 * late births.
 */
#include <stdbool.h>

#include "ledger/census.h"

static const struct walk_row *listed(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns)
{
	return snapshot_find(snapshot->live, snapshot->n_live, pid, start_boot_ns);
}

int census_lists(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns)
{
	return listed(snapshot, pid, start_boot_ns) != NULL;
}

static int born_late(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns)
{
	for (size_t i = 0; i < snapshot->n_births_late; i++)
		if (snapshot->births_late[i].pid == pid && snapshot->births_late[i].start_boot_ns == start_boot_ns &&
		    snapshot->births_late[i].epoch == snapshot->epoch + 1)
			return 1;
	return 0;
}

static bool is_unlisted(const struct snapshot *snapshot, const struct boundary_process *ended)
{
	return ended->epoch == snapshot->epoch + 1 && !listed(snapshot, ended->pid, ended->start_boot_ns) &&
	       !born_late(snapshot, ended->pid, ended->start_boot_ns);
}

/* Of all that ended in the next epoch; one that is reported by its event may stand among the unreported too. */
int census_is_unreported(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns)
{
	size_t low = 0, high = snapshot->n_exits_unreported;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct boundary_process *at = &snapshot->exits_unreported[middle];

		if (at->pid < pid || (at->pid == pid && at->start_boot_ns < start_boot_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low < snapshot->n_exits_unreported && snapshot->exits_unreported[low].pid == pid &&
	       snapshot->exits_unreported[low].start_boot_ns == start_boot_ns;
}

uint64_t census_closing(const struct snapshot *snapshot, const struct ended *ended, size_t n_ended,
			int (*is_born)(void *ctx, uint32_t pid, uint64_t start_boot_ns), void *ctx)
{
	uint64_t count = 0;

	for (size_t i = 0; i < snapshot->n_live; i++) {
		const struct walk_row *row = &snapshot->live[i];

		if (row->flags & WALK_NEW && !is_born(ctx, row->pid, row->start_boot_ns))
			continue;
		if (snapshot->n_births_late && born_late(snapshot, row->pid, row->start_boot_ns))
			continue;
		count++;
	}
	for (size_t i = 0; i < n_ended; i++)
		count += ended[i].process.start_boot_ns <= snapshot->boundary_boot_ns &&
			 ended[i].boot_ns <= snapshot->read_boot_ns && is_unlisted(snapshot, &ended[i].process) &&
			 !census_is_unreported(snapshot, ended[i].process.pid, ended[i].process.start_boot_ns);
	for (size_t i = 0; i < snapshot->n_exits_unreported; i++)
		count += snapshot->exits_unreported[i].start_boot_ns <= snapshot->boundary_boot_ns &&
			 is_unlisted(snapshot, &snapshot->exits_unreported[i]);
	return count;
}
