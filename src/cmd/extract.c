// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit extract`: a stretch of time as a store of its own. It is made under another name beside OUT and takes
 * OUT's name when it is whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/atomic_output.h"
#include "cmd/report.h"
#include "cmd/stop.h"
#include "store/extraction.h"

enum extract_option { STORE, SINCE, UNTIL, FOR };

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE,
	[SINCE] = OPTION_SINCE,
	[UNTIL] = OPTION_UNTIL,
	[FOR] = OPTION_FOR,
};

static const struct usage usage = {
	"obit extract",
	"OUT",
	"Copies a stretch of time from a store into a new one, to keep it or to send it.",
	specs,
	ARRAY_SIZE(specs),
	"OUT is a directory that does not exist or is empty. Intervals are copied whole, also those that the times\n"
	"given cut, so that `obit verify --store OUT` proves them; host, boot and run stay what they were. The copy\n"
	"begins with the last roster before the time, five minutes earlier at most, so that `dump procs --at T` and\n"
	"names answer as the store itself. Nothing appears at OUT before all of it is there.\n"
	"\nexample:\n"
	"  obit extract --since 03:00 --until 03:20 /tmp/incident && obit verify --store /tmp/incident\n",
	1,
};

/* Opens a reader, says why not. */
static int open_reader(const char *dir, const struct extract *extract, enum extract_pass pass,
		       struct store_reader **ret)
{
	struct store_select select = extract_select(extract, pass);
	int r = store_reader_open(dir, &select, ret);

	if (r < 0)
		report_store_error(usage.command, dir, r);
	return r;
}

/* 1: there is something; 0: nothing, which is said; negative, which is said. */
static int plan(const char *dir, struct extract *extract)
{
	struct store_reader *reader = NULL;
	int r = open_reader(dir, extract, EXTRACT_PLAN, &reader);

	if (r < 0)
		return r;
	r = extract_plan(extract, reader);
	if (r < 0)
		report_store_error(usage.command, dir, r);
	else if (r == 0)
		fprintf(stderr, "%s: %s holds nothing%s\n", usage.command, dir,
			extract->since_real_ns || extract->until_real_ns ? " of that time" : "");
	store_reader_close(reader);
	return r;
}

/* What is known of a time begins with a roster. */
static int find_context(const char *dir, struct extract *extract)
{
	struct store_reader *reader;
	int r;

	if (!extract->since_real_ns)
		return 0;
	r = open_reader(dir, extract, EXTRACT_CONTEXT, &reader);
	if (r < 0)
		return r;
	r = extract_context(extract, reader);
	if (r < 0)
		report_store_error(usage.command, dir, r);
	store_reader_close(reader);
	return r;
}

static int copy(const char *dir, struct extract *extract, struct atomic_output *target)
{
	const volatile sig_atomic_t *is_stopped = stop_on_signals();
	struct store_reader *reader = NULL;
	int r = open_reader(dir, extract, EXTRACT_COPY, &reader);

	if (r < 0)
		return r;
	r = atomic_output_make(target);
	if (r == 0) {
		r = extract_copy(extract, reader, target->fd, is_stopped);
		if (r == -EINTR)
			fprintf(stderr, "%s: stopped; there is nothing at %s\n", usage.command, target->out);
		else if (r < 0)
			fprintf(stderr, "%s: copying from %s to %s: %s\n", usage.command, dir, target->out,
				strerror(-r));
	}
	report_skipped(stderr, "obit extract: ", reader);
	store_reader_close(reader);
	return r;
}

static int extract_to(const char *dir, struct extract *extract, struct atomic_output *target)
{
	char bytes[QUANTITY_TEXT_BYTES];
	int r;

	r = plan(dir, extract);
	if (r <= 0 || find_context(dir, extract) < 0)
		return STATUS_FAILED;
	r = copy(dir, extract, target);
	if (r == 0)
		r = atomic_output_keep(target);
	if (r < 0)
		return STATUS_FAILED;
	quantity_write_bytes(extract->bytes, bytes);
	printf("%s: %" PRIu64 " interval%s in %" PRIu64 " segment%s, %s\n", target->out, extract->n_intervals,
	       extract->n_intervals == 1 ? "" : "s", extract->n_segments, extract->n_segments == 1 ? "" : "s", bytes);
	return STATUS_OK;
}

int cmd_extract(int argc, char **argv)
{
	static struct atomic_output target;
	struct extract extract = {0};
	struct options options;
	int status, r = options_parse(&usage, argc, argv, &options);

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options.n_operands == 0) {
		fprintf(stderr, "%s: name a directory to make: obit extract --since T --until T OUT\n", usage.command);
		return STATUS_USAGE;
	}
	if (options_range(&usage,
			  &(struct options_times){options.values[SINCE], options.values[UNTIL], options.values[FOR]},
			  options_now_real_ns(), &extract.since_real_ns, &extract.until_real_ns) < 0)
		return STATUS_USAGE;
	if (atomic_output_choose(&target, usage.command, options.operands[0], ATOMIC_DIRECTORY, 0) < 0)
		return STATUS_FAILED;
	status = extract_to(options_store(options.values[STORE]), &extract, &target);
	atomic_output_done(&target);
	extract_done(&extract);
	return status;
}
