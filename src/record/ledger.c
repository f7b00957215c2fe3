// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ledger joins what is told of a process at different times: fork and exec give its image, signals its
 * killer, its threads their own figures, the exit event the rest. When the exit comes its row is made at
 * once; the process stays known until the row's chunk leaves, so that a thread which was switched out after
 * it can still be added (an amendment). What comes later still goes to the interval's roll-ups, without an
 * exit, so that totals stay exact.
 *
 * An interval is open from its first event until it is sealed; at most OPEN_INTERVALS are open at a time.
 */
#include "record/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "record/census.h"
#include "record/limits.h"
#include "record/processes.h"
#include "record/rows.h"
#include "record/texts.h"

#define OPEN_INTERVALS 4
#define SWEEP_EVERY    64 /* intervals: for what no event told of */

struct open_interval {
	struct chunk *chunk; /* NULL: nothing has come */
	uint64_t exits_recorded, amendments, amendments_late;
};

struct row_owner {
	uint32_t pid;
	uint64_t start_boot_ns;
};

struct ledger {
	struct ledger_ports ports;
	struct processes *processes;
	struct texts *texts;
	struct open_interval open[OPEN_INTERVALS]; /* by epoch modulo */
	struct row_owner owners[OPEN_INTERVALS][CHUNK_ROWS];
	uint32_t sealed_epoch, is_any_sealed;
	uint64_t closing; /* of the interval sealed last */
	uint64_t begin_real_ns;
	int64_t real_minus_boot_ns;
	uint64_t page_bytes;
	uint64_t malformed;
	int has_previous; /* until the first row is written */
	uint64_t previous_closing;
	struct crossing ended[CROSSINGS];
	size_t n_ended;
	struct totals totals;
	struct image image; /* for one row at a time */
};

struct ledger *ledger_new(uint32_t max_processes, uint64_t page_bytes, const struct ledger_ports *ports)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->ports = *ports;
	ledger->page_bytes = page_bytes;
	ledger->processes = processes_new(max_processes);
	ledger->texts = texts_new(max_processes, max_processes * TEXT_BLOCKS_PER_PROCESS);
	if (!ledger->processes || !ledger->texts) {
		ledger_free(ledger);
		return NULL;
	}
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	for (int i = 0; i < OPEN_INTERVALS; i++)
		chunk_free(ledger->open[i].chunk);
	processes_free(ledger->processes);
	texts_free(ledger->texts);
	free(ledger);
}

void ledger_set_clock(struct ledger *ledger, int64_t real_minus_boot_ns)
{
	ledger->real_minus_boot_ns = real_minus_boot_ns;
}

void ledger_set_previous(struct ledger *ledger, uint64_t closing)
{
	ledger->has_previous = 1;
	ledger->previous_closing = closing;
}

static struct open_interval *interval_of(struct ledger *ledger, uint32_t epoch)
{
	struct open_interval *open = &ledger->open[epoch % OPEN_INTERVALS];

	if (!open->chunk) {
		open->chunk = ledger->ports.take_empty(ledger->ports.ctx);
		open->chunk->interval.number = epoch;
		open->chunk->interval.begin_real_ns = ledger->begin_real_ns;
	}
	return open;
}

static void forget(struct ledger *ledger, struct process *process)
{
	texts_drop(ledger->texts, process->image);
	processes_remove(ledger->processes, process);
}

/* The rows leave: their processes can no longer be amended. */
static void forget_owners(struct ledger *ledger, uint32_t epoch, uint32_t rows)
{
	const struct row_owner *owners = ledger->owners[epoch % OPEN_INTERVALS];

	for (uint32_t i = 0; i < rows; i++) {
		struct process *process = processes_find(ledger->processes, owners[i].pid, owners[i].start_boot_ns);

		if (process)
			forget(ledger, process);
	}
}

/* The interval goes on, if it does, with an empty chunk. */
static void hand_over(struct ledger *ledger, uint32_t epoch)
{
	struct open_interval *open = &ledger->open[epoch % OPEN_INTERVALS];

	forget_owners(ledger, epoch, open->chunk->blocks[CHUNK_EXITS]->rows);
	ledger->ports.put_full(ledger->ports.ctx, open->chunk);
	open->chunk = NULL;
}

static struct process *known_or_new(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns)
{
	struct process *process = processes_find(ledger->processes, pid, start_boot_ns);

	return process ? process : processes_add(ledger->processes, pid, start_boot_ns);
}

static text_id keep_image(struct ledger *ledger, const struct image *image)
{
	return texts_add(ledger->texts, image, offsetof(struct image, bytes) + image->exe_len + image->argv_len);
}

