// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames are decompressed block by block (zstd says how many bytes the next step wants), so that between
 * chunks the place in the file is known to the byte: `good` is where everything before has been understood.
 * After damage, reading goes on at the next frame, found by its magic.
 */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "store/chunk_codec.h"
#include "store/directory.h"
#include "store/segment_format.h"

#define INPUT_BYTES	   (128u << 10)
#define MAGIC_BYTES	   4u
#define BLOCK_HEADER_BYTES 3u /* RFC 8878, 3.1.1.2 */
#define WINDOW_LOG_MAX	   24 /* 16 MiB: what a hostile frame may ask for */

struct segment {
	int fd;
	struct header header;
	bool is_headerless;
	segment_damage damage;
	void *ctx;

	unsigned char *input; /* bytes of the file from input_offset on */
	uint64_t input_offset;
	size_t input_len;
	uint64_t at; /* next byte to be read */

	ZSTD_DCtx *zstd;
	size_t wanted; /* bytes that zstd asks for next; 0: no frame is open */
	uint64_t good;
	uint64_t given; /* `good` before the chunk that was given last */
	int begins_frame;
	struct sink raw;
	size_t raw_used;
};

void segment_ignore_damage(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what)
{
	(void)ctx, (void)offset, (void)bytes, (void)is_torn_tail, (void)what;
}

/* Up to `len` bytes at `at`, valid until the next call; *ret_len says how many there are. */
static const unsigned char *look(struct segment *segment, size_t len, size_t *ret_len)
{
	uint64_t end = segment->input_offset + segment->input_len;
	ssize_t n;

	if (segment->at < segment->input_offset || segment->at + len > end) {
		n = pread(segment->fd, segment->input, INPUT_BYTES, (off_t)segment->at);
		if (n < 0)
			return NULL;
		segment->input_offset = segment->at;
		segment->input_len = (size_t)n;
		end = segment->input_offset + segment->input_len;
	}
	*ret_len = end - segment->at < len ? (size_t)(end - segment->at) : len;
	return segment->input + (segment->at - segment->input_offset);
}

