// SPDX-License-Identifier: BSD-2-Clause
/*
 * Closing an interval: its row of the ledger, and what its snapshot brings.
 */
#include <stdbool.h>
#include <string.h>

#include "ledger/census.h"
#include "ledger/ledger_inside.h"
#include "ledger/rows_live.h"

#define SWEEP_EVERY 64 /* intervals: for what no event reported */

struct sealing {
	struct ledger *ledger;
	const struct snapshot *snapshot;
	struct rollup_row left; /* by threads of processes that are given up */
};

static int born_by(void *ctx, uint32_t pid, uint64_t start_boot_ns)
{
	struct sealing *sealing = ctx;
	const struct ledger *ledger = sealing->ledger;
	struct process *process = processes_find(ledger->processes, pid, start_boot_ns);

	if (process)
		return process->born_epoch_plus_1 && process->born_epoch_plus_1 <= sealing->snapshot->epoch + 1;
	/* It has ended in the next epoch, and its chunk has left: what is noted of that was born before. */
	for (size_t i = 0; i < ledger->n_ended; i++)
		if (ledger->ended[i].process.pid == pid && ledger->ended[i].process.start_boot_ns == start_boot_ns &&
		    ledger->ended[i].process.epoch == sealing->snapshot->epoch + 1)
			return 1;
	return 0;
}

/*
 * Known, not ended as far as we heard, silent since the boundary, and neither in the walk nor on its way out: its exit
 * is in a roll-up, and there the values of its threads that were reported by event must go too.
 */
static bool is_gone(struct process *process, void *ctx)
{
	struct sealing *sealing = ctx;
	struct costs *left = &sealing->left.sum.costs;

	if (process->exit_epoch || process->heard_epoch > sealing->snapshot->epoch ||
	    process->start_boot_ns > sealing->snapshot->boundary_boot_ns ||
	    census_lists(sealing->snapshot, process->pid, process->start_boot_ns) ||
	    census_is_unreported(sealing->snapshot, process->pid, process->start_boot_ns))
		return 0;
	left->threads += process->threads;
	by_thread_add(&left->by_thread, &process->ended);
	ledger_forget_parts(sealing->ledger, process);
	return 1;
}

static void write_row(struct ledger *ledger, const struct snapshot *s, uint64_t closing, uint64_t rolled_up)
{
	struct open_interval *open = interval_open(ledger, s->epoch);
	struct block *b = open->chunk->blocks[CHUNK_LEDGER];

	block_add_row(b);
	block_set_number(b, 0, LEDGER_time, s->end_real_ns);
	block_set_number(b, 0, LEDGER_duration_ns, s->duration_ns);
	block_set_number(b, 0, LEDGER_opening, ledger->closing);
	block_set_number(b, 0, LEDGER_forks, s->counters.forks);
	block_set_number(b, 0, LEDGER_execs, s->counters.execs);
	block_set_number(b, 0, LEDGER_exits_seen, s->counters.exits_seen);
	block_set_number(b, 0, LEDGER_exits_recorded, open->exits_recorded);
	block_set_number(b, 0, LEDGER_exits_rolled_up, rolled_up);
	block_set_number(b, 0, LEDGER_exits_second_witness, s->counters.exits_second_witness);
	block_set_number(b, 0, LEDGER_amendments, open->amendments);
	block_set_number(b, 0, LEDGER_amendments_late, open->amendments_late);
	block_set_number(b, 0, LEDGER_closing, closing);
	block_set_number(b, 0, LEDGER_missed_runs, s->missed_runs);
	block_set_number(b, 0, LEDGER_drops_exec, s->counters.drops_exec);
	block_set_number(b, 0, LEDGER_drops_fork, s->counters.drops_fork);
	block_set_number(b, 0, LEDGER_drops_signal, s->counters.drops_signal);
	block_set_number(b, 0, LEDGER_rollup_map_full, s->counters.rollup_map_full);
	block_set_number(b, 0, LEDGER_mark_map_full, s->counters.mark_map_full);
	block_set_number(b, 0, LEDGER_orphan_map_full, s->counters.orphan_map_full);
	block_set_number(b, 0, LEDGER_crossing_map_full, s->counters.crossing_map_full);
	block_set_number(b, 0, LEDGER_procs_skipped, s->counters.procs_skipped + ledger->procs_skipped);
	block_set_number(b, 0, LEDGER_wait_map_full, s->counters.wait_map_full);
	block_set_number(b, 0, LEDGER_processes_full, ledger->processes_full);
	block_set_number(b, 0, LEDGER_drops_cgroup, s->counters.drops_cgroup);
	block_set_number(b, 0, LEDGER_exits_unseen, s->counters.exits_unseen);
	block_set_number(b, 0, LEDGER_malformed, ledger->malformed + s->malformed);
	block_set_number(b, 0, LEDGER_queue_high_water_bytes, s->queue_high_water_bytes);
	block_set_number(b, 0, LEDGER_ring_high_water_bytes, s->ring_high_water_bytes);
	block_set_number(b, 0, LEDGER_snapshot_ns, s->snapshot_ns);
	block_set_number(b, 0, LEDGER_agent_cpu_ns, s->agent_cpu_ns);
	block_set_number(b, 0, LEDGER_agent_rss_bytes, s->agent_rss_bytes);
	block_set_number(b, 0, LEDGER_store_bytes, s->store_bytes);
	if (ledger->has_previous)
		block_set_number(b, 0, LEDGER_unobserved, ledger->closing - ledger->previous_closing);
	ledger->has_previous = 0;
	totals_add(&ledger->totals, b, 0);
}

