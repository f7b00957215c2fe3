/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores to test with: a directory of their own, rows made from a seed, and readings reduced to one digest a
 * chunk, so that what comes out can be compared with what went in. Include it behind cmocka.h.
 */
#ifndef OBIT_TESTS_STORE_FIXTURE_H
#define OBIT_TESTS_STORE_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/reader.h"
#include "store/writer.h"
#include "tests/chunks.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S) /* 2026-01-02T03:04:05Z */

#define MAX_CHUNKS 1024
#define MAX_DAMAGE 64
#define N_BLOCKS   3

struct fixture {
	char dir[64];
	struct block *blocks[N_BLOCKS]; /* exits, rollups, ledger */
};

/* A chunk that was written, or read. */
struct record {
	uint64_t number, digest;
	uint64_t end; /* written: where in the segment it ends */
};

struct records {
	struct record list[MAX_CHUNKS];
	size_t n;
};

struct reading {
	struct records records;
	struct store_damage damage[MAX_DAMAGE];
	size_t n_damage;
};

/* splitmix64 (Steele, Lea, Flood). */
static inline uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15u;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

static inline int fixture_set_up(void **state)
{
	static const uint32_t tables[N_BLOCKS] = {TABLE_EXITS, TABLE_ROLLUPS, TABLE_LEDGER};
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	/* In memory where there is such a place: thousands of files, and fsync() on many. */
	snprintf(fixture->dir, sizeof(fixture->dir), "%s/obit-store-XXXXXX",
		 access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(fixture->dir));
	for (int i = 0; i < N_BLOCKS; i++) {
		fixture->blocks[i] = block_new(table_by_id(tables[i]), 4096, 8u << 20);
		assert_non_null(fixture->blocks[i]);
	}
	*state = fixture;
	return 0;
}

/* Calls back with the name of each file but . and .. */
static inline void each_file(const char *path, void (*call)(int dir_fd, const char *name, void *context), void *context)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			call(dirfd(dir), entry->d_name, context);
	closedir(dir);
}

static inline void remove_file(int dir_fd, const char *name, void *context)
{
	(void)context;
	assert_int_equal(unlinkat(dir_fd, name, 0), 0);
}

static inline void empty_store(const struct fixture *fixture)
{
	each_file(fixture->dir, remove_file, NULL);
}

static inline int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	empty_store(fixture);
	assert_int_equal(rmdir(fixture->dir), 0);
	for (int i = 0; i < N_BLOCKS; i++)
		block_free(fixture->blocks[i]);
	free(fixture);
	return 0;
}

static inline void take_latest(int dir_fd, const char *name, void *context)
{
	char *latest = context;

	(void)dir_fd;
	if (strstr(name, ".obit") && strlen(name) < 64 && strcmp(name, latest) > 0)
		strcpy(latest, name);
}

/* The path of the segment begun last. */
static inline void last_segment(const struct fixture *fixture, char *ret, size_t size)
{
	char name[64] = "";

	each_file(fixture->dir, take_latest, name);
	assert_true(name[0]);
	snprintf(ret, size, "%s/%s", fixture->dir, name);
}

static inline void count_segment(int dir_fd, const char *name, void *context)
{
	(void)dir_fd;
	*(size_t *)context += strstr(name, ".obit") != NULL;
}

static inline size_t count_segments(const struct fixture *fixture)
{
	size_t n = 0;

	each_file(fixture->dir, count_segment, &n);
	return n;
}

static inline void test_with_zstd(int dir_fd, const char *name, void *context)
{
	char command[512];

	(void)dir_fd;
	if (!strstr(name, ".obit"))
		return;
	/* By its name zstd would not know it. */
	snprintf(command, sizeof(command), "zstd -tq < %s/%s", (const char *)context, name);
	if (system(command) != 0)
		fail_msg("zstd does not accept %s", name);
}

static inline void assert_zstd_accepts(const struct fixture *fixture)
{
	each_file(fixture->dir, test_with_zstd, (void *)(uintptr_t)fixture->dir);
}

/* 1 is the first run, and so on. */
static inline struct origin origin_of(uint64_t run)
{
	return (struct origin){
		.host = "host",
		.boot_id = "11111111-2222-3333-4444-555555555555",
		.kernel = "6.12.0",
		.agent = "0.1.0",
		.run_real_ns = BEGIN + run * 1000 * S,
		.real_minus_boot_ns = -5,
		.interval_ns = S,
	};
}

static inline void fill_number(struct block *block, uint32_t row, uint32_t field, uint64_t random)
{
	static const uint64_t boundaries[] = {
		0, 1, 127, 128, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX, UINT64_MAX - 1};
	uint64_t value = random % 3 == 0   ? boundaries[random / 3 % 8]
			 : random % 3 == 1 ? random / 3 % 1000
					   : mix(random);

	block_set_number(block, row, field, block->table->fields[field].type == FIELD_BOOL ? value & 1 : value);
}

static inline void fill_text(struct block *block, uint32_t row, uint32_t field, uint64_t random)
{
	char text[40];
	size_t len = random % 7 ? (size_t)snprintf(text, sizeof(text), "text-%u", (unsigned)(random / 7 % 9))
				: random / 7 % sizeof(text);

	if (random % 7 == 0)
		for (size_t i = 0; i < len; i++)
			text[i] = (char)(mix(random + i) % 3 ? mix(random + i) >> 8 : 0);
	assert_int_equal(block_set_text(block, row, field, text, len), 0);
}

