/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of times: ranges [since, until) that do not touch, in order. Zeroed is empty.
 */
#ifndef OBIT_QUERY_TIME_RANGES_H
#define OBIT_QUERY_TIME_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_END UINT64_MAX

struct time_range {
	uint64_t since_real_ns, until_real_ns; /* until NO_END: for ever */
};

struct time_ranges {
	struct time_range *ranges;
	size_t n;
};

void time_ranges_done(struct time_ranges *set);

/* Adds a range, or those of another set. 0 or -ENOMEM; then nothing is added. */
int time_ranges_add(struct time_ranges *set, struct time_range range);
int time_ranges_add_all(struct time_ranges *set, const struct time_ranges *other);

bool time_ranges_hold(const struct time_ranges *set, uint64_t real_ns);
bool time_ranges_cover(const struct time_ranges *set, struct time_range range);

/* From the first beginning to the last end. */
struct time_range time_ranges_hull(const struct time_ranges *set);

#endif
