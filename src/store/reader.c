// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading a store: its segments one after the other, each from the frame that the time asked for begins in.
 * The list of segments is taken at the start; one that retention removes meanwhile is passed by.
 *
 * Following, it is taken again at each end. When there is a later segment the one before is complete, and is read
 * once more to its end: something may have come between the end seen and the list.
 */
#define _GNU_SOURCE
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/chunk_codec.h"
#include "store/directory.h"
#include "store/segment_format.h"
#include "store/segment.h"

#define DAMAGE_MAX 4096 /* stretches reported one by one; more are added to the last */

struct store_reader {
	char *path;
	int dir_fd;
	struct store_select select;
	struct segment_name *names;
	size_t n_names, next_name;
	struct segment_name current;	  /* the one opened last */
	struct segment_name listed_after; /* following: the list holds what comes behind it; "" for all */
	bool has_writer, is_following;

	struct columns_part *columns; /* given last; NULL: none */
	struct segment *segment;      /* a log; NULL: the next segment is to be opened */
	uint64_t next_ordinal;	      /* of the frame's next chunk */
	struct store_part chunk;      /* of the log, with its group for each table */
	struct interval chunk_interval;
	struct store_group chunk_groups[TABLE_MAX_TABLES];
	struct section chunk_sections[TABLE_MAX_TABLES];

	pthread_mutex_t damage_lock; /* groups are read by other threads */
	struct store_damage *damage;
	size_t n_damage, damage_capacity;
};

static void add_damage(struct store_reader *reader, const char *segment, uint64_t offset, uint64_t bytes,
		       bool is_torn_tail, const char *what)
{
	struct store_damage *last = reader->n_damage ? &reader->damage[reader->n_damage - 1] : NULL;

	/* What touches the stretch before is the same damaged range. */
	if (last && strcmp(last->segment, segment) == 0 &&
	    (last->offset + last->bytes == offset || reader->n_damage == DAMAGE_MAX)) {
		last->bytes += bytes;
		return;
	}
	if (reader->n_damage == reader->damage_capacity) {
		size_t capacity = reader->damage_capacity * 2 + 16;
		void *more = realloc(reader->damage, capacity * sizeof(*reader->damage));

		if (!more)
			return;
		reader->damage = more;
		reader->damage_capacity = capacity;
	}
	last = &reader->damage[reader->n_damage++];
	*last = (struct store_damage){.offset = offset, .bytes = bytes, .is_torn_tail = is_torn_tail};
	snprintf(last->segment, sizeof(last->segment), "%s", segment);
	snprintf(last->what, sizeof(last->what), "%s", what);
}

/* Of the segment that is being opened, or of a log. */
static void note_damage(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what)
{
	struct store_reader *reader = ctx;

	/* A torn tail where a writer is at work is what it has not written yet. */
	if (!bytes || (is_torn_tail && reader->has_writer && reader->next_name == reader->n_names))
		return;
	pthread_mutex_lock(&reader->damage_lock);
	add_damage(reader, reader->current.text, offset, bytes, is_torn_tail, what);
	pthread_mutex_unlock(&reader->damage_lock);
}

void store_reader_note_damage(void *ctx, const struct store_group *group, uint64_t offset, uint64_t bytes,
			      const char *what)
{
	struct store_reader *reader = ctx;

	pthread_mutex_lock(&reader->damage_lock);
	add_damage(reader, group->segment, offset, bytes, false, what);
	pthread_mutex_unlock(&reader->damage_lock);
}

bool store_select_takes(const struct store_select *select, const struct interval *interval)
{
	uint64_t end = interval->is_last_chunk ? interval->end_real_ns : UINT64_MAX;

	/* The clock was set back in it: its rows have times of both clocks. */
	if (end < interval->begin_real_ns)
		return true;
	return end >= select->since_real_ns &&
	       (!select->until_real_ns || interval->begin_real_ns < select->until_real_ns);
}

