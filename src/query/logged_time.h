/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times as programs write them into their logs, where that is not RFC 3339:
 *
 *   Sat Nov 28 05:48:27 UTC 2026   Sat 28 Nov 2026 05:48:27 UTC     date(1)
 *   Nov 28 05:48:27                                                syslog, journald: of the last twelve months
 *   Sat 2026-11-28 05:48:27 UTC                                    journald, short-full
 *   2026/11/28 05:48:27                                            Go, nginx's errors
 *   28/Nov/2026:05:48:27 +0000                                     nginx, Apache: access
 *
 * Names of months and days are English. A zone is UTC, GMT, an offset, or what the local one is called.
 */
#ifndef OBIT_QUERY_LOGGED_TIME_H
#define OBIT_QUERY_LOGGED_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* 0; -EINVAL: it is none of these; -ERANGE. The whole text must be the time. */
int logged_time_read(const char *at, const char *end, uint64_t now_real_ns, bool is_end, uint64_t *ret_real_ns);

#endif
