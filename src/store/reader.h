/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a store, also while it is written: chunks in order of time, skipping damage and saying what was
 * skipped. Needs no root and no kernel. A reader belongs to one thread; many may read one store.
 */
#ifndef OBIT_STORE_READER_H
#define OBIT_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/block.h"
#include "model/origin.h"

struct store_reader;

struct store_chunk {
	const struct origin *origin;
	struct interval interval;
	struct block *const *blocks; /* one for each table with rows in this chunk, of the segment's own tables */
	size_t n_blocks;
	const char *segment;	    /* file name */
	const struct table *tables; /* all that the segment's header describes */
	uint32_t n_tables;
};

/* What could not be read: a stretch of a file. */
struct store_damage {
	char segment[64]; /* file name */
	uint64_t offset, bytes;
	bool is_torn_tail; /* the end of a segment that was being written when its writer or the host died */
	char what[128];	   /* human-readable */
};

struct store_select {
	uint64_t since_real_ns,
		until_real_ns; /* chunks that can hold nothing of [since, until) are left out; until 0: no end */
	const char *table;     /* decode this table only; NULL: all */
};

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

/* 1: *ret is the next chunk, valid until the next call; 0: no more; negative: out of memory or an I/O error. */
int store_reader_next(struct store_reader *reader, struct store_chunk *ret);

/* What has been skipped so far; valid until the next call on the reader. */
const struct store_damage *store_reader_damage(const struct store_reader *reader, size_t *ret_n);

void store_reader_close(struct store_reader *reader);

#endif
