// SPDX-License-Identifier: BSD-2-Clause
/*
 * From the end: the trailer says where the directory is, and that where the columns are.
 */
#include "store/columns_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "store/segment_format.h"

static int read_trailer(int fd, uint64_t end, struct group_trailer *ret)
{
	unsigned char tail[GROUP_TRAILER_BYTES];

	if (end < sizeof(tail) || pread(fd, tail, sizeof(tail), (off_t)(end - sizeof(tail))) != sizeof(tail))
		return -EBADMSG;
	return group_trailer_get(tail, ret);
}

int columns_file_is(int fd)
{
	unsigned char magic[4];
	struct source source = {magic, sizeof(magic), 0};
	ssize_t n = pread(fd, magic, sizeof(magic), 0);
	struct group_trailer trailer;
	struct stat st;
	uint32_t first;

	if (n < 0)
		return -errno;
	first = n == sizeof(magic) ? get_u32(&source) : 0;
	if (first == MAGIC_COLUMNS_FRAME || first == MAGIC_HEADER_FRAME)
		return first == MAGIC_COLUMNS_FRAME;
	return fstat(fd, &st) == 0 && read_trailer(fd, (uint64_t)st.st_size, &trailer) == 0;
}

bool columns_file_has_header(int fd, uint32_t checksum)
{
	struct group_trailer trailer;
	struct stat st;

	return fstat(fd, &st) == 0 && read_trailer(fd, (uint64_t)st.st_size, &trailer) == 0 &&
	       trailer.header_checksum == checksum;
}

/* In a format, or with a feature, that is not known? Then `what` says so. */
static bool is_unknown(const struct columns_file *file, char *what, size_t size, bool *ret_is_damaged)
{
	unsigned char begin[COLUMNS_BEGIN_BYTES];
	uint16_t version = 0;
	uint32_t incompatible = 0, unknown;
	int r = 0;

	if (pread(file->fd, begin, sizeof(begin), 0) == sizeof(begin))
		r = columns_begin_get(begin, sizeof(begin), &version, &incompatible);
	*ret_is_damaged = r == 0;
	if (r >= 0)
		return false;
	unknown = incompatible & ~FORMAT_INCOMPATIBLE;
	if (version != FORMAT_VERSION)
		snprintf(what, size, "in format %u of segments, of which this obit knows %d only", version,
			 FORMAT_VERSION);
	else
		snprintf(what, size, "with feature%s 0x%x that this obit does not know",
			 unknown & (unknown - 1) ? "s" : "", unknown);
	return true;
}

static bool is_of_time(const struct group_trailer *trailer, uint64_t since_real_ns, uint64_t until_real_ns)
{
	return trailer->greatest_real_ns >= since_real_ns && (!until_real_ns || trailer->least_real_ns < until_real_ns);
}

/* 0; -EBADMSG; -ENOMEM; -errno. */
static int read_directory(struct columns_file *file)
{
	const struct group_trailer *trailer = &file->trailer;
	unsigned char *frame;
	int r = -EBADMSG;

	if (trailer->offset > file->file_bytes || trailer->bytes > file->file_bytes - trailer->offset)
		return -EBADMSG;
	frame = malloc(trailer->bytes + 1u);
	if (!frame)
		return -ENOMEM;
	if (pread(file->fd, frame, trailer->bytes, (off_t)trailer->offset) == (ssize_t)trailer->bytes)
		r = group_directory_get(frame, trailer, &file->directory);
	free(frame);
	return r;
}

/* Columns that reach past the end of the file are a lie that would cost memory. */
static bool has_all_columns(const struct columns_file *file)
{
	for (uint32_t i = 0; i < file->directory.n_columns; i++) {
		const struct column_entry *column = &file->directory.columns[i];

		if (column->offset > file->file_bytes || column->bytes > file->file_bytes - column->offset)
			return false;
	}
	return true;
}

/* The last place before `end` where a trailer ends that is right. 0: there is none. */
static uint64_t find_trailer(const struct columns_file *file, uint64_t end)
{
	static const size_t block = 64 << 10;
	unsigned char *bytes = malloc(block + GROUP_TRAILER_BYTES);
	struct group_trailer trailer;
	uint64_t found = 0;

	while (bytes && end > GROUP_TRAILER_BYTES && !found) {
		uint64_t from = end > block ? end - block : 0;
		ssize_t n = pread(file->fd, bytes, (size_t)(end - from), (off_t)from);

		for (ssize_t at = n - (ssize_t)GROUP_TRAILER_BYTES; at >= 0 && !found; at--) {
			struct source magic = {bytes + at, 4, 0};

			if (get_u32(&magic) == MAGIC_INDEX_FRAME && group_trailer_get(bytes + at, &trailer) == 0)
				found = from + (uint64_t)at + GROUP_TRAILER_BYTES;
		}
		/* One may lie across the boundary. */
		end = from ? from + GROUP_TRAILER_BYTES - 1 : 0;
	}
	free(bytes);
	return found;
}

