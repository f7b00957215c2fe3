// SPDX-License-Identifier: BSD-2-Clause
/*
 * Live processes in the ledger: a reading of a process becomes a row of what is new in it. The first reading of
 * one that was alive before the agent only sets its baseline. With the end comes the last row: what the exit's
 * record has more than all rows before it.
 */
#include <stdbool.h>

#include "ledger/ledger_inside.h"
#include "ledger/rows_live.h"

/*
 * May it be one that lives and is not known (its birth was not reported)? Or has it ended after the boundary, and is
 * forgotten? Of those that are younger than the interval nobody can know.
 */
static bool may_be_unknown(const struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns)
{
	if (start_boot_ns > ledger->boundary_boot_ns)
		return 0;
	for (size_t i = 0; i < ledger->n_ended; i++)
		if (ledger->ended[i].process.pid == pid && ledger->ended[i].process.start_boot_ns == start_boot_ns)
			return 0;
	return 1;
}

static struct live_source source_of(struct ledger *ledger, const struct process *process, struct cgroup_name cgroup)
{
	return (struct live_source){
		.pid = process->pid,
		.start_boot_ns = process->start_boot_ns,
		.start_real_ns = process->start_real_ns,
		.cgroup = cgroup,
		.sched = ledger->sched,
		.page_bytes = ledger->page_bytes,
	};
}

static struct costs total_of(const struct process *process, const struct costs *costs)
{
	struct costs total = *costs;

	by_thread_add(&total.by_thread, &process->ended);
	return total;
}

/* What it runs, where that is not written yet. */
static void add_program_row(struct ledger *ledger, struct open_interval *open, struct live_source *source,
			    struct process *process)
{
	uint32_t flags = source->sample ? source->sample->flags : source->end->flags;

	if (!process->image || process->flags & PROCESS_IS_WRITTEN || flags & EXIT_KTHREAD)
		return;
	texts_copy(ledger->texts, process->image, &ledger->image, sizeof(ledger->image));
	source->image = &ledger->image;
	row_add_program(open->chunk->blocks[CHUNK_PROGRAMS], source);
	process->flags |= PROCESS_IS_WRITTEN;
}

/* `open`: has room for it. */
static void add_proc_row(struct ledger *ledger, struct open_interval *open, const struct snapshot *s,
			 const struct walk_report *reported, struct process *process, struct cgroup_name cgroup)
{
	struct costs total = total_of(process, &reported->sample.costs);
	int was_alive_before = !process->baseline && reported->row.start_boot_ns <= ledger->watched_since_boot_ns;
	struct live_source source = source_of(ledger, process, cgroup);
	struct cost_delta step;

	/* It has ended since: its last row, if it has one, has reported this interval too. */
	if (process->exit_epoch)
		return;
	if (!process->baseline)
		process->baseline = baselines_add(ledger->baselines);
	if (!process->baseline) {
		ledger->procs_skipped++;
		return;
	}
	baselines_advance(ledger->baselines, process->baseline, &total, &reported->sample.waits, &step);
	if (step.is_empty || was_alive_before || !s->epoch)
		return;
	source.time_ns = s->end_real_ns;
	source.sample = &reported->sample;
	row_add_proc(open->chunk->blocks[CHUNK_PROCS], &source, &step);
	if (!s->is_roster)
		add_program_row(ledger, open, &source, process);
}

/* `process` is NULL of one that has ended, or that there is no room to know. */
static void add_roster_row(struct ledger *ledger, struct open_interval *open, const struct snapshot *s,
			   const struct walk_report *reported, struct process *process, struct cgroup_name cgroup)
{
	const struct process unknown = {
		.pid = reported->row.pid,
		.start_boot_ns = reported->row.start_boot_ns,
		.start_real_ns = reported->row.start_boot_ns + (uint64_t)s->real_minus_boot_ns,
	};
	struct live_source source = source_of(ledger, process ? process : &unknown, cgroup);

	source.time_ns = s->end_real_ns;
	source.sample = &reported->sample;
	if (process && process->image && !(reported->sample.flags & EXIT_KTHREAD)) {
		texts_copy(ledger->texts, process->image, &ledger->image, sizeof(ledger->image));
		source.image = &ledger->image;
		process->flags |= PROCESS_IS_WRITTEN;
	}
	row_add_roster(open->chunk->blocks[CHUNK_ROSTER], &source);
}

