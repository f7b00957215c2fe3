// SPDX-License-Identifier: BSD-2-Clause
/*
 * The torn segment is read chunk by chunk and its frames are compressed again, byte for byte the same inside:
 * what damage hides is left out, what a frame holds keeps its dictionary.
 */
#include "store/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/chunk_codec.h"
#include "store/segment_format.h"
#include "store/segment.h"

#define TEMPORARY_NAME ".recovering"

static void ignore_damage(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what)
{
	(void)ctx, (void)offset, (void)bytes, (void)is_torn_tail, (void)what;
}

/* The header, as it stands in the old file. */
static int copy_header(int dir_fd, const struct segment_name *name, struct sink *sink)
{
	int fd = directory_open_file(dir_fd, name->text), r = -EBADMSG;
	unsigned char head[8];
	struct source source = {head, 8, 0};
	unsigned char *room;
	uint32_t size;

	if (fd < 0)
		return fd;
	if (pread(fd, head, 8, 0) == 8 && get_u32(&source) == MAGIC_HEADER_FRAME) {
		size = get_u32(&source);
		room = size > HEADER_MAX_BYTES ? NULL : sink_room(sink, size + 8);
		if (room && pread(fd, room, size + 8, 0) == (ssize_t)size + 8) {
			sink->len += size + 8;
			r = 0;
		}
	}
	close(fd);
	return r;
}

static int copy_chunk(struct frame_writer *writer, struct index *index, const struct segment_chunk *chunk)
{
	struct source body = {(const unsigned char *)chunk->data + CHUNK_PREFIX, chunk->len - CHUNK_PREFIX, 0};
	struct interval interval;
	uint64_t ordinal;
	int r = chunk_get_head(&body, &ordinal, &interval);

	if (r == 0 && (chunk->begins_frame || !index->n)) {
		r = frame_writer_end(writer);
		if (r == 0)
			r = frame_writer_commit(writer);
		if (r == 0)
			r = index_add_frame(index, writer->committed);
	}
	if (r == 0)
		r = frame_writer_compress(writer, chunk->data, chunk->len);
	if (r == 0)
		index_add_chunk(index, &interval);
	return r == 0 ? frame_writer_commit(writer) : r;
}

static int copy_chunks(struct segment *segment, struct frame_writer *writer)
{
	struct index index = {0};
	struct segment_chunk chunk;
	int r = frame_writer_commit(writer);

	while (r == 0 && (r = segment_next(segment, &chunk)) > 0) {
		r = copy_chunk(writer, &index, &chunk);
		if (r == -EBADMSG) {
			segment_give_up_frame(segment, "a chunk that cannot be decoded");
			r = 0;
		}
	}
	if (r == 0)
		r = frame_writer_end(writer);
	if (r == 0) {
		index_put(&writer->waiting, &index);
		r = writer->waiting.failed ? -ENOMEM : frame_writer_commit(writer);
	}
	index_done(&index);
	return r;
}

/* Who may read the segment is the host's to say. Without the right to give it away, it stays ours. */
static int copy_owner(int dir_fd, const struct segment_name *name, int fd)
{
	struct stat st;

	if (fstatat(dir_fd, name->text, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM) || fchmod(fd, st.st_mode & 0664) < 0)
		return -errno;
	return 0;
}

int recover_segment(int dir_fd, const struct segment_name *name, const struct file_calls *calls, int level)
{
	struct frame_writer writer = {.fd = -1};
	struct segment *segment;
	int r = segment_open(dir_fd, name->text, ignore_damage, NULL, &segment), fd = -1;

	if (r < 0)
		return r;
	/* Holds nothing, and would be reported as torn for ever. */
	if (segment_is_headerless(segment) && unlinkat(dir_fd, name->text, 0) < 0)
		r = -errno;
	if (segment_index(segment) || !segment_header(segment)->n_tables)
		goto out;
	/* What a recovery before this one has left, or somebody else has put there. */
	unlinkat(dir_fd, TEMPORARY_NAME, 0);
	fd = openat(dir_fd, TEMPORARY_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	r = fd < 0 ? -errno : frame_writer_init(&writer, fd, calls, level);
	if (r == 0)
		r = copy_owner(dir_fd, name, fd);
	if (r == 0)
		r = copy_header(dir_fd, name, &writer.waiting);
	if (r == 0)
		r = copy_chunks(segment, &writer);
	if (r == 0 && calls->fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, TEMPORARY_NAME, dir_fd, name->text) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, TEMPORARY_NAME, 0);
out:
	if (fd >= 0)
		close(fd);
	frame_writer_done(&writer);
	segment_close(segment);
	return r;
}
