/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the store says of the run before this one: how many processes lived when its ledger was closed last.
 */
#ifndef OBIT_AGENT_PREVIOUS_H
#define OBIT_AGENT_PREVIOUS_H

#include <stdint.h>

/*
 * The last `closing` in the store's ledger on the boot `boot_id`, which began at boot_real_ns. 1 with
 * *ret_closing, 0 when there is none, or a negative errno.
 */
int previous_closing(const char *store_dir, const char *boot_id, uint64_t boot_real_ns, uint64_t *ret_closing);

#endif
