/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the agent has read when an interval (an epoch) ends, for the ledger to close it with. Filled by the
 * main thread, lent to the ledger's thread until it says the interval is sealed.
 */
#ifndef OBIT_MODEL_SNAPSHOT_H
#define OBIT_MODEL_SNAPSHOT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "model/block.h"

/* One roll-up, its CPUs summed. */
struct rollup_row {
	struct rollup_key key;
	struct rollup sum;
	bool is_other; /* all that found no room by key */
};

/* Waits of one length for one CPU. */
struct runq_row {
	uint32_t cpu;
	uint32_t bucket;
	uint64_t switches;
};

/* An exit that has come by its event, of a process that started before the boundary of the epoch it is counted in. */
struct ended {
	struct boundary_process process;
	uint64_t boot_ns;
};

struct snapshot {
	uint32_t epoch;
	uint64_t boundary_boot_ns; /* processes with a later start belong to the next epoch */
	uint64_t duration_ns;
	uint64_t end_real_ns;
	int64_t real_minus_boot_ns;
	uint64_t page_bytes;

	struct counters counters; /* of this epoch alone, all CPUs */

	struct walk_row *live; /* in order of pid */
	size_t n_live;
	struct walk_report *reported; /* those of them that did something; all of them with is_roster */
	size_t n_reported;
	bool is_roster;
	struct walk_thread *threads; /* that did something; none without collect_options.threads_on */
	size_t n_threads;
	struct runq_row *runq; /* of this epoch alone */
	size_t n_runq;
	struct boundary_process *births_late; /* those of the next epoch are meant */
	size_t n_births_late;
	struct boundary_process
		*exits_unreported; /* exiting, or rolled up in the next epoch; by pid and start, each once */
	size_t n_exits_unreported;
	uint64_t read_boot_ns; /* exits up to then are in live, exits_unreported or events; their births in
				  births_late */
	struct rollup_row *rollups;
	size_t n_rollups;
	struct block **samples; /* one of each sampler; the ledger takes them and leaves empty ones. NULL: none */

	uint64_t missed_runs, malformed;
	uint64_t queue_high_water_bytes, ring_high_water_bytes;
	uint64_t snapshot_ns, agent_cpu_ns, agent_rss_bytes, store_bytes;
};

/* Its row among rows of a walk, in order of pid; NULL: there is none. */
const struct walk_row *snapshot_find(const struct walk_row *rows, size_t n, uint32_t pid, uint64_t start_boot_ns);

#endif
