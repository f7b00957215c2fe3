// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs. Births, images, signals and new cgroups are reported as they come; an end is reported once per
 * process, with its final costs (record.h says by whom). Everything goes to the perf ring of the CPU it
 * happens on; when that is full, costs are kept in roll-ups (rollup.h) and the rest is counted as dropped.
 *
 *   on_fork    sched_wakeup_new     births: the first wakeup of a task
 *   on_exec    sched_process_exec   path and arguments of the new image
 *   on_signal  signal_generate      who sent a signal that will end its receiver
 *   on_mkdir   cgroup_mkdir         path of a new cgroup
 *   on_leave   sched_process_exit   ids that reaping may have taken by the last switch; who is ending
 *   on_switch  sched_switch         the switch path: an end, at the last switch of a task; waits for a CPU
 *   on_free    sched_process_free   the free path: an end, at the release of the task
 *   walk       iter/task            all live processes, and a sample of those that did something; threads
 *
 * sched_switch and sched_wakeup_new run with interrupts off and sched_process_free from RCU callbacks; the
 * others may be skipped on 7.x when they preempt each other (sched_process_fork lost 1 in 100 there), so
 * nothing that must balance depends on them, and the ledger counts their misses.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/rollup.bpf.h"
#include "bpf/cgroup.bpf.h"
#include "bpf/waits.bpf.h"
#include "bpf/record.bpf.h"
#include "bpf/image.bpf.h"
#include "bpf/signal.bpf.h"
#include "bpf/walk.bpf.h"
#include "bpf/threads.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* One scratch event per program and CPU: programs can come upon each other, but not upon themselves. */
#define SCRATCH(name, kind)                                                                                            \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                               \
		__uint(max_entries, 1);                                                                                \
		__type(key, __u32);                                                                                    \
		__type(value, kind);                                                                                   \
	} name SEC(".maps")

SCRATCH(switch_scratch, struct event_exit);
SCRATCH(free_scratch, struct event_exit);
SCRATCH(exec_scratch, struct event_exec);
SCRATCH(mkdir_scratch, struct event_cgroup);
SCRATCH(leave_scratch, struct event_title);

static __always_inline void *scratch(void *map)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(map, &zero);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_fork, struct task_struct *child)
{
	struct task_struct *parent = (struct task_struct *)bpf_get_current_task();
	struct event_fork event = {};
	struct counters *count;
	__u32 now = epoch_now();

	if (child->pid != child->tgid)
		return 0;
	count = counters_of(now);
	if (!count)
		return 0;
	COUNT(LAW_FORKS, count->forks);
	head_init(&event.head, EVENT_FORK, now, child->tgid, child->start_boottime);
	if (crossed_boundary(now, event.head.start_boot_ns))
		note_boundary_process(&births_late, count, now, event.head.pid, event.head.start_boot_ns);
	event.parent_pid = BPF_CORE_READ(parent, tgid);
	event.parent_start_boot_ns = BPF_CORE_READ(parent, group_leader, start_boottime);
	if (send_event(ctx, &event, sizeof(event)))
		ADD(count->drops_fork, 1);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct event_exec *event;
	struct counters *count;
	__u32 now = epoch_now();
	__u32 size;

	/* A thread has taken over its exited leader's pid; the process lives on. */
	if (old_pid != task->pid) {
		struct leaderless key = {.signal = (__u64)task->signal, .exec_id = task->self_exec_id - 1};

		bpf_map_delete_elem(&leaderless, &key);
	}
	count = counters_of(now);
	event = scratch(&exec_scratch);
	if (!count || !event)
		return 0;
	ADD(count->execs, 1);
	head_init(&event->head, EVENT_EXEC, now, task->tgid, task->start_boottime);
	size = image_read(event, task, bprm);
	if (size > sizeof(*event))
		return 0;
	if (send_event(ctx, event, size))
		ADD(count->drops_exec, 1);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int number, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	struct event_signal event = {.signal = number};
	struct counters *count;
	__u32 now = epoch_now();
	__u64 address = 0;

	/* Already pending, ignored, or no memory for it: then it is the earlier one that counts, or none. */
	if ((result && result != TRACE_SIGNAL_LOSE_INFO) || number < 1 || number > 64 ||
	    (number < 64 && (HARMLESS >> number) & 1))
		return 0;
	event.flags = signal_effect(number, task);
	count = counters_of(now);
	if (!event.flags || !count)
		return 0;
	if (!(event.flags & SIGNAL_ENDS) && !may_send_signal()) {
		ADD(count->drops_signal, 1);
		return 0;
	}
	head_init(&event.head, EVENT_SIGNAL, now, task->tgid, task->group_leader->start_boottime);
	bpf_probe_read_kernel(&address, sizeof(address), &ctx[1]);
	fill_sender(&event, address, task);
	if (send_event(ctx, &event, sizeof(event)))
		ADD(count->drops_signal, 1);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_mkdir, struct cgroup *cgroup, const char *path)
{
	struct event_cgroup *event = scratch(&mkdir_scratch);
	__u32 now = epoch_now();
	struct counters *count = counters_of(now);
	long len;

	int hierarchy = hierarchy_of(cgroup);

	if (!event || !count || hierarchy < 0)
		return 0;
	head_init(&event->head, EVENT_CGROUP, now, 0, 0);
	event->id = cgroup->kn->id;
	event->hierarchy = hierarchy;
	len = bpf_probe_read_kernel_str(event->path, sizeof(event->path), path);
	if (len < 1 || len > (long)sizeof(event->path))
		return 0;
	event->path_len = len - 1;
	if (send_event(ctx, event, sizeof(*event)))
		ADD(count->drops_cgroup, 1);
	return 0;
}

