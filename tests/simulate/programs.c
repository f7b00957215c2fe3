// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the programs in bpf/ do, line by line where it matters. Kept as near to them as C allows: when they
 * change, this changes.
 *
 * A run is one step of the model, so nothing comes between its lines; that it may have read the epoch before
 * the agent changed it is modelled by epoch_read() while the agent waits for its grace period.
 */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

#define LATE_NS		   4000000u
#define ANNOUNCED_AFTER_NS (10 * 1000000000ULL) /* as in record.h */

enum {
	SABOTAGE_FORK = 1,
	SABOTAGE_SEEN,
	SABOTAGE_LOSE,
	SABOTAGE_COST,
	SABOTAGE_STATUS,
	SABOTAGE_WALK,
	SABOTAGE_ROLLUP,
	SABOTAGE_TWICE,
	SABOTAGE_THREAD,
	SABOTAGE_HELD
};

static int sabotage(struct world *world, int kind)
{
	if (world->sabotage != kind || world->n_events < 200 || world->epoch < 2)
		return 0;
	world->sabotage = 0;
	return 1;
}

static int is_missed(struct world *world, unsigned per_mille)
{
	if (!per_mille || !chance_is(&world->chance, per_mille))
		return 0;
	world->missed_runs++;
	return 1;
}

static uint32_t epoch_read(struct world *world, struct process_lifetime *process)
{
	uint32_t now = world->epoch;

	if (world->is_settling && now && process->least_epoch < now && chance_is(&world->chance, 500))
		now--;
	process->least_epoch = now;
	return now;
}

static int crossed_boundary(const struct world *world, uint32_t now, uint64_t start_boot_ns)
{
	return start_boot_ns <= world->boundary_ns[now & 1];
}

static void head_init(struct world *world, struct event_head *head, uint32_t type, uint32_t now,
		      struct process_lifetime *process)
{
	uint64_t stamp = world->boot_ns;

	if (chance_is(&world->chance, world->plan->late_stamps))
		stamp -= chance_below(&world->chance, LATE_NS);
	if (stamp < process->least_stamp_ns)
		stamp = process->least_stamp_ns;
	process->least_stamp_ns = stamp;
	/* `unused` is not read by the ledger: here it numbers a process's events, to see what was lost. */
	*head = (struct event_head){type, now, stamp, process->start_boot_ns, process->pid, ++process->said};
}

static void ring_put(struct world *world, struct cpu_ring *ring, const void *data, size_t len)
{
	size_t size = world->plan->ring_bytes, offset = ring->head & (size - 1);
	size_t first = size - offset < len ? size - offset : len;

	memcpy(ring->memory + PAGE_BYTES + offset, data, first);
	memcpy(ring->memory + PAGE_BYTES, (const char *)data + first, len - first);
	ring->head += len;
}

/* bpf_perf_event_output(): 0, or nonzero when the ring is full. What was lost is reported by a record later. */
static int output(struct world *world, const void *event, uint32_t size)
{
	struct cpu_ring *ring = &world->rings[world->n_steps % world->plan->n_cpus];
	struct perf_event_mmap_page *control = (void *)ring->memory;
	uint32_t raw = ((size + 4 + 7) & ~7u) - 4;
	struct perf_event_header header = {PERF_RECORD_SAMPLE, 0, (uint16_t)(sizeof(header) + 4 + raw)};
	struct {
		struct perf_event_header header;
		uint64_t id, lost;
	} lost = {{PERF_RECORD_LOST, 0, sizeof(lost)}, 0, ring->lost};
	uint64_t need = header.size + (ring->lost ? sizeof(lost) : 0);
	static const char padding[8];

	world->n_events++;
	if (ring->head - control->data_tail + need >= world->plan->ring_bytes) {
		ring->lost++;
		return -1;
	}
	if (ring->lost)
		ring_put(world, ring, &lost, sizeof(lost));
	ring->lost = 0;
	ring_put(world, ring, &header, sizeof(header));
	ring_put(world, ring, &raw, 4);
	ring_put(world, ring, event, size);
	ring_put(world, ring, padding, raw - size);
	__atomic_store_n(&control->data_head, ring->head, __ATOMIC_RELEASE);
	return 0;
}

