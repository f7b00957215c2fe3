/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a store, also while it is written, in order of time, skipping damage and saying what was skipped. Needs no
 * root and no kernel.
 *
 * A store comes in parts: a sealed segment is one, with all its row groups; of a log each chunk is one, with a group
 * for each table. Nothing is decoded yet: a group_reader (group.h) does that, for the columns that are wanted.
 *
 * A reader belongs to one thread; many may read one store.
 */
#ifndef OBIT_STORE_READER_H
#define OBIT_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/origin.h"
#include "store/group.h"

struct store_reader;

struct store_part {
	const struct origin *origin;
	const char *segment;	    /* file name */
	const struct table *tables; /* all that the segment's header describes */
	uint32_t n_tables;
	const struct interval *intervals; /* that it has chunks of; is_last_chunk: it has the last one */
	uint32_t n_intervals;
	const struct store_group *groups; /* of the tables and the time asked for; of a table in order of time */
	uint32_t n_groups;
	bool is_log; /* a chunk of a log: it has one interval, and one group of a table at most */
};

/* What could not be read: a stretch of a file. */
struct store_damage {
	char segment[64]; /* file name */
	uint64_t offset, bytes;
	bool is_torn_tail; /* the end of a segment that was being written when its writer or the host died */
	char what[128];	   /* human-readable */
};

struct store_select {
	/* Intervals that can hold nothing of [since, until) are left out, and groups of none but such; until 0: no end.
	 */
	uint64_t since_real_ns, until_real_ns;
	const char *table;   /* groups of this table only; NULL: of all */
	const char *segment; /* that file only; NULL: all */
};

/* Is the interval of that time? One that has not ended reaches on for ever. */
bool store_select_takes(const struct store_select *select, const struct interval *interval);

/*
 * Errors: -ENOENT, no such directory; -EMEDIUMTYPE, it holds files but no segment of obit; -EACCES; ...
 * An empty directory is a store without rows. A segment with an unknown incompatible feature counts as
 * damage, named.
 */
int store_reader_open(const char *dir, const struct store_select *select, struct store_reader **ret);

/*
 * From now on the reader follows the writer: store_reader_next() may be called again after 0, and gives what has
 * come since. A segment is read to its end before the next one, also when retention has removed it meanwhile; when
 * the path names another directory, reading goes on in that.
 */
void store_reader_follow(struct store_reader *reader);

/* 1: *ret is the next part, valid until the next call; 0: no more; negative: out of memory or an I/O error. */
int store_reader_next(struct store_reader *reader, const struct store_part **ret);

/*
 * A sealed segment's part can be kept: it is valid until it has been released as often as it was held, also when the
 * reader goes on. Both belong to the reader's thread.
 */
void store_part_hold(const struct store_part *part);
void store_part_release(const struct store_part *part);

/* What has been skipped so far, in the order of the store; valid until the next call on the reader. */
const struct store_damage *store_reader_damage(struct store_reader *reader, size_t *ret_n);

/* As a group_damage with the reader as its context, from any thread. */
void store_reader_note_damage(void *reader, const struct store_group *group, uint64_t offset, uint64_t bytes,
			      const char *what);

void store_reader_close(struct store_reader *reader);

#endif
