// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading options with getopt_long(), which does the splitting; what is wrong is said here.
 */
#include "cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/quantity.h"
#include "base/rfc3339.h"
#include "control/wire.h"
#include "output/prose.h"
#include "query/scan.h"
#include "query/time.h"

#define DEFAULT_STORE "/var/lib/obit"
#define FIRST_VALUE   1000 /* what getopt_long() returns for spec 0: no character */
#define HELP_COLUMN   24
#define HELP_WIDTH    110

static void add_help(struct buffer *out, const struct usage *usage)
{
	buffer_add_format(out, "usage: %s%s%s [options]\n\n%s\n\noptions:\n", usage->command,
			  *usage->operands ? " " : "", usage->operands, usage->about);
	for (size_t i = 0; i < usage->n_specs; i++) {
		const struct option_spec *spec = &usage->specs[i];
		const char *argument = spec->argument ? spec->argument : "";
		size_t begun = out->used, used;

		buffer_add_format(out, "  --%s%s%s", spec->name, *argument ? " " : "", argument);
		used = out->used - begun;
		if (used > HELP_COLUMN - 2) {
			buffer_add_char(out, '\n');
			used = 0;
		}
		buffer_add_format(out, "%*s%s%s%s\n", HELP_COLUMN - (int)used, "", spec->help,
				  spec->fallback ? "; default " : "", spec->fallback ? spec->fallback : "");
	}
	buffer_add_format(out, "  %-*s%s\n", HELP_COLUMN - 2, "--help", "this text");
	if (*usage->details)
		buffer_add_char(out, '\n');
	prose_join(out, usage->details);
}

/* On a terminal main.c sees to the width. */
static void print_help(const struct usage *usage)
{
	struct buffer text = {0}, wrapped = {0};

	add_help(&text, usage);
	prose_wrap(&wrapped, text.data, text.used, isatty(STDOUT_FILENO) ? UINT32_MAX : HELP_WIDTH);
	printf("%.*s", (int)wrapped.used, wrapped.used ? wrapped.data : "");
	buffer_done(&text);
	buffer_done(&wrapped);
}

static int error_unknown(const struct usage *usage, const char *given)
{
	const char *names[OPTIONS_MAX + 1], *nearest = NULL;
	const char *name = given + strspn(given, "-");

	for (size_t i = 0; i < usage->n_specs; i++)
		names[i] = usage->specs[i].name;
	names[usage->n_specs] = "help";
	nearest = nearest_name(name, strcspn(name, "="), names, usage->n_specs + 1);
	if (nearest)
		fprintf(stderr, "%s: unknown option %s; did you mean --%s?\n", usage->command, given, nearest);
	else
		fprintf(stderr, "%s: unknown option %s; `%s --help` lists them\n", usage->command, given,
			usage->command);
	return -EINVAL;
}

/* A flag alone is yes; `no` takes back what a file says. */
static int take(const struct usage *usage, int i, const char *argument, struct options *ret)
{
	int is_flag = !usage->specs[i].argument;

	if (is_flag && argument && strcmp(argument, "yes") != 0 && strcmp(argument, "no") != 0) {
		fprintf(stderr, "%s: --%s=%s: it is a flag; --%s alone, =yes or =no\n", usage->command,
			usage->specs[i].name, argument, usage->specs[i].name);
		return -EINVAL;
	}
	if (is_flag)
		argument = argument && strcmp(argument, "no") == 0 ? NULL : "";
	ret->values[i] = argument;
	ret->is_given[i] = 1;
	return 0;
}