/* The directory that stands last and is right: there are two, should one be damaged. */
static int read_last_directory(struct columns_file *file, uint64_t since_real_ns, uint64_t until_real_ns)
{
	uint64_t end = file->file_bytes;
	int r = read_trailer(file->fd, end, &file->trailer);

	if (r < 0) {
		end = find_trailer(file, end);
		r = end ? read_trailer(file->fd, end, &file->trailer) : -EBADMSG;
	}
	for (;;) {
		if (r == 0 && !is_of_time(&file->trailer, since_real_ns, until_real_ns))
			return 0;
		if (r == 0)
			r = read_directory(file);
		if (r == 0 && !has_all_columns(file)) {
			group_directory_done(&file->directory);
			r = -EBADMSG;
		}
		if (r != -EBADMSG || !end)
			return r;
		end = find_trailer(file, end - 1);
		r = end ? read_trailer(file->fd, end, &file->trailer) : -EBADMSG;
	}
}

int columns_file_open(struct columns_file *file, int fd, uint64_t since_real_ns, uint64_t until_real_ns,
		      segment_damage damage, void *ctx)
{
	bool is_begin_damaged;
	struct stat st;
	char what[96];
	uint64_t whole;
	int r;

	*file = (struct columns_file){.fd = fd};
	if (fstat(fd, &st) < 0) {
		r = -errno;
		columns_file_close(file);
		return r;
	}
	file->file_bytes = (uint64_t)st.st_size;
	if (is_unknown(file, what, sizeof(what), &is_begin_damaged)) {
		damage(ctx, 0, file->file_bytes, 0, what);
		return 0;
	}
	r = read_last_directory(file, since_real_ns, until_real_ns);
	if (r == -EBADMSG || r == -EPROTONOSUPPORT) {
		damage(ctx, 0, file->file_bytes, 0, "a sealed segment without a directory");
		return 0;
	}
	if (r < 0) {
		columns_file_close(file);
		return r;
	}
	if (is_begin_damaged)
		damage(ctx, 0, COLUMNS_BEGIN_BYTES, 0, "the first bytes of a sealed segment");
	/* Both directories are the same length: that one ends where the file does. */
	whole = file->trailer.offset + file->trailer.bytes + GROUP_TRAILER_BYTES;
	if (whole < file->file_bytes)
		damage(ctx, whole, file->file_bytes - whole, 0, "the second directory of a sealed segment");
	return 0;
}

void columns_file_close(struct columns_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	group_directory_done(&file->directory);
	file->fd = -1;
}

void column_scratch_done(struct column_scratch *scratch)
{
	sink_done(&scratch->frame);
	sink_done(&scratch->raw);
	ZSTD_freeDCtx(scratch->zstd);
	*scratch = (struct column_scratch){0};
}

int columns_file_check(const struct columns_file *file, const struct column_entry *entry,
		       struct column_scratch *scratch)
{
	unsigned char *room;
	ssize_t n;

	scratch->frame.len = 0;
	room = sink_room(&scratch->frame, entry->bytes);
	if (!room) {
		scratch->frame.failed = 0;
		return -ENOMEM;
	}
	n = pread(file->fd, room, entry->bytes, (off_t)entry->offset);
	if (n < 0)
		return -errno;
	if (n != (ssize_t)entry->bytes || crc32(0, room, entry->bytes) != entry->checksum)
		return -EBADMSG;
	scratch->frame.len = entry->bytes;
	return 0;
}

int columns_file_read(const struct columns_file *file, const struct column_entry *entry, struct column_scratch *scratch)
{
	int r = columns_file_check(file, entry, scratch);
	unsigned char *room;

	if (r < 0)
		return r;
	if (!scratch->zstd)
		scratch->zstd = ZSTD_createDCtx();
	scratch->raw.len = 0;
	room = sink_room(&scratch->raw, entry->raw_bytes);
	if (!room || !scratch->zstd) {
		scratch->raw.failed = 0;
		return -ENOMEM;
	}
	if (ZSTD_decompressDCtx(scratch->zstd, room, entry->raw_bytes, scratch->frame.data, entry->bytes) !=
	    entry->raw_bytes)
		return -EBADMSG;
	scratch->raw.len = entry->raw_bytes;
	return 0;
}
