/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that ran before the agent did: their path and arguments, from /proc, once at start.
 */
#ifndef OBIT_AGENT_INITIAL_SCAN_H
#define OBIT_AGENT_INITIAL_SCAN_H

#include <stddef.h>

#include "ledger/ledger.h"
#include "model/snapshot.h"

/* One that is gone meanwhile is added without path and arguments. */
void initial_scan(struct ledger *ledger, const struct walk_row *live, size_t n);

#endif
