// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit extract`: a stretch of time as a store of its own. It is made under another name beside OUT and takes
 * OUT's name when it is whole.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/atomic_output.h"
#include "cmd/report.h"
#include "cmd/stop.h"
#include "store/directory.h"
#include "store/extraction.h"
#include "store/tar.h"

#define ARCHIVE_END ".tar"

enum extract_option { STORE, SINCE, UNTIL, FOR, FORCE };

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE,
	[SINCE] = OPTION_SINCE,
	[UNTIL] = OPTION_UNTIL,
	[FOR] = OPTION_FOR,
	[FORCE] = {"force", NULL, "replace the file OUT.tar if it is there"},
};

static const struct usage usage = {
	"obit extract",
	"OUT",
	"Copies a stretch of time from a store into a new one, to keep it or to send it.",
	specs,
	ARRAY_SIZE(specs),
	"OUT is a directory that does not exist or is empty, or with a name that ends in .tar one file, a tar archive "
	"of\n"
	"it, which --store OUT.tar reads as it is (what is in it is compressed already). Intervals are copied whole, "
	"also those that the times\n"
	"given cut, so that `obit verify --store OUT` proves them; host, boot and run stay what they were. The copy\n"
	"begins with the last roster before the time, five minutes earlier at most, so that `dump procs --at T` and\n"
	"names answer as the store itself. Nothing appears at OUT before all of it is there.\n"
	"\nexample:\n"
	"  obit extract --since 03:00 --for 20m incident.tar && obit verify --store incident.tar\n",
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

/* All segments, in order. */
static int archive(int dir_fd, int to_fd)
{
	struct segment_name *names = NULL;
	size_t n = 0;
	int r = directory_list(dir_fd, &names, &n);

	for (size_t i = 0; i < n && r == 0; i++) {
		int fd = directory_open_file(dir_fd, names[i].text);

		r = fd < 0 ? fd : tar_add(to_fd, names[i].text, fd);
		if (fd >= 0)
			close(fd);
	}
	free(names);
	return r == 0 ? tar_end(to_fd) : r;
}

/* `segments`: the directory that they are written into, which is the target, or is put into that. */
static int copy(const char *dir, struct extract *extract, struct atomic_output *segments, struct atomic_output *target)
{
	const volatile sig_atomic_t *is_stopped = stop_on_signals();
	struct store_reader *reader = NULL;
	int r = open_reader(dir, extract, EXTRACT_COPY, &reader);

	if (r < 0)
		return r;
	r = atomic_output_make(target);
	if (r == 0 && segments != target)
		r = atomic_output_make(segments);
	if (r == 0) {
		r = extract_copy(extract, reader, segments->fd, is_stopped);
		if (r == 0 && segments != target)
			r = archive(segments->fd, target->fd);
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

static int extract_to(const char *dir, struct extract *extract, struct atomic_output *segments,
		      struct atomic_output *target)
{
	char bytes[QUANTITY_TEXT_BYTES];
	int r;

	r = plan(dir, extract);
	if (r <= 0 || find_context(dir, extract) < 0)
		return STATUS_FAILED;
	r = copy(dir, extract, segments, target);
	if (r == 0)
		r = atomic_output_keep(target);
	if (r < 0)
		return STATUS_FAILED;
	quantity_write_bytes(extract->bytes, bytes);
	printf("%s: %" PRIu64 " interval%s in %" PRIu64 " segment%s, %s\n", target->out, extract->n_intervals,
	       extract->n_intervals == 1 ? "" : "s", extract->n_segments, extract->n_segments == 1 ? "" : "s", bytes);
	return STATUS_OK;
}

/* A directory, or an archive and a directory for what is to be put into it. */
static int choose_out(const char *out, bool may_replace, struct atomic_output *directory, struct atomic_output *target)
{
	size_t len = strlen(out), end_len = strlen(ARCHIVE_END);
	char beside[PATH_MAX];

	*directory = (struct atomic_output){.fd = -1};
	if (len <= end_len || strcmp(out + len - end_len, ARCHIVE_END) != 0)
		return atomic_output_choose(target, usage.command, out, ATOMIC_DIRECTORY, false);
	snprintf(beside, sizeof(beside), "%s.segments", out);
	if (atomic_output_choose(target, usage.command, out, ATOMIC_FILE, may_replace) < 0)
		return -EINVAL;
	return atomic_output_choose(directory, usage.command, beside, ATOMIC_DIRECTORY, false);
}

int cmd_extract(int argc, char **argv)
{
	static struct atomic_output target, directory;
	struct extract extract = {0};
	struct options options;
	int status, r = options_parse(&usage, argc, argv, &options);

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options.n_operands == 0) {
		fprintf(stderr, "%s: name what to make: obit extract --since T --until T OUT, or OUT.tar\n",
			usage.command);
		return STATUS_USAGE;
	}
	if (options_range(&usage,
			  &(struct options_times){options.values[SINCE], options.values[UNTIL], options.values[FOR]},
			  options_now_real_ns(), &extract.since_real_ns, &extract.until_real_ns) < 0)
		return STATUS_USAGE;
	if (choose_out(options.operands[0], options.values[FORCE] != NULL, &directory, &target) < 0)
		return STATUS_FAILED;
	status = extract_to(options_store(options.values[STORE]), &extract, *directory.out ? &directory : &target,
			    &target);
	atomic_output_done(&target);
	atomic_output_done(&directory);
	extract_done(&extract);
	return status;
}
