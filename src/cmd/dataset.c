// SPDX-License-Identifier: BSD-2-Clause
/*
 * Partitions of a dataset.
 */
#define _GNU_SOURCE /* nftw */
#include "cmd/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "cmd/export_file.h"
#include "query/selection.h"

#define OPEN_FILES	 2 /* around midnight, the day before and the day after */
#define DAY_NS		 (86400 * NS_PER_S)
#define NO_DAY		 UINT64_MAX /* of a row without a time */
#define DATE_LEN	 10
#define MAX_PARTS	 100000
#define OPEN_DIRECTORIES 16

struct partition {
	char host[256];
	uint64_t day;
	uint64_t used_at; /* for finding the one that has not been used for longest */
	char path[PATH_MAX];
	int fd; /* -1: not open */
	struct export_file file;
};

struct dataset {
	const char *command;
	int dir_fd;
	const struct table *table;
	struct output_options options;
	int time_field;
	char host[256];
	uint64_t now;
	struct partition partitions[OPEN_FILES];
};

struct dataset *dataset_new(int dir_fd, const struct table *table, const struct output_options *options,
			    const char *command)
{
	struct dataset *dataset = calloc(1, sizeof(*dataset));

	if (!dataset)
		return NULL;
	dataset->command = command;
	dataset->dir_fd = dir_fd;
	dataset->table = table;
	dataset->options = *options;
	dataset->options.table = table;
	dataset->time_field = selection_time_field(table);
	for (int i = 0; i < OPEN_FILES; i++)
		dataset->partitions[i].fd = -1;
	return dataset;
}

void dataset_set_host(struct dataset *dataset, const char *host)
{
	snprintf(dataset->host, sizeof(dataset->host), "%s", host);
}

static int report_error(const struct dataset *dataset, const char *path, int error)
{
	fprintf(stderr, "%s: cannot write %s: %s\n", dataset->command, path, strerror(-error));
	return -EINVAL;
}

/* A host's name comes from the store, and may be anything: what is no plain letter is %XX, as Hive has it. */
static void write_host(const char *host, char *ret, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t used = 0;

	for (; *host && used + 4 <= size; host++)
		used += (size_t)snprintf(ret + used, size - used, strchr(plain, *host) ? "%c" : "%%%02X",
					 (unsigned char)*host);
	if (!used)
		snprintf(ret, size, "__HIVE_DEFAULT_PARTITION__");
}

static void write_date(uint64_t day, char ret[RFC3339_LEN + 1])
{
	snprintf(ret, RFC3339_LEN + 1, "__HIVE_DEFAULT_PARTITION__");
	if (day == NO_DAY)
		return;
	rfc3339_write(day * DAY_NS, ret);
	ret[DATE_LEN] = '\0';
}

static int make_directory(const struct dataset *dataset, const char *path)
{
	return mkdirat(dataset->dir_fd, path, 0750) < 0 && errno != EEXIST ? report_error(dataset, path, -errno) : 0;
}

