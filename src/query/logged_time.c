// SPDX-License-Identifier: BSD-2-Clause
#include "query/logged_time.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/array.h"
#include "base/clock.h"
#include "query/local_time.h"

struct logged {
	const char *at, *end;
	uint64_t now_real_ns;
	bool is_end;
	struct rfc3339_date date; /* year 0: it is not said */
	struct rfc3339_clock clock;
	bool has_offset;
	int offset;
};

static const char *const months[] = {"January", "February", "March",	 "April",   "May",	"June",
				     "July",	"August",   "September", "October", "November", "December"};
static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static void skip_spaces(struct logged *logged)
{
	while (logged->at < logged->end && *logged->at == ' ')
		logged->at++;
}

static bool take_char(struct logged *logged, char c)
{
	if (logged->at == logged->end || *logged->at != c)
		return false;
	logged->at++;
	return true;
}

static size_t letters(const struct logged *logged)
{
	size_t n = 0;

	while (logged->at + n < logged->end && ((logged->at[n] | 0x20) >= 'a' && (logged->at[n] | 0x20) <= 'z'))
		n++;
	return n;
}

/* A name or its first three letters. Its place from 0; -1: it is none of them. */
static int take_name(struct logged *logged, const char *const *names, size_t n_names)
{
	size_t len = letters(logged);

	for (size_t i = 0; i < n_names; i++)
		if ((len == 3 || len == strlen(names[i])) && strncasecmp(logged->at, names[i], len) == 0) {
			logged->at += len;
			return (int)i;
		}
	return -1;
}

static bool take_number(struct logged *logged, int least_digits, int most_digits, int *ret)
{
	int n = 0;

	*ret = 0;
	for (; n < most_digits && logged->at < logged->end && *logged->at >= '0' && *logged->at <= '9'; n++)
		*ret = *ret * 10 + (*logged->at++ - '0');
	return n >= least_digits;
}

static bool take_clock(struct logged *logged)
{
	return rfc3339_read_clock(&logged->at, logged->end, &logged->clock) == 0;
}

static bool take_month_name(struct logged *logged)
{
	int month = take_name(logged, months, ARRAY_SIZE(months));

	logged->date.month = month + 1;
	return month >= 0;
}

/* Nov 28 05:48:27, and what follows. */
static bool take_month_first(struct logged *logged)
{
	if (!take_month_name(logged))
		return false;
	skip_spaces(logged);
	if (!take_number(logged, 1, 2, &logged->date.day))
		return false;
	skip_spaces(logged);
	return take_clock(logged);
}

/* 28 Nov 2026 05:48:27, 28/Nov/2026:05:48:27 */
static bool take_day_first(struct logged *logged)
{
	char between;

	if (!take_number(logged, 1, 2, &logged->date.day) || logged->at == logged->end)
		return false;
	between = *logged->at++;
	if ((between != ' ' && between != '/') || !take_month_name(logged) || !take_char(logged, between) ||
	    !take_number(logged, 4, 4, &logged->date.year))
		return false;
	return take_char(logged, between == '/' ? ':' : ' ') && take_clock(logged);
}

/* 2026/11/28 05:48:27, 2026-11-28 05:48:27 */
static bool take_year_first(struct logged *logged)
{
	char between;

	if (!take_number(logged, 4, 4, &logged->date.year) || logged->at == logged->end)
		return false;
	between = *logged->at++;
	if ((between != '/' && between != '-') || !take_number(logged, 2, 2, &logged->date.month) ||
	    !take_char(logged, between) || !take_number(logged, 2, 2, &logged->date.day))
		return false;
	skip_spaces(logged);
	return take_clock(logged);
}

/* AM and PM are for clocks of twelve hours. */
static bool take_half(struct logged *logged)
{
	bool is_pm = logged->end - logged->at >= 2 && strncasecmp(logged->at, "PM", 2) == 0;

	if (letters(logged) != 2 || (!is_pm && strncasecmp(logged->at, "AM", 2) != 0))
		return true;
	if (logged->clock.hour < 1 || logged->clock.hour > 12)
		return false;
	logged->clock.hour = logged->clock.hour % 12 + (is_pm ? 12 : 0);
	logged->at += 2;
	skip_spaces(logged);
	return true;
}

static bool take_zone(struct logged *logged)
{
	size_t len = letters(logged);

	if (rfc3339_read_offset(&logged->at, logged->end, &logged->offset) == 0) {
		logged->has_offset = true;
		return true;
	}
	if (len == 3 && (strncmp(logged->at, "UTC", 3) == 0 || strncmp(logged->at, "GMT", 3) == 0)) {
		logged->at += len;
		logged->has_offset = true;
		return true;
	}
	tzset();
	for (int i = 0; i < 2 && len; i++)
		if (strlen(tzname[i]) == len && strncmp(logged->at, tzname[i], len) == 0) {
			logged->at += len;
			return true;
		}
	return !len;
}

static int time_of(const struct logged *logged, uint64_t *ret_real_ns)
{
	if (logged->has_offset)
		return rfc3339_time(&logged->date, &logged->clock, logged->offset, ret_real_ns);
	return local_time(&logged->date, &logged->clock, logged->is_end, ret_real_ns);
}

/* Without a year it is the last day of that name, up to tomorrow. */
static int time_of_last_year(struct logged *logged, uint64_t *ret_real_ns)
{
	struct rfc3339_date today;
	int r = local_date(logged->now_real_ns, 0, &today);

	logged->date.year = today.year;
	if (r >= 0)
		r = time_of(logged, ret_real_ns);
	if (r < 0 || *ret_real_ns <= logged->now_real_ns + 86400 * NS_PER_S)
		return r;
	logged->date.year--;
	return time_of(logged, ret_real_ns);
}

int logged_time_read(const char *at, const char *end, uint64_t now_real_ns, bool is_end, uint64_t *ret_real_ns)
{
	struct logged logged = {.at = at, .end = end, .now_real_ns = now_real_ns, .is_end = is_end};
	bool has_day = take_name(&logged, days, ARRAY_SIZE(days)) >= 0, is_read;
	const char *begin;

	if (has_day)
		take_char(&logged, ',');
	skip_spaces(&logged);
	begin = logged.at;
	is_read = take_month_first(&logged);
	if (!is_read) {
		logged.at = begin;
		is_read = take_day_first(&logged);
	}
	if (!is_read) {
		logged.at = begin;
		is_read = take_year_first(&logged);
	}
	skip_spaces(&logged);
	if (!is_read || !take_half(&logged) || !take_zone(&logged))
		return -EINVAL;
	skip_spaces(&logged);
	if (logged.at < logged.end && (logged.date.year || !take_number(&logged, 4, 4, &logged.date.year)))
		return -EINVAL;
	if (logged.at < logged.end || logged.date.month < 1 || logged.date.month > 12 || logged.date.day < 1 ||
	    logged.date.day > rfc3339_days_in_month(logged.date.year ? logged.date.year : 2000, logged.date.month))
		return -EINVAL;
	return logged.date.year ? time_of(&logged, ret_real_ns) : time_of_last_year(&logged, ret_real_ns);
}