/* Of a vfork()ed child these would be its parent's. What is not in memory now is left as it was reported. */
static __always_inline void send_title(void *ctx, struct task_struct *task)
{
	struct event_title *event = scratch(&leave_scratch);
	__u32 now = epoch_now(), len;
	struct mm_struct *mm = task->mm;
	struct counters *count = counters_of(now);
	__u64 begin = mm->arg_start, all = mm->arg_end - begin;

	if (!event || !count || mm == task->real_parent->mm)
		return;
	len = all > OBIT_TITLE_MAX ? OBIT_TITLE_MAX : (__u32)all;
	barrier_var(len);
	if (!len || len > OBIT_TITLE_MAX || bpf_probe_read_user(event->data, len, (void *)begin))
		return;
	head_init(&event->head, EVENT_TITLE, now, task->tgid, task->group_leader->start_boottime);
	event->len = len;
	event->unused = 0;
	if (send_event(ctx, event, offsetof(struct event_title, data) + len))
		ADD(count->drops_exec, 1);
}

/* `live` is 0 for the last thread, and for any that ends with it. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_leave, struct task_struct *task)
{
	struct exiting *of;

	if (task->signal->live.counter)
		return 0;
	of = note_exiting(task->group_leader, task->signal);
	if (of)
		note_peak(of, task);
	if (task->flags & PF_FORKNOEXEC && !(task->flags & PF_KTHREAD) && task->mm)
		send_title(ctx, task);
	return 0;
}

static __always_inline void send_thread(void *ctx, struct task_struct *task)
{
	struct event_thread event = {};
	__u32 now = epoch_now();
	struct counters *count = counters_of(now);

	if (!count)
		return;
	head_init(&event.head, EVENT_THREAD, now, task->tgid, task->group_leader->start_boottime);
	read_by_thread(&event.own, task);
	event.cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	bpf_probe_read_kernel(event.comm, sizeof(event.comm), task->comm);
	if (send_event(ctx, &event, sizeof(event)))
		rollup_thread(now, &event, count);
}

static __always_inline struct leaderless leaderless_key(struct task_struct *task)
{
	struct leaderless key = {.signal = (__u64)task->signal, .exec_id = task->self_exec_id};

	return key;
}

/*
 * Another thread has called exec and taken the leader's pid: the process lives on. exec says so (in
 * de_thread()) before it releases the old leader, so the count of threads, read before, is no proof.
 */