static int parse_all(const struct usage *usage, int argc, char **argv, const struct option *longs, struct options *ret)
{
	int c;

	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while ((c = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (c == 'h') {
			print_help(usage);
			return 1;
		}
		if (c == ':') {
			fprintf(stderr, "%s: %s needs a value\n", usage->command, argv[optind - 1]);
			return -EINVAL;
		}
		if (c == '?') {
			char letter[] = {'-', (char)optopt, '\0'};

			return error_unknown(usage, optopt ? letter : argv[optind - 1]);
		}
		if (take(usage, c - FIRST_VALUE, optarg, ret) < 0)
			return -EINVAL;
	}
	return 0;
}

int options_parse(const struct usage *usage, int argc, char **argv, struct options *ret)
{
	struct option longs[OPTIONS_MAX + 2] = {{0}};
	int r;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < usage->n_specs; i++)
		longs[i] = (struct option){usage->specs[i].name,
					   usage->specs[i].argument ? required_argument : optional_argument, NULL,
					   FIRST_VALUE + (int)i};
	longs[usage->n_specs] = (struct option){"help", no_argument, NULL, 'h'};
	r = parse_all(usage, argc, argv, longs, ret);
	if (r)
		return r;
	ret->operands = argv + optind;
	ret->n_operands = argc - optind;
	if (ret->n_operands > usage->max_operands) {
		fprintf(stderr, "%s: unexpected \"%s\"; `%s --help` shows how it is used\n", usage->command,
			ret->operands[usage->max_operands], usage->command);
		return -EINVAL;
	}
	return 0;
}

const char *options_value(const struct usage *usage, const struct options *options, int i)
{
	return options->values[i] ? options->values[i] : usage->specs[i].fallback;
}

const char *options_store(const char *given)
{
	const char *environment = getenv("OBIT_STORE");

	if (given)
		return given;
	return environment && *environment ? environment : DEFAULT_STORE;
}

