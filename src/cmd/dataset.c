// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE /* syncfs */
#include "cmd/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cmd/dataset_parts.h"
#include "cmd/manifest.h"
#include "cmd/report.h"
#include "output/text.h"
#include "query/selection.h"

#define INCOMING "_incoming-"
#define STEM_MAX 64

struct dataset {
	struct dataset_options options;
	char dir[PATH_MAX];
	struct buffer where; /* as the manifest has it; empty: NULL */
	int dir_fd;
	struct manifest manifest;
	uint64_t n_segments, n_rows, n_beyond; /* added */

	/* The segment that is being added. */
	const struct scanned_segment *segment;
	uint64_t batch;
	int incoming_fd; /* -1: none */
	char incoming[32], host[PARTS_HOST_SIZE], stem[STEM_MAX];
	struct manifest_segment pending;
	const struct manifest_segment *before; /* what is there of it; or NULL */

	/* And the table. */
	struct dataset_parts *parts;
	struct manifest_table *table;
	int time_field;
	bool is_all; /* rows without a time are wanted too */
};

static int report_error(const struct dataset *dataset, const char *path, int error)
{
	fprintf(stderr, "%s: cannot write %s%s%s: %s\n", dataset->options.command, dataset->dir, *path ? "/" : "", path,
		strerror(-error));
	return -EINVAL;
}

/* --- the directory ---------------------------------------------------------------------------------------------- */
/* Calls for each entry, till one returns other than 0. */
static int for_each_entry(int dir_fd, int (*call)(void *ctx, const char *name), void *ctx)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = call(ctx, entry->d_name);
	closedir(dir);
	return r;
}

struct moving {
	int from_fd, to_fd;
};

