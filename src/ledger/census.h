/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The closing count of an interval: how many processes were alive at its boundary, from a walk that cannot be
 * taken at one instant.
 *
 * The walk begins a grace period after the epoch has changed and lists, in order of pid, every process that is not
 * counted as exited, has not been reaped, and did not start after the boundary. Then is read, in this order,
 *
 *   who is exiting and not counted   a process leaves the walk's sight (reaped) only with an entry there, and that
 *                                    only when it is counted: who was in neither had been counted by then
 *   who was counted in a roll-up     a grace period later: whoever had been marked as counted is in it by now, or
 *                                    has an event
 *   whose birth came late            last: of whoever exited before, the birth is in it
 *
 * While this goes on, the new epoch's births and exits are named where they matter. So
 *
 *   alive at the boundary = | (listed, exiting or counted as exited in the new epoch, having started before the
 * boundary) less those whose birth was counted in the new epoch |
 *
 * and each set is distinguished by (pid, start): nothing is counted twice and nothing in between is lost.
 */
#ifndef OBIT_LEDGER_CENSUS_H
#define OBIT_LEDGER_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

/* Is the process in the walk? */
int census_lists(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns);

/* Is it among those whose end, in the next epoch, no event has reported (yet)? */
int census_is_unreported(const struct snapshot *snapshot, uint32_t pid, uint64_t start_boot_ns);

/*
 * `ended`: exits that the ledger has received and that crossed an boundary, of any epoch. Those after read_boot_ns are
 * passed over: the process was in the walk, or exiting, and of its birth births_late may not know. `is_born` says of a
 * process that was being forked when the walk came by whether its birth was counted in this epoch or before.
 */
uint64_t census_closing(const struct snapshot *snapshot, const struct ended *ended, size_t n_ended,
			int (*is_born)(void *ctx, uint32_t pid, uint64_t start_boot_ns), void *ctx);

#endif
