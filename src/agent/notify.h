/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a service manager is informed (sd_notify(3), sd_watchdog_enabled(3)). Without one nothing happens. Main thread.
 */
#ifndef OBIT_AGENT_NOTIFY_H
#define OBIT_AGENT_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1". */
void notify(const char *state);

/* How often it wants to hear WATCHDOG=1 at the least; 0: not at all. */
uint64_t notify_watchdog_ns(void);

#endif