static void note_boundary_process(struct world *world, struct boundary_process *map, size_t *n, uint32_t now,
				  const struct event_head *head)
{
	if (*n == world->plan->max_boundary)
		world->counts[now & 1].crossing_map_full++;
	else
		map[(*n)++] = (struct boundary_process){head->start_boot_ns, head->pid, now};
}

void on_fork(struct world *world, struct process_lifetime *child)
{
	struct event_fork event = {0};
	uint32_t now;

	child->birth_epoch = BEFORE_LEDGER;
	/*
	 * A child that a walk meets between its fork and its first wakeup counts as born by its fork event alone. Where
	 * that is not to be had (lost, no room, before the agent), the window is taken to be closed: nanoseconds.
	 */
	child->is_reported_in_vain = !world->attached || plan_is_tight(world->plan);
	if (!world->attached)
		return;
	if (is_missed(world, world->plan->miss_fork)) {
		child->said++;
		child->is_excused = child->is_reported_in_vain = 1;
		child->birth_epoch = NO_EPOCH;
		world->history->missed_births += world->epoch > 0;
		return;
	}
	now = epoch_read(world, child);
	history_birth(world->history, child, now);
	world->counts[now & 1].forks += 1 + (unsigned)sabotage(world, SABOTAGE_FORK);
	head_init(world, &event.head, EVENT_FORK, now, child);
	if (crossed_boundary(world, now, child->start_boot_ns))
		note_boundary_process(world, world->births_late, &world->n_births_late, now, &event.head);
	event.parent_pid = child->parent->pid;
	event.parent_start_boot_ns = child->parent->start_boot_ns;
	child->parent_said = child->parent->said;
	if (output(world, &event, sizeof(event))) {
		world->counts[now & 1].drops_fork++;
		child->is_reported_in_vain = 1;
	}
	child->least_epoch = world->epoch;
}

void on_exec(struct world *world, struct process_lifetime *process)
{
	static struct event_exec event;
	size_t exe_len;
	char exe[128];
	uint32_t now;

	if (!world->attached)
		return;
	if (is_missed(world, world->plan->miss_exec)) {
		process->said++;
		return;
	}
	now = epoch_read(world, process);
	history_epoch(world->history, now)->counters.execs++;
	world->counts[now & 1].execs++;
	head_init(world, &event.head, EVENT_EXEC, now, process);
	exe_len = image_exe(process->image, exe);
	event.exe_len = 0;
	/* As the kernel walks it: the last component first, each ended by NUL. */
	for (size_t end = exe_len; end > 0;) {
		size_t begin = end;

		while (exe[begin - 1] != '/')
			begin--;
		memcpy(event.data + event.exe_len, exe + begin, end - begin);
		event.exe_len += (uint32_t)(end - begin);
		event.data[event.exe_len++] = 0;
		end = begin - 1;
	}
	event.argv_len = (uint32_t)image_argv(process->image, world->plan, event.data + event.exe_len);
	event.flags = process->image_flags;
	if (output(world, &event, (uint32_t)offsetof(struct event_exec, data) + event.exe_len + event.argv_len))
		world->counts[now & 1].drops_exec++;
	process->least_epoch = world->epoch;
}

void on_signal(struct world *world, struct process_lifetime *to, const struct sender *from)
{
	uint32_t ends = (uint32_t)to->end.wait_status % 128;
	struct event_signal event = {
		.signal = from->signal,
		.flags = (from->signal == ends ? SIGNAL_ENDS : SIGNAL_MAY_END) | (from->pid ? 0 : SIGNAL_BY_KERNEL),
		.sender_pid = from->pid,
		.sender_uid = from->uid,
	};
	uint32_t now;

	if (!world->attached)
		return;
	if (is_missed(world, world->plan->miss_signal)) {
		to->said++;
		return;
	}
	now = epoch_read(world, to);
	head_init(world, &event.head, EVENT_SIGNAL, now, to);
	memcpy(event.sender_comm, from->comm, sizeof(event.sender_comm));
	if (output(world, &event, sizeof(event)))
		world->counts[now & 1].drops_signal++;
	to->least_epoch = world->epoch;
}

