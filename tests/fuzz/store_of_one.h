/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store with one segment, in memory, of a fuzzer's bytes; and a reading of it as one number.
 */
#ifndef OBIT_FUZZ_STORE_OF_ONE_H
#define OBIT_FUZZ_STORE_OF_ONE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "store/reader.h"
#include "store/seal.h"
#include "store/segment_scan.h"
#include "tests/chunks.h"

#define SEGMENT "01767323045000000000.obit"

static char store_dir[64];
static int store_dir_fd = -1;

static inline void remove_store(void)
{
	unlinkat(store_dir_fd, SEGMENT, 0);
	rmdir(store_dir);
}

static inline void put_segment(const void *data, size_t len)
{
	int fd;

	if (store_dir_fd < 0) {
		snprintf(store_dir, sizeof(store_dir), "%s/obit-fuzz-XXXXXX",
			 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
		MUST(mkdtemp(store_dir));
		store_dir_fd = open(store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		MUST(store_dir_fd >= 0);
		atexit(remove_store);
	}
	fd = openat(store_dir_fd, SEGMENT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0);
	MUST(write(fd, data, len) == (ssize_t)len);
	close(fd);
}

struct reading {
	uint64_t digest, n_chunks, n_rows;
	size_t n_damage;
	int has_torn_tail;
};

static inline uint64_t mix_in(uint64_t digest, uint64_t value)
{
	return (digest ^ value) * UINT64_C(0x9e3779b97f4a7c15) + (digest >> 29);
}

/* Every value is looked at; the order of rows does not matter. */
static inline uint64_t digest_block(const struct block *block)
{
	uint64_t sum = 0;

	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t digest = 7;

		for (uint32_t field = 0; field < block->table->n_fields; field++) {
			size_t len;
			const char *text;

			digest = mix_in(digest, !!block_is_null(block, row, field));
			if (!field_is_text(&block->table->fields[field])) {
				digest = mix_in(digest, block_number(block, row, field));
				continue;
			}
			text = block_text(block, row, field, &len);
			for (size_t i = 0; i < len; i++)
				digest = mix_in(digest, (unsigned char)text[i]);
			digest = mix_in(digest, len);
		}
		sum += mix_in(digest, 1);
	}
	return sum;
}

static inline struct reading read_store(const struct store_select *select)
{
	struct reading reading = {0};
	const struct store_damage *damage;
	struct store_reader *reader;
	struct chunks chunks = {0};
	struct store_chunk chunk;
	struct stat st;
	int r;

	MUST(store_reader_open(store_dir, select, &reader) == 0);
	while ((r = chunks_next(&chunks, reader, &chunk)) > 0) {
		reading.n_chunks++;
		for (size_t i = 0; i < chunk.n_blocks; i++) {
			reading.digest += digest_block(chunk.blocks[i]);
			reading.n_rows += chunk.blocks[i]->rows;
		}
	}
	MUST(r == 0);
	MUST(fstatat(store_dir_fd, SEGMENT, &st, 0) == 0);
	damage = store_reader_damage(reader, &reading.n_damage);
	for (size_t i = 0; i < reading.n_damage; i++) {
		MUST(damage[i].offset <= (uint64_t)st.st_size);
		MUST(damage[i].bytes <= (uint64_t)st.st_size - damage[i].offset);
		reading.has_torn_tail |= damage[i].is_torn_tail;
	}
	chunks_done(&chunks);
	store_reader_close(reader);
	return reading;
}

static inline int no_sync(int fd)
{
	(void)fd;
	return 0;
}

/* As the next agent would. */
static inline void seal_store(void)
{
	struct file_calls calls = file_calls_real;
	struct segment_name name = {SEGMENT};
	struct seal_result result;
	int r;

	calls.fsync = no_sync;
	r = seal_write(store_dir_fd, &name, &calls, NULL, &result);
	MUST(r == 0 || r == -EBADMSG || r == -EALREADY || r == -E2BIG);
	if (r == 0)
		MUST(seal_replace(store_dir_fd, &name, &result) == 0);
}

#endif