int options_socket(const char *given, const char *store, char *ret, size_t size)
{
	struct stat wanted, usual;
	int len;

	if (given) {
		len = snprintf(ret, size, "%s", given);
	} else if (strcmp(store, DEFAULT_STORE) == 0) {
		len = snprintf(ret, size, "%s", WIRE_SOCKET_PATH);
	} else {
		if (stat(store, &wanted) < 0)
			return -errno;
		if (stat(DEFAULT_STORE, &usual) == 0 && usual.st_dev == wanted.st_dev && usual.st_ino == wanted.st_ino)
			len = snprintf(ret, size, "%s", WIRE_SOCKET_PATH);
		else
			len = snprintf(ret, size, "%s/store-%llx-%llx.sock", WIRE_SOCKET_DIR,
				       (unsigned long long)wanted.st_dev, (unsigned long long)wanted.st_ino);
	}
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int options_duration(const struct usage *usage, const char *option, const char *given, uint64_t least_ns,
		     uint64_t most_ns, uint64_t *ret_ns)
{
	const char *wanted = NULL;
	uint64_t ns = 0;

	if (!given)
		return 0;
	/* A bare number would be ns, which nobody means here. */
	if (strspn(given, "0123456789") == strlen(given))
		wanted = "give a unit, as in 500ms, 1s or 10m";
	else if (quantity_read_ns(given, strlen(given), &ns) < 0)
		wanted = "not a duration; give one as 500ms, 1s or 10m";
	if (wanted)
		fprintf(stderr, "%s: --%s %s: %s\n", usage->command, option, given, wanted);
	else if (ns < least_ns || ns > most_ns)
		fprintf(stderr, "%s: --%s %s: out of range; `%s --help` says what is allowed\n", usage->command, option,
			given, usage->command);
	else
		*ret_ns = ns;
	return wanted || ns < least_ns || ns > most_ns ? -EINVAL : 0;
}

static int read_time(const struct usage *usage, const char *option, const char *given, uint64_t now_real_ns,
		     uint64_t *ret_real_ns)
{
	int r = query_time_of(given, strlen(given), now_real_ns, strcmp(option, "until") == 0, ret_real_ns);

	if (r > 0) {
		char taken[RFC3339_LEN + 1];

		rfc3339_write(*ret_real_ns, taken);
		fprintf(stderr, "%s: --%s %s: the clocks of this time zone %s: %s is taken\n", usage->command, option,
			given, r == TIME_SKIPPED ? "skip it" : "show it twice, and an offset would say which", taken);
	}
	if (r >= 0)
		return 0;
	fprintf(stderr, "%s: --%s %s: %s\n", usage->command, option, given,
		r == -ERANGE ? "this time is before 1970 or after 2553"
			     : "not a time; try 2026-01-02T03:04:05Z, -10m, \"3m ago\", today or 03:12");
	return -EINVAL;
}

/* --until +1m: so long after the other. */
static int read_until(const struct usage *usage, const char *until, uint64_t since_real_ns, uint64_t now_real_ns,
		      uint64_t *ret_real_ns)
{
	uint64_t length_ns = 0;

	if (*until != '+')
		return read_time(usage, "until", until, now_real_ns, ret_real_ns);
	if (!since_real_ns) {
		fprintf(stderr, "%s: --until %s: after which --since?\n", usage->command, until);
		return -EINVAL;
	}
	if (options_duration(usage, "until", until + 1, 1, UINT64_MAX - since_real_ns, &length_ns) < 0)
		return -EINVAL;
	*ret_real_ns = since_real_ns + length_ns;
	return 0;
}

static int read_length(const struct usage *usage, const struct options_times *times, uint64_t now_real_ns,
		       uint64_t *since_real_ns, uint64_t *until_real_ns)
{
	uint64_t length_ns = 0;

	if (times->since && times->until) {
		fprintf(stderr, "%s: --for %s: --since and --until say how long already\n", usage->command,
			times->length);
		return -EINVAL;
	}
	if (!times->since && !times->until)
		*until_real_ns = now_real_ns;
	if (options_duration(usage, "for", times->length, 1,
			     times->since ? UINT64_MAX - *since_real_ns : *until_real_ns, &length_ns) < 0)
		return -EINVAL;
	if (times->since)
		*until_real_ns = *since_real_ns + length_ns;
	else
		*since_real_ns = *until_real_ns - length_ns;
	return 0;
}

int options_range(const struct usage *usage, const struct options_times *times, uint64_t now_real_ns,
		  uint64_t *ret_since_real_ns, uint64_t *ret_until_real_ns)
{
	uint64_t since_real_ns = 0, until_real_ns = 0;

	if (times->since && read_time(usage, "since", times->since, now_real_ns, &since_real_ns) < 0)
		return -EINVAL;
	if (times->until && read_until(usage, times->until, since_real_ns, now_real_ns, &until_real_ns) < 0)
		return -EINVAL;
	if (times->length && read_length(usage, times, now_real_ns, &since_real_ns, &until_real_ns) < 0)
		return -EINVAL;
	if (times->until && until_real_ns <= since_real_ns) {
		fprintf(stderr, "%s: --until %s is not after --since %s\n", usage->command, times->until,
			times->since ? times->since : "the epoch");
		return -EINVAL;
	}
	*ret_since_real_ns = since_real_ns;
	*ret_until_real_ns = until_real_ns;
	return 0;
}

int options_choose(const struct usage *usage, const char *what, const char *name, const char *const *names, size_t n)
{
	const char *nearest;

	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	nearest = nearest_name(name, strlen(name), names, n);
	fprintf(stderr, "%s: no %s is called \"%s\"", usage->command, what, name);
	if (nearest)
		fprintf(stderr, "; did you mean %s?", nearest);
	fprintf(stderr, " (there %s", n == 1 ? "is" : "are");
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s %s", i ? "," : "", names[i]);
	fprintf(stderr, ")\n");
	return -EINVAL;
}

int options_jobs(const struct usage *usage, const char *given, unsigned *ret)
{
	uint64_t count;

	*ret = scan_default_jobs();
	if (!given)
		return 0;
	if (quantity_read_count(given, strlen(given), &count) < 0 || count == 0 || count > SCAN_MAX_JOBS) {
		fprintf(stderr, "%s: --jobs %s: expected a number of threads, 1 to %d\n", usage->command, given,
			SCAN_MAX_JOBS);
		return -EINVAL;
	}
	*ret = (unsigned)count;
	return 0;
}

int options_format(const struct usage *usage, const char *given, enum output_format *ret)
{
	size_t n;
	const char *const *names = output_format_names(&n);
	int format = given ? options_choose(usage, "format", given, names, n) : OUTPUT_TABLE;

	if (format < 0)
		return format;
	*ret = (enum output_format)format;
	return 0;
}

uint32_t options_terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long width = columns ? strtol(columns, NULL, 10) : 0;

	if (width <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (width <= 0)
		width = 80;
	return width > 10000 ? 10000 : (uint32_t)width;
}

void options_output(enum output_format format, struct stream *stream, uint64_t now_real_ns, struct output_options *ret)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	*ret = (struct output_options){.format = format, .stream = stream, .now_real_ns = now_real_ns};
	ret->is_terminal = isatty(STDOUT_FILENO);
	if (!ret->is_terminal)
		return;
	ret->width = options_terminal_width();
	ret->is_coloured = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

uint64_t options_now_real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
