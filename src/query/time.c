// SPDX-License-Identifier: BSD-2-Clause
/*
 * Points in time as users type them: each form has a reader; the first that takes the whole text wins.
 */
#include "query/time.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "base/rfc3339.h"
#include "query/local_time.h"
#include "query/logged_time.h"

struct typed {
	const char *at, *end;
	uint64_t now_real_ns;
	bool is_end; /* of two times that have this time of day the later one is meant */
};

static void skip_spaces(struct typed *typed)
{
	while (typed->at < typed->end && (*typed->at == ' ' || *typed->at == '\t'))
		typed->at++;
}

static int take_word(struct typed *typed, const char *word)
{
	size_t len = strlen(word), left = (size_t)(typed->end - typed->at);

	if (left < len || strncasecmp(typed->at, word, len) != 0)
		return 0;
	typed->at += len;
	return 1;
}

/* [date][T or space][clock][offset] */
static int read_calendar(struct typed typed, uint64_t *ret_real_ns)
{
	struct rfc3339_date date;
	struct rfc3339_clock clock = {0};
	int has_clock = 0, offset, r;
	int is_yesterday = take_word(&typed, "yesterday");

	if (is_yesterday || take_word(&typed, "today")) {
		r = local_date(typed.now_real_ns, is_yesterday, &date);
		if (r < 0)
			return r;
	} else if (rfc3339_read_date(&typed.at, typed.end, &date) < 0) {
		r = local_date(typed.now_real_ns, 0, &date);
		if (r < 0)
			return r;
		has_clock = 1;
	}
	if (has_clock == 0 && typed.at < typed.end) {
		if (*typed.at != ' ' && (*typed.at | 0x20) != 't')
			return -EINVAL;
		typed.at++;
		skip_spaces(&typed);
		has_clock = 1;
	}
	if (has_clock && rfc3339_read_clock(&typed.at, typed.end, &clock) < 0)
		return -EINVAL;
	if (typed.at == typed.end)
		return local_time(&date, &clock, typed.is_end, ret_real_ns);
	skip_spaces(&typed);
	if (rfc3339_read_offset(&typed.at, typed.end, &offset) < 0 || typed.at != typed.end)
		return -EINVAL;
	return rfc3339_time(&date, &clock, offset, ret_real_ns);
}

/* Units as words: "3 minutes ago". */
static const struct {
	const char *word, *unit;
} long_units[] = {
	{"second", "s"}, {"seconds", "s"}, {"sec", "s"},  {"secs", "s"},  {"minute", "m"}, {"minutes", "m"},
	{"min", "m"},	 {"mins", "m"},	   {"hour", "h"}, {"hours", "h"}, {"hr", "h"},	   {"hrs", "h"},
	{"day", "d"},	 {"days", "d"},	   {"week", "w"}, {"weeks", "w"},
};

/* The unit at the beginning, up to a digit or a space, in its short form. */
static size_t take_unit(struct typed *typed, const char **ret)
{
	size_t len = 0, left = (size_t)(typed->end - typed->at);

	while (len < left && !strchr("0123456789. ", typed->at[len]))
		len++;
	*ret = typed->at;
	typed->at += len;
	for (size_t i = 0; i < ARRAY_SIZE(long_units); i++)
		if (strlen(long_units[i].word) == len && strncasecmp(*ret, long_units[i].word, len) == 0) {
			*ret = long_units[i].unit;
			return 1;
		}
	return len;
}

/* "1 hour 30 min" as 1h30m: what quantity_read_ns() takes. The length, or -EINVAL. */
static int shorten(struct typed typed, char *ret, size_t size)
{
	size_t used = 0;

	for (skip_spaces(&typed); typed.at < typed.end; skip_spaces(&typed)) {
		const char *number = typed.at, *unit;
		size_t unit_len, number_len;

		while (typed.at < typed.end && strchr("0123456789.", *typed.at))
			typed.at++;
		number_len = (size_t)(typed.at - number);
		skip_spaces(&typed);
		unit_len = take_unit(&typed, &unit);
		if (!number_len || !unit_len || number_len + unit_len > size - used)
			return -EINVAL; /* "10" of what? */
		memcpy(ret + used, number, number_len);
		memcpy(ret + used + number_len, unit, unit_len);
		used += number_len + unit_len;
	}
	return used ? (int)used : -EINVAL;
}

/* -10m, 10m ago, 3 minutes ago */
static int read_ago(struct typed typed, uint64_t *ret_real_ns)
{
	uint64_t back_ns;
	char text[80];
	int r;

	if (!take_word(&typed, "-")) {
		if (typed.end - typed.at < 4 || strncasecmp(typed.end - 3, "ago", 3) != 0)
			return -EINVAL;
		typed.end -= 3;
	}
	r = shorten(typed, text, sizeof(text));
	if (r < 0)
		return r;
	r = quantity_read_ns(text, (size_t)r, &back_ns);
	if (r < 0)
		return r == -ERANGE ? r : -EINVAL;
	if (back_ns > typed.now_real_ns)
		return -ERANGE;
	*ret_real_ns = typed.now_real_ns - back_ns;
	return 0;
}

/* @seconds[.fraction]: a duration in seconds, from the epoch */
static int read_epoch(struct typed typed, uint64_t *ret_real_ns)
{
	char seconds[40];
	size_t len = (size_t)(typed.end - typed.at);

	if (len < 2 || len > sizeof(seconds) || *typed.at != '@')
		return -EINVAL;
	memcpy(seconds, typed.at + 1, len - 1);
	if (seconds[len - 2] < '0' || seconds[len - 2] > '9')
		return -EINVAL;
	seconds[len - 1] = 's';
	return quantity_read_ns(seconds, len, ret_real_ns);
}

int query_time(const char *text, size_t len, uint64_t now_real_ns, uint64_t *ret_real_ns)
{
	int r = query_time_of(text, len, now_real_ns, 0, ret_real_ns);

	return r > 0 ? 0 : r;
}

int query_time_of(const char *text, size_t len, uint64_t now_real_ns, bool is_end, uint64_t *ret_real_ns)
{
	struct typed typed = {text, text + len, now_real_ns, is_end};
	int r;

	skip_spaces(&typed);
	while (typed.end > typed.at && typed.end[-1] == ' ')
		typed.end--;
	if (typed.end - typed.at == 3 && strncasecmp(typed.at, "now", 3) == 0) {
		*ret_real_ns = now_real_ns;
		return 0;
	}
	r = read_epoch(typed, ret_real_ns);
	if (r == -EINVAL)
		r = read_ago(typed, ret_real_ns);
	if (r == -EINVAL)
		r = read_calendar(typed, ret_real_ns);
	if (r == -EINVAL)
		r = logged_time_read(typed.at, typed.end, now_real_ns, is_end, ret_real_ns);
	return r == -EDOM ? -EINVAL : r;
}