static uint64_t file_bytes(const struct segment *segment)
{
	struct stat st;

	return fstat(segment->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint32_t little32(const unsigned char *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool is_frame_magic(uint32_t magic)
{
	return magic == MAGIC_ZSTD_FRAME || magic == MAGIC_HEADER_FRAME;
}

/* The next place after `from` where a frame may begin; the end of the file when there is none. */
static uint64_t find_frame(struct segment *segment, uint64_t from)
{
	for (segment->at = from + 1;; segment->at++) {
		size_t len;
		const unsigned char *bytes = look(segment, MAGIC_BYTES, &len);

		if (!bytes || len < MAGIC_BYTES)
			return file_bytes(segment);
		if (is_frame_magic(little32(bytes)))
			return segment->at;
	}
}

/* Does a header begin here that the file is too short for? */
static bool is_torn_header(const unsigned char *bytes, size_t len, uint64_t size)
{
	static const unsigned char magic[4] = {MAGIC_HEADER_FRAME & 0xff, MAGIC_HEADER_FRAME >> 8 & 0xff,
					       MAGIC_HEADER_FRAME >> 16 & 0xff, MAGIC_HEADER_FRAME >> 24};

	if (memcmp(bytes, magic, len < 4 ? len : 4) != 0)
		return 0;
	return len < 8 || (little32(bytes + 4) <= HEADER_MAX_BYTES && little32(bytes + 4) + 8ull > size);
}

/* Names what is not known: another obit may read it. */
static void say_unsupported(struct segment *segment, uint64_t size)
{
	uint32_t unknown = segment->header.incompatible & ~FORMAT_INCOMPATIBLE;
	char what[96];

	if (segment->header.version != FORMAT_VERSION)
		snprintf(what, sizeof(what), "in format %u of segments, of which this obit knows %d only",
			 segment->header.version, FORMAT_VERSION);
	else
		snprintf(what, sizeof(what), "with feature%s 0x%x that this obit does not know",
			 unknown & (unknown - 1) ? "s" : "", unknown);
	segment->damage(segment->ctx, 0, size, 0, what);
}

/* 0, with `at` behind the header; 1: there is none that can be used, which has been reported; -errno. */
static int read_header(struct segment *segment)
{
	uint64_t size = file_bytes(segment);
	size_t len;
	const unsigned char *bytes = look(segment, 8, &len);
	uint32_t content;
	unsigned char *data;
	int is_header, r = -EBADMSG;

	if (!bytes)
		return -errno;
	content = len == 8 ? little32(bytes + 4) : 0;
	is_header = len == 8 && little32(bytes) == MAGIC_HEADER_FRAME && content <= HEADER_MAX_BYTES;
	/* What a writer leaves that dies in its first write; if it is at it just now, frames may lie behind `size`. */
	segment->is_headerless = is_torn_header(bytes, len, size) && find_frame(segment, 0) >= size;
	segment->at = 0;
	if (segment->is_headerless) {
		segment->damage(segment->ctx, 0, size, 1, "the beginning of a segment that was never written on");
		return 1;
	}
	if (!is_header || content + 8ull > size) {
		segment->damage(segment->ctx, 0, size, 0, "no header of a segment");
		return 1;
	}
	data = malloc(content + 1u);
	if (!data)
		return -ENOMEM;
	if (pread(segment->fd, data, content, 8) == (ssize_t)content)
		r = header_get(&segment->header, data, content);
	free(data);
	segment->at = segment->good = 8ull + content;
	if (r == -EPROTONOSUPPORT)
		say_unsupported(segment, size);
	else if (r == -EBADMSG)
		segment->damage(segment->ctx, 0, size, 0, "the header is damaged");
	return r == -ENOMEM ? r : r < 0;
}

int segment_open(int dir_fd, const char *name, segment_damage damage, void *ctx, struct segment **ret)
{
	int fd = directory_open_file(dir_fd, name);

	return fd < 0 ? fd : segment_open_fd(fd, damage, ctx, ret);
}

int segment_open_fd(int fd, segment_damage damage, void *ctx, struct segment **ret)
{
	struct segment *segment = calloc(1, sizeof(*segment));
	int r = -ENOMEM;

	if (!segment) {
		close(fd);
		return -ENOMEM;
	}
	segment->damage = damage;
	segment->ctx = ctx;
	segment->fd = fd;
	segment->input = malloc(INPUT_BYTES);
	segment->zstd = ZSTD_createDCtx();
	if (!segment->input || !segment->zstd)
		goto fail;
	ZSTD_DCtx_setParameter(segment->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	r = read_header(segment);
	if (r < 0)
		goto fail;
	if (r > 0)
		segment->at = segment->good = UINT64_MAX; /* nothing to read */
	*ret = segment;
	return 0;
fail:
	segment_close(segment);
	return r;
}

void segment_close(struct segment *segment)
{
	if (!segment)
		return;
	if (segment->fd >= 0)
		close(segment->fd);
	header_done(&segment->header);
	ZSTD_freeDCtx(segment->zstd);
	sink_done(&segment->raw);
	free(segment->input);
	free(segment);
}

const struct header *segment_header(const struct segment *segment)
{
	return &segment->header;
}

int segment_is_headerless(const struct segment *segment)
{
	return segment->is_headerless;
}

static void go_to(struct segment *segment, uint64_t offset)
{
	if (segment->at == UINT64_MAX)
		return;
	segment->at = segment->good = offset;
	segment->wanted = 0;
	segment->raw.len = segment->raw_used = 0;
}

/* What begins at `from` cannot be read; all before `good` is no frame's beginning. */
static void skip_from(struct segment *segment, uint64_t from, uint64_t good, const char *what)
{
	uint64_t next = find_frame(segment, good);

	segment->damage(segment->ctx, from, next - from, 0, what);
	go_to(segment, next);
}

static void skip_rest(struct segment *segment, const char *what)
{
	skip_from(segment, segment->good, segment->good, what);
}

void segment_give_up_frame(struct segment *segment, const char *what)
{
	skip_from(segment, segment->given, segment->good, what);
}

/* 1: a data frame is open; 0: the end of the file, for now; negative: I/O error. */
static int begin_frame(struct segment *segment)
{
	for (;;) {
		size_t len;
		const unsigned char *bytes = look(segment, MAGIC_BYTES, &len);

		if (!bytes)
			return -errno;
		if (len < MAGIC_BYTES)
			return 0;
		if (little32(bytes) == MAGIC_ZSTD_FRAME)
			break;
		skip_from(segment, segment->at, segment->at, "bytes that are no frame");
	}
	segment->good = segment->at;
	segment->begins_frame = 1;
	segment->raw.len = segment->raw_used = 0;
	ZSTD_DCtx_reset(segment->zstd, ZSTD_reset_session_only);
	segment->wanted = ZSTD_initDStream(segment->zstd);
	return 1;
}

/* Drops what has been given out; chunks then begin at the start of `raw`. */
static void compact(struct segment *segment)
{
	segment->raw.len -= segment->raw_used;
	if (segment->raw.len)
		memmove(segment->raw.data, segment->raw.data + segment->raw_used, segment->raw.len);
	segment->raw_used = 0;
}

/*
 * 1: went on; 0: no more bytes in the file, for now; negative: memory or I/O. Behind a block zstd asks for the
 * header of the next one; it does not get it, so that a chunk comes out when `at` is at its very end.
 */
static int decompress_step(struct segment *segment)
{
	size_t wanted = segment->wanted > BLOCK_HEADER_BYTES ? segment->wanted - BLOCK_HEADER_BYTES : segment->wanted;
	size_t len, room = ZSTD_DStreamOutSize(), left;
	const unsigned char *bytes = look(segment, wanted, &len);
	ZSTD_inBuffer in = {bytes, len, 0};
	ZSTD_outBuffer out;

	if (!bytes)
		return -errno;
	if (!len)
		return 0;
	compact(segment);
	do {
		out = (ZSTD_outBuffer){sink_room(&segment->raw, room), room, 0};
		if (!out.dst)
			return -ENOMEM;
		left = ZSTD_decompressStream(segment->zstd, &out, &in);
		if (ZSTD_isError(left)) {
			skip_rest(segment, ZSTD_getErrorName(left));
			return 1;
		}
		segment->raw.len += out.pos;
		if (segment->raw.len > CHUNK_MAX_BYTES * 2ull) {
			skip_rest(segment, "a chunk that is too long");
			return 1;
		}
	} while (left && (in.pos < in.size || out.pos == out.size));
	segment->at += in.pos;
	segment->wanted = left;
	if (!left && segment->raw.len && chunk_whole(segment->raw.data, segment->raw.len) == 0)
		skip_rest(segment, "a frame that ends inside a chunk");
	return 1;
}

/*
 * The file ends inside a frame. That is a torn tail, or the length of a block is damaged and has led past
 * other frames: 1, reported, and reading goes on there.
 */
static int go_on_behind(struct segment *segment)
{
	uint64_t at = segment->at, size = file_bytes(segment), next;

	/* A writer went on since the end was seen: what it adds is not behind the frame, but in it. */
	if (size > at)
		return 1;
	next = find_frame(segment, segment->good);
	if (next < size) {
		skip_rest(segment, "a frame that has no end");
		return 1;
	}
	segment->at = at;
	return 0;
}

int segment_next(struct segment *segment, struct segment_chunk *ret)
{
	int r;

	if (segment->at == UINT64_MAX)
		return 0;
	for (;;) {
		size_t left = segment->raw.len - segment->raw_used;
		const unsigned char *data = left ? segment->raw.data + segment->raw_used : NULL;
		long len = left ? chunk_whole(data, left) : 0;

		if (len < 0) {
			skip_rest(segment, "a chunk whose checksum is wrong");
			continue;
		}
		if (len > 0) {
			*ret = (struct segment_chunk){data, (size_t)len, segment->begins_frame};
			segment->begins_frame = 0;
			segment->given = segment->good;
			segment->raw_used += (size_t)len;
			if (segment->raw_used == segment->raw.len)
				segment->good = segment->at;
			return 1;
		}
		if (!segment->wanted && segment->raw_used == segment->raw.len)
			segment->good = segment->at;
		r = segment->wanted ? decompress_step(segment) : begin_frame(segment);
		if (r < 0 || (r == 0 && !(segment->wanted && go_on_behind(segment))))
			return r;
	}
}

uint64_t segment_torn_bytes(const struct segment *segment)
{
	uint64_t size = file_bytes(segment);

	return segment->good < size ? size - segment->good : 0;
}

uint64_t segment_good_offset(const struct segment *segment)
{
	return segment->good;
}
