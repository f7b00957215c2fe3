/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dates and times as RFC 3339 writes them, against ns since the epoch (CLOCK_REALTIME). No locale and no
 * time zone is consulted here.
 */
#ifndef OBIT_BASE_RFC3339_H
#define OBIT_BASE_RFC3339_H

#include <stddef.h>
#include <stdint.h>

#define RFC3339_LEN 30 /* 2026-01-02T03:04:05.123456789Z; a u64 of ns ends in 2554, so years have 4 digits */

struct rfc3339_date {
	int year, month, day; /* month and day from 1 */
};

struct rfc3339_clock {
	int hour, minute, second; /* second up to 60: a leap second */
	uint32_t ns;
};

/* Writes RFC3339_LEN characters, in UTC, and no NUL. */
void rfc3339_write(uint64_t real_ns, char *ret);

/*
 * Each reads one piece at *at (before `end`) and moves *at behind it. 0, or -EINVAL with *at untouched.
 * The clock is HH:MM[:SS[.fraction]]; digits of the fraction beyond the ninth are dropped. The offset is Z or +HH:MM.
 */
int rfc3339_read_date(const char **at, const char *end, struct rfc3339_date *ret);
int rfc3339_read_clock(const char **at, const char *end, struct rfc3339_clock *ret);
int rfc3339_read_offset(const char **at, const char *end, int *ret_seconds);

int rfc3339_days_in_month(int year, int month);

/* Time of a date and clock that are `offset_seconds` east of UTC. 0, or -ERANGE before 1970 and after 2553. */
int rfc3339_time(const struct rfc3339_date *date, const struct rfc3339_clock *clock, int offset_seconds,
		 uint64_t *ret_real_ns);

#endif
