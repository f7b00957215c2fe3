// SPDX-License-Identifier: BSD-2-Clause
/*
 * Of a log every chunk's head is read, for the rows that it says it has; the columns behind are stepped over.
 */
#include "store/segment_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/chunk_codec.h"
#include "store/columns_file.h"
#include "store/segment.h"

struct segment_scan {
	int dir_fd, has_writer;
	struct segment_name *names;
	size_t n_names, next_name;
};

const char *segment_state_name(enum segment_state state)
{
	static const char *const names[] = {"sealed", "writing", "log", "torn", "damaged"};

	return names[state];
}

int segment_scan_open(const char *dir, struct segment_scan **ret)
{
	struct segment_scan *scan = calloc(1, sizeof(*scan));
	int r;

	if (!scan)
		return -ENOMEM;
	scan->dir_fd = directory_open(dir);
	r = scan->dir_fd < 0 ? scan->dir_fd : directory_list(scan->dir_fd, &scan->names, &scan->n_names);
	if (r < 0) {
		segment_scan_close(scan);
		return r;
	}
	scan->has_writer = directory_is_locked(scan->dir_fd);
	*ret = scan;
	return 0;
}

void segment_scan_close(struct segment_scan *scan)
{
	if (!scan)
		return;
	if (scan->dir_fd >= 0)
		close(scan->dir_fd);
	free(scan->names);
	free(scan);
}

static void note_damage(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what)
{
	struct scanned_segment *segment = ctx;

	(void)offset;
	segment->unread_bytes += bytes;
	segment->state = is_torn_tail ? SEGMENT_TORN : SEGMENT_DAMAGED;
	if (!*segment->what)
		snprintf(segment->what, sizeof(segment->what), "%s", what);
}

static void count_interval(struct scanned_segment *segment, const struct interval *interval)
{
	uint64_t end = interval->is_last_chunk && interval->end_real_ns > interval->begin_real_ns
			       ? interval->end_real_ns
			       : interval->begin_real_ns;

	if (!segment->intervals || interval->number < segment->first_number)
		segment->first_number = interval->number;
	if (!segment->intervals || interval->begin_real_ns < segment->first_real_ns)
		segment->first_real_ns = interval->begin_real_ns;
	if (interval->number > segment->last_number)
		segment->last_number = interval->number;
	if (end > segment->last_real_ns)
		segment->last_real_ns = end;
	segment->intervals = segment->last_number - segment->first_number + 1;
}

/* 0 or -EBADMSG. */
static int count_chunk(struct scanned_segment *segment, const struct segment_chunk *chunk)
{
	struct source body = {(const unsigned char *)chunk->data + CHUNK_PREFIX, chunk->len - CHUNK_PREFIX, 0};
	struct chunk_section sections[TABLE_MAX_TABLES];
	struct interval interval;
	uint64_t ordinal;
	int r = chunk_get_head(&body, &ordinal, &interval);
	size_t n = 0;

	if (r == 0)
		r = chunk_get_sections(&body, sections, &n);
	for (size_t i = 0; i < n && r == 0; i++)
		if (sections[i].id < TABLE_MAX_TABLES)
			segment->rows[sections[i].id] += sections[i].rows;
	if (r == 0)
		count_interval(segment, &interval);
	segment->raw_bytes += chunk->len;
	return r;
}

static int read_chunks(struct scanned_segment *ret, struct segment *segment)
{
	struct segment_chunk chunk;
	int r;

	while ((r = segment_next(segment, &chunk)) > 0)
		if (count_chunk(ret, &chunk) < 0)
			segment_give_up_frame(segment, "a chunk that cannot be decoded");
	return r;
}

static int scan_log(int fd, struct scanned_segment *ret, bool is_written)
{
	struct segment *segment;
	int r = segment_open_fd(fd, note_damage, ret, &segment);

	if (r < 0)
		return r;
	ret->has_origin = segment_header(segment)->n_tables > 0;
	if (ret->has_origin)
		ret->origin = segment_header(segment)->origin;
	r = read_chunks(ret, segment);
	if (ret->has_origin && ret->state == SEGMENT_SEALED) {
		ret->state = is_written ? SEGMENT_WRITING : segment_torn_bytes(segment) ? SEGMENT_TORN : SEGMENT_LOG;
		ret->unread_bytes += is_written ? 0 : segment_torn_bytes(segment);
	} else if (is_written && ret->state == SEGMENT_TORN) {
		/* Its header is on the way. */
		ret->state = SEGMENT_WRITING;
		ret->unread_bytes = 0;
		ret->what[0] = '\0';
	}
	segment_close(segment);
	return r;
}

static int scan_columns(int fd, struct scanned_segment *ret)
{
	struct group_directory *directory;
	struct columns_file file;
	int r = columns_file_open(&file, fd, 0, 0, note_damage, ret);

	if (r < 0)
		return r;
	directory = &file.directory;
	ret->has_origin = directory->header.n_tables > 0;
	if (ret->has_origin)
		ret->origin = directory->header.origin;
	for (uint32_t i = 0; i < directory->n_intervals; i++)
		count_interval(ret, &directory->intervals[i]);
	for (uint32_t i = 0; i < directory->n_groups; i++) {
		uint32_t id = directory->header.tables[directory->groups[i].table].id;

		if (id < TABLE_MAX_TABLES)
			ret->rows[id] += directory->groups[i].rows;
	}
	for (uint32_t i = 0; i < directory->n_columns; i++)
		ret->raw_bytes += directory->columns[i].raw_bytes;
	columns_file_close(&file);
	return 0;
}

static int segment_scan_one(struct segment_scan *scan, bool is_last, struct scanned_segment *ret)
{
	int fd = directory_open_file(scan->dir_fd, ret->name.text), r;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0)
		ret->bytes = (uint64_t)st.st_size;
	r = columns_file_is(fd);
	return r > 0 ? scan_columns(fd, ret) : scan_log(fd, ret, is_last && scan->has_writer);
}

int segment_scan_next(struct segment_scan *scan, struct scanned_segment *ret)
{
	while (scan->next_name < scan->n_names) {
		struct scanned_segment segment = {.name = scan->names[scan->next_name++]};
		int r = segment_scan_one(scan, scan->next_name == scan->n_names, &segment);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		*ret = segment;
		return 1;
	}
	return 0;
}