void on_cgroup(struct world *world, uint64_t id)
{
	struct event_cgroup event = {.head = {.type = EVENT_CGROUP, .epoch = world->epoch, .boot_ns = world->boot_ns}};
	size_t len = cgroup_path_of(id, world->plan, event.path);

	if (!world->attached)
		return;
	event.id = id;
	event.path_len = (uint32_t)len;
	if (output(world, &event, sizeof(event)))
		world->counts[world->epoch & 1].drops_cgroup++;
}

/* The entry of the key, or the one for all that finds no room. */
static struct rollup *rollup_entry(struct world *world, uint32_t now, const struct rollup_key *key)
{
	struct rollup_entry *map = world->rolled[now & 1];
	size_t *n = &world->n_rolled[now & 1];

	for (size_t i = 0; i < *n; i++)
		if (map[i].key.cgroup_id == key->cgroup_id && memcmp(map[i].key.comm, key->comm, OBIT_COMM_LEN) == 0)
			return &map[i].sum;
	if (*n == world->plan->max_rollups) {
		world->counts[now & 1].rollup_map_full++;
		return &world->other[now & 1];
	}
	map[*n] = (struct rollup_entry){.key = *key};
	return &map[(*n)++].sum;
}

static void rollup_exit(struct world *world, uint32_t now, const struct event_exit *exit)
{
	struct rollup_key key = {.cgroup_id = exit->cgroup_id};
	const uint64_t *from = (const uint64_t *)(const void *)&exit->costs;
	struct rollup *entry;

	memcpy(key.comm, exit->comm, sizeof(key.comm));
	entry = rollup_entry(world, now, &key);
	entry->exits++;
	entry->failed += exit->wait_status != 0;
	if (exit->max_rss_pages > entry->max_rss_pages)
		entry->max_rss_pages = exit->max_rss_pages;
	for (size_t i = 0; i < sizeof(exit->costs) / 8; i++)
		((uint64_t *)(void *)&entry->costs)[i] += from[i];
	entry->costs.minflt -= (uint64_t)sabotage(world, SABOTAGE_ROLLUP);
}

static void rollup_thread(struct world *world, uint32_t now, const struct event_thread *thread)
{
	struct rollup_key key = {.cgroup_id = thread->cgroup_id};
	struct rollup *entry;

	memcpy(key.comm, thread->comm, sizeof(key.comm));
	entry = rollup_entry(world, now, &key);
	entry->amendments++;
	entry->costs.threads++;
	by_thread_add(&entry->costs.by_thread, &thread->own);
}

static void send_thread(struct world *world, struct process_lifetime *process, const struct sample *sample)
{
	struct event_thread event = {
		.own = sample->own,
		.cgroup_id = process->cgroup_id,
	};
	uint32_t now = epoch_read(world, process);

	head_init(world, &event.head, EVENT_THREAD, now, process);
	memcpy(event.comm, process->comm, sizeof(event.comm));
	history_epoch(world->history, now)->threads_reported++;
	if (sabotage(world, SABOTAGE_THREAD) || !output(world, &event, sizeof(event)))
		return;
	history_epoch(world->history, now)->threads_reported--;
	history_thread_rolled(world->history, &event);
	rollup_thread(world, now, &event);
}

/* Puts what was drawn for the end together with what is true now. `end` is then the truth. */
static void fill_exit(struct world *world, struct process_lifetime *process, int own, int by_free)
{
	struct event_exit *exit = &process->end;
	uint32_t now = epoch_read(world, process);

	head_init(world, &exit->head, EVENT_EXIT, now, process);
	exit->flags &= (uint32_t)~EXIT_CROSSED_BOUNDARY;
	if (crossed_boundary(world, now, process->start_boot_ns))
		exit->flags |= EXIT_CROSSED_BOUNDARY;
	if (by_free)
		exit->flags |= EXIT_BY_FREE;
	exit->costs.wall_ns = exit->head.boot_ns - process->start_boot_ns;
	exit->costs.threads = own ? process->own.threads : 0;
	exit->costs.by_thread = own ? process->own.own : (struct by_thread){0};
}

