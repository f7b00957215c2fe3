// SPDX-License-Identifier: BSD-2-Clause
/*
 * From the log's chunks to row groups. Sections go over as they are: nothing is decoded before its group is full.
 */
#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/chunk_codec.h"
#include "store/columns_file.h"
#include "store/columns_writer.h"
#include "store/segment.h"
#include "store/segment_format.h"

int seal_is_needed(int dir_fd, const struct segment_name *name)
{
	int fd = directory_open_file(dir_fd, name->text), r;

	if (fd < 0)
		return fd;
	r = columns_file_is(fd);
	close(fd);
	return r < 0 ? r : !r;
}

static int put_section(struct columns_writer *writer, const struct header *header, const struct chunk_section *section)
{
	for (uint32_t i = 0; i < header->n_tables; i++)
		if (header->tables[i].id == section->id)
			return columns_writer_put(writer, i, section->bytes, (uint32_t)section->rows);
	return 0;
}

/* All of it can be decoded, or nothing of it goes in: half a chunk would make its interval unbalanced. */
static int check_sections(const struct header *header, const struct chunk_section *sections, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct table *table =
			sections[i].id <= UINT32_MAX ? header_table(header, (uint32_t)sections[i].id) : NULL;
		struct source bytes = sections[i].bytes;
		struct section opened;

		if (table)
			r = section_open(&bytes, table, (uint32_t)sections[i].rows, &opened);
	}
	return r;
}

static int put_chunk(struct columns_writer *writer, const struct header *header, const struct segment_chunk *chunk,
		     uint64_t *next_ordinal)
{
	struct source body = {(const unsigned char *)chunk->data + CHUNK_PREFIX, chunk->len - CHUNK_PREFIX, 0};
	struct chunk_section sections[TABLE_MAX_TABLES];
	struct interval interval;
	uint64_t ordinal;
	size_t n = 0;
	int r = chunk_get_head(&body, &ordinal, &interval);

	if (chunk->begins_frame)
		*next_ordinal = 0;
	if (r == 0 && ordinal != (*next_ordinal)++)
		r = -EBADMSG;
	if (r == 0)
		r = chunk_get_sections(&body, sections, &n);
	if (r == 0)
		r = check_sections(header, sections, n);
	if (r == 0)
		r = columns_writer_interval(writer, &interval);
	for (size_t i = 0; i < n && r == 0; i++)
		r = put_section(writer, header, &sections[i]);
	return r;
}

static int put_chunks(struct columns_writer *writer, struct segment *segment, const atomic_bool *stop)
{
	struct segment_chunk chunk;
	uint64_t next_ordinal = 0;
	int r;

	while ((r = segment_next(segment, &chunk)) > 0) {
		if (stop && atomic_load_explicit(stop, memory_order_relaxed))
			return -EINTR;
		r = put_chunk(writer, segment_header(segment), &chunk, &next_ordinal);
		if (r == -EBADMSG)
			segment_give_up_frame(segment, "a chunk that cannot be decoded");
		else if (r < 0)
			return r;
	}
	return r < 0 ? r : columns_writer_finish(writer);
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

static int write_columns(int dir_fd, const struct segment_name *name, struct segment *segment,
			 const struct file_calls *calls, const atomic_bool *stop, struct seal_result *ret)
{
	const struct header *header = segment_header(segment);
	const struct table *tables[TABLE_MAX_TABLES];
	struct columns_writer *writer = NULL;
	int fd, r;

	/* What a sealing before this one has left, or somebody else has put there. */
	unlinkat(dir_fd, SEALING_NAME, 0);
	fd = openat(dir_fd, SEALING_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	r = fd < 0 ? -errno : copy_owner(dir_fd, name, fd);
	for (uint32_t i = 0; i < header->n_tables; i++)
		tables[i] = &header->tables[i];
	if (r == 0) {
		writer = columns_writer_new(fd, calls, &header->origin, tables, header->n_tables);
		r = writer ? put_chunks(writer, segment, stop) : -ENOMEM;
	}
	if (r == 0 && calls->fsync(fd) < 0)
		r = -errno;
	if (r == 0) {
		ret->rows = columns_writer_rows(writer);
		ret->bytes = columns_writer_bytes(writer);
		ret->memory_bytes = columns_writer_memory_bytes(writer);
	}
	columns_writer_free(writer);
	if (fd >= 0)
		close(fd);
	return r;
}

int seal_write(int dir_fd, const struct segment_name *name, const struct file_calls *calls, const atomic_bool *stop,
	       struct seal_result *ret)
{
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
	struct segment *segment;
	struct stat st;
	int r = seal_is_needed(dir_fd, name);

	*ret = (struct seal_result){0};
	if (r <= 0)
		return r < 0 ? r : -EALREADY;
	r = segment_open(dir_fd, name->text, segment_ignore_damage, NULL, &segment);
	if (r < 0)
		return r;
	if (fstatat(dir_fd, name->text, &st, AT_SYMLINK_NOFOLLOW) == 0)
		ret->log_bytes = (uint64_t)st.st_size;
	ret->is_empty = segment_is_headerless(segment);
	if (!ret->is_empty)
		r = segment_header(segment)->n_tables ? write_columns(dir_fd, name, segment, calls, stop, ret)
						      : -EBADMSG;
	segment_close(segment);
	ret->cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	if (r < 0)
		seal_drop(dir_fd);
	return r;
}

int seal_replace(int dir_fd, const struct segment_name *name, const struct seal_result *result)
{
	if (result->is_empty)
		return unlinkat(dir_fd, name->text, 0) < 0 ? -errno : 0;
	if (faccessat(dir_fd, name->text, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
	    renameat(dir_fd, SEALING_NAME, dir_fd, name->text) < 0)
		return -errno;
	return 0;
}

void seal_drop(int dir_fd)
{
	unlinkat(dir_fd, SEALING_NAME, 0);
}