/* The directories, and the file of the next part. */
static int make_file(struct dataset *dataset, struct partition *partition)
{
	char host[3 * sizeof(partition->host) + 1], date[RFC3339_LEN + 1], path[PATH_MAX / 2];
	int r;

	write_host(partition->host, host, sizeof(host));
	write_date(partition->day, date);
	r = make_directory(dataset, dataset->table->name);
	snprintf(path, sizeof(path), "%s/host=%s", dataset->table->name, host);
	if (r == 0)
		r = make_directory(dataset, path);
	snprintf(path, sizeof(path), "%s/host=%s/date=%s", dataset->table->name, host, date);
	if (r == 0)
		r = make_directory(dataset, path);
	for (int part = 0; r == 0 && part < MAX_PARTS; part++) {
		snprintf(partition->path, sizeof(partition->path), "%s/part-%d.parquet", path, part);
		partition->fd = openat(dataset->dir_fd, partition->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		if (partition->fd >= 0 || errno != EEXIST)
			break;
	}
	return r < 0 || partition->fd >= 0 ? r : report_error(dataset, partition->path, -errno);
}

static int close_partition(struct dataset *dataset, struct partition *partition)
{
	int r;

	if (partition->fd < 0)
		return 0;
	r = export_file_close(&partition->file);
	if (r == 0 && fsync(partition->fd) < 0)
		r = -errno;
	close(partition->fd);
	partition->fd = -1;
	return r < 0 ? report_error(dataset, partition->path, r) : 0;
}

static int open_partition(struct dataset *dataset, struct partition *partition, uint64_t day)
{
	int r = close_partition(dataset, partition);

	if (r < 0)
		return r;
	memcpy(partition->host, dataset->host, sizeof(partition->host));
	partition->day = day;
	r = make_file(dataset, partition);
	if (r < 0)
		return r;
	r = export_file_open(&partition->file, partition->fd, 0, &dataset->options, dataset->table);
	return r < 0 ? report_error(dataset, partition->path, r) : 0;
}

static struct partition *find_partition(struct dataset *dataset, uint64_t day)
{
	for (int i = 0; i < OPEN_FILES; i++) {
		struct partition *partition = &dataset->partitions[i];

		if (partition->fd >= 0 && partition->day == day && strcmp(partition->host, dataset->host) == 0)
			return partition;
	}
	return NULL;
}

static struct partition *idlest_partition(struct dataset *dataset)
{
	struct partition *idlest = &dataset->partitions[0];

	for (int i = 1; i < OPEN_FILES; i++)
		if (dataset->partitions[i].used_at < idlest->used_at)
			idlest = &dataset->partitions[i];
	return idlest;
}

int dataset_row(struct dataset *dataset, const struct block *block, uint32_t row, const int *columns)
{
	int time_field = dataset->time_field < 0 ? -1 : columns[dataset->time_field], r;
	uint64_t day = NO_DAY;
	struct partition *partition;

	if (time_field >= 0 && !block_is_null(block, row, (uint32_t)time_field))
		day = block_number(block, row, (uint32_t)time_field) / DAY_NS;
	partition = find_partition(dataset, day);
	if (!partition) {
		partition = idlest_partition(dataset);
		r = open_partition(dataset, partition, day);
		if (r < 0)
			return r;
	}
	partition->used_at = ++dataset->now;
	r = output_row(partition->file.output, block, row, columns);
	return r < 0 ? report_error(dataset, partition->path, r) : 0;
}

int dataset_close(struct dataset *dataset)
{
	int r = 0;

	for (int i = 0; dataset && i < OPEN_FILES; i++) {
		int one = close_partition(dataset, &dataset->partitions[i]);

		r = r < 0 ? r : one;
	}
	free(dataset);
	return r;
}

static char stranger[PATH_MAX]; /* nftw() has no way to pass it */

static int look_at(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const char *const names[] = {"*", "*", "host=*", "date=*", "part-*.parquet"};
	int is_leaf = ftw->level == 4;

	if (ftw->level <= 4 && fnmatch(names[ftw->level], path + ftw->base, 0) == 0 &&
	    (is_leaf ? type == FTW_F && S_ISREG(st->st_mode) : type == FTW_D))
		return 0;
	snprintf(stranger, sizeof(stranger), "%s", path);
	return 1;
}

int dataset_is_one(const char *dir, const char *command)
{
	int r = nftw(dir, look_at, OPEN_DIRECTORIES, FTW_PHYS);

	if (r == 0 || (r < 0 && errno == ENOENT))
		return 1;
	if (r > 0)
		fprintf(stderr, "%s: %s: is not replaced: %s is no part of an export\n", command, dir, stranger);
	else
		fprintf(stderr, "%s: %s: %s\n", command, dir, strerror(errno));
	return 0;
}
