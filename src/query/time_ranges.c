// SPDX-License-Identifier: BSD-2-Clause
#include "query/time_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void time_ranges_done(struct time_ranges *set)
{
	free(set->ranges);
	*set = (struct time_ranges){0};
}

int time_ranges_add(struct time_ranges *set, struct time_range range)
{
	size_t first = 0, end;
	void *more;

	if (range.since_real_ns >= range.until_real_ns)
		return 0;
	more = realloc(set->ranges, (set->n + 1) * sizeof(*set->ranges));
	if (!more)
		return -ENOMEM;
	set->ranges = more;
	while (first < set->n && set->ranges[first].until_real_ns < range.since_real_ns)
		first++;
	/* Those that it touches become one with it. */
	for (end = first; end < set->n && set->ranges[end].since_real_ns <= range.until_real_ns; end++) {
		if (set->ranges[end].since_real_ns < range.since_real_ns)
			range.since_real_ns = set->ranges[end].since_real_ns;
		if (set->ranges[end].until_real_ns > range.until_real_ns)
			range.until_real_ns = set->ranges[end].until_real_ns;
	}
	memmove(&set->ranges[first + 1], &set->ranges[end], (set->n - end) * sizeof(*set->ranges));
	set->ranges[first] = range;
	set->n = set->n - (end - first) + 1;
	return 0;
}

int time_ranges_add_all(struct time_ranges *set, const struct time_ranges *other)
{
	int r = 0;

	for (size_t i = 0; i < other->n && r == 0; i++)
		r = time_ranges_add(set, other->ranges[i]);
	return r;
}

bool time_ranges_hold(const struct time_ranges *set, uint64_t real_ns)
{
	for (size_t i = 0; i < set->n; i++)
		if (real_ns >= set->ranges[i].since_real_ns && real_ns < set->ranges[i].until_real_ns)
			return true;
	return false;
}

bool time_ranges_cover(const struct time_ranges *set, struct time_range range)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->ranges[i].since_real_ns <= range.since_real_ns &&
		    set->ranges[i].until_real_ns >= range.until_real_ns)
			return true;
	return false;
}

struct time_range time_ranges_hull(const struct time_ranges *set)
{
	if (!set->n)
		return (struct time_range){0, 0};
	return (struct time_range){set->ranges[0].since_real_ns, set->ranges[set->n - 1].until_real_ns};
}
