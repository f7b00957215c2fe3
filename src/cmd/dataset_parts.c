// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/dataset_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fnv.h"
#include "base/rfc3339.h"
#include "cmd/export_file.h"

#define DAY_NS	  (86400 * NS_PER_S)
#define NO_DAY	  UINT64_MAX /* of a row without a time */
#define DATE_LEN  10
#define UNKNOWN	  "__HIVE_DEFAULT_PARTITION__"
#define SEPARATOR '+' /* no plain letter, and in no name */
#define PATTERN	  "*+host=*+date=*+*.parquet"

struct part {
	uint64_t day;
	int fd; /* -1: not open */
	char name[NAME_MAX + 1];
	struct export_file file;
};

struct dataset_parts {
	int dir_fd;
	const char *host, *stem;
	struct output_options options;
	struct part *last; /* that a row went to */
	struct part *parts[PARTS_DAYS];
	size_t n;
	uint64_t n_rows, n_beyond;
};

void dataset_parts_host(const char *host, char ret[PARTS_HOST_SIZE])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const size_t most = PARTS_HOST_SIZE - 1 - 17; /* behind it, the hash of what is too long */
	size_t used = 0;

	for (const char *c = host; *c; c++) {
		if (used + 3 > most) {
			snprintf(ret + used, PARTS_HOST_SIZE - used, "~%016llx",
				 (unsigned long long)fnv_hash(host, strlen(host)));
			return;
		}
		used += (size_t)snprintf(ret + used, PARTS_HOST_SIZE - used, strchr(plain, *c) ? "%c" : "%%%02X",
					 (unsigned char)*c);
	}
	if (!used)
		snprintf(ret, PARTS_HOST_SIZE, UNKNOWN);
}

bool dataset_parts_path(const char *name, char *ret, size_t size)
{
	int len = snprintf(ret, size, "%s", name), n_separators = 0;

	if (name[0] == '.' || len < 0 || (size_t)len >= size || fnmatch(PATTERN, name, 0) != 0)
		return false;
	for (char *c = ret; *c; c++)
		if (*c == SEPARATOR) {
			*c = '/';
			n_separators++;
		}
	return n_separators == 3;
}

struct dataset_parts *dataset_parts_new(int dir_fd, const char *host, const char *stem,
					const struct output_options *options)
{
	struct dataset_parts *parts = calloc(1, sizeof(*parts));

	if (parts)
		*parts = (struct dataset_parts){.dir_fd = dir_fd, .host = host, .stem = stem, .options = *options};
	return parts;
}

static int close_part(struct part *part)
{
	int r;

	if (part->fd < 0)
		return 0;
	r = export_file_close(&part->file);
	close(part->fd);
	part->fd = -1;
	return r;
}

void dataset_parts_free(struct dataset_parts *parts)
{
	if (!parts)
		return;
	for (size_t i = 0; i < parts->n; i++) {
		close_part(parts->parts[i]);
		free(parts->parts[i]);
	}
	free(parts);
}

static int open_part(const struct dataset_parts *parts, struct part *part)
{
	char date[RFC3339_LEN + 1] = UNKNOWN;

	if (part->day != NO_DAY) {
		rfc3339_write(part->day * DAY_NS, date);
		date[DATE_LEN] = '\0';
	}
	if (snprintf(part->name, sizeof(part->name), "%s+host=%s+date=%s+%s.parquet", parts->options.table->name,
		     parts->host, date, parts->stem) >= (int)sizeof(part->name))
		return -ENAMETOOLONG;
	part->fd = openat(parts->dir_fd, part->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (part->fd < 0)
		return -errno;
	return export_file_open(&part->file, part->fd, 0, &parts->options, parts->options.table);
}

/* The part of that day, made if there is none. */
static int find_part(struct dataset_parts *parts, uint64_t day, struct part **ret)
{
	for (size_t i = 0; i < parts->n; i++)
		if (parts->parts[i]->day == day) {
			*ret = parts->parts[i];
			return 0;
		}
	if (parts->n == PARTS_DAYS)
		return -EMFILE;
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->day = day;
	(*ret)->fd = -1;
	parts->parts[parts->n++] = *ret;
	return open_part(parts, *ret);
}

int dataset_parts_row(struct dataset_parts *parts, const struct block *block, uint32_t row, const int *columns,
		      const uint64_t *real_ns)
{
	uint64_t day = real_ns ? *real_ns / DAY_NS : NO_DAY;
	int r = 0;

	if (!parts->last || parts->last->day != day)
		r = find_part(parts, day, &parts->last);
	if (r < 0)
		return r;
	parts->n_rows++;
	return output_row(parts->last->file.output, block, row, columns);
}

int dataset_parts_end(struct dataset_parts *parts, struct manifest_table *ret)
{
	char path[NAME_MAX + 1];
	int r = 0;

	for (size_t i = 0; i < parts->n && r == 0; i++) {
		r = close_part(parts->parts[i]);
		parts->n_beyond += parts->parts[i]->file.n_beyond;
		if (r == 0)
			r = dataset_parts_path(parts->parts[i]->name, path, sizeof(path))
				    ? manifest_table_add_part(ret, path)
				    : -EINVAL;
	}
	ret->rows += parts->n_rows;
	return r;
}

uint64_t dataset_parts_beyond(const struct dataset_parts *parts)
{
	return parts->n_beyond;
}