static void send_exit(struct world *world, struct process_lifetime *process)
{
	struct event_exit event = process->end;
	uint32_t now = event.head.epoch;
	struct counters *count = &world->counts[now & 1];
	int reported = REPORTED_BY_RING;

	count->exits_seen += 1 + (unsigned)sabotage(world, SABOTAGE_SEEN);
	if (event.flags & EXIT_BY_FREE)
		count->exits_second_witness++;
	event.costs.majflt += (unsigned)sabotage(world, SABOTAGE_COST);
	event.wait_status ^= sabotage(world, SABOTAGE_STATUS) ? 0x100 : 0;
	if (sabotage(world, SABOTAGE_TWICE))
		output(world, &event, sizeof(event));
	if (!sabotage(world, SABOTAGE_LOSE) && output(world, &event, sizeof(event))) {
		reported = REPORTED_BY_ROLLUP;
		history_exit_rolled(world->history, process);
		rollup_exit(world, now, &event);
		if (event.flags & EXIT_CROSSED_BOUNDARY)
			note_boundary_process(world, world->deaths_unrecorded, &world->n_deaths_unrecorded, now,
					      &event.head);
	}
	history_death(world->history, process, now, reported);
	process->least_epoch = world->epoch;
}

/* Is it in the map now? */
static int note_exiting(struct world *world, struct process_lifetime *process)
{
	if (process->is_noted)
		return 1;
	if (world->n_noted == world->plan->max_exiting) {
		world->counts[world->epoch & 1].mark_map_full++;
		return 0;
	}
	world->n_noted++;
	process->is_noted = 1;
	process->is_counted = 0;
	return 1;
}

static void forget_exiting(struct world *world, struct process_lifetime *process)
{
	world->n_noted -= process->is_noted;
	process->is_noted = 0;
}

static int exited_before_agent(const struct world *world, const struct process_lifetime *process)
{
	uint64_t since = world->announced_since_boot_ns;

	return process->start_boot_ns < since && (since == UINT64_MAX || world->boot_ns < since + ANNOUNCED_AFTER_NS);
}

static int delete_leaderless(struct world *world, struct process_lifetime *process)
{
	int was = process->is_leaderless;

	world->n_leaderless -= (unsigned)was;
	process->is_leaderless = 0;
	return was;
}

/* sched_process_exit with `live` at 0. */
void on_live_zero(struct world *world, struct process_lifetime *process)
{
	if (world->attached == ATTACHED_ALL)
		note_exiting(world, process);
}

/* The last switch of all: nobody counts the exit now; with an entry its release will. */
static void pass_uncounted(struct world *world, struct process_lifetime *process)
{
	if (!process->is_noted && world->plan->sched_on && process->death_epoch == NO_EPOCH)
		history_unwatched(world->history, process);
}

void on_reaped(struct world *world, struct process_lifetime *process)
{
	if (world->attached && !process->is_noted && exited_before_agent(world, process) &&
	    process->death_epoch == NO_EPOCH)
		history_unwatched(world->history, process);
}

static void count_at_switch(struct world *world, struct process_lifetime *process, int own)
{
	fill_exit(world, process, own, 0);
	if (!own)
		delete_leaderless(world, process);
	if (process->is_noted && process->is_counted)
		return;
	if (note_exiting(world, process))
		process->is_counted = 1;
	send_exit(world, process);
}

/* sched_switch, prev a thread beside the leader: it is out of nr_threads already. */
void on_thread_switch(struct world *world, struct process_lifetime *process, const struct sample *sample)
{
	uint32_t nr_threads = process->n_others + !process->is_reaped;
	int is_last = process->stage == STAGE_ENDING && nr_threads <= 1;

	if (!world->attached || !world->plan->sched_on)
		return;
	if (world->attached < ATTACHED_SWITCH || is_missed(world, world->plan->miss_switch)) {
		if (is_last && process->is_leader_out && !process->n_released)
			pass_uncounted(world, process);
		return;
	}
	send_thread(world, process, sample);
	if (is_last && !process->is_noted && exited_before_agent(world, process)) {
		if (process->is_leader_out && !process->n_released)
			pass_uncounted(world, process);
	} else if (is_last && process->is_leaderless) {
		count_at_switch(world, process, 0);
	}
	process->least_epoch = world->epoch;
}