static __always_inline bool lost_leadership(struct task_struct *leader)
{
	barrier();
	return leader->group_leader != leader;
}

/* True when the leader's end is not the process's, which another thread's switch (or the release) will say. */
static __always_inline bool leave_to_threads(struct task_struct *leader)
{
	struct leaderless key = leaderless_key(leader);
	struct counters *count;
	bool was_there;
	__u8 one = 1;

	if (bpf_map_update_elem(&leaderless, &key, &one, BPF_ANY)) {
		count = counters_of(epoch_now());
		if (count)
			ADD(count->orphan_map_full, 1);
		return true;
	}
	if (leader->signal->nr_threads > 1 && !lost_leadership(leader))
		return true;
	/* The last thread may have looked for the key before it was there: then nobody else will come. */
	was_there = bpf_map_delete_elem(&leaderless, &key) == 0;
	return !was_there || lost_leadership(leader);
}

/* Its release is to know that the leader's own values have been sent. */
static __always_inline void leave_to_release(struct task_struct *leader)
{
	struct leaderless key = leaderless_key(leader);
	__u8 one = 1;

	bpf_map_update_elem(&leaderless, &key, &one, BPF_ANY);
}

static __always_inline void note_waits(struct task_struct *prev, struct task_struct *next, bool preempt)
{
	__u64 delay_ns = ~0ULL;

	if (delays_on && has_queue_clock()) {
		delay_ns = delay_of(next);
		if (delay_ns != ~0ULL)
			note_delay(next, delay_ns);
	}
	if (blocks_on) {
		wake_up(next, delay_ns);
		if (!preempt)
			fall_asleep(prev);
	}
}

/*
 * Is this the switch that the exit is counted at? `ret_own`: what the kernel keeps of the leader alone goes into its
 * record.
 */
static __always_inline bool is_last_switch(void *ctx, struct task_struct *prev, bool *ret_own)
{
	*ret_own = false;
	if (prev->pid != prev->tgid) {
		send_thread(ctx, prev);
		return prev->signal->live.counter <= 0 && prev->signal->nr_threads <= 1;
	}
	if (prev->signal->nr_threads > 1) {
		send_thread(ctx, prev);
		return !leave_to_threads(prev);
	}
	if (lost_leadership(prev)) {
		send_thread(ctx, prev);
		return false;
	}
	*ret_own = true;
	return true;
}

static __always_inline int record_end(void *ctx, struct task_struct *prev)
{
	struct event_exit *exit = scratch(&switch_scratch);
	struct leaderless key = leaderless_key(prev);
	struct task_struct *leader = prev;
	struct exiting *of;
	bool own, is_thread = prev->pid != prev->tgid, is_still;

	if (!exit || !is_last_switch(ctx, prev, &own))
		return 0;
	/* Before the key is deleted: until then the leader's release waits for it. */
	if (is_thread)
		leader = prev->group_leader;
	of = find_exiting(leader);
	if (!of && exited_before_agent(leader))
		return 0;
	is_still = fill_exit(exit, leader, of, own);
	if (is_thread && (!is_still || bpf_map_delete_elem(&leaderless, &key)))
		return 0;
	/* Its release counts it, when it stands still. */
	if (!is_still && of) {
		if (!own)
			leave_to_release(leader);
		return 0;
	}
	if (of && of->is_counted)
		return 0;
	if (of)
		*(volatile __u32 *)&of->is_counted = 1;
	else
		note_counted(exit, prev->signal);
	barrier();
	send_exit(ctx, exit);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	note_waits(prev, next, preempt);
	if (task_state(prev) & TASK_DEAD)
		record_end(ctx, prev);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	struct leaderless orphan = leaderless_key(task);
	__u64 key = (__u64)task->signal;
	struct event_exit *exit;
	struct exiting *of;
	bool was_leaderless;

	if (task->pid != task->tgid) {
		if (!sched_on)
			send_thread(ctx, task);
		return 0;
	}
	of = find_exiting(task);
	/* A last switch is always seen: without an entry it was before the agent, or the map was full. */
	if (!of && (sched_on || exited_before_agent(task)))
		return 0;
	if (of && of->is_counted) {
		bpf_map_delete_elem(&exiting, &key);
		return 0;
	}
	exit = scratch(&free_scratch);
	if (!exit)
		return 0;
	was_leaderless = bpf_map_delete_elem(&leaderless, &orphan) == 0;
	fill_exit(exit, task, of, !was_leaderless);
	exit->flags |= EXIT_BY_FREE;
	if (of)
		*(volatile __u32 *)&of->is_counted = 1;
	barrier();
	send_exit(ctx, exit);
	bpf_map_delete_elem(&exiting, &key);
	return 0;
}

