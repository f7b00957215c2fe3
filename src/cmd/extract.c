// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit extract`: a stretch of time as a store of its own. It is made under another name beside OUT and takes
 * OUT's name when it is whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "store/extract.h"

enum extract_option { STORE, SINCE, UNTIL };

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE,
	[SINCE] = OPTION_SINCE,
	[UNTIL] = OPTION_UNTIL,
};

static const struct usage usage = {
	"obit extract", "OUT", "Copies a stretch of time from a store into a new one, to keep it or to send it.",
	specs, sizeof(specs) / sizeof(specs[0]),
	"OUT is a directory that does not exist or is empty. Intervals are copied whole, also those that the times\n"
	"given cut, so that `obit verify --store OUT` proves them; host, boot and run stay what they were. Nothing\n"
	"appears at OUT before all of it is there.\n"
	"\nexample:\n"
	"  obit extract --since 03:00 --until 03:20 /tmp/incident && obit verify --store /tmp/incident\n",
	1,
};

/* OUT, and where it is made: .NAME.extracting-PID beside it. */
struct place {
	char out[PATH_MAX], parent[PATH_MAX], making[PATH_MAX + 64];
	int is_made, dir_fd;
};

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
	(void)number;
	is_stopped = 1;
}

static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = stop};

	is_stopped = 0;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

static int complain(const char *out, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", usage.command, out, what);
	return -EINVAL;
}

/* May OUT become a store? */
static int check_out(const char *out)
{
	DIR *dir = opendir(out);
	struct dirent *entry;
	int n = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return complain(out, errno == ENOTDIR ? "exists and is not a directory; name a new one"
						      : strerror(errno));
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n ? complain(out, "exists and is not empty; name a new directory") : 0;
}

static int choose_place(const char *given, struct place *place)
{
	size_t len = strlen(given);
	char *slash;

	while (len > 1 && given[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(place->out))
		return complain(given, "not the name of a directory");
	snprintf(place->out, sizeof(place->out), "%.*s", (int)len, given);
	memcpy(place->parent, place->out, sizeof(place->parent));
	slash = strrchr(place->parent, '/');
	if (slash)
		slash[1] = '\0';
	else
		memcpy(place->parent, "./", 3);
	snprintf(place->making, sizeof(place->making), "%s.%s.extracting-%d", place->parent,
		 slash ? place->out + (slash - place->parent) + 1 : place->out, (int)getpid());
	return check_out(place->out);
}

static int make_place(struct place *place)
{
	if (mkdir(place->making, 0750) < 0)
		return complain(place->making, strerror(errno));
	place->is_made = 1;
	place->dir_fd = open(place->making, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place->dir_fd < 0 ? complain(place->making, strerror(errno)) : 0;
}

/* Removes what was made. */
static void clear_place(struct place *place)
{
	DIR *dir = place->is_made ? opendir(place->making) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (place->is_made && rmdir(place->making) < 0)
		complain(place->making, strerror(errno));
}

static int name_place(struct place *place)
{
	int fd;

	/* Takes the place of an empty directory, and of nothing else. */
	if (rename(place->making, place->out) < 0)
		return complain(place->out, errno == ENOTEMPTY || errno == EEXIST ? "is not empty any more"
										   : strerror(errno));
	place->is_made = 0;
	fd = open(place->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		/* Only a power cut now could take the name away. */
		(void)fsync(fd);
		close(fd);
	}
	return 0;
}

/* Opens a reader, says why not. */
static int open_reader(const char *dir, const struct extract *extract, int is_plan, struct store_reader **ret)
{
	struct store_select select = extract_select(extract, is_plan);
	int r = store_reader_open(dir, &select, ret);

	if (r < 0)
		report_store_error(usage.command, dir, r);
	return r;
}

/* 1: there is something; 0: nothing, which is said; negative, which is said. */
static int plan(const char *dir, struct extract *extract)
{
	struct store_reader *reader = NULL;
	int r = open_reader(dir, extract, 1, &reader);

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

static int copy(const char *dir, struct extract *extract, struct place *place)
{
	struct store_reader *reader = NULL;
	int r = open_reader(dir, extract, 0, &reader);

	if (r < 0)
		return r;
	r = make_place(place);
	if (r == 0) {
		r = extract_copy(extract, reader, place->dir_fd, &is_stopped);
		if (r == -EINTR)
			fprintf(stderr, "%s: stopped; there is nothing at %s\n", usage.command, place->out);
		else if (r < 0)
			fprintf(stderr, "%s: copying from %s to %s: %s\n", usage.command, dir, place->out, strerror(-r));
	}
	report_skipped(stderr, "obit extract: ", reader);
	store_reader_close(reader);
	return r;
}

static int extract_to(const char *dir, struct extract *extract, struct place *place)
{
	char bytes[QUANTITY_TEXT_BYTES];
	int r;

	catch_signals();
	r = plan(dir, extract);
	if (r <= 0)
		return STATUS_FAILED;
	r = copy(dir, extract, place);
	if (r == 0)
		r = name_place(place);
	if (place->dir_fd >= 0)
		close(place->dir_fd);
	if (r < 0) {
		clear_place(place);
		return STATUS_FAILED;
	}
	quantity_write_bytes(extract->bytes, bytes);
	printf("%s: %" PRIu64 " interval%s in %" PRIu64 " segment%s, %s\n", place->out, extract->n_intervals,
	       extract->n_intervals == 1 ? "" : "s", extract->n_segments, extract->n_segments == 1 ? "" : "s", bytes);
	return STATUS_OK;
}

int cmd_extract(int argc, char **argv)
{
	static struct place place;
	struct extract extract = {0};
	struct options options;
	int status, r = options_parse(&usage, argc, argv, &options);

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options.n_operands == 0) {
		fprintf(stderr, "%s: name a directory to make: obit extract --since T --until T OUT\n", usage.command);
		return STATUS_USAGE;
	}
	place = (struct place){.dir_fd = -1};
	if (options_range(&usage, options.values[SINCE], options.values[UNTIL], options_now_real_ns(),
			  &extract.since_real_ns, &extract.until_real_ns) < 0)
		return STATUS_USAGE;
	if (choose_place(options.operands[0], &place) < 0)
		return STATUS_FAILED;
	status = extract_to(options_store(options.values[STORE]), &extract, &place);
	extract_done(&extract);
	return status;
}