/* Adds rows of every value there is, an eighth of them null. */
static inline void fill(struct block *block, uint32_t rows, uint64_t seed)
{
	block_clear(block);
	for (uint32_t i = 0; i < rows; i++) {
		int row = block_add_row(block);

		assert_true(row >= 0);
		for (uint32_t field = 0; field < block->table->n_fields; field++) {
			uint64_t random = mix(seed ^ mix(((uint64_t)i << 8) + field));

			if (random % 8 == 0)
				continue;
			if (field_is_text(&block->table->fields[field]))
				fill_text(block, (uint32_t)row, field, random / 8);
			else
				fill_number(block, (uint32_t)row, field, random / 8);
		}
	}
}

static inline uint64_t digest_bytes(uint64_t digest, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ bytes[i]) * 0x100000001b3u;
	return mix(digest + len);
}

static inline uint64_t digest_row(const struct block *block, uint32_t row)
{
	uint64_t digest = digest_bytes(7, block->table->name, strlen(block->table->name));

	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		const char *name = block->table->fields[field].name, *text;
		size_t len;

		digest = mix(digest_bytes(digest, name, strlen(name)) ^ !!block_is_null(block, row, field));
		if (!field_is_text(&block->table->fields[field])) {
			digest = mix(digest ^ block_number(block, row, field));
			continue;
		}
		text = block_text(block, row, field, &len);
		digest = digest_bytes(digest, text, len);
	}
	return digest;
}

/* Whatever the order of rows: that of columns is not that of the log. */
static inline uint64_t digest_block(const struct block *block)
{
	uint64_t digest = 0;

	for (uint32_t row = 0; row < block->rows; row++)
		digest += mix(digest_row(block, row));
	return digest;
}

/* Everything a chunk says. */
static inline uint64_t digest_chunk(const struct interval *interval, struct block *const *blocks, size_t n)
{
	uint64_t digest = mix(interval->number) ^ mix(interval->begin_real_ns + 1);

	digest = mix(digest ^ interval->end_real_ns) + !!interval->is_last_chunk;
	for (size_t i = 0; i < n; i++)
		digest += digest_block(blocks[i]);
	return digest;
}

static inline struct store_writer *open_writer(const struct fixture *fixture, uint64_t run, uint64_t segment_bytes)
{
	struct store_options options = {.dir = fixture->dir, .segment_bytes = segment_bytes};
	struct origin origin = origin_of(run);
	struct store_writer *writer = NULL;

	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	return writer;
}

/* As open_writer(), of one that seals: also what others have left, when it is closed. */
static inline struct store_writer *open_sealing_writer(const struct fixture *fixture, uint64_t run,
						       uint64_t segment_bytes)
{
	struct store_options options = {.dir = fixture->dir, .segment_bytes = segment_bytes, .is_sealing = true};
	struct origin origin = origin_of(run);
	struct store_writer *writer = NULL;

	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	return writer;
}

static inline struct interval interval_of(uint64_t run, uint64_t number, int is_last)
{
	uint64_t begin = origin_of(run).run_real_ns + number * S;

	return (struct interval){number, begin, is_last ? begin + S : 0, is_last};
}

/* Fills the blocks for a chunk and notes its record. */
static inline struct record fill_chunk(struct fixture *fixture, const struct interval *interval, uint32_t rows,
				       uint64_t seed)
{
	fill(fixture->blocks[0], rows, seed);
	fill(fixture->blocks[1], rows / 2, seed + 1);
	fill(fixture->blocks[2], interval->is_last_chunk ? 1 : 0, seed + 2);
	return (struct record){interval->number, digest_chunk(interval, fixture->blocks, N_BLOCKS), 0};
}

static inline void add_record(struct records *records, struct record record)
{
	assert_true(records->n < MAX_CHUNKS);
	records->list[records->n++] = record;
}

/* Writes a chunk of rows made from its place and adds it to the records. */
static inline void append(struct fixture *fixture, struct store_writer *writer, struct interval interval, uint32_t rows,
			  struct records *records)
{
	struct record record = fill_chunk(fixture, &interval, rows, interval.begin_real_ns + records->n);

	assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS), 0);
	record.end = store_writer_bytes(writer);
	add_record(records, record);
}

/* Reads all there is; NULL: without bounds. It never takes more chunks than MAX_CHUNKS. */
static inline void read_store(const struct fixture *fixture, const struct store_select *select, struct reading *ret)
{
	struct store_select all = {0};
	const struct store_damage *damage;
	struct store_reader *reader;
	struct chunks chunks = {0};
	struct store_chunk chunk;
	int r;

	ret->records.n = ret->n_damage = 0;
	assert_int_equal(store_reader_open(fixture->dir, select ? select : &all, &reader), 0);
	while ((r = chunks_next(&chunks, reader, &chunk)) > 0)
		add_record(&ret->records,
			   (struct record){chunk.interval.number,
					   digest_chunk(&chunk.interval, chunk.blocks, chunk.n_blocks), 0});
	assert_int_equal(r, 0);
	damage = store_reader_damage(reader, &ret->n_damage);
	assert_true(ret->n_damage <= MAX_DAMAGE);
	if (ret->n_damage)
		memcpy(ret->damage, damage, ret->n_damage * sizeof(*damage));
	chunks_done(&chunks);
	store_reader_close(reader);
}

/* The reading is the first n of the records, to the value. */
static inline void assert_reads(const struct reading *reading, const struct records *records, size_t n)
{
	assert_int_equal(reading->records.n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(reading->records.list[i].number, records->list[i].number);
		if (reading->records.list[i].digest != records->list[i].digest)
			fail_msg("chunk %zu is not what was written", i);
	}
}

#endif
