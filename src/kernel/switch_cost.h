/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs cost at a context switch here, by trying it.
 */
#ifndef OBIT_KERNEL_SWITCH_COST_H
#define OBIT_KERNEL_SWITCH_COST_H

#include <stdint.h>

#include "model/sched_level.h"

enum { SWITCH_COST_LEVELS = SCHED_FULL + 2 };

/*
 * Time of one switch between two threads on one CPU, ns: first without any program, then for each level;
 * the least of many tries, so that what else runs here matters little. Takes some seconds and attaches the
 * programs meanwhile; nothing is recorded. 0 or -errno.
 */
int switch_cost_measure(double ret_ns[SWITCH_COST_LEVELS]);

#endif
