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

	struct segment *segment;		/* NULL: the next one is to be opened */
	uint64_t next_ordinal;			/* of the frame's next chunk */
	struct block *blocks[TABLE_MAX_TABLES]; /* one for each table of the segment, made when first needed */
	struct block *filled[TABLE_MAX_TABLES];

	uint64_t stop_offset; /* of the frame in the segment from which on all come too late */

	struct store_damage *damage;
	size_t n_damage, damage_capacity;
};

static void note_damage(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what)
{
	struct store_reader *reader = ctx;
	struct store_damage *last = reader->n_damage ? &reader->damage[reader->n_damage - 1] : NULL;
	const char *name = reader->current.text;

	/* A torn tail where a writer is at work is what it has not written yet. */
	if (!bytes || (is_torn_tail && reader->has_writer && reader->next_name == reader->n_names))
		return;
	/* What touches the stretch before is the same damaged range. */
	if (last && strcmp(last->segment, name) == 0 &&
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
	snprintf(last->segment, sizeof(last->segment), "%s", name);
	snprintf(last->what, sizeof(last->what), "%s", what);
}

int store_reader_open(const char *dir, const struct store_select *select, struct store_reader **ret)
{
	struct store_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader->select = *select;
	reader->dir_fd = -1;
	reader->path = strdup(dir);
	if (!reader->path) {
		store_reader_close(reader);
		return -ENOMEM;
	}
	reader->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = reader->dir_fd < 0 ? -errno : directory_list(reader->dir_fd, &reader->names, &reader->n_names);
	if (r < 0) {
		store_reader_close(reader);
		return r;
	}
	reader->has_writer = directory_is_locked(reader->dir_fd);
	*ret = reader;
	return 0;
}

void store_reader_follow(struct store_reader *reader)
{
	reader->is_following = 1;
}

static void drop_segment(struct store_reader *reader)
{
	segment_close(reader->segment);
	reader->segment = NULL;
	for (int i = 0; i < TABLE_MAX_TABLES; i++) {
		block_free(reader->blocks[i]);
		reader->blocks[i] = NULL;
	}
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
	free(reader);
}

const struct store_damage *store_reader_damage(const struct store_reader *reader, size_t *ret_n)
{
	*ret_n = reader->n_damage;
	return reader->damage;
}

/*
 * To the first frame that reaches into the time asked for, and where the first of those begins that all come too late.
 * 0: none reaches into it. An interval's end is known in the frame of its last chunk only: the frames before that hold
 * its first chunks reach as far.
 */
static int seek_to_range(struct store_reader *reader)
{
	const struct index *index = segment_index(reader->segment);
	size_t n = index ? index->n : 0;

	reader->stop_offset = UINT64_MAX;
	while (n && reader->select.until_real_ns && index->entries[n - 1].begin_real_ns >= reader->select.until_real_ns)
		reader->stop_offset = index->entries[--n].offset;
	for (size_t i = 0; i < n; i++) {
		if (index->entries[i].end_real_ns < reader->select.since_real_ns)
			continue;
		while (i && index->entries[i - 1].last_number == index->entries[i].first_number)
			i--;
		segment_seek(reader->segment, index->entries[i].offset);
		return 1;
	}
	return !index || !index->n;
}

/* Is it the last one, and its header still on the way? Then it is opened later, and nothing is wrong with it. */
static bool is_too_early(const struct store_reader *reader)
{
	return reader->is_following && reader->next_name == reader->n_names && segment_is_headerless(reader->segment);
}

/* 1: a segment is open; 0: there are no more. */
static int next_segment(struct store_reader *reader)
{
	while (reader->next_name < reader->n_names) {
		size_t n_damage = reader->n_damage;
		int r;

		reader->current = reader->names[reader->next_name++];
		r = segment_open(reader->dir_fd, reader->current.text, note_damage, reader, &reader->segment);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (is_too_early(reader)) {
			reader->n_damage = n_damage;
			reader->next_name--;
			drop_segment(reader);
			return 0;
		}
		reader->listed_after = reader->current;
		if (seek_to_range(reader))
			return 1;
		drop_segment(reader);
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
	fd = open(reader->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

/* What is behind the last chunk is damage, unless a writer is at it. */
static void end_segment(struct store_reader *reader)
{
	int is_sealed = segment_index(reader->segment) != NULL;

	if (segment_header(reader->segment)->n_tables)
		note_damage(reader, segment_good_offset(reader->segment), segment_torn_bytes(reader->segment),
			    !is_sealed,
			    is_sealed ? "the end of a segment" : "the end of a segment that was not sealed");
	drop_segment(reader);
}

static struct block *block_for(struct store_reader *reader, const struct table *table)
{
	struct block **block = &reader->blocks[table - segment_header(reader->segment)->tables];

	if (!*block)
		*block = block_new(table, 64, 4096);
	if (*block)
		block_clear(*block);
	return *block;
}

static bool is_wanted(const struct store_reader *reader, const struct table *table)
{
	return table && (!reader->select.table || strcmp(table->name, reader->select.table) == 0);
}

static int decode_section(struct store_reader *reader, struct chunk_section *section, struct store_chunk *ret)
{
	const struct header *header = segment_header(reader->segment);
	const struct table *table = section->id <= UINT32_MAX ? header_table(header, (uint32_t)section->id) : NULL;
	struct section opened;
	struct block *block;
	int r;

	if (!is_wanted(reader, table))
		return 0;
	r = section_open(&section->bytes, table, (uint32_t)section->rows, &opened);
	if (r < 0)
		return r;
	block = block_for(reader, table);
	if (!block)
		return -ENOMEM;
	reader->filled[ret->n_blocks++] = block;
	return section_get(&opened, block);
}

static int decode(struct store_reader *reader, struct source *body, struct store_chunk *ret)
{
	struct chunk_section sections[TABLE_MAX_TABLES];
	size_t n = 0;
	int r = chunk_get_sections(body, sections, &n);

	for (size_t i = 0; i < n && r == 0; i++)
		r = decode_section(reader, &sections[i], ret);
	return r;
}

static bool is_in_time(const struct store_reader *reader, const struct interval *interval)
{
	uint64_t end = interval->is_last_chunk ? interval->end_real_ns : UINT64_MAX;

	/* The clock was set back in it: its rows have times of both clocks. */
	if (end < interval->begin_real_ns)
		return 1;
	return end >= reader->select.since_real_ns &&
	       (!reader->select.until_real_ns || interval->begin_real_ns < reader->select.until_real_ns);
}

/* 1: *ret is filled; 0: the segment is at its end; -ERANGE: all the rest comes too late; negative: memory or I/O. */
static int next_chunk(struct store_reader *reader, struct store_chunk *ret)
{
	struct segment_chunk chunk;
	uint64_t ordinal;
	int r;

	while ((r = segment_next(reader->segment, &chunk)) > 0) {
		struct source body = {(const unsigned char *)chunk.data + CHUNK_PREFIX, chunk.len - CHUNK_PREFIX, 0};

		if (chunk.frame_offset >= reader->stop_offset)
			return -ERANGE;
		if (chunk.begins_frame) {
			reader->next_ordinal = 0;
		}
		*ret = (struct store_chunk){
			.origin = &segment_header(reader->segment)->origin,
			.blocks = reader->filled,
			.segment = reader->current.text,
			.tables = segment_header(reader->segment)->tables,
			.n_tables = segment_header(reader->segment)->n_tables,
		};
		r = chunk_get_head(&body, &ordinal, &ret->interval);
		/* Damage may make zstd repeat what it has given before, checksums and all. */
		if (r == 0 && ordinal != reader->next_ordinal++)
			r = -EBADMSG;
		if (r == 0 && !is_in_time(reader, &ret->interval))
			continue;
		if (r == 0)
			r = decode(reader, &body, ret);
		if (r == -EBADMSG) {
			segment_give_up_frame(reader->segment, "a chunk that cannot be decoded");
			continue;
		}
		return r < 0 ? r : 1;
	}
	return r;
}

int store_reader_next(struct store_reader *reader, struct store_chunk *ret)
{
	int r = 1;

	for (;;) {
		if (!reader->segment)
			r = next_segment(reader);
		if (r > 0)
			r = next_chunk(reader, ret);
		if (r == -ERANGE) {
			drop_segment(reader);
			r = 1;
			continue;
		}
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
		end_segment(reader);
		r = 1;
	}
}