void ledger_adopt(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns, const char *exe, size_t exe_len,
		  const char *argv, size_t argv_len, uint32_t flags)
{
	struct process *process = known_or_new(ledger, pid, start_boot_ns);
	struct image *image = &ledger->image;

	if (!process)
		return;
	if (argv_len > OBIT_ARGV_MAX) {
		argv_len = OBIT_ARGV_MAX;
		flags |= PROCESS_ARGV_TRUNCATED;
	}
	if (exe_len > OBIT_EXE_MAX) {
		exe_len = OBIT_EXE_MAX;
		flags |= PROCESS_EXE_TRUNCATED;
	}
	image->exe_len = (uint16_t)exe_len;
	image->argv_len = (uint16_t)argv_len;
	memcpy(image->bytes, exe, exe_len);
	memcpy(image->bytes + exe_len, argv, argv_len);
	process->flags = flags | PROCESS_BEFORE_AGENT;
	process->image = keep_image(ledger, image);
}

static void on_fork(struct ledger *ledger, const struct event_fork *event)
{
	struct process *parent, *child = known_or_new(ledger, event->head.pid, event->head.start_boot_ns);

	if (!child)
		return;
	child->flags &= ~(uint32_t)PROCESS_BEFORE_AGENT;
	child->born_epoch_plus_1 = event->head.epoch + 1;
	child->heard_epoch = event->head.epoch;
	parent = processes_find(ledger->processes, event->parent_pid, event->parent_start_boot_ns);
	if (!parent || child->image)
		return;
	child->image = texts_hold(ledger->texts, parent->image);
	child->flags |= parent->flags & (PROCESS_ARGV_TRUNCATED | PROCESS_EXE_TRUNCATED | PROCESS_ARGV_LOST);
}

/* The kernel sends a path's components last one first, each ended by NUL. */
static size_t turn_path(const char *parts, size_t len, char *to)
{
	size_t used = 0;

	for (size_t end = len; end > 0;) {
		size_t begin = end - 1;

		while (begin > 0 && parts[begin - 1])
			begin--;
		to[used++] = '/';
		memcpy(to + used, parts + begin, end - 1 - begin);
		used += end - 1 - begin;
		end = begin;
	}
	return used;
}

static void on_exec(struct ledger *ledger, const struct event_exec *event)
{
	struct process *process = known_or_new(ledger, event->head.pid, event->head.start_boot_ns);
	struct image *image = &ledger->image;

	if (!process)
		return;
	process->heard_epoch = event->head.epoch;
	image->exe_len = (uint16_t)turn_path(event->data, event->exe_len, image->bytes);
	image->argv_len = (uint16_t)event->argv_len;
	memcpy(image->bytes + image->exe_len, event->data + event->exe_len, event->argv_len);
	texts_drop(ledger->texts, process->image);
	process->image = keep_image(ledger, image);
	process->flags &= PROCESS_BEFORE_AGENT;
	process->flags |= (event->flags & EXEC_ARGV_TRUNCATED ? PROCESS_ARGV_TRUNCATED : 0) |
			  (event->flags & EXEC_EXE_TRUNCATED ? PROCESS_EXE_TRUNCATED : 0) |
			  (event->flags & EXEC_ARGV_LOST ? PROCESS_ARGV_LOST : 0);
}

static void on_signal(struct ledger *ledger, const struct event_signal *event)
{
	struct process *process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);
	struct killer *killer;

	/* Of an unknown process it is kept by nobody: it may be a zombie. The first of a kind counts: more of
	 * the same pend once. */
	if (!process || process->killers[0].signal == event->signal || process->killers[1].signal == event->signal)
		return;
	process->killers[1] = process->killers[0];
	killer = &process->killers[0];
	killer->signal = event->signal;
	killer->pid = event->sender_pid;
	killer->uid = event->sender_uid;
	memcpy(killer->comm, event->sender_comm, sizeof(killer->comm));
}

static struct text_view cgroup_path(struct ledger *ledger, uint64_t id)
{
	struct text_view view = {NULL, 0};

	view.data = ledger->ports.cgroup_path(ledger->ports.ctx, id, &view.len);
	return view;
}

static void add_rollup(struct ledger *ledger, uint32_t epoch, uint64_t time_ns, const struct rollup_row *rollup)
{
	struct open_interval *open = interval_of(ledger, epoch);
	struct text_view cgroup = cgroup_path(ledger, rollup->key.cgroup_id);

	if (row_add_rollup(open->chunk->blocks[CHUNK_ROLLUPS_BLOCK], time_ns, rollup, cgroup, ledger->page_bytes) == 0)
		return;
	hand_over(ledger, epoch);
	open = interval_of(ledger, epoch);
	row_add_rollup(open->chunk->blocks[CHUNK_ROLLUPS_BLOCK], time_ns, rollup, cgroup, ledger->page_bytes);
}

