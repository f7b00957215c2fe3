// SPDX-License-Identifier: BSD-2-Clause
/*
 * The model kernel: processes from fork to free, in the steps that the census and both paths can say
 * apart. Which process takes its next step, and which one, is drawn.
 *
 *   stamped → in the list, being forked → fork reported → running → ending → reaped → freed
 *                                                       threads: released → switched out
 */
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

#define INIT_PID 1u

static void *grown(void *array, uint32_t n, uint32_t *capacity, size_t size)
{
	if (n < *capacity)
		return array;
	*capacity = *capacity * 2 + 64;
	array = realloc(array, *capacity * size);
	if (!array)
		abort();
	return array;
}

static void draw_sample(struct world *world, struct sample *sample)
{
	sample->threads = 1;
	for (size_t i = 0; i < N_BY_THREAD; i++)
		((uint64_t *)(void *)&sample->own)[i] = chance_scaled(&world->chance, 34);
	sample->own.timeslices++;
}

static void draw_comm(struct world *world, char *comm)
{
	uint64_t n = chance_below(&world->chance, world->plan->n_comms);

	memset(comm, 0, OBIT_COMM_LEN);
	/* Some fill their field and have no NUL. */
	memcpy(comm, n % 7 == 6 ? "sixteen-letters-" : "worker-         ", n % 7 == 6 ? 16 : 7);
	comm[7] = (char)('a' + n % 26);
	comm[8] = (char)('a' + n / 26 % 26);
}

static uint32_t take_pid(struct world *world)
{
	do
		world->next_pid = world->next_pid >= world->max_pid ? 2 : world->next_pid + 1;
	while (world->by_pid[world->next_pid]);
	return world->next_pid;
}

/* A start stamped; not yet in any list. */
static struct process_lifetime *conceive(struct world *world, struct process_lifetime *parent)
{
	struct process_lifetime *process = calloc(1, sizeof(*process));

	if (!process)
		abort();
	world->all = grown(world->all, world->n_all, &world->all_capacity, sizeof(*world->all));
	world->live = grown(world->live, world->n_live, &world->live_capacity, sizeof(*world->live));
	process->index = world->n_all;
	world->all[world->n_all++] = process;
	world->live[world->n_live++] = process;
	process->start_boot_ns = process->least_stamp_ns = world->boot_ns;
	process->parent = parent;
	process->birth_epoch = process->death_epoch = NO_EPOCH;
	process->least_epoch = world->epoch;
	if (parent) {
		process->image = parent->image;
		process->image_flags = parent->image_flags;
		process->is_kthread = parent->is_kthread;
		process->cgroup_id = parent->cgroup_id;
		memcpy(process->comm, parent->comm, sizeof(process->comm));
	}
	draw_sample(world, &process->own);
	return process;
}

static void enlist(struct world *world, struct process_lifetime *process, uint32_t pid)
{
	process->pid = pid;
	world->by_pid[pid] = process;
	process->stage = STAGE_NEW;
}

void world_boot(struct world *world)
{
	struct process_lifetime *first;

	world->n_live = 0;
	memset(world->by_pid, 0, (world->max_pid + 1) * sizeof(*world->by_pid));
	world->boot_ns = 1000000000ULL + chance_scaled(&world->chance, 30);
	world->next_pid = INIT_PID;
	first = conceive(world, NULL);
	first->parent = first;
	enlist(world, first, INIT_PID);
	first->stage = STAGE_RUNNING;
	first->birth_epoch = BEFORE_LEDGER;
	draw_comm(world, first->comm);
	for (unsigned i = chance_below(&world->chance, 3); i > 0; i--) {
		struct process_lifetime *kthread = conceive(world, first);

		enlist(world, kthread, take_pid(world));
		kthread->stage = STAGE_RUNNING;
		kthread->birth_epoch = BEFORE_LEDGER;
		kthread->is_kthread = 1;
	}
}

void world_init(struct world *world, const struct plan *plan, uint64_t seed, struct history *history)
{
	*world = (struct world){.plan = plan, .history = history, .chance = {seed * 0x2545f4914f6cdd1dULL + 7}};
	world->max_pid = plan->population * 6 + 600;
	world->by_pid = calloc(world->max_pid + 1, sizeof(*world->by_pid));
	if (!world->by_pid || programs_init(world) < 0)
		abort();
	world->n_images = 1;
	world->bias = 500;
	world->real_minus_boot_ns = 1700000000000000000LL;
	world_boot(world);
}

void world_done(struct world *world)
{
	programs_done(world);
	for (uint32_t i = 0; i < world->n_all; i++)
		free(world->all[i]);
	free(world->all);
	free(world->live);
	free(world->by_pid);
}

/* --- the ways of a process ---------------------------------------------------------------------------------- */
static void act_exec(struct world *world, struct process_lifetime *process)
{
	process->image = world->n_images++;
	process->image_flags = chance_is(&world->chance, 30) ? EXEC_ARGV_TRUNCATED : 0;
	process->image_flags |= chance_is(&world->chance, 20) ? EXEC_EXE_TRUNCATED : 0;
	process->has_execed = 1;
	draw_comm(world, process->comm);
	on_exec(world, process);
}