/* A leader that exited before the programs were attached, and left other threads: the last of them counts the exit. */
static __always_inline void note_leaderless(struct task_struct *leader)
{
	struct leaderless orphan = leaderless_key(leader);
	__u8 one = 1;

	if (in_initial_scan && leader->signal->nr_threads > 1)
		bpf_map_update_elem(&leaderless, &orphan, &one, BPF_ANY);
}

/* Its pid is taken from it: it was reaped since the iterator found it. */
static __always_inline bool is_released(struct task_struct *leader)
{
	barrier();
	return !*(struct pid *volatile *)&leader->thread_pid;
}

/*
 * Has its exit been counted, or was it before the agent? Without an entry (it was freed since the iterator found it, or
 * exited before the agent, or the map is full) its last switch being over says so. One whose threads have all begun to
 * exit gets an entry, if on_leave gave it none: then its exit is counted in any case.
 */
static __always_inline bool is_counted(struct task_struct *leader)
{
	bool is_out = task_state(leader) & TASK_DEAD && !leader->on_cpu;
	struct exiting *of;

	if (!leader->exit_state && leader->signal->live.counter)
		return false;
	barrier();
	of = find_exiting(leader);
	if (of)
		return of->is_counted;
	if (sched_on && is_out && leader->signal->nr_threads <= 1)
		return true;
	if (sched_on && is_out)
		note_leaderless(leader);
	/* Not of a released one, which may have been freed. Of one that is not, that takes longer than this run. */
	if (!leader->signal->live.counter && !is_released(leader))
		note_exiting(leader, leader->signal);
	return false;
}

/*
 * A thread has called exec and taken the pid of this, its leader, after the iterator found that: the process lives on.
 * de_thread() gives the new leader the old one's start; no other thread has it.
 */
static __always_inline bool was_leader(struct task_struct *task)
{
	return task->exit_state && BPF_CORE_READ(task, group_leader, start_boottime) == task->start_boottime;
}

SEC("iter/task")
int walk(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct walk_row row = {};

	if (!task)
		return 0;
	if (threads_on && task->signal->nr_threads > 1 && crossed_boundary(epoch_now(), task->start_boottime) &&
	    !task->exit_state)
		add_thread_row(ctx->meta->seq, task);
	row.start_boot_ns = task->start_boottime;
	row.pid = task->tgid;
	if (task->pid != task->tgid) {
		if (was_leader(task) && crossed_boundary(epoch_now(), row.start_boot_ns))
			bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
		else if (task->signal->nr_threads > THREADS_MAX)
			report_part(ctx->meta->seq, task);
		return 0;
	}
	if (is_counted(task))
		row.flags = WALK_EXITED;
	/* The roster alone lists those. */
	if (row.flags && !report_all)
		return 0;
	/* boundary_ns of the epoch that has just begun parts what lived at its beginning from what was born in it. */
	if (!crossed_boundary(epoch_now(), row.start_boot_ns))
		return 0;
	if (task_state(task) & TASK_NEW)
		row.flags |= WALK_NEW;
	report(ctx->meta->seq, &row, task);
	return 0;
}
