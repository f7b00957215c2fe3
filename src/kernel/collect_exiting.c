// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading the map of exiting processes (bpf/state.bpf.h). It is read while it changes. The kernel gives a bucket of its
 * table at a time, as it is at one instant: an entry that stays is found, and once.
 *
 * With --sched off an exit is counted when its task is released. A kernel may keep programs from running in some
 * context (the 6.18 one that obit is measured on does in that of init's threads), so that releases are missed there. A
 * process that has left the walk and is not released RELEASE_WAIT_NS later has gone so; it is counted without costs.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/collect_kernel.h"

#define EXITING_BATCH 1024 /* entries at a time; more than a bucket ever holds */
#define REAPED_MAX    1024 /* watched at a time; others wait */

int collect_exiting_init(struct collect *collect)
{
	collect->exiting = calloc(EXITING_BATCH, sizeof(*collect->exiting));
	collect->exiting_keys = calloc(EXITING_BATCH, sizeof(*collect->exiting_keys));
	collect->reaped = calloc(REAPED_MAX, sizeof(*collect->reaped));
	return collect->exiting && collect->exiting_keys && collect->reaped ? 0 : -ENOMEM;
}

void collect_exiting_done(struct collect *collect)
{
	free(collect->exiting);
	free(collect->exiting_keys);
	free(collect->reaped);
}

static int map_of(const struct collect *collect)
{
	return bpf_map__fd(collect->skel->maps.exiting);
}

/* Has it been out of the walk for so long that its release must have been missed? */
static bool is_overdue(struct collect *collect, uint64_t key, const struct exiting *of, uint64_t now_boot_ns)
{
	struct reaped *reaped = collect->reaped;

	for (size_t i = 0; i < collect->n_reaped; i++)
		if (reaped[i].key == key && reaped[i].pid == of->pid && reaped[i].start_boot_ns == of->start_boot_ns) {
			reaped[i].is_there = true;
			return now_boot_ns - reaped[i].since_boot_ns > RELEASE_WAIT_NS;
		}
	if (collect->n_reaped < REAPED_MAX)
		reaped[collect->n_reaped++] = (struct reaped){key, of->start_boot_ns, now_boot_ns, of->pid, true};
	return false;
}

static void keep_those_there(struct collect *collect)
{
	size_t kept = 0;

	for (size_t i = 0; i < collect->n_reaped; i++) {
		if (!collect->reaped[i].is_there)
			continue;
		collect->reaped[kept] = collect->reaped[i];
		collect->reaped[kept++].is_there = false;
	}
	collect->n_reaped = kept;
}

int collect_exiting(struct collect *collect, uint32_t epoch, const struct walk *walk, struct boundary_process *rows,
		    size_t max, size_t *ret_n, uint64_t *ret_unseen)
{
	uint64_t *keys = collect->exiting_keys, now_boot_ns = clock_boot_ns(), unseen = 0;
	bool is_first = true, is_off = !collect->skel->rodata->sched_on;
	struct exiting *of = collect->exiting;
	uint32_t place, got;
	size_t n = 0;
	int r;

	do {
		got = EXITING_BATCH;
		r = bpf_map_lookup_batch(map_of(collect), is_first ? NULL : &place, &place, keys, of, &got, NULL) < 0
			    ? -errno
			    : 0;
		if (r < 0 && r != -ENOENT)
			return r;
		for (uint32_t i = 0; i < got; i++) {
			if (of[i].is_counted)
				continue;
			/* Whoever deletes it counts it. */
			if (is_off && !snapshot_find(walk->live, walk->n_live, of[i].pid, of[i].start_boot_ns) &&
			    is_overdue(collect, keys[i], &of[i], now_boot_ns) &&
			    bpf_map_delete_elem(map_of(collect), &keys[i]) == 0) {
				unseen++;
				continue;
			}
			if (n == max)
				return -ENOSPC;
			rows[n++] = (struct boundary_process){of[i].start_boot_ns, of[i].pid, epoch};
		}
		is_first = false;
	} while (r != -ENOENT);
	keep_those_there(collect);
	*ret_n = n;
	*ret_unseen = unseen;
	return 0;
}