static void keep_one(struct store_reader *reader, const char *segment)
{
	size_t n = 0;

	for (size_t i = 0; i < reader->n_names; i++)
		if (strcmp(reader->names[i].text, segment) == 0)
			reader->names[n++] = reader->names[i];
	reader->n_names = n;
}

int store_reader_open(const char *dir, const struct store_select *select, struct store_reader **ret)
{
	struct store_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader->select = *select;
	reader->dir_fd = -1;
	pthread_mutex_init(&reader->damage_lock, NULL);
	reader->path = strdup(dir);
	if (!reader->path) {
		store_reader_close(reader);
		return -ENOMEM;
	}
	reader->dir_fd = directory_open(dir);
	r = reader->dir_fd < 0 ? reader->dir_fd : directory_list(reader->dir_fd, &reader->names, &reader->n_names);
	if (r < 0) {
		store_reader_close(reader);
		return r;
	}
	if (select->segment)
		keep_one(reader, select->segment);
	reader->has_writer = directory_is_locked(reader->dir_fd);
	*ret = reader;
	return 0;
}

void store_reader_follow(struct store_reader *reader)
{
	reader->is_following = 1;
}

/* A sealed segment that is open. */
struct columns_part {
	struct store_part part; /* the first, so that one is the other */
	struct segment_name name;
	struct columns_file file;
	struct store_group *groups;
	unsigned holders;
};

void store_part_hold(const struct store_part *part)
{
	if (!part->is_log)
		((struct columns_part *)(uintptr_t)part)->holders++;
}

void store_part_release(const struct store_part *part)
{
	struct columns_part *columns = (struct columns_part *)(uintptr_t)part;

	if (!part || part->is_log || --columns->holders)
		return;
	columns_file_close(&columns->file);
	free(columns->groups);
	free(columns);
}

static void drop_segment(struct store_reader *reader)
{
	segment_close(reader->segment);
	reader->segment = NULL;
	if (reader->columns)
		store_part_release(&reader->columns->part);
	reader->columns = NULL;
}

void store_reader_close(struct store_reader *reader)
{
	if (!reader)
		return;
	drop_segment(reader);
	if (reader->dir_fd >= 0)
		close(reader->dir_fd);
	free(reader->path);
	free(reader->names);
	free(reader->damage);
	pthread_mutex_destroy(&reader->damage_lock);
	free(reader);
}

static int compare_damage(const void *a, const void *b)
{
	const struct store_damage *x = a, *y = b;
	int r = strcmp(x->segment, y->segment);

	return r ? r : (x->offset > y->offset) - (x->offset < y->offset);
}

const struct store_damage *store_reader_damage(struct store_reader *reader, size_t *ret_n)
{
	/* Threads find it in any order. */
	if (reader->n_damage)
		qsort(reader->damage, reader->n_damage, sizeof(*reader->damage), compare_damage);
	*ret_n = reader->n_damage;
	return reader->damage;
}

/* Is it the last one, and its header still on the way? Then it is opened later, and nothing is wrong with it. */
static bool is_too_early(const struct store_reader *reader)
{
	return reader->is_following && reader->next_name == reader->n_names && segment_is_headerless(reader->segment);
}

static bool is_wanted(const struct store_reader *reader, const struct table *table)
{
	return table && (!reader->select.table || strcmp(table->name, reader->select.table) == 0);
}

/* Is a row of the group of an interval that is wanted? */
static bool is_of_time(const struct store_reader *reader, const struct columns_part *columns,
		       const struct group_entry *group)
{
	for (uint32_t i = group->first_interval; i <= group->last_interval; i++)
		if (store_select_takes(&reader->select, &columns->file.directory.intervals[i]))
			return true;
	return false;
}

