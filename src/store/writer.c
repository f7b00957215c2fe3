// SPDX-License-Identifier: BSD-2-Clause
/*
 * The writer: chunks into the running segment, a new segment when it is large enough, a seal on each.
 *
 * A chunk is encoded and compressed once, into memory, and then written; when the write fails the bytes wait
 * there and the next call for the same chunk only writes again. So neither the dictionary nor zstd's window
 * ever has to be turned back.
 */
#define _GNU_SOURCE
#include "store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "store/chunk_codec.h"
#include "store/directory.h"
#include "store/format.h"
#include "store/header.h"
#include "store/index.h"
#include "store/recover.h"
#include "store/writer_inside.h"

#define DEFAULT_LEVEL 3
#define GROUP	      "obit"

#define VALUE_MAX_BYTES	 11	 /* a varint of 10; a new text is two of them, of 3 and 4 at the most; 1 for nulls */
#define CHUNK_HEAD_BYTES 16384u /* what is neither value nor text: 32 tables of 256 columns' encodings, and the head */

struct store_writer {
	int dir_fd, lock_fd, fd;
	uint64_t segment_bytes;
	int level, fsync_each_interval;
	gid_t group; /* -1: none of that name */
	struct origin origin;
	const struct file_calls *calls;

	struct frame_writer frames;
	struct index index;
	struct dictionaries dictionaries;
	struct sink raw, section;
	uint32_t frame_chunks;
	uint64_t frame_raw_bytes;
	uint64_t sealed_bytes; /* of the segments before the running one */
	int has_encoded;       /* the chunk of the last, failed call is in frames.waiting */
	uint32_t checksum;     /* ... of what that call was given */
	int is_last_chunk;     /* ... which is the last of its interval */
	int seal_is_next;      /* ... and is followed there by the seal */
	int sync_error;	       /* the first that fsync() told; the rows are written, so it is told at close */
};

void store_writer_set_calls(struct store_writer *writer, const struct file_calls *calls)
{
	writer->calls = calls;
	writer->frames.calls = calls;
}

/* From the file itself: a static program has no name service, and the group is the host's own. */
static gid_t find_group(const char *name)
{
	FILE *groups = fopen("/etc/group", "re");
	gid_t found = (gid_t)-1;
	struct group *group;

	while (groups && found == (gid_t)-1 && (group = fgetgrent(groups)))
		if (strcmp(group->gr_name, name) == 0)
			found = group->gr_gid;
	if (groups)
		fclose(groups);
	return found;
}

static int open_directory(struct store_writer *writer, const char *dir)
{
	writer->group = find_group(GROUP);
	if (mkdir(dir, 0750) < 0 && errno != EEXIST)
		return -errno;
	writer->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (writer->dir_fd < 0)
		return -errno;
	/* Without the right to give it away, it stays with whoever made it. */
	if (writer->group != (gid_t)-1 && fchown(writer->dir_fd, (uid_t)-1, writer->group) < 0 && errno != EPERM)
		return -errno;
	return 0;
}