static void end_thread(struct world *world, struct process_lifetime *process)
{
	struct sample sample;

	draw_sample(world, &sample);
	if (world->plan->sched_on)
		on_thread_switch(world, process, &sample);
	else
		on_thread_free(world, process, &sample);
}

static void leader_out(struct world *world, struct process_lifetime *process)
{
	on_leader_switch(world, process);
	process->is_leader_out = 1;
}

/* A thread beside the leader calls exec: all others end, and it goes on under the leader's pid. */
static void act_exec_from_thread(struct world *world, struct process_lifetime *process)
{
	for (; process->n_others > 1; process->n_others--)
		end_thread(world, process);
	if (world->plan->sched_on && !process->is_leader_out)
		on_leader_switch(world, process);
	else if (!world->plan->sched_on)
		on_thread_free(world, process, &process->own);
	process->n_others = 0;
	world->n_leaderless -= process->is_leaderless;
	process->is_leaderless = process->is_leader_out = 0;
	draw_sample(world, &process->own);
	act_exec(world, process);
}

static void send_signal(struct world *world, struct process_lifetime *process, uint32_t number)
{
	struct sender from = {.signal = number};
	struct process_lifetime *sender = world->live[chance_below(&world->chance, world->n_live)];

	if (chance_is(&world->chance, 150)) {
		memcpy(from.comm, "[kernel]", 9);
	} else {
		from.pid = sender->pid ? sender->pid : 1;
		from.uid = (uint32_t)chance_below(&world->chance, 3) * 1000;
		memcpy(from.comm, sender->comm, sizeof(from.comm));
	}
	if (process->end.wait_status % 128 == (int)number && !process->killer.signal)
		process->killer = from;
	on_signal(world, process, &from);
}

static void draw_identity(struct world *world, struct process_lifetime *process)
{
	struct event_exit *end = &process->end;

	end->cgroup_id = process->cgroup_id;
	memcpy(end->comm, process->comm, sizeof(end->comm));
	end->ppid = process->parent->is_freed ? INIT_PID : process->parent->pid;
	end->nspid = chance_is(&world->chance, 100) ? 1 + (uint32_t)chance_scaled(&world->chance, 10) : process->pid;
	end->pgid = 1 + (uint32_t)chance_scaled(&world->chance, 16);
	end->sid = 1 + (uint32_t)chance_scaled(&world->chance, 16);
	end->uid = (uint32_t)chance_scaled(&world->chance, 16);
	end->gid = (uint32_t)chance_scaled(&world->chance, 16);
	end->auid = chance_is(&world->chance, 300) ? UINT32_MAX : (uint32_t)chance_scaled(&world->chance, 16);
	end->flags |= chance_is(&world->chance, 10) ? EXIT_OOM_KILLED : 0;
	end->flags |= chance_is(&world->chance, 30) ? EXIT_PIDS_LOST : 0;
	end->flags |= process->is_kthread ? EXIT_KTHREAD : 0;
	end->flags |= process->has_execed ? 0 : EXIT_NO_EXEC;
}

static void draw_end(struct world *world, struct process_lifetime *process)
{
	static const uint32_t signals[] = {9, 15, 6, 11, 1, 34};
	uint64_t *costs = (uint64_t *)(void *)&process->end.costs;
	uint32_t number = signals[chance_below(&world->chance, 6)];

	for (size_t i = 0; i < sizeof(process->end.costs) / 8; i++)
		costs[i] = chance_scaled(&world->chance, 40);
	process->end.max_rss_pages = chance_scaled(&world->chance, 22);
	draw_identity(world, process);
	if (process->is_kthread || !chance_is(&world->chance, 300)) {
		process->end.wait_status =
			chance_is(&world->chance, 600) ? 0 : (int)chance_below(&world->chance, 256) << 8;
		return;
	}
	process->end.wait_status = (int)number | (chance_is(&world->chance, 200) ? 0x80 : 0);
	if (chance_is(&world->chance, 200))
		send_signal(world, process, number == 15 ? 1 : 15);
	if (chance_is(&world->chance, 900))
		send_signal(world, process, number);
	if (chance_is(&world->chance, 200))
		send_signal(world, process, number);
}

static void act_end(struct world *world, struct process_lifetime *process)
{
	draw_end(world, process);
	process->stage = STAGE_ENDING;
	on_live_zero(world, process);
}

