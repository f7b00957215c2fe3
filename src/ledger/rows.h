/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From events to rows of `exits` and `rollups`: which number goes to which field, in which unit.
 */
#ifndef OBIT_LEDGER_ROWS_H
#define OBIT_LEDGER_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "ledger/processes.h"
#include "base/text_view.h"
#include "model/block.h"
#include "model/cgroup_name.h"
#include "model/limits.h"
#include "model/sched_level.h"
#include "model/snapshot.h"

/* Path and arguments of an image, as one text of the pool (texts.h). */
struct image {
	uint16_t exe_len, argv_len;
	char bytes[OBIT_EXE_SPACE + OBIT_ARGV_MAX];
};

/* The most text that rows have. A container's id is part of a cgroup's path. */
#define KILL_REASON_MAX 16
#define EXIT_FLAGS_MAX	128
#define IMAGE_TEXT_MAX	(OBIT_EXE_SPACE + OBIT_ARGV_MAX)
#define EXIT_ROW_TEXT_MAX                                                                                              \
	(IMAGE_TEXT_MAX + 2 * CGROUP_PATH_BYTES + 4 * OBIT_COMM_LEN + KILL_REASON_MAX + EXIT_FLAGS_MAX)
#define ROLLUP_ROW_TEXT_MAX (OBIT_COMM_LEN + CGROUP_PATH_BYTES)

/* All that a row of `exits` is made of. `process` and `image` may be NULL. */
struct exit_source {
	const struct event_exit *event;
	const struct process *process;
	const struct image *image;
	struct cgroup_name cgroup;
	enum sched_level sched;
	int64_t real_minus_boot_ns;
	uint64_t page_bytes;
};

/*
 * Splits CPU time as getrusage() does (kernel/sched/cputime.c, cputime_adjust()): the exact total in the
 * proportion of the two tick-sampled values.
 */
void split_cpu(uint64_t cpu_ns, uint64_t utime_ns, uint64_t stime_ns, uint64_t *ret_user_ns, uint64_t *ret_system_ns);

/*
 * Rows are added where the block has room for a row with its most text (block_has_room()): that cannot fail, and the
 * row's index is returned.
 */
uint32_t row_add_exit(struct block *exits, const struct exit_source *source);

/* Adds a thread's own values to a row of `exits`. */
void row_amend_exit(struct block *exits, uint32_t row, const struct event_thread *thread);

/* A cgroup with NULL data is null. */
void row_add_rollup(struct block *rollups, uint64_t time_ns, const struct rollup_row *rollup, struct text_view cgroup,
		    uint64_t page_bytes);

/* For the makers of rows: a row of nulls; a text, unless it has no data; path and arguments. */
uint32_t row_new(struct block *block);
void row_set_text(struct block *block, uint32_t row, uint32_t field, struct text_view text);
void row_set_image(struct block *block, uint32_t row, uint32_t exe, uint32_t argv, const struct image *image);

#endif