/* Ends of epochs up to the next one have done their duty. */
static void drop_ended(struct ledger *ledger, uint32_t epoch)
{
	size_t kept = 0;

	for (size_t i = 0; i < ledger->n_ended; i++)
		if (ledger->ended[i].process.epoch > epoch + 1)
			ledger->ended[kept++] = ledger->ended[i];
	ledger->n_ended = kept;
}

/* The samplers' rows leave with the chunk, its empty blocks take their places. */
static void take_samples(struct chunk *chunk, struct block **samples)
{
	for (int i = 0; samples && i < N_SAMPLES; i++) {
		struct block *empty = chunk->blocks[CHUNK_SAMPLES + i];

		chunk->blocks[CHUNK_SAMPLES + i] = samples[i];
		samples[i] = empty;
	}
}

static void add_runq(struct ledger *ledger, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_runq; i++) {
		struct open_interval *open = interval_reserve(ledger, s->epoch, 1u << CHUNK_RUNQ);

		row_add_runq(open->chunk->blocks[CHUNK_RUNQ], s->end_real_ns, &s->runq[i]);
	}
}

static void write_interval(struct ledger *ledger, const struct snapshot *s, uint64_t closing)
{
	struct open_interval *open = interval_open(ledger, s->epoch);
	uint64_t rolled_up = 0;

	for (size_t i = 0; i < s->n_rollups; i++) {
		rolled_up += s->rollups[i].sum.exits;
		interval_add_rollup(ledger, s->epoch, s->end_real_ns, &s->rollups[i]);
	}
	ledger_take_live(ledger, s);
	add_runq(ledger, s);
	write_row(ledger, s, closing, rolled_up);
	take_samples(open->chunk, s->samples);
	open->chunk->interval.end_real_ns = s->end_real_ns;
	open->chunk->interval.is_last_chunk = 1;
	interval_hand_over(ledger, s->epoch);
	*open = (struct open_interval){0};
}

static void give_up_gone(struct ledger *ledger, struct sealing *sealing)
{
	const struct snapshot *s = sealing->snapshot;

	if (!s->n_rollups && !s->counters.drops_fork && s->epoch % SWEEP_EVERY)
		return;
	processes_sweep(ledger->processes, is_gone, sealing);
	if (!s->epoch || !sealing->left.sum.costs.threads)
		return;
	interval_open(ledger, s->epoch)->amendments_late += sealing->left.sum.costs.threads;
	interval_add_rollup(ledger, s->epoch, s->end_real_ns, &sealing->left);
}

void ledger_seal(struct ledger *ledger, const struct snapshot *s)
{
	struct sealing sealing = {.ledger = ledger, .snapshot = s, .left.is_other = 1};
	uint64_t closing = census_closing(s, ledger->ended, ledger->n_ended, born_by, &sealing);

	ledger->real_minus_boot_ns = s->real_minus_boot_ns;
	give_up_gone(ledger, &sealing);
	if (s->epoch)
		write_interval(ledger, s, closing);
	else
		ledger_take_live(ledger, s);
	drop_ended(ledger, s->epoch);
	ledger->closing = closing;
	ledger->boundary_boot_ns = s->boundary_boot_ns;
	ledger->sealed_epoch = s->epoch;
	ledger->is_any_sealed = 1;
	ledger->malformed = ledger->procs_skipped = ledger->processes_full = 0;
}