static int recover_all(struct store_writer *writer, const struct segment_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = recover_segment(writer->dir_fd, &names[i], writer->calls, writer->level);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A name later than every other: clocks step. */
static int create_file(struct store_writer *writer, uint64_t real_ns)
{
	struct segment_name name, *names;
	size_t n;
	int r = directory_list(writer->dir_fd, &names, &n);

	if (r < 0)
		return r;
	if (n && strtoull(names[n - 1].text, NULL, 10) >= real_ns)
		real_ns = strtoull(names[n - 1].text, NULL, 10) + 1;
	free(names);
	directory_name(&name, real_ns);
	writer->fd = openat(writer->dir_fd, name.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (writer->fd < 0)
		return -errno;
	if (writer->group != (gid_t)-1 && fchown(writer->fd, (uid_t)-1, writer->group) < 0 && errno != EPERM)
		return -errno;
	return 0;
}

/* The header waits in memory and goes out with the first chunk. */
static int begin_segment(struct store_writer *writer, uint64_t real_ns)
{
	int r = create_file(writer, real_ns);

	if (r < 0)
		return r;
	if (!writer->frames.zstd)
		r = frame_writer_init(&writer->frames, writer->fd, writer->calls, writer->level);
	if (r < 0)
		return r;
	writer->frames.fd = writer->fd;
	writer->frames.committed = 0;
	writer->frame_chunks = 0;
	header_put(&writer->frames.waiting, &writer->origin);
	return writer->frames.waiting.failed ? -ENOMEM : 0;
}

int store_writer_open(const struct store_options *options, const struct origin *origin, struct store_writer **ret,
		      int *ret_holder)
{
	struct store_writer *writer = calloc(1, sizeof(*writer));
	struct segment_name *names = NULL;
	int holder = 0, r = -ENOMEM;
	size_t n = 0;

	if (!writer)
		return -ENOMEM;
	writer->dir_fd = writer->lock_fd = writer->fd = -1;
	writer->segment_bytes = options->segment_bytes ? options->segment_bytes : SEGMENT_BYTES;
	writer->level = options->level ? options->level : DEFAULT_LEVEL;
	writer->fsync_each_interval = options->fsync_each_interval;
	writer->origin = *origin;
	writer->calls = &file_calls_real;
	r = open_directory(writer, options->dir);
	if (r == 0)
		r = directory_list(writer->dir_fd, &names, &n);
	if (r == 0)
		r = directory_lock(writer->dir_fd, &writer->lock_fd, &holder);
	if (r == 0)
		r = recover_all(writer, names, n);
	if (r == 0)
		r = begin_segment(writer, origin->run_real_ns);
	/* A reader must see from the first moment that this is a store. */
	if (r == 0)
		r = frame_writer_commit(&writer->frames);
	free(names);
	if (r < 0) {
		if (ret_holder)
			*ret_holder = holder;
		store_writer_close(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

static int frame_is_full(const struct store_writer *writer)
{
	return writer->frame_chunks >= FRAME_CHUNKS || writer->frame_raw_bytes >= FRAME_RAW_BYTES ||
	       dictionaries_full(&writer->dictionaries);
}

static int encode(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
		  size_t n_blocks)
{
	int r = 0;

	if (writer->frame_chunks && frame_is_full(writer)) {
		r = frame_writer_end(&writer->frames);
		writer->frame_chunks = 0;
	}
	if (r == 0 && !writer->frame_chunks) {
		r = index_add_frame(&writer->index, writer->frames.committed + writer->frames.waiting.len);
		dictionaries_clear(&writer->dictionaries);
		writer->frame_raw_bytes = 0;
	}
	if (r < 0)
		return r;
	writer->raw.len = 0;
	chunk_put(&writer->raw, &writer->section, interval, blocks, n_blocks, &writer->dictionaries);
	if (writer->raw.failed)
		return -ENOMEM;
	r = frame_writer_compress(&writer->frames, writer->raw.data, writer->raw.len);
	writer->frame_chunks++;
	writer->frame_raw_bytes += writer->raw.len;
	index_add_chunk(&writer->index, interval);
	return r;
}

/* Puts the end of the frame and the index behind what is waiting. */
static int encode_seal(struct store_writer *writer)
{
	int r = frame_writer_end(&writer->frames);

	if (r < 0)
		return r;
	writer->frame_chunks = 0;
	index_put(&writer->frames.waiting, &writer->index);
	return writer->frames.waiting.failed ? -ENOMEM : 0;
}

static void sync_file(struct store_writer *writer)
{
	if (writer->calls->fsync(writer->fd) < 0 && !writer->sync_error)
		writer->sync_error = -errno;
}

/* The next one is begun by the chunk that needs it. */
static void leave_segment(struct store_writer *writer)
{
	sync_file(writer);
	writer->sealed_bytes += writer->frames.committed;
	writer->frames.committed = 0;
	close(writer->fd);
	writer->fd = -1;
	writer->index.n = 0;
}

/* Is every reader sure to take it? By the longest that its columns can become: they are not encoded yet. */
static int fits_chunk(struct block *const *blocks, size_t n_blocks)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n_blocks; i++) {
		if (blocks[i]->rows > CHUNK_MAX_ROWS)
			return 0;
		bytes += (uint64_t)blocks[i]->rows * blocks[i]->table->n_fields * VALUE_MAX_BYTES +
			 blocks[i]->arena_used;
	}
	return bytes <= CHUNK_MAX_BYTES - CHUNK_HEAD_BYTES;
}

/* To tell the call made again from another one. */
static uint32_t checksum_of(const struct interval *interval, struct block *const *blocks, size_t n_blocks)
{
	const uint64_t head[] = {interval->number, interval->begin_real_ns, interval->end_real_ns,
				 (uint64_t)interval->is_last_chunk};
	uLong crc = crc32(0, (const void *)head, sizeof(head));

	for (size_t i = 0; i < n_blocks; i++) {
		const struct block *block = blocks[i];

		for (uint32_t field = 0; field < block->table->n_fields; field++) {
			int is_text = field_is_text(&block->table->fields[field]);
			void *column = is_text ? (void *)block->texts[field] : (void *)block->numbers[field];

			crc = crc32(crc, column, block->rows * 8);
			crc = crc32(crc, block->nulls[field], block->rows);
		}
		crc = crc32(crc, (const void *)block->arena, block->arena_used);
	}
	return (uint32_t)crc;
}

/* Writes the chunk that is encoded. */
static int commit(struct store_writer *writer)
{
	int r = frame_writer_commit(&writer->frames);

	if (r < 0)
		return r;
	writer->has_encoded = 0;
	if (writer->seal_is_next)
		leave_segment(writer);
	else if (writer->fsync_each_interval && writer->is_last_chunk)
		sync_file(writer);
	writer->seal_is_next = 0;
	return 0;
}

int store_writer_append(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
			size_t n_blocks)
{
	int r = 0;

	if (!fits_chunk(blocks, n_blocks))
		return -E2BIG;
	/* Another chunk than the one that failed: that one has been given up, but its bytes come first. */
	if (writer->has_encoded && writer->checksum != checksum_of(interval, blocks, n_blocks))
		r = commit(writer);
	if (r == 0 && writer->fd < 0)
		r = begin_segment(writer, interval->begin_real_ns);
	if (r == 0 && !writer->has_encoded) {
		r = encode(writer, interval, blocks, n_blocks);
		writer->is_last_chunk = interval->is_last_chunk;
		writer->seal_is_next = interval->is_last_chunk && writer->frames.committed +
									  writer->frames.waiting.len >=
								  writer->segment_bytes;
		if (r == 0 && writer->seal_is_next)
			r = encode_seal(writer);
		writer->has_encoded = r == 0;
		if (r == 0)
			r = commit(writer);
		if (r < 0)
			writer->checksum = checksum_of(interval, blocks, n_blocks);
		return r;
	}
	return r == 0 ? commit(writer) : r;
}

uint64_t store_writer_bytes(const struct store_writer *writer)
{
	return writer->sealed_bytes + writer->frames.committed;
}

int store_writer_close(struct store_writer *writer)
{
	int r = 0;

	if (!writer)
		return 0;
	if (writer->fd >= 0 && writer->frames.zstd) {
		/* What the last call could not write goes out now, or is lost with the writer's error. */
		if (!(writer->has_encoded && writer->seal_is_next))
			r = encode_seal(writer);
		if (r == 0)
			r = frame_writer_commit(&writer->frames);
		sync_file(writer);
	}
	if (r == 0)
		r = writer->sync_error;
	for (int *fd = (int[]){writer->fd, writer->lock_fd, writer->dir_fd, -2}; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	frame_writer_done(&writer->frames);
	index_done(&writer->index);
	dictionaries_done(&writer->dictionaries);
	sink_done(&writer->raw);
	sink_done(&writer->section);
	free(writer);
	return r;
}
