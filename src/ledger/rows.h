/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From events to rows of `exits` and `rollups`: which number goes to which field, in which unit.
 */
#ifndef OBIT_LEDGER_ROWS_H
#define OBIT_LEDGER_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/processes.h"
#include "model/block.h"
#include "model/sched_level.h"
#include "model/snapshot.h"

/* Path and arguments of an image, as one text of the pool (texts.h). */
struct image {
	uint16_t exe_len, argv_len;
	char bytes[OBIT_EXE_SPACE + OBIT_ARGV_MAX];
};

struct text_view {
	const char *data; /* NULL: unknown */
	size_t len;
};

/* All that a row of `exits` is made of. `process` and `image` may be NULL. */
struct exit_source {
	const struct event_exit *event;
	const struct process *process;
	const struct image *image;
	struct text_view cgroup, container;
	enum sched_level sched;
	int64_t real_minus_boot_ns;
	uint64_t page_bytes;
};

/*
 * Splits CPU time as getrusage() does (kernel/sched/cputime.c, cputime_adjust()): the exact total in the
 * proportion of the two tick-sampled figures.
 */
void split_cpu(uint64_t cpu_ns, uint64_t utime_ns, uint64_t stime_ns, uint64_t *ret_user_ns, uint64_t *ret_system_ns);

/* Adds the row; its index, or -ENOSPC (the block is as before, but for text in its arena). */
int row_add_exit(struct block *exits, const struct exit_source *source);

/* Adds a thread's own figures to a row of `exits`. */
void row_amend_exit(struct block *exits, uint32_t row, const struct event_thread *thread);

/* Adds the row; 0 or -ENOSPC, and then there is none. A cgroup with NULL data is null. */
int row_add_rollup(struct block *rollups, uint64_t time_ns, const struct rollup_row *rollup, struct text_view cgroup,
		   uint64_t page_bytes);

#endif
