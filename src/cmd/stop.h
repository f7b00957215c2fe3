/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Being asked to stop: SIGINT, SIGTERM and SIGHUP as a flag, so that what was half made can be removed.
 */
#ifndef OBIT_CMD_STOP_H
#define OBIT_CMD_STOP_H

#include <signal.h>

/* Catches one of each: a second ends the process at once. What is returned is set when one came. */
const volatile sig_atomic_t *stop_on_signals(void);

#endif