static void act(struct world *world, struct process_lifetime *process)
{
	unsigned draw = (unsigned)chance_below(&world->chance, 1000);
	unsigned end_until = process->pid == INIT_PID ? 0 : 1000 - world->bias;

	if (process->n_forking)
		return;
	if (draw < end_until) {
		act_end(world, process);
	} else if (draw < end_until + (1000 - end_until) / 3) {
		if (process->n_others && chance_is(&world->chance, 400))
			act_exec_from_thread(world, process);
		else if (!process->is_kthread && !process->n_others && !process->is_leader_out)
			act_exec(world, process);
	} else if (draw < end_until + (1000 - end_until) / 3 * 2) {
		if (!process->is_kthread)
			process->n_others += 1 + (uint32_t)chance_scaled(&world->chance, 4);
	} else if (process->n_others) {
		if (!process->is_leader_out && process->pid != INIT_PID && chance_is(&world->chance, 300)) {
			leader_out(world, process);
		} else if (process->n_others > 1 || !process->is_leader_out) {
			process->n_others--;
			end_thread(world, process);
		} else {
			act_end(world, process);
		}
	}
}

static void let_go(struct world *world, struct process_lifetime *process)
{
	if (!process->is_freed || process->n_released)
		return;
	process->stage = STAGE_FREED;
	for (uint32_t i = 0; i < world->n_live; i++)
		if (world->live[i] == process) {
			world->live[i] = world->live[--world->n_live];
			return;
		}
}

/* One of the things that are still to be done of an ending process. */
static void end_on(struct world *world, struct process_lifetime *process)
{
	unsigned draw = (unsigned)chance_below(&world->chance, 3);

	if (draw == 0 && process->n_released) {
		process->n_released--;
		end_thread(world, process);
	} else if (draw <= 1 && process->n_others) {
		process->n_others--;
		process->n_released++;
	} else if (!process->is_leader_out &&
		   (process->n_others || process->is_reaped || chance_is(&world->chance, 700))) {
		leader_out(world, process);
	} else if (process->n_others) {
		return;
	} else if (!process->is_reaped) {
		/* Whoever waits for it may be quicker than its last switch. */
		process->is_reaped = 1;
		on_reaped(world, process);
		world->by_pid[process->pid] = NULL;
	} else if (!process->is_freed) {
		on_free(world, process);
		process->is_freed = 1;
	}
	let_go(world, process);
}

static int is_on_its_way(const struct process_lifetime *process)
{
	return process->stage != STAGE_RUNNING;
}

static void go_on(struct world *world, struct process_lifetime *process)
{
	switch (process->stage) {
	case STAGE_STAMPED:
		enlist(world, process, take_pid(world));
		break;
	case STAGE_NEW:
		on_fork(world, process);
		process->parent->n_forking--;
		process->stage = process->is_reported_in_vain ? STAGE_RUNNING : STAGE_TOLD;
		break;
	case STAGE_TOLD:
		process->stage = STAGE_RUNNING;
		break;
	case STAGE_ENDING:
		end_on(world, process);
		break;
	default:
		act(world, process);
	}
}

static void fork_from(struct world *world, struct process_lifetime *parent)
{
	struct process_lifetime *child;

	if (parent->stage != STAGE_RUNNING || world->n_live + 2 > world->max_pid / 2)
		return;
	child = conceive(world, parent);
	parent->n_forking++;
	/* Whatever a child moves to, its end is counted under it. */
	if (chance_is(&world->chance, 300)) {
		child->cgroup_id = 1 + chance_below(&world->chance, world->plan->n_cgroups);
		if (chance_is(&world->chance, 100) && child->cgroup_id % 11 != 10)
			on_cgroup(world, child->cgroup_id);
	}
}

void world_step(struct world *world)
{
	struct process_lifetime *process = world->live[chance_below(&world->chance, world->n_live)];

	world->n_steps++;
	world->boot_ns += 1 + chance_scaled(&world->chance, 17);
	if (chance_is(&world->chance, 2))
		world->bias = 100 + (unsigned)chance_below(&world->chance, 800);
	if (world->n_live > world->plan->population * 2)
		world->bias = 100;
	else if (world->n_live < world->plan->population / 2 + 2)
		world->bias = 850;
	if (chance_is(&world->chance, 600))
		for (int tries = 0; tries < 6 && !is_on_its_way(process); tries++)
			process = world->live[chance_below(&world->chance, world->n_live)];
	if (!is_on_its_way(process) && chance_is(&world->chance, world->bias / 2))
		fork_from(world, process);
	else
		go_on(world, process);
}

void world_steps(struct world *world, unsigned n)
{
	for (; n; n--)
		world_step(world);
}

/* A grace period: the callbacks that were queued have run. */
void world_grace(struct world *world)
{
	for (uint32_t i = world->n_live; i-- > 0;) {
		struct process_lifetime *process = world->live[i];

		if (!process->is_reaped || process->is_freed || !process->is_leader_out) {
			let_go(world, process);
			continue;
		}
		world->n_steps++;
		world->boot_ns += 1000;
		on_free(world, process);
		process->is_freed = 1;
		let_go(world, process);
	}
}

void world_quiet(struct world *world)
{
	for (uint32_t i = 0; i < world->n_live;) {
		struct process_lifetime *process = world->live[i];

		world->n_steps++;
		world->boot_ns += 1000;
		if (!is_on_its_way(process))
			i++;
		else
			go_on(world, process);
	}
}