static int make_directories(int dir_fd, char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		int r;

		*slash = '\0';
		r = mkdirat(dir_fd, path, 0750) < 0 && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

static int move_part(void *ctx, const char *name)
{
	const struct moving *moving = ctx;
	char path[NAME_MAX + 1];
	int r;

	if (!dataset_parts_path(name, path, sizeof(path)))
		return unlinkat(moving->from_fd, name, 0) < 0 ? -errno : 0;
	r = make_directories(moving->to_fd, path);
	if (r == 0 && renameat(moving->from_fd, name, moving->to_fd, path) < 0)
		r = -errno;
	return r;
}

static int drop_part(void *ctx, const char *name)
{
	const struct moving *moving = ctx;

	return unlinkat(moving->from_fd, name, 0) < 0 ? -errno : 0;
}

/* Ends an incoming directory: its parts are moved or dropped. */
static int end_incoming(const struct dataset *dataset, const char *name, bool is_kept)
{
	int fd = openat(dataset->dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), r;
	struct moving moving = {fd, dataset->dir_fd};

	if (fd < 0)
		return -errno;
	r = for_each_entry(fd, is_kept ? move_part : drop_part, &moving);
	close(fd);
	if (r == 0 && unlinkat(dataset->dir_fd, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

/* Of an export that was stopped. */
static int finish_stopped(void *ctx, const char *name)
{
	const struct dataset *dataset = ctx;
	char *end;
	uint64_t batch;

	if (strncmp(name, INCOMING, strlen(INCOMING)) != 0)
		return 0;
	batch = strtoull(name + strlen(INCOMING), &end, 10);
	if (*end)
		return 0;
	return end_incoming(dataset, name, batch && batch <= dataset->manifest.last_batch);
}

static int is_ours(void *ctx, const char *name)
{
	char *stranger = ctx;

	if (strcmp(name, COMPACTED_NAME) == 0 || strcmp(name, MANIFEST_NAME) == 0 ||
	    strncmp(name, INCOMING, strlen(INCOMING)) == 0)
		return 0;
	snprintf(stranger, NAME_MAX + 1, "%s", name);
	return 1;
}

/* A directory without a manifest becomes a dataset, if nothing is in it. */
static int begin(struct dataset *dataset)
{
	char stranger[NAME_MAX + 1];
	int r = for_each_entry(dataset->dir_fd, is_ours, stranger);

	if (r > 0) {
		fprintf(stderr,
			"%s: %s: is no dataset of obit (it has no %s) and not empty: ", dataset->options.command,
			dataset->dir, MANIFEST_NAME);
		report_text(stderr, stranger);
		fprintf(stderr, " is in it; name another directory\n");
		return -EINVAL;
	}
	if (r == 0) {
		dataset->manifest.are_times_ns = dataset->options.output.are_times_ns;
		dataset->manifest.where = dataset->where.used ? strdup(dataset->where.data) : NULL;
		r = manifest_begin(&dataset->manifest, dataset->dir_fd);
	}
	return r < 0 ? report_error(dataset, MANIFEST_NAME, r) : 0;
}

/* Are its rows chosen and written as those that are to come? */
static int check_settings(const struct dataset *dataset)
{
	const struct manifest *manifest = &dataset->manifest;
	const char *where = dataset->where.used ? dataset->where.data : NULL;
	const char *command = dataset->options.command, *dir = dataset->dir;

	if (manifest->are_times_ns != dataset->options.output.are_times_ns) {
		fprintf(stderr, "%s: %s: has its times in %s: give --times %s, or name another directory\n", command,
			dir, manifest->are_times_ns ? "ns" : "us", manifest->are_times_ns ? "ns" : "us");
		return -EINVAL;
	}
	if (strcmp(manifest->where ? manifest->where : "", where ? where : "") == 0)
		return 0;
	fprintf(stderr, "%s: %s: holds ", command, dir);
	if (manifest->where) {
		fputs("the rows where ", stderr);
		report_text(stderr, manifest->where);
	} else {
		fputs("all rows", stderr);
	}
	fprintf(stderr, ": %s, or name another directory\n",
		manifest->where ? "give the same --where" : "leave --where away");
	return -EINVAL;
}

static int open_directory(struct dataset *dataset)
{
	char *dir = dataset->dir;

	if (mkdir(dir, 0750) < 0 && errno != EEXIST)
		return report_error(dataset, "", -errno);
	dataset->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dataset->dir_fd < 0)
		return report_error(dataset, "", -errno);
	if (flock(dataset->dir_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return report_error(dataset, "", -errno);
	fprintf(stderr, "%s: %s: another export writes into it; wait until it has ended\n", dataset->options.command,
		dir);
	return -EINVAL;
}

static int read_manifest(struct dataset *dataset)
{
	size_t line = 0;
	int r = manifest_read(&dataset->manifest, dataset->dir_fd, &line);

	if (r == -ENOENT)
		return begin(dataset);
	if (r == -EBADMSG) {
		fprintf(stderr, "%s: %s/%s: line %zu is none of obit's: mend it, or name another directory\n",
			dataset->options.command, dataset->dir, MANIFEST_NAME, line);
		return -EINVAL;
	}
	if (r == 0)
		r = check_settings(dataset);
	if (r == 0)
		r = manifest_compact(&dataset->manifest, dataset->dir_fd);
	return r < 0 && r != -EINVAL ? report_error(dataset, MANIFEST_NAME, r) : r;
}

int dataset_open(const struct dataset_options *options, struct dataset **ret)
{
	struct dataset *dataset = calloc(1, sizeof(*dataset));
	int r = 0;

	*ret = dataset;
	if (!dataset)
		return -ENOMEM;
	dataset->options = *options;
	dataset->dir_fd = dataset->incoming_fd = -1;
	/* Without the slash that says that it is a dataset: errors name files in it. */
	snprintf(dataset->dir, sizeof(dataset->dir), "%s", options->dir);
	for (size_t len = strlen(dataset->dir); len > 1 && dataset->dir[len - 1] == '/'; len--)
		dataset->dir[len - 1] = '\0';
	if (options->where) {
		text_add_utf8(&dataset->where, options->where, strlen(options->where));
		buffer_add_char(&dataset->where, '\0');
		r = dataset->where.error;
	}
	if (r == 0)
		r = open_directory(dataset);
	if (r == 0)
		r = read_manifest(dataset);
	if (r == 0) {
		r = for_each_entry(dataset->dir_fd, finish_stopped, dataset);
		r = r < 0 ? report_error(dataset, "", r) : 0;
	}
	return r;
}

void dataset_close(struct dataset *dataset)
{
	if (!dataset)
		return;
	dataset_drop(dataset);
	if (dataset->n_segments)
		syncfs(dataset->dir_fd);
	if (dataset->dir_fd >= 0)
		close(dataset->dir_fd);
	manifest_done(&dataset->manifest);
	buffer_done(&dataset->where);
	free(dataset);
}

/* --- a segment -------------------------------------------------------------------------------------------------- */
/* What the manifest knows a segment by. Its texts are not owned. */
static struct manifest_segment identity_of(const struct scanned_segment *segment, char host[PARTS_HOST_SIZE])
{
	dataset_parts_host(segment->origin.host, host);
	return (struct manifest_segment){
		.host = host,
		.boot_id = (char *)segment->origin.boot_id,
		.segment = (char *)segment->name.text,
		.run_real_ns = segment->origin.run_real_ns,
	};
}

static bool is_complete(const struct scanned_segment *segment)
{
	return segment->state != SEGMENT_WRITING;
}

bool dataset_wants(const struct dataset *dataset, const struct scanned_segment *segment, const char *table,
		   struct time_range range)
{
	char host[PARTS_HOST_SIZE];
	struct manifest_segment like = identity_of(segment, host);
	const struct manifest_segment *known = manifest_find(&dataset->manifest, &like);
	const struct manifest_table *of = manifest_table(known, table);

	if (!segment->has_origin || !segment->intervals || segment->first_real_ns >= range.until_real_ns ||
	    (is_complete(segment) && segment->last_real_ns < range.since_real_ns))
		return false;
	if (!of || !time_ranges_cover(&of->ranges, range))
		return true;
	return segment->first_number < of->first_number || segment->last_number > of->last_number ||
	       (!of->is_complete && is_complete(segment));
}

int dataset_begin(struct dataset *dataset, const struct scanned_segment *segment)
{
	struct manifest_segment like = identity_of(segment, dataset->host), *pending = &dataset->pending;

	dataset->before = manifest_find(&dataset->manifest, &like);
	*pending = (struct manifest_segment){
		.host = strdup(dataset->host),
		.boot_id = strdup(like.boot_id),
		.segment = strdup(like.segment),
		.run_real_ns = like.run_real_ns,
	};
	dataset->segment = segment;
	if (!pending->host || !pending->boot_id || !pending->segment)
		return -ENOMEM;
	dataset->batch = dataset->manifest.last_batch + 1;
	snprintf(dataset->stem, sizeof(dataset->stem), "%" PRIu64 "-%.20s", like.run_real_ns, like.segment);
	snprintf(dataset->incoming, sizeof(dataset->incoming), INCOMING "%" PRIu64, dataset->batch);
	if (mkdirat(dataset->dir_fd, dataset->incoming, 0750) < 0)
		return report_error(dataset, dataset->incoming, -errno);
	dataset->incoming_fd = openat(dataset->dir_fd, dataset->incoming, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dataset->incoming_fd < 0 ? report_error(dataset, dataset->incoming, -errno) : 0;
}

int dataset_begin_table(struct dataset *dataset, const struct table *table, struct time_range range,
			struct time_range *ret)
{
	const struct manifest_table *before = manifest_table(dataset->before, table->name);
	struct output_options options = dataset->options.output;
	int r = 0;

	options.table = table;
	dataset->time_field = selection_time_field(table);
	dataset->parts = dataset_parts_new(dataset->incoming_fd, dataset->host, dataset->stem, &options);
	dataset->table = manifest_segment_add(&dataset->pending, table->name);
	if (!dataset->parts || !dataset->table)
		return -ENOMEM;
	dataset->table->is_complete = is_complete(dataset->segment);
	dataset->table->first_number = dataset->segment->first_number;
	dataset->table->last_number = dataset->segment->last_number;
	r = before ? time_ranges_add_all(&dataset->table->ranges, &before->ranges) : 0;
	if (r == 0)
		r = time_ranges_add(&dataset->table->ranges, range);
	if (r < 0)
		return r;
	*ret = time_ranges_hull(&dataset->table->ranges);
	dataset->is_all = time_ranges_cover(&dataset->table->ranges, (struct time_range){0, NO_END});
	return 0;
}

int dataset_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct dataset *dataset = context;
	int field = dataset->time_field < 0 ? -1 : columns[dataset->time_field], r;
	bool has_time = field >= 0 && !block_is_null(block, row, (uint32_t)field);
	uint64_t real_ns = has_time ? block_number(block, row, (uint32_t)field) : 0;

	if (!dataset->is_all && !(has_time && time_ranges_hold(&dataset->table->ranges, real_ns)))
		return 0;
	r = dataset_parts_row(dataset->parts, block, row, columns, has_time ? &real_ns : NULL);
	if (r == -EMFILE) {
		fprintf(stderr, "%s: segment %s: its rows of %s are of more than %d days: it cannot be exported\n",
			dataset->options.command, dataset->pending.segment, dataset->table->name, PARTS_DAYS);
		return -EINVAL;
	}
	return r < 0 && r != -ENOMEM ? report_error(dataset, dataset->incoming, r) : r;
}

int dataset_end_table(struct dataset *dataset)
{
	int r = dataset_parts_end(dataset->parts, dataset->table);

	dataset->n_beyond += dataset_parts_beyond(dataset->parts);
	dataset_parts_free(dataset->parts);
	dataset->parts = NULL;
	return r < 0 && r != -ENOMEM ? report_error(dataset, dataset->incoming, r) : r;
}

/* A store can lose rows by damage; what was exported before it is not lost with them. */
static bool has_lost_rows(const struct dataset *dataset)
{
	for (size_t i = 0; i < dataset->pending.n_tables; i++) {
		const struct manifest_table *now = &dataset->pending.tables[i],
					    *before = manifest_table(dataset->before, now->name);

		if (!before || now->rows >= before->rows)
			continue;
		fprintf(stderr,
			"%s: segment %s has %" PRIu64 " rows of %s, and %" PRIu64 " were exported before: those stay\n",
			dataset->options.command, dataset->pending.segment, now->rows, now->name, before->rows);
		return true;
	}
	return false;
}

int dataset_end(struct dataset *dataset)
{
	uint64_t n_rows = 0;
	int r;

	if (has_lost_rows(dataset)) {
		dataset_drop(dataset);
		return 0;
	}
	for (size_t i = 0; i < dataset->pending.n_tables; i++)
		n_rows += dataset->pending.tables[i].rows;
	r = syncfs(dataset->incoming_fd) < 0 ? -errno : 0;
	close(dataset->incoming_fd);
	dataset->incoming_fd = -1;
	if (r == 0)
		r = manifest_add(&dataset->manifest, dataset->dir_fd, dataset->batch, &dataset->pending);
	if (r < 0) {
		report_error(dataset, MANIFEST_NAME, r);
		dataset_drop(dataset);
		return -EINVAL;
	}
	r = end_incoming(dataset, dataset->incoming, true);
	*dataset->incoming = '\0';
	dataset->n_segments++;
	dataset->n_rows += n_rows;
	return r < 0 ? report_error(dataset, "", r) : 0;
}

void dataset_drop(struct dataset *dataset)
{
	dataset_parts_free(dataset->parts);
	dataset->parts = NULL;
	if (dataset->incoming_fd >= 0)
		close(dataset->incoming_fd);
	dataset->incoming_fd = -1;
	if (*dataset->incoming)
		end_incoming(dataset, dataset->incoming, false);
	*dataset->incoming = '\0';
	manifest_segment_done(&dataset->pending);
}

void dataset_added(const struct dataset *dataset, uint64_t *ret_segments, uint64_t *ret_rows)
{
	*ret_segments = dataset->n_segments;
	*ret_rows = dataset->n_rows;
}

uint64_t dataset_beyond(const struct dataset *dataset)
{
	return dataset->n_beyond;
}
