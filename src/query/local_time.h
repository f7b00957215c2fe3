/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local time ($TZ, /etc/localtime) as a clock on the wall shows it, against ns since the epoch.
 */
#ifndef OBIT_QUERY_LOCAL_TIME_H
#define OBIT_QUERY_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rfc3339.h"

enum { TIME_SKIPPED = 1, TIME_TWICE = 2 };

/*
 * An instant that a change of clocks skips is moved over the gap. Of an hour that comes twice the first is meant, and
 * with `is_end` the second. 0, TIME_SKIPPED, TIME_TWICE or -ERANGE.
 */
int local_time(const struct rfc3339_date *date, const struct rfc3339_clock *clock, bool is_end, uint64_t *ret_real_ns);

/* The day of a time, some days before. 0 or -ERANGE. */
int local_date(uint64_t real_ns, int days_back, struct rfc3339_date *ret);

#endif
