/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store as chunks of intervals with all their rows in blocks, as tests compare it: what a reader gives as parts,
 * decoded; and the other way, blocks as a part. Nothing here is fast.
 */
#ifndef OBIT_TESTS_CHUNKS_H
#define OBIT_TESTS_CHUNKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/reader.h"

#define CHUNK_MUST(condition)                                                                                          \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* Of a log as it was written; of columns all rows of an interval, in the order in which they lie. */
struct store_chunk {
	const struct origin *origin;
	struct interval interval;
	struct block **blocks; /* those with rows, in the order of the tables; owned by the struct below */
	size_t n_blocks;
	const char *segment;
	const struct table *tables;
	uint32_t n_tables;
};

/* Between two calls for the same reader. Zeroed; freed with chunks_done(). */
struct chunks {
	struct store_reader *reader;
	const struct store_part *part;
	uint32_t next_interval;
	struct block *blocks[TABLE_MAX_TABLES], *filled[TABLE_MAX_TABLES];
	const struct table *tables[TABLE_MAX_TABLES];
};

static inline void chunks_clear(struct chunks *chunks)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++) {
		block_free(chunks->blocks[i]);
		chunks->blocks[i] = NULL;
	}
}

/* Rows of the group that are of the interval at that place. */
static inline void take_group(struct chunks *chunks, const struct store_group *group, uint32_t place, uint32_t at)
{
	struct group_reader *reader = group_reader_new(store_reader_note_damage, chunks->reader);
	const uint64_t *places;
	int r;

	CHUNK_MUST(reader && group_reader_begin(reader, group) == 0);
	r = group_reader_intervals(reader, &places);
	if (r == 0) {
		CHUNK_MUST(group_reader_columns(reader, NULL) == 0);
		for (uint32_t row = 0; row < group->rows; row++) {
			if ((places ? places[row] : 0) != place)
				continue;
			if (!chunks->blocks[at])
				chunks->blocks[at] = block_new(group->table, 16, 1024);
			CHUNK_MUST(block_append_row(chunks->blocks[at], group_reader_block(reader), row) == 0);
		}
	}
	group_reader_free(reader);
}

/* As store_reader_next(). */
static inline int chunks_next(struct chunks *chunks, struct store_reader *reader, struct store_chunk *ret)
{
	const struct store_part *part = chunks->part;

	chunks->reader = reader;
	chunks_clear(chunks);
	if (!part || chunks->next_interval == part->n_intervals) {
		int r = store_reader_next(reader, &chunks->part);

		if (r <= 0) {
			chunks->part = NULL;
			return r;
		}
		part = chunks->part;
		chunks->next_interval = 0;
	}
	for (uint32_t i = 0; i < part->n_groups; i++) {
		const struct store_group *group = &part->groups[i];

		if (group->first_interval <= chunks->next_interval && group->last_interval >= chunks->next_interval)
			take_group(chunks, group, chunks->next_interval, (uint32_t)(group->table - part->tables));
	}
	*ret = (struct store_chunk){
		.origin = part->origin,
		.interval = part->intervals[chunks->next_interval++],
		.blocks = chunks->filled,
		.segment = part->segment,
		.tables = part->tables,
		.n_tables = part->n_tables,
	};
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		if (chunks->blocks[i])
			chunks->filled[ret->n_blocks++] = chunks->blocks[i];
	return 1;
}

static inline void chunks_done(struct chunks *chunks)
{
	chunks_clear(chunks);
	*chunks = (struct chunks){0};
}

/* Blocks as a part of a log. Zeroed; freed with made_part_done(). */
struct made_part {
	struct store_part part;
	struct interval interval;
	struct store_group groups[TABLE_MAX_TABLES];
	struct section sections[TABLE_MAX_TABLES];
	struct sink bytes[TABLE_MAX_TABLES];
	struct section_writer writer;
};

static inline const struct store_part *make_part(struct made_part *made, const struct origin *origin,
						 const struct interval *interval, struct block *const *blocks, size_t n)
{
	made->interval = *interval;
	made->part = (struct store_part){
		.origin = origin,
		.segment = "s",
		.intervals = &made->interval,
		.n_intervals = 1,
		.groups = made->groups,
		.is_log = true,
	};
	for (size_t i = 0; i < n; i++) {
		uint32_t at = made->part.n_groups;
		struct sink *bytes = &made->bytes[at];
		struct source source;

		if (!blocks[i]->rows)
			continue;
		CHUNK_MUST(section_put(&made->writer, blocks[i]) == 0);
		bytes->len = 0;
		put_bytes(bytes, made->writer.lengths.data, made->writer.lengths.len);
		put_bytes(bytes, made->writer.columns.data, made->writer.columns.len);
		source = (struct source){bytes->data, bytes->len, 0};
		CHUNK_MUST(section_open(&source, blocks[i]->table, blocks[i]->rows, &made->sections[at]) == 0);
		made->groups[at] = (struct store_group){
			.table = blocks[i]->table,
			.rows = blocks[i]->rows,
			.intervals = &made->interval,
			.segment = "s",
			.section = &made->sections[at],
		};
		made->part.n_groups++;
	}
	return &made->part;
}

static inline void made_part_done(struct made_part *made)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		sink_done(&made->bytes[i]);
	section_writer_done(&made->writer);
}

#endif
