/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that were recorded, for rows to be joined with: what processes run, users, groups, containers. Rows of roster,
 * programs, users, groups and containers become maps in memory, every text once.
 *
 * Memory grows with the processes that lived at the end of an interval of the time asked for, and their texts. One
 * thread reads names in; while it does not, many may look them up.
 */
#ifndef OBIT_QUERY_JOINS_H
#define OBIT_QUERY_JOINS_H

#include "query/joined_table.h"
#include "store/reader.h"

struct joins;

/* `keys`: what is looked up (joined_table_keys()). 0, or as store_reader_open(). */
int joins_open(const char *dir, uint64_t since_real_ns, uint64_t until_real_ns, unsigned keys, struct joins **ret);
void joins_close(struct joins *joins);

/* Reads what there is, and may be called again for what has come since. 0, -ENOMEM or -errno. */
int joins_read(struct joins *joins);

/* Has it been read so far as the interval? One that has not ended has not. */
bool joins_covers(const struct joins *joins, const struct interval *interval);

/* Of what it has read; damage is in there. */
struct store_reader *joins_reader(struct joins *joins);

/*
 * Computes a joined column of a group whose reader has begun it, with the table of `joined`. For
 * group_reader_set_computed(); any thread.
 */
struct joins_of_table {
	const struct joins *joins;
	const struct joined_table *joined;
};
int joins_column(void *of_table, struct group_reader *reader, uint32_t field);

/*
 * A copy of a block, whose rows are of one interval, with the joined columns that are wanted, for the caller to free.
 * NULL: out of memory.
 */
struct block *joins_widen(const struct joins_of_table *of, const struct block *block, uint64_t begin_real_ns,
			  const bool *wanted);

/*
 * Fills in the joined columns of rows that are of one interval, where they are null, in a block of joined->table. 0,
 * -ENOMEM or -E2BIG.
 */
int joins_fill(const struct joins_of_table *of, struct block *block, uint64_t begin_real_ns);

/* The number that a name has, for `uid = root`. */
bool joins_uid(const struct joins *joins, const char *name, size_t len, uint64_t *ret);
bool joins_gid(const struct joins *joins, const char *name, size_t len, uint64_t *ret);

#endif
