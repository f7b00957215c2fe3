/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From readings of live processes to rows of `procs`, `roster` and `programs`, and from counts of waits to `runq`.
 */
#ifndef OBIT_LEDGER_ROWS_LIVE_H
#define OBIT_LEDGER_ROWS_LIVE_H

#include "ledger/baselines.h"
#include "ledger/rows.h"
#include "model/sched_level.h"

struct live_source {
	uint64_t time_ns; /* end of the interval; of the last row, of the process */
	uint32_t pid;
	uint64_t start_boot_ns, start_real_ns;
	const struct process_sample *sample; /* NULL: the last row ... */
	const struct event_exit *end;	     /* ... which is made of this */
	struct cgroup_name cgroup;
	const struct image *image; /* for roster and programs; NULL: unknown */
	enum sched_level sched;
	uint64_t page_bytes;
};

#define PROC_ROW_TEXT_MAX   (OBIT_COMM_LEN + 2 * CGROUP_PATH_BYTES + 1)
#define ROSTER_ROW_TEXT_MAX (PROC_ROW_TEXT_MAX + IMAGE_TEXT_MAX)
#define THREAD_ROW_TEXT_MAX (OBIT_COMM_LEN + 1)

/* As those of rows.h: there is room. */
uint32_t row_add_proc(struct block *procs, const struct live_source *source, const struct cost_delta *step);
uint32_t row_add_roster(struct block *roster, const struct live_source *source);
void row_add_program(struct block *programs, const struct live_source *source);
uint32_t row_add_thread(struct block *threads, uint64_t time_ns, uint64_t start_real_ns,
			const struct walk_thread *thread);
void row_add_runq(struct block *runq, uint64_t time_ns, const struct runq_row *waits);

/* Adds the values of a thread that was reported late to its process's last row. */
void row_amend_proc(struct block *procs, uint32_t row, const struct event_thread *thread);

#endif
