// SPDX-License-Identifier: BSD-2-Clause
/*
 * Cuts segments into what the fuzzers of their parts begin with, in directories under OUT: frames, column, header,
 * directory. What the other fuzzers begin with is in tests/fuzz/corpus.
 *
 * usage: make_seeds OUT SEGMENT...
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "store/chunk_codec.h"
#include "store/segment_format.h"
#include "store/columns_file.h"
#include "store/segment.h"

static const char *out;
static int n_files;

static void put_file(const char *target, const void *data, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", out, target);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/seed-%d", out, target, n_files++);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

/* As fuzz_column.c has it. */
static void put_columns(const struct chunk_section *from)
{
	size_t n;
	const struct table *const *tables = tables_all(&n);
	struct source bytes = from->bytes;
	struct section section;

	for (size_t i = 0; i < n; i++) {
		if (tables[i]->id != from->id || section_open(&bytes, tables[i], (uint32_t)from->rows, &section) < 0)
			continue;
		for (uint32_t field = 0; field < section.n_columns; field++) {
			struct sink seed = {0};

			put_u8(&seed, (uint8_t)i);
			put_u8(&seed, (uint8_t)field);
			put_u16(&seed, (uint16_t)(from->rows - 1));
			put_bytes(&seed, section.columns[field], section.bytes[field]);
			put_file("column", seed.data, seed.len);
			sink_done(&seed);
		}
	}
}

static void put_sections(struct source body)
{
	struct chunk_section sections[TABLE_MAX_TABLES];
	struct interval interval;
	uint64_t ordinal;
	size_t n;

	if (chunk_get_head(&body, &ordinal, &interval) < 0 || chunk_get_sections(&body, sections, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		put_columns(&sections[i]);
}

/* As fuzz_frames.c has it. */
static void put_frames(const char *path, const unsigned char *header, size_t header_len)
{
	struct sink frames = {0};
	struct segment *segment;
	struct segment_chunk chunk;

	if (segment_open(AT_FDCWD, path, segment_ignore_damage, NULL, &segment) < 0)
		return;
	put_u8(&frames, 1);
	put_u16(&frames, (uint16_t)header_len);
	put_bytes(&frames, header, header_len);
	while (segment_next(segment, &chunk) > 0) {
		const unsigned char *body = (const unsigned char *)chunk.data + CHUNK_PREFIX;

		put_u8(&frames, (uint8_t)chunk.begins_frame);
		put_u16(&frames, (uint16_t)(chunk.len - CHUNK_PREFIX));
		put_bytes(&frames, body, chunk.len - CHUNK_PREFIX);
		put_sections((struct source){body, chunk.len - CHUNK_PREFIX, 0});
	}
	put_file("frames", frames.data, frames.len);
	sink_done(&frames);
	segment_close(segment);
}

/* As fuzz_directory.c has it: the directory with one of the columns, for each of some. */
static void put_directory(const char *path)
{
	struct column_scratch scratch = {0};
	struct columns_file file;
	struct sink raw = {0};
	unsigned char *frame, *room;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || columns_file_open(&file, fd, 0, 0, segment_ignore_damage, NULL) < 0)
		return;
	frame = malloc(file.trailer.bytes + 1);
	room = sink_room(&raw, file.trailer.raw_bytes);
	if (pread(fd, frame, file.trailer.bytes, (off_t)file.trailer.offset) == file.trailer.bytes &&
	    file.trailer.raw_bytes <= UINT16_MAX &&
	    ZSTD_decompress(room, file.trailer.raw_bytes, frame, file.trailer.bytes) == file.trailer.raw_bytes)
		raw.len = file.trailer.raw_bytes;
	for (uint32_t i = 0; i < file.directory.n_columns && raw.len; i += 1 + i / 20) {
		struct sink seed = {0};

		if (!file.directory.columns[i].bytes ||
		    columns_file_read(&file, &file.directory.columns[i], &scratch) < 0)
			continue;
		put_u16(&seed, (uint16_t)raw.len);
		put_bytes(&seed, raw.data, raw.len);
		put_bytes(&seed, scratch.raw.data, scratch.raw.len);
		put_file("directory", seed.data, seed.len);
		sink_done(&seed);
	}
	column_scratch_done(&scratch);
	sink_done(&raw);
	free(frame);
	columns_file_close(&file);
}

int main(int argc, char **argv)
{
	static unsigned char bytes[1 << 20];

	if (argc < 3) {
		fprintf(stderr, "usage: make_seeds OUT SEGMENT...\n");
		return 2;
	}
	out = argv[1];
	for (int i = 2; i < argc; i++) {
		FILE *file = fopen(argv[i], "r");
		size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
		struct source source = {bytes + 4, 4, 0};
		size_t header_len = get_u32(&source);

		if (file)
			fclose(file);
		if (len > 4 && bytes[0] == (MAGIC_COLUMNS_FRAME & 0xff)) {
			put_directory(argv[i]);
			continue;
		}
		if (len < 12 || header_len < 4 || header_len > len - 8)
			continue;
		put_file("header", bytes + 8, header_len - 4);
		put_frames(argv[i], bytes + 8, header_len - 4);
	}
	return 0;
}
