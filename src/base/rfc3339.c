// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dates between text and nanoseconds. The calendar arithmetic is Howard Hinnant's "chrono-compatible
 * low-level date algorithms": years begin in March, so that the leap day is the last of its year.
 */
#include "base/rfc3339.h"

#include <ctype.h>
#include <errno.h>

#include "base/clock.h"
#include "base/decimal.h"

#define S_PER_DAY    86400
#define DAYS_PER_ERA 146097 /* 400 years */
#define EPOCH_DAYS   719468 /* from 0000-03-01 to 1970-01-01 */
#define LAST_YEAR    2553   /* the last whole year of a u64 of ns */

static int64_t days_from_date(const struct rfc3339_date *date)
{
	int64_t year = date->month <= 2 ? date->year - 1 : date->year;
	int64_t era = year / 400, year_of_era = year % 400;
	int64_t day_of_year = (153 * (date->month + (date->month > 2 ? -3 : 9)) + 2) / 5 + date->day - 1;

	return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

static struct rfc3339_date date_from_days(uint32_t days)
{
	uint32_t shifted = days + EPOCH_DAYS, era = shifted / DAYS_PER_ERA, day_of_era = shifted % DAYS_PER_ERA;
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t month = (5 * day_of_year + 2) / 153;
	struct rfc3339_date date;

	date.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	date.month = (int)(month < 10 ? month + 3 : month - 9);
	date.year = (int)(year_of_era + era * 400 + (date.month <= 2));
	return date;
}

void rfc3339_write(uint64_t real_ns, char *ret)
{
	uint64_t seconds = real_ns / NS_PER_S;
	uint32_t second_of_day = (uint32_t)(seconds % S_PER_DAY);
	struct rfc3339_date date = date_from_days((uint32_t)(seconds / S_PER_DAY));

	decimal_write_fixed(ret, (uint32_t)date.year, 4);
	ret[4] = '-';
	decimal_write_fixed(ret + 5, (uint32_t)date.month, 2);
	ret[7] = '-';
	decimal_write_fixed(ret + 8, (uint32_t)date.day, 2);
	ret[10] = 'T';
	decimal_write_fixed(ret + 11, second_of_day / 3600, 2);
	ret[13] = ':';
	decimal_write_fixed(ret + 14, second_of_day / 60 % 60, 2);
	ret[16] = ':';
	decimal_write_fixed(ret + 17, second_of_day % 60, 2);
	ret[19] = '.';
	decimal_write_fixed(ret + 20, (uint32_t)(real_ns % NS_PER_S), 9);
	ret[29] = 'Z';
}

/* Exactly `width` digits. */
static int read_digits(const char **at, const char *end, int width, int *ret)
{
	int value = 0;

	if (end - *at < width)
		return -EINVAL;
	for (int i = 0; i < width; i++) {
		if (!isdigit((unsigned char)(*at)[i]))
			return -EINVAL;
		value = value * 10 + ((*at)[i] - '0');
	}
	*at += width;
	*ret = value;
	return 0;
}

static int read_char(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return -EINVAL;
	++*at;
	return 0;
}

int rfc3339_days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

int rfc3339_read_date(const char **at, const char *end, struct rfc3339_date *ret)
{
	const char *p = *at;
	struct rfc3339_date date;

	if (read_digits(&p, end, 4, &date.year) < 0 || read_char(&p, end, '-') < 0 ||
	    read_digits(&p, end, 2, &date.month) < 0 || read_char(&p, end, '-') < 0 ||
	    read_digits(&p, end, 2, &date.day) < 0)
		return -EINVAL;
	if (date.month < 1 || date.month > 12 || date.day < 1 ||
	    date.day > rfc3339_days_in_month(date.year, date.month))
		return -EINVAL;
	*at = p;
	*ret = date;
	return 0;
}

int rfc3339_read_clock(const char **at, const char *end, struct rfc3339_clock *ret)
{
	const char *p = *at;
	struct rfc3339_clock clock = {0};
	uint32_t digit_ns = NS_PER_S / 10;

	if (read_digits(&p, end, 2, &clock.hour) < 0 || read_char(&p, end, ':') < 0 ||
	    read_digits(&p, end, 2, &clock.minute) < 0)
		return -EINVAL;
	if (read_char(&p, end, ':') == 0) {
		if (read_digits(&p, end, 2, &clock.second) < 0)
			return -EINVAL;
		/* ISO 8601 has a comma too, and date(1) writes it. */
		if (read_char(&p, end, '.') == 0 || read_char(&p, end, ',') == 0) {
			if (p == end || !isdigit((unsigned char)*p))
				return -EINVAL;
			for (; p < end && isdigit((unsigned char)*p); p++, digit_ns /= 10)
				clock.ns += (uint32_t)(*p - '0') * digit_ns;
		}
	}
	if (clock.hour > 23 || clock.minute > 59 || clock.second > 60)
		return -EINVAL;
	*at = p;
	*ret = clock;
	return 0;
}

int rfc3339_read_offset(const char **at, const char *end, int *ret_seconds)
{
	const char *p = *at;
	int sign, hours, minutes = 0;

	if (p == end)
		return -EINVAL;
	if (*p == 'Z' || *p == 'z') {
		*at = p + 1;
		*ret_seconds = 0;
		return 0;
	}
	if (*p != '+' && *p != '-')
		return -EINVAL;
	sign = *p++ == '-' ? -1 : 1;
	/* +01:00; +0100, as %z of strftime(3), journald and most loggers have it; +01 */
	if (read_digits(&p, end, 2, &hours) < 0)
		return -EINVAL;
	if (read_char(&p, end, ':') == 0 || (p < end && isdigit((unsigned char)*p))) {
		if (read_digits(&p, end, 2, &minutes) < 0)
			return -EINVAL;
	}
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*at = p;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int rfc3339_time(const struct rfc3339_date *date, const struct rfc3339_clock *clock, int offset_seconds,
		 uint64_t *ret_real_ns)
{
	int64_t seconds = days_from_date(date) * S_PER_DAY + clock->hour * 3600 + clock->minute * 60 + clock->second -
			  offset_seconds;

	if (seconds < 0 || date->year > LAST_YEAR)
		return -ERANGE;
	*ret_real_ns = (uint64_t)seconds * NS_PER_S + clock->ns;
	return 0;
}
