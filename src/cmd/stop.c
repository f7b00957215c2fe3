// SPDX-License-Identifier: BSD-2-Clause
/*
 * Signals that ask a command to stop.
 */
#include "cmd/stop.h"

#include <stddef.h>

#include "base/array.h"

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
	(void)number;
	is_stopped = 1;
}

const volatile sig_atomic_t *stop_on_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESETHAND};

	is_stopped = 0;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaction(numbers[i], &action, NULL);
	return &is_stopped;
}
