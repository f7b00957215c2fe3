/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `T`, a point in time as users type it:
 *
 *   2026-01-02T03:04:05.6Z  2026-01-02 03:04+01:00   RFC 3339; seconds, fraction and offset may be left out; also with
 * a comma for the point, and +0100 or +01, as date(1) and loggers have it 2026-01-02 its first instant now  today
 * yesterday  today 03:00  03:12        a time of day alone is today's, also when it is still to come -10m  "3m ago"
 * 1h30m ago  3 minutes ago         back from now; a day is 24 hours
 *   @1767323045.5                                    seconds since the epoch
 *
 * and what logs and date(1) have, see logged_time.h.
 *
 * Without an offset the local time zone holds ($TZ, /etc/localtime).
 */
#ifndef OBIT_QUERY_TIME_H
#define OBIT_QUERY_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/local_time.h"

/*
 * 0; -EINVAL, not a time; -ERANGE, before 1970 or after 2553. A time of day that comes twice, when clocks are set back,
 * is the first, and with `is_end` (--until) the second: query_time_of() returns TIME_TWICE. One that is skipped, when
 * they are set forward, is the instant as long after the change: TIME_SKIPPED.
 */
int query_time_of(const char *text, size_t len, uint64_t now_real_ns, bool is_end, uint64_t *ret_real_ns);
int query_time(const char *text, size_t len, uint64_t now_real_ns, uint64_t *ret_real_ns);

#endif
