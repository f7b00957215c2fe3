/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The closing count of an interval: how many processes were alive at its edge, from a walk that cannot be
 * taken at one instant.
 *
 * The walk begins a grace period after the epoch has changed and lists, in order of pid, every process not
 * counted as ended whose start is not after the edge. While it goes on, and until it is read, the new
 * epoch's births and ends are named where they matter. So
 *
 *   alive at the edge = | (listed or ended in the new epoch, having started before the edge)
 *                         less those whose birth was counted in the new epoch |
 *
 * and each set is told apart by (pid, start): nothing is counted twice and nothing in between is lost.
 */
#ifndef OBIT_RECORD_CENSUS_H
#define OBIT_RECORD_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "record/snapshot.h"

/* Is the process in the walk? */
int census_lists(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns);

/* Is it among those whose end, in the next epoch, no event has told (yet)? */
int census_tells_untold(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns);

/*
 * `ended`: exits that the ledger has received and that crossed an edge, of any epoch. `is_born` says of a
 * process that was being forked when the walk came by whether its birth was counted in this epoch or before.
 */
uint64_t census_closing(const struct snapshot *snapshot, const struct crossing *ended, size_t n_ended,
			int (*is_born)(void *ctx, uint32_t pid, uint64_t start_boot_ns), void *ctx);

#endif