void on_leader_switch(struct world *world, struct process_lifetime *process)
{
	uint32_t nr_threads = process->n_others + !process->is_reaped;
	int is_last = process->stage == STAGE_ENDING && nr_threads <= 1;

	if (!world->attached || !world->plan->sched_on)
		return;
	if (world->attached < ATTACHED_SWITCH || is_missed(world, world->plan->miss_switch)) {
		if (is_last)
			pass_uncounted(world, process);
		return;
	}
	if (nr_threads > 1) {
		send_thread(world, process, &process->own);
		if (world->n_leaderless < world->plan->max_leaderless) {
			world->n_leaderless++;
			process->is_leaderless = 1;
		} else {
			world->counts[world->epoch & 1].orphan_map_full++;
		}
	} else if (!process->is_noted && exited_before_agent(world, process)) {
		pass_uncounted(world, process);
	} else {
		count_at_switch(world, process, 1);
	}
	process->least_epoch = world->epoch;
}

void on_thread_free(struct world *world, struct process_lifetime *process, const struct sample *sample)
{
	if (!world->attached || world->plan->sched_on || is_missed(world, world->plan->miss_free))
		return;
	send_thread(world, process, sample);
	process->least_epoch = world->epoch;
}

void on_free(struct world *world, struct process_lifetime *process)
{
	int was_leaderless, is_missing;

	if (!world->attached)
		return;
	/* A missed run leaves its keys behind; the model's addresses are never used again, so they do no harm. */
	is_missing = is_missed(world, world->plan->miss_free) ||
		     (!process->is_noted && (world->plan->sched_on || exited_before_agent(world, process)));
	if (is_missing) {
		if (process->death_epoch == NO_EPOCH && !(process->is_leaderless && process->n_released))
			history_unwatched(world->history, process);
		return;
	}
	if (process->is_noted && process->is_counted) {
		forget_exiting(world, process);
		return;
	}
	was_leaderless = delete_leaderless(world, process);
	fill_exit(world, process, !was_leaderless, 1);
	process->is_counted = 1;
	send_exit(world, process);
	forget_exiting(world, process);
}

static int is_counted(struct world *world, struct process_lifetime *process)
{
	uint32_t nr_threads = process->n_others + !process->is_reaped;
	int is_out = world->plan->sched_on && process->is_leader_out;

	if (process->stage != STAGE_ENDING && !process->is_leader_out)
		return 0;
	if (process->is_noted)
		return process->is_counted;
	if (is_out && nr_threads <= 1) {
		if (process->death_epoch == NO_EPOCH && exited_before_agent(world, process))
			history_unwatched(world->history, process);
		return 1;
	}
	if (is_out && world->is_adopting && nr_threads > 1 && !process->is_leaderless &&
	    world->n_leaderless < world->plan->max_leaderless) {
		world->n_leaderless++;
		process->is_leaderless = 1;
	}
	if (process->stage == STAGE_ENDING && !process->is_reaped)
		note_exiting(world, process);
	return 0;
}

struct process_lifetime *programs_walk_next(struct world *world, uint32_t *cursor)
{
	struct process_lifetime *process = NULL;

	while (*cursor <= world->max_pid && !process)
		process = world->by_pid[(*cursor)++];
	return process;
}

int programs_walk_one(struct world *world, struct process_lifetime *process, struct walk_row *ret)
{
	int is_gone = is_counted(world, process);

	/* Counted before the boundary, and freed since the iterator found it: its entry is gone. */
	if (process->is_freed && process->death_epoch < world->epoch && sabotage(world, SABOTAGE_HELD))
		is_gone = 0;
	if (is_gone || !crossed_boundary(world, world->epoch, process->start_boot_ns) || sabotage(world, SABOTAGE_WALK))
		return 0;
	*ret = (struct walk_row){process->start_boot_ns, process->pid,
				 process->stage < STAGE_RUNNING ? (uint32_t)WALK_NEW : 0};
	return 1;
}
