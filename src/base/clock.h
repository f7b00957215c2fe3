/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clocks, in ns. Real: since the epoch, may step. Boot: since boot with suspend, never steps; what the
 * kernel stamps events with.
 */
#ifndef OBIT_BASE_CLOCK_H
#define OBIT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

static inline uint64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_boot_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

static inline uint64_t clock_real_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

/* Real minus boot, from the nearest of three readings. */
static inline int64_t clock_real_minus_boot_ns(void)
{
	uint64_t best = UINT64_MAX;
	int64_t difference = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_boot_ns(), real = clock_real_ns(), after = clock_boot_ns();

		if (after - before < best) {
			best = after - before;
			difference = (int64_t)(real - (before + best / 2));
		}
	}
	return difference;
}

#endif