static void amend_late(struct ledger *ledger, const struct event_thread *event)
{
	struct rollup_row late = {.key.cgroup_id = event->cgroup_id};

	memcpy(late.key.comm, event->comm, sizeof(late.key.comm));
	late.sum.costs.threads = 1;
	late.sum.costs.run_delay_ns = event->run_delay_ns;
	late.sum.costs.timeslices = event->timeslices;
	late.sum.costs.migrations = event->migrations;
	interval_of(ledger, event->head.epoch)->amendments_late++;
	add_rollup(ledger, event->head.epoch, event->head.boot_ns + (uint64_t)ledger->real_minus_boot_ns, &late);
}

static void on_thread(struct ledger *ledger, const struct event_thread *event)
{
	struct process *process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);

	if (event->head.epoch)
		interval_of(ledger, event->head.epoch)->amendments++;
	if (!process && !event->head.epoch)
		return;
	if (!process) {
		amend_late(ledger, event);
	} else if (process->dead_epoch) {
		struct open_interval *open = interval_of(ledger, process->dead_epoch);

		row_amend_exit(open->chunk->blocks[CHUNK_EXITS], process->row, event);
	} else {
		process->heard_epoch = event->head.epoch;
		process->threads++;
		process->run_delay_ns += event->run_delay_ns;
		process->timeslices += event->timeslices;
		process->migrations += event->migrations;
	}
}

/* What was born in the epoch in which it died did not live at the edge before, whatever its start says. */
static void note_ended(struct ledger *ledger, const struct event_exit *event, const struct process *process)
{
	if (process && process->born_epoch_plus_1 == event->head.epoch + 1)
		return;
	if (event->flags & EXIT_CROSSED && ledger->n_ended < CROSSINGS)
		ledger->ended[ledger->n_ended++] = (struct crossing){
			.start_boot_ns = event->head.start_boot_ns,
			.pid = event->head.pid,
			.epoch = event->head.epoch,
		};
}

static void on_exit_event(struct ledger *ledger, const struct event_exit *event)
{
	uint32_t epoch = event->head.epoch;
	struct process *process = known_or_new(ledger, event->head.pid, event->head.start_boot_ns);
	struct exit_source source = {
		.event = event,
		.process = process,
		.cgroup = cgroup_path(ledger, event->cgroup_id),
		.real_minus_boot_ns = ledger->real_minus_boot_ns,
		.page_bytes = ledger->page_bytes,
	};
	int row;

	note_ended(ledger, event, process);
	if (!epoch) {
		if (process)
			forget(ledger, process);
		return;
	}
	if (process && process->image && !(event->flags & EXIT_KTHREAD)) {
		texts_copy(ledger->texts, process->image, &ledger->image, sizeof(ledger->image));
		source.image = &ledger->image;
	}
	row = row_add_exit(interval_of(ledger, epoch)->chunk->blocks[CHUNK_EXITS], &source);
	if (row < 0) {
		/* Processes may move while the full chunk's owners are forgotten. */
		hand_over(ledger, epoch);
		process = processes_find(ledger->processes, event->head.pid, event->head.start_boot_ns);
		source.process = process;
		row = row_add_exit(interval_of(ledger, epoch)->chunk->blocks[CHUNK_EXITS], &source);
	}
	interval_of(ledger, epoch)->exits_recorded++;
	ledger->owners[epoch % OPEN_INTERVALS][row] = (struct row_owner){event->head.pid, event->head.start_boot_ns};
	if (process) {
		process->dead_epoch = epoch;
		process->row = (uint32_t)row;
	}
}

static int is_sound(const struct ledger *ledger, const void *event, uint32_t size)
{
	const struct event_head *head = event;
	const struct event_exec *exec = event;
	const struct event_cgroup *cgroup = event;
	uint32_t exec_head = offsetof(struct event_exec, data);

	if (size < sizeof(*head))
		return 0;
	if (ledger->is_any_sealed && (head->type == EVENT_EXIT || head->type == EVENT_THREAD) &&
	    (head->epoch <= ledger->sealed_epoch || head->epoch > ledger->sealed_epoch + OPEN_INTERVALS - 1))
		return 0;
	switch (head->type) {
	case EVENT_FORK:
		return size >= sizeof(struct event_fork);
	case EVENT_EXEC:
		return size >= exec_head && exec->exe_len <= OBIT_EXE_SPACE && exec->argv_len <= OBIT_ARGV_MAX &&
		       size >= exec_head + exec->exe_len + exec->argv_len &&
		       (exec->exe_len == 0 || exec->data[exec->exe_len - 1] == 0);
	case EVENT_EXIT:
		return size >= sizeof(struct event_exit);
	case EVENT_THREAD:
		return size >= sizeof(struct event_thread);
	case EVENT_SIGNAL:
		return size >= sizeof(struct event_signal);
	case EVENT_CGROUP:
		return size >= sizeof(struct event_cgroup) && cgroup->path_len < OBIT_CGROUP_MAX;
	}
	return 0;
}

