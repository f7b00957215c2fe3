// SPDX-License-Identifier: BSD-2-Clause
/*
 * The living in the ledger: a reading of a process becomes a row of what is new in it. The first reading of
 * one that was alive before the agent only sets its meter. With the end comes the last row: what the exit's
 * record has more than all rows before it.
 */
#include "ledger/ledger_inside.h"
#include "ledger/rows_living.h"

/*
 * May it be one that lives and is not known (its birth was not told)? Or has it ended after the edge, and is
 * forgotten? Of those that are younger than the interval one cannot tell.
 */
static int may_be_unknown(const struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns)
{
	if (start_boot_ns > ledger->edge_boot_ns)
		return 0;
	for (size_t i = 0; i < ledger->n_ended; i++)
		if (ledger->ended[i].process.pid == pid && ledger->ended[i].process.start_boot_ns == start_boot_ns)
			return 0;
	return 1;
}

static struct living_source source_of(struct ledger *ledger, const struct process *process, uint64_t cgroup_id)
{
	return (struct living_source){
		.pid = process->pid,
		.start_boot_ns = process->start_boot_ns,
		.start_real_ns = process->start_real_ns,
		.cgroup = ledger_cgroup_path(ledger, CGROUP_V2, cgroup_id),
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

/* The chunk leaves when there is no room in it: then processes may move. */
static int add_proc(struct ledger *ledger, uint32_t epoch, const struct living_source *source,
		    const struct meter_step *step)
{
	int row = row_add_proc(ledger_interval(ledger, epoch)->chunk->blocks[CHUNK_PROCS], source, step);

	if (row >= 0)
		return row;
	ledger_hand_over(ledger, epoch);
	return row_add_proc(ledger_interval(ledger, epoch)->chunk->blocks[CHUNK_PROCS], source, step);
}

static void tell_row(struct ledger *ledger, const struct snapshot *s, const struct walk_told *told,
		     struct process *process)
{
	struct costs total = total_of(process, &told->figures.costs);
	int was_alive_before = !process->meter && told->row.start_boot_ns <= ledger->watched_since_boot_ns;
	struct living_source source = source_of(ledger, process, told->figures.cgroup_id);
	struct meter_step step;

	/* It has ended since: its last row, if it has one, has told this interval too. */
	if (process->dead_epoch)
		return;
	if (!process->meter)
		process->meter = meters_add(ledger->meters);
	if (!process->meter) {
		ledger->procs_skipped++;
		return;
	}
	meters_advance(ledger->meters, process->meter, &total, &told->figures.waits, &step);
	if (step.is_empty || was_alive_before || !s->epoch)
		return;
	source.time_ns = s->end_real_ns;
	source.figures = &told->figures;
	add_proc(ledger, s->epoch, &source, &step);
}

/* `process` is NULL of one that has ended, or that there is no room to know. */
static void enroll(struct ledger *ledger, const struct snapshot *s, const struct walk_told *told,
		   const struct process *process)
{
	const struct process unknown = {
		.pid = told->row.pid,
		.start_boot_ns = told->row.start_boot_ns,
		.start_real_ns = told->row.start_boot_ns + (uint64_t)s->real_minus_boot_ns,
	};
	struct living_source source = source_of(ledger, process ? process : &unknown, told->figures.cgroup_id);

	source.time_ns = s->end_real_ns;
	source.figures = &told->figures;
	if (process && process->image && !(told->figures.flags & EXIT_KTHREAD)) {
		texts_copy(ledger->texts, process->image, &ledger->image, sizeof(ledger->image));
		source.image = &ledger->image;
	}
	if (row_add_roster(ledger_interval(ledger, s->epoch)->chunk->blocks[CHUNK_ROSTER], &source) >= 0)
		return;
	ledger_hand_over(ledger, s->epoch);
	row_add_roster(ledger_interval(ledger, s->epoch)->chunk->blocks[CHUNK_ROSTER], &source);
}

static void tell_thread(struct ledger *ledger, const struct snapshot *s, const struct walk_thread *thread)
{
	const struct process *process = processes_find(ledger->processes, thread->pid, thread->process_start_boot_ns);
	uint64_t start_real_ns = process ? process->start_real_ns
					 : thread->process_start_boot_ns + (uint64_t)s->real_minus_boot_ns;

	if (row_add_thread(ledger_interval(ledger, s->epoch)->chunk->blocks[CHUNK_THREADS], s->end_real_ns, start_real_ns,
			   thread) >= 0)
		return;
	ledger_hand_over(ledger, s->epoch);
	row_add_thread(ledger_interval(ledger, s->epoch)->chunk->blocks[CHUNK_THREADS], s->end_real_ns, start_real_ns,
		       thread);
}

void ledger_take_living(struct ledger *ledger, const struct snapshot *s)
{
	if (!s->epoch)
		ledger->watched_since_boot_ns = s->edge_boot_ns;
	for (size_t i = 0; i < s->n_told; i++) {
		const struct walk_told *told = &s->told[i];
		uint32_t pid = told->row.pid;
		uint64_t start_boot_ns = told->row.start_boot_ns;
		struct process *process = processes_find(ledger->processes, pid, start_boot_ns);

		int is_dead = (told->row.flags & WALK_DEAD) != 0;

		if (!process && !is_dead && may_be_unknown(ledger, pid, start_boot_ns)) {
			process = ledger_known_or_new(ledger, pid, start_boot_ns);
			ledger->procs_skipped += !process;
		}
		if (process && !is_dead) {
			tell_row(ledger, s, told, process);
			process = processes_find(ledger->processes, pid, start_boot_ns);
		}
		if (s->is_roster)
			enroll(ledger, s, told, process);
	}
	for (size_t i = 0; i < s->n_threads && s->epoch; i++)
		tell_thread(ledger, s, &s->threads[i]);
}

void ledger_last_row(struct ledger *ledger, const struct event_exit *event, struct process *process)
{
	struct living_source source;
	struct meter_step step;
	struct costs total;
	int row;

	if (!process || !process->meter)
		return;
	total = total_of(process, &event->costs);
	source = source_of(ledger, process, event->cgroup_id);
	source.time_ns = event->head.boot_ns + (uint64_t)ledger->real_minus_boot_ns;
	source.end = event;
	meters_advance(ledger->meters, process->meter, &total, &event->waits, &step);
	/* Of the longest wait it is not known when it was. */
	step.waits.max_delay_ns = 0;
	row = add_proc(ledger, event->head.epoch, &source, &step);
	process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);
	if (row >= 0 && process)
		process->last_row_plus_1 = (uint32_t)row + 1;
}