static void write_names(struct ledger *ledger, const struct open_interval *open, uint64_t time_ns,
			const struct process_sample *sample, const struct cgroup_name *cgroup)
{
	const struct name_ports *ports = &ledger->ports.names;

	write_user(&ledger->names, ports, open->chunk, time_ns, sample->uid);
	write_user(&ledger->names, ports, open->chunk, time_ns, sample->euid);
	write_group(&ledger->names, ports, open->chunk, time_ns, sample->gid);
	write_container(&ledger->names, ports, open->chunk, time_ns, cgroup);
}

static void take_one(struct ledger *ledger, const struct snapshot *s, const struct walk_report *reported)
{
	struct open_interval *open =
		s->epoch ? interval_reserve(ledger, s->epoch,
					    1u << CHUNK_PROCS | 1u << CHUNK_ROSTER | 1u << CHUNK_PROGRAMS | NAME_BLOCKS)
			 : NULL;
	uint32_t pid = reported->row.pid;
	uint64_t start_boot_ns = reported->row.start_boot_ns;
	struct process *process = processes_find(ledger->processes, pid, start_boot_ns);
	int has_exited = (reported->row.flags & WALK_EXITED) != 0;
	const struct process_sample *sample = &reported->sample;
	struct cgroup_name cgroup = ledger_find_cgroup(ledger, sample->cgroup_id, sample->v1_cgroup_ids);

	if (!process && !has_exited && may_be_unknown(ledger, pid, start_boot_ns)) {
		process = ledger_known_or_new(ledger, pid, start_boot_ns);
		ledger->procs_skipped += !process;
	}
	if (process && !has_exited)
		add_proc_row(ledger, open, s, reported, process, cgroup);
	if (s->is_roster)
		add_roster_row(ledger, open, s, reported, process, cgroup);
	if (open)
		write_names(ledger, open, s->end_real_ns, sample, &cgroup);
}

static void add_thread_row(struct ledger *ledger, const struct snapshot *s, const struct walk_thread *thread)
{
	struct open_interval *open = interval_reserve(ledger, s->epoch, 1u << CHUNK_THREADS);
	const struct process *process = processes_find(ledger->processes, thread->pid, thread->process_start_boot_ns);
	uint64_t start_real_ns =
		process ? process->start_real_ns : thread->process_start_boot_ns + (uint64_t)s->real_minus_boot_ns;

	row_add_thread(open->chunk->blocks[CHUNK_THREADS], s->end_real_ns, start_real_ns, thread);
}

void ledger_take_live(struct ledger *ledger, const struct snapshot *s)
{
	if (!s->epoch)
		ledger->watched_since_boot_ns = s->boundary_boot_ns;
	/* Readers begin at a roster. */
	if (s->is_roster)
		written_names_forget(&ledger->names);
	for (size_t i = 0; i < s->n_reported; i++)
		take_one(ledger, s, &s->reported[i]);
	for (size_t i = 0; i < s->n_threads && s->epoch; i++)
		add_thread_row(ledger, s, &s->threads[i]);
}

void ledger_last_row(struct ledger *ledger, struct open_interval *open, const struct exit_source *exit,
		     struct process *process)
{
	const struct event_exit *event = exit->event;
	struct live_source source = source_of(ledger, process, exit->cgroup);
	struct costs total = total_of(process, &event->costs);
	struct cost_delta step;

	source.time_ns = event->head.boot_ns + (uint64_t)ledger->real_minus_boot_ns;
	source.end = event;
	baselines_advance(ledger->baselines, process->baseline, &total, &event->waits, &step);
	/* Of the longest wait it is not known when it was. */
	step.waits.max_delay_ns = 0;
	process->last_row_plus_1 = row_add_proc(open->chunk->blocks[CHUNK_PROCS], &source, &step) + 1;
	add_program_row(ledger, open, &source, process);
}