void ledger_event(struct ledger *ledger, const void *event, uint32_t size)
{
	const struct event_head *head = event;
	const struct event_cgroup *cgroup = event;

	if (!is_sound(ledger, event, size)) {
		ledger->malformed++;
		return;
	}
	switch (head->type) {
	case EVENT_FORK:
		on_fork(ledger, event);
		break;
	case EVENT_EXEC:
		on_exec(ledger, event);
		break;
	case EVENT_EXIT:
		on_exit_event(ledger, event);
		break;
	case EVENT_THREAD:
		on_thread(ledger, event);
		break;
	case EVENT_SIGNAL:
		on_signal(ledger, event);
		break;
	case EVENT_CGROUP:
		ledger->ports.cgroup_made(ledger->ports.ctx, cgroup->id, cgroup->path, cgroup->path_len);
		break;
	}
}

struct sealing {
	struct ledger *ledger;
	const struct snapshot *snapshot;
	struct rollup_row left; /* by threads of processes that are given up */
};

static int born_by(void *ctx, uint32_t pid, uint64_t start_boot_ns)
{
	struct sealing *sealing = ctx;
	struct process *process = processes_find(sealing->ledger->processes, pid, start_boot_ns);

	return process && process->born_epoch_plus_1 && process->born_epoch_plus_1 <= sealing->snapshot->epoch + 1;
}

/*
 * Known, not ended as far as we heard, silent since the edge, and neither in the walk nor on its way out: its exit
 * is in a roll-up, and there the figures of its threads that were told by event must go too.
 */
static int is_gone(struct process *process, void *ctx)
{
	struct sealing *sealing = ctx;
	struct costs *left = &sealing->left.sum.costs;

	if (process->dead_epoch || process->heard_epoch > sealing->snapshot->epoch ||
	    process->start_boot_ns > sealing->snapshot->edge_boot_ns ||
	    census_lists(sealing->snapshot, process->pid, process->start_boot_ns) ||
	    census_tells_untold(sealing->snapshot, process->pid, process->start_boot_ns))
		return 0;
	left->threads += process->threads;
	left->run_delay_ns += process->run_delay_ns;
	left->timeslices += process->timeslices;
	left->migrations += process->migrations;
	texts_drop(sealing->ledger->texts, process->image);
	return 1;
}

static void write_row(struct ledger *ledger, const struct snapshot *s, uint64_t closing, uint64_t rolled_up)
{
	struct open_interval *open = interval_of(ledger, s->epoch);
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
		if (ledger->ended[i].epoch > epoch + 1)
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

static void write_interval(struct ledger *ledger, const struct snapshot *s, uint64_t closing)
{
	struct open_interval *open = interval_of(ledger, s->epoch);
	uint64_t rolled_up = 0;

	for (size_t i = 0; i < s->n_rollups; i++) {
		rolled_up += s->rollups[i].sum.exits;
		add_rollup(ledger, s->epoch, s->end_real_ns, &s->rollups[i]);
	}
	write_row(ledger, s, closing, rolled_up);
	take_samples(open->chunk, s->samples);
	open->chunk->interval.end_real_ns = s->end_real_ns;
	open->chunk->interval.is_last_chunk = 1;
	hand_over(ledger, s->epoch);
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
	interval_of(ledger, s->epoch)->amendments_late += sealing->left.sum.costs.threads;
	add_rollup(ledger, s->epoch, s->end_real_ns, &sealing->left);
}

void ledger_seal(struct ledger *ledger, const struct snapshot *s)
{
	struct sealing sealing = {.ledger = ledger, .snapshot = s, .left.is_other = 1};
	uint64_t closing = census_closing(s, ledger->ended, ledger->n_ended, born_by, &sealing);

	ledger->real_minus_boot_ns = s->real_minus_boot_ns;
	give_up_gone(ledger, &sealing);
	if (s->epoch)
		write_interval(ledger, s, closing);
	drop_ended(ledger, s->epoch);
	ledger->closing = closing;
	ledger->begin_real_ns = s->end_real_ns;
	ledger->sealed_epoch = s->epoch;
	ledger->is_any_sealed = 1;
	ledger->malformed = 0;
	for (int i = 0; i < OPEN_INTERVALS; i++)
		if (ledger->open[i].chunk)
			ledger->open[i].chunk->interval.begin_real_ns = s->end_real_ns;
}

const struct totals *ledger_totals(const struct ledger *ledger)
{
	return &ledger->totals;
}