static void choose_groups(struct store_reader *reader, struct columns_part *columns)
{
	const struct group_directory *directory = &columns->file.directory;
	struct store_part *part = &columns->part;
	uint32_t n = 0;

	for (uint32_t i = 0; i < directory->n_groups; i++) {
		const struct group_entry *entry = &directory->groups[i];
		const struct table *table = &directory->header.tables[entry->table];

		if (!is_wanted(reader, table) || !is_of_time(reader, columns, entry))
			continue;
		columns->groups[n++] = (struct store_group){
			.table = table,
			.rows = entry->rows,
			.first_interval = entry->first_interval,
			.last_interval = entry->last_interval,
			.intervals = directory->intervals,
			.segment = columns->name.text,
			.file = &columns->file,
			.entry = entry,
		};
	}
	*part = (struct store_part){
		.origin = &directory->header.origin,
		.segment = columns->name.text,
		.tables = directory->header.tables,
		.n_tables = directory->header.n_tables,
		.intervals = directory->intervals,
		.n_intervals = directory->n_intervals,
		.groups = columns->groups,
		.n_groups = n,
	};
}

/* 1: the part is there; 0: it has nothing of what is wanted; negative. Takes over the descriptor. */
static int open_columns(struct store_reader *reader, int fd)
{
	struct columns_part *columns = calloc(1, sizeof(*columns));
	int r;

	if (!columns) {
		close(fd);
		return -ENOMEM;
	}
	columns->name = reader->current;
	columns->holders = 1;
	r = columns_file_open(&columns->file, fd, reader->select.since_real_ns, reader->select.until_real_ns,
			      note_damage, reader);
	if (r < 0) {
		free(columns);
		return r;
	}
	reader->columns = columns;
	columns->groups = calloc(columns->file.directory.n_groups + 1ull, sizeof(*columns->groups));
	if (!columns->groups)
		return -ENOMEM;
	choose_groups(reader, columns);
	return columns->part.n_intervals > 0;
}

/* 1: a log or a part is open; 0: there are no more. */
static int next_segment(struct store_reader *reader)
{
	while (reader->next_name < reader->n_names) {
		size_t n_damage = reader->n_damage;
		int r, fd;

		drop_segment(reader);
		reader->current = reader->names[reader->next_name++];
		fd = directory_open_file(reader->dir_fd, reader->current.text);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fd;
		r = columns_file_is(fd);
		if (r > 0) {
			reader->listed_after = reader->current;
			r = open_columns(reader, fd);
			if (r)
				return r;
			continue;
		}
		r = segment_open_fd(fd, note_damage, reader, &reader->segment);
		if (r < 0)
			return r;
		if (is_too_early(reader)) {
			reader->n_damage = n_damage;
			reader->next_name--;
			drop_segment(reader);
			return 0;
		}
		reader->listed_after = reader->current;
		return 1;
	}
	return 0;
}

/* Where the path names another directory now, all that is in it is new. */
static void follow_path(struct store_reader *reader)
{
	struct stat held, named;
	int fd;

	if (stat(reader->path, &named) < 0 || fstat(reader->dir_fd, &held) < 0 ||
	    (held.st_dev == named.st_dev && held.st_ino == named.st_ino))
		return;
	fd = directory_open(reader->path);
	if (fd < 0)
		return;
	close(reader->dir_fd);
	reader->dir_fd = fd;
	reader->listed_after.text[0] = '\0';
}

/* The list once more, of what is still to be opened. 1: there is more than before; 0: there is not. */
static int list_again(struct store_reader *reader)
{
	size_t n, n_before = reader->n_names - reader->next_name, first = 0;
	struct segment_name *names;
	int r;

	follow_path(reader);
	r = directory_list(reader->dir_fd, &names, &n);
	/* Removed, or nothing in it yet: the writer waits as well. */
	if (r == -ENOENT || r == -EMEDIUMTYPE)
		return 0;
	if (r < 0)
		return r;
	while (first < n && strcmp(names[first].text, reader->listed_after.text) <= 0)
		first++;
	free(reader->names);
	reader->names = names;
	reader->n_names = n;
	reader->next_name = first;
	reader->has_writer = directory_is_locked(reader->dir_fd);
	return n - first > n_before;
}

