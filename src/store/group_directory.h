/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory of a sealed segment: its header, its intervals, and its row groups with what is known of each column
 * before it is read. It stands at the end of the file, and is all that a reader must have to choose columns.
 */
#ifndef OBIT_STORE_GROUP_DIRECTORY_H
#define OBIT_STORE_GROUP_DIRECTORY_H

#include <stdbool.h>

#include "store/header.h"

/* What is known of a column without reading it. */
struct column_entry {
	uint64_t offset; /* in the file */
	uint32_t bytes;	 /* there, a zstd frame; 0: nothing is stored, `least` is the value of all rows, or all are null
			  */
	uint32_t raw_bytes;		   /* of the frame's content */
	uint32_t checksum;		   /* crc32 of the frame */
	uint32_t nulls;			   /* rows */
	uint64_t least, greatest;	   /* of the rows that are not null; of texts text_prefix() */
	uint8_t head, minuend, subtrahend; /* of the column (column.h) */
};

/* Rows of one table. */
struct group_entry {
	uint32_t table; /* its place in the header */
	uint32_t rows;
	uint32_t first_interval, last_interval; /* that its rows are of, by place in the segment's list */
	uint32_t first_column;			/* of the directory's columns: those of the table, and behind them */
	uint32_t n_columns;			/* which interval each row is of, by place */
};

struct group_directory {
	struct header header;
	struct interval *intervals; /* that have a chunk in the segment, in the order of their first ones */
	uint32_t n_intervals, intervals_capacity;
	struct group_entry *groups;
	uint32_t n_groups, groups_capacity;
	struct column_entry *columns;
	uint32_t n_columns, columns_capacity;
};

/* Where the directory is, and what time its rows and intervals are of: the segment's last bytes. */
struct group_trailer {
	uint64_t offset; /* of the directory's frame in the file */
	uint32_t bytes, raw_bytes, checksum;
	uint32_t header_checksum;		  /* of the header in it: the same in all segments of a run */
	uint64_t least_real_ns, greatest_real_ns; /* of nothing: UINT64_MAX, 0 */
};

/* The column behind those of the table. */
extern const struct field interval_field;

/* The field of a group's column. */
static inline const struct field *group_field(const struct table *table, uint32_t column)
{
	return column < table->n_fields ? &table->fields[column] : &interval_field;
}

/* The first 8 bytes of a text, the first one the highest, missing ones 0: it is in the order of texts. */
uint64_t text_prefix(const char *text, size_t len);

void group_directory_done(struct group_directory *directory);
/* Adds one, zeroed, at the end. NULL: out of memory. */
struct interval *group_directory_add_interval(struct group_directory *directory);
struct group_entry *group_directory_add_group(struct group_directory *directory, uint32_t n_columns);

/* A sealed segment's first bytes, before its columns. */
void columns_begin_put(struct sink *sink);
/*
 * Its last ones: the directory as a frame that begins at `offset` of the file, with `header` (header_put()) in it, and
 * its trailer; and both once more, in case of damage. 0 or -ENOMEM.
 */
int group_directory_put(struct sink *sink, uint64_t offset, const struct sink *header,
			const struct group_directory *directory);

/* A sealed segment's first bytes: 1; of anything else: 0; -EPROTONOSUPPORT: of a format or with a feature unknown here.
 */
#define COLUMNS_BEGIN_BYTES 26u
int columns_begin_get(const void *data, size_t len, uint16_t *ret_version, uint32_t *ret_incompatible);

/* From the last GROUP_TRAILER_BYTES of a file. 0 or -EBADMSG. */
#define GROUP_TRAILER_BYTES 56u
int group_trailer_get(const void *data, struct group_trailer *ret);

/* From the directory's frame, which is freed again by group_directory_done(). 0, -EBADMSG, -EPROTONOSUPPORT, -ENOMEM.
 */
int group_directory_get(const void *frame, const struct group_trailer *trailer, struct group_directory *ret);

#endif
