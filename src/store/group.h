/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row group: rows of one table, of a sealed segment or of a chunk of the log, not decoded yet; and what decodes it, a
 * column at a time.
 *
 * A group belongs to the part of the store that a reader gave it with, and lives as long. A group_reader belongs to one
 * thread; groups of sealed segments may be read by several at once.
 */
#ifndef OBIT_STORE_GROUP_H
#define OBIT_STORE_GROUP_H

#include "model/block.h"
#include "model/origin.h"
#include "store/columns_file.h"
#include "store/section.h"

struct store_group {
	const struct table *table; /* of the segment */
	uint32_t rows;
	uint32_t first_interval, last_interval; /* that its rows are of, by place in `intervals` */
	const struct interval *intervals;	/* of the part */
	const char *segment;			/* file name */

	/* Where it lies: one of the two. */
	const struct columns_file *file;
	const struct group_entry *entry;
	const struct section *section;
};

/* What is known of a column without reading it. */
struct column_stats {
	uint32_t nulls;		  /* rows */
	uint64_t least, greatest; /* of the others; of a text text_prefix() */
};

/* false: nothing is known. */
bool store_group_stats(const struct store_group *group, uint32_t field, struct column_stats *ret);

struct group_reader;

/* What could not be read: a stretch of the file. */
typedef void (*group_damage)(void *ctx, const struct store_group *group, uint64_t offset, uint64_t bytes,
			     const char *what);

/* NULL: out of memory. */
struct group_reader *group_reader_new(group_damage damage, void *ctx);
void group_reader_free(struct group_reader *reader);

/* From now on it reads this group; nothing of it is decoded yet. 0 or -ENOMEM. */
int group_reader_begin(struct group_reader *reader, const struct store_group *group);

/* Decodes the field's column. One that is damaged is reported, and null in all rows. 0, -ENOMEM or -errno. */
int group_reader_column(struct group_reader *reader, uint32_t field);
/* Decodes those where wanted[field] is set; NULL: all. */
int group_reader_columns(struct group_reader *reader, const bool *wanted);

/*
 * Columns from `first` on are not stored: the group is begun with a table that has more fields than the segment's, and
 * these are computed, from others that compute() asks for: it puts them with group_reader_put() or
 * group_reader_put_numbers().
 */
struct group_computed {
	uint32_t first;
	int (*compute)(void *ctx, struct group_reader *reader, uint32_t field);
	void *ctx;
};
void group_reader_set_computed(struct group_reader *reader, const struct group_computed *computed);

/* Of a computed column: entry numbers[row] of the texts in each row, or NO_TEXT. 0 or -ENOMEM. */
#define NO_TEXT UINT32_MAX
int group_reader_put(struct group_reader *reader, uint32_t field, const uint32_t *numbers, const void *bytes,
		     const struct span *texts, uint32_t n_texts);

int group_reader_put_numbers(struct group_reader *reader, uint32_t field, const uint64_t *numbers,
			     const uint8_t *nulls);

const struct store_group *group_reader_group(const struct group_reader *reader);

/* Of a field that has been asked for: could it not be decoded? */
bool group_reader_is_damaged(const struct group_reader *reader, uint32_t field);

/* The rows, by columns: those that have not been decoded are null. Valid until the next group is begun. */
const struct block *group_reader_block(const struct group_reader *reader);

/*
 * The place of each row's interval in group->intervals; NULL where it is the first one for all. 0; -EBADMSG, it is
 * damaged, which has been reported; -ENOMEM, -errno.
 */
int group_reader_intervals(struct group_reader *reader, const uint64_t **ret);

/* Holds all its columns against their checksums, and decodes none. 0 or -errno; damage is reported. */
int group_reader_check(struct group_reader *reader, const struct store_group *group);

#endif