/* What is behind the last chunk of a log is damage, unless a writer is at it. */
static void end_log(struct store_reader *reader)
{
	if (segment_header(reader->segment)->n_tables)
		note_damage(reader, segment_good_offset(reader->segment), segment_torn_bytes(reader->segment), true,
			    "the end of a segment that was not sealed");
	drop_segment(reader);
}

/* Where the columns of the chunk are, for the tables that are wanted. 0 or -EBADMSG. */
static int open_sections(struct store_reader *reader, struct source *body)
{
	const struct header *header = segment_header(reader->segment);
	struct chunk_section sections[TABLE_MAX_TABLES];
	struct store_part *part = &reader->chunk;
	size_t n = 0;
	int r = chunk_get_sections(body, sections, &n);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct table *table =
			sections[i].id <= UINT32_MAX ? header_table(header, (uint32_t)sections[i].id) : NULL;
		struct section *section = &reader->chunk_sections[part->n_groups];

		if (!is_wanted(reader, table))
			continue;
		r = section_open(&sections[i].bytes, table, (uint32_t)sections[i].rows, section);
		reader->chunk_groups[part->n_groups++] = (struct store_group){
			.table = table,
			.rows = section->rows,
			.intervals = &reader->chunk_interval,
			.segment = reader->current.text,
			.section = section,
		};
	}
	return r;
}

static int open_chunk(struct store_reader *reader, const struct segment_chunk *chunk)
{
	struct source body = {(const unsigned char *)chunk->data + CHUNK_PREFIX, chunk->len - CHUNK_PREFIX, 0};
	const struct header *header = segment_header(reader->segment);
	uint64_t ordinal;
	int r = chunk_get_head(&body, &ordinal, &reader->chunk_interval);

	if (chunk->begins_frame)
		reader->next_ordinal = 0;
	/* Damage may make zstd repeat what it has given before, checksums and all. */
	if (r == 0 && ordinal != reader->next_ordinal++)
		r = -EBADMSG;
	reader->chunk = (struct store_part){
		.origin = &header->origin,
		.segment = reader->current.text,
		.tables = header->tables,
		.n_tables = header->n_tables,
		.intervals = &reader->chunk_interval,
		.n_intervals = 1,
		.groups = reader->chunk_groups,
		.is_log = true,
	};
	if (r < 0 || !store_select_takes(&reader->select, &reader->chunk_interval))
		return r;
	r = open_sections(reader, &body);
	return r < 0 ? r : 1;
}

/* 1: *ret is a chunk; 0: the log is at its end; negative: memory or I/O. */
static int next_chunk(struct store_reader *reader, const struct store_part **ret)
{
	struct segment_chunk chunk;
	int r;

	while ((r = segment_next(reader->segment, &chunk)) > 0) {
		r = open_chunk(reader, &chunk);
		if (r == -EBADMSG)
			segment_give_up_frame(reader->segment, "a chunk that cannot be decoded");
		else if (r > 0)
			*ret = &reader->chunk;
		if (r && r != -EBADMSG)
			return r;
	}
	return r;
}

int store_reader_next(struct store_reader *reader, const struct store_part **ret)
{
	int r;

	for (;;) {
		if (!reader->segment) {
			r = next_segment(reader);
			if (r < 0)
				return r;
			if (r > 0 && !reader->segment) {
				*ret = &reader->columns->part;
				return 1;
			}
		}
		r = reader->segment ? next_chunk(reader, ret) : 0;
		if (r != 0)
			return r;
		if (reader->is_following && (!reader->segment || reader->next_name == reader->n_names)) {
			r = list_again(reader);
			if (r <= 0)
				return r;
			continue;
		}
		if (!reader->segment)
			return 0;
		end_log(reader);
	}
}
