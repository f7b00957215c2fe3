/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A question run over a store: parts from a reader, groups passed over by what is known of them, the rest decoded, as
 * far as they are needed, by a few threads, and their rows handed to the query in the order of the store, by interval.
 *
 * Memory is bounded: as many groups are decoded ahead as fit into SCAN_MEMORY_BYTES, one at least.
 */
#ifndef OBIT_QUERY_SCAN_H
#define OBIT_QUERY_SCAN_H

#include <signal.h>

#include "query/joins.h"
#include "query/query.h"
#include "store/reader.h"

#define SCAN_MEMORY_BYTES (16u << 20)
#define SCAN_MAX_JOBS	  64

struct scan;

struct scan_options {
	struct store_reader *reader;		 /* of one table; not owned */
	struct query *query;			 /* not owned */
	unsigned jobs;				 /* threads that decode; 0 or 1: this one */
	const volatile sig_atomic_t *is_stopped; /* or NULL */
	struct joins *joins;			 /* names that rows are joined with; NULL: none are wanted */
	const struct computed_list *computed;	 /* columns that are computed; or NULL. With joins only */
	bool is_following;			 /* an interval's rows are to be seen when it ends */
	/* Before the rows of each part, and after; or NULL. */
	void (*begin_part)(void *context, const struct store_part *part);
	void *context;
};

/* NULL: out of memory. */
struct scan *scan_new(const struct scan_options *options);
void scan_free(struct scan *scan);

/*
 * Reads on to the end of what there is. 0; 1: the limit is reached and no more rows are wanted; -ENOMEM, -errno, or
 * what the query's sink returned. Following, it may be called again after 0.
 */
int scan_run(struct scan *scan);

/* Parts read so far that had an interval of the time asked for. */
uint64_t scan_parts(const struct scan *scan);

/* How many CPUs this process may use. */
unsigned scan_default_jobs(void);

#endif
