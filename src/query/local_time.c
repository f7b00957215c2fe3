// SPDX-License-Identifier: BSD-2-Clause
#include "query/local_time.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

/* -1: the clocks do not show that with summer time (or without it). */
static time_t local_seconds(const struct tm *shown, bool is_dst)
{
	struct tm tm = *shown;
	time_t seconds;

	tm.tm_isdst = is_dst;
	seconds = mktime(&tm);
	return seconds >= 0 && tm.tm_hour == shown->tm_hour && tm.tm_min == shown->tm_min && tm.tm_isdst == is_dst
		       ? seconds
		       : -1;
}

/*
 * mktime() knows when summer time begins; an instant that a change of clocks skips is moved over the gap. In the hour
 * that comes twice a range begins with the first and ends with the second.
 */
int local_time(const struct rfc3339_date *date, const struct rfc3339_clock *clock, bool is_end, uint64_t *ret_real_ns)
{
	time_t summer, winter;
	struct tm tm = {
		.tm_year = date->year - 1900,
		.tm_mon = date->month - 1,
		.tm_mday = date->day,
		.tm_hour = clock->hour,
		.tm_min = clock->minute,
		.tm_sec = clock->second,
		.tm_isdst = -1,
	};
	time_t seconds;

	summer = local_seconds(&tm, 1);
	winter = local_seconds(&tm, 0);
	seconds = mktime(&tm);
	if (summer >= 0 && winter >= 0)
		seconds = (summer < winter) == !is_end ? summer : winter;
	if (seconds < 0 || (uint64_t)seconds >= UINT64_MAX / NS_PER_S)
		return -ERANGE;
	*ret_real_ns = (uint64_t)seconds * NS_PER_S + clock->ns;
	if (summer >= 0 && winter >= 0 && summer != winter)
		return TIME_TWICE;
	/* Neither shows what was typed. */
	return summer < 0 && winter < 0 ? TIME_SKIPPED : 0;
}

int local_date(uint64_t real_ns, int days_back, struct rfc3339_date *ret)
{
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return -ERANGE;
	tm.tm_mday -= days_back;
	tm.tm_hour = 12; /* no zone changes its clocks at noon */
	tm.tm_isdst = -1;
	if (mktime(&tm) < 0)
		return -ERANGE;
	*ret = (struct rfc3339_date){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday};
	return 0;
}
