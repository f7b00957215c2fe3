/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The record of an exit, and when it is made. Exactly one program run makes it:
 *
 *   leader ends last (every single-threaded process)   its own last switch
 *   leader ends first                                  the last switch of the thread that ends last
 *   not seen at a switch (or --sched off)              the release of the leader's task
 *
 * "Ends last" is read from signal->nr_threads: a thread other than the leader is folded into signal and
 * leaves the count before its last switch. A leader that finds others left enters the process in `leaderless`;
 * whoever takes it out again makes the record. Deleting a key succeeds for one caller only.
 */
#ifndef OBIT_RECORD_H
#define OBIT_RECORD_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/cgroup.bpf.h"
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/rollup.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/waits.bpf.h"

#define PF_FORKNOEXEC	  0x40
#define PF_KTHREAD	  0x200000
#define SIGNAL_GROUP_EXIT 4

/* The kernel's struct upid as far as pid's array of them goes: read by size, not by index. */
static __always_inline __u32 pid_number(struct pid *pid, bool own_namespace)
{
	__u32 level = own_namespace ? BPF_CORE_READ(pid, level) : 0;
	const char *first = (const char *)__builtin_preserve_access_index(&pid->numbers[0]);
	struct upid upid = {};

	bpf_probe_read_kernel(&upid.nr, sizeof(upid.nr), first + level * bpf_core_type_size(struct upid));
	return (__u32)upid.nr;
}

static __always_inline void read_pids(struct exiting *ids, struct task_struct *leader, struct signal_struct *signal)
{
	ids->pid = leader->tgid;
	ids->ppid = leader->real_parent->tgid;
	ids->nspid = pid_number(signal->pids[PIDTYPE_TGID], true);
	ids->pgid = pid_number(signal->pids[PIDTYPE_PGID], false);
	ids->sid = pid_number(signal->pids[PIDTYPE_SID], false);
	ids->start_boot_ns = leader->start_boottime;
}

/* A signal_struct at an address used before is another's: a release may have gone unseen. */
static __always_inline bool is_entry_of(const struct exiting *of, struct task_struct *leader)
{
	return of->start_boot_ns == leader->start_boottime && of->pid == (__u32)leader->tgid;
}

/* NULL: not there. */
static __always_inline struct exiting *find_exiting(struct task_struct *leader)
{
	__u64 key = (__u64)leader->signal;
	struct exiting *of = bpf_map_lookup_elem(&exiting, &key);

	return of && is_entry_of(of, leader) ? of : 0;
}

/*
 * A process whose release no program has seen (--sched off alone leaves its exit to that) and whose signal_struct has
 * been given to another: it has exited, and what it cost is not known any more.
 */
static __always_inline void count_unseen(const struct exiting *of)
{
	__u32 now = epoch_now(), other = now & 1;
	struct counters *count = counters_of(now);
	struct rollup *entry = bpf_map_lookup_elem(&rollup_other, &other);

	if (!count || !entry)
		return;
	COUNT(LAW_EXITS_SEEN, count->exits_seen);
	ADD(count->exits_unseen, 1);
	COUNT(LAW_ROLLED_UP, entry->exits);
	if (crossed_boundary(now, of->start_boot_ns))
		note_boundary_process(&deaths_unrecorded, count, now, of->pid, of->start_boot_ns);
}

/* Returns what is in the map of it, with `is_counted` set or as it was; NULL: no room. */
static __always_inline struct exiting *note_exiting(struct task_struct *leader, struct signal_struct *signal)
{
	__u64 key = (__u64)signal;
	struct exiting ids = {}, *of = bpf_map_lookup_elem(&exiting, &key);
	struct counters *count;
	long r;

	if (of && is_entry_of(of, leader))
		return of;
	if (of && !of->is_counted)
		count_unseen(of);
	/* Reaped already: nothing in it leads to its ids any more. */
	if (signal->pids[PIDTYPE_TGID])
		read_pids(&ids, leader, signal);
	ids.pid = leader->tgid;
	ids.start_boot_ns = leader->start_boottime;
	/*
	 * Before 6.16 a walk may see that all threads exit before on_leave runs, and be held up here until the exit has
	 * been counted: an entry that has come meanwhile stays as it is, or the release would count the exit once more.
	 */
	r = bpf_map_update_elem(&exiting, &key, &ids, of ? BPF_ANY : BPF_NOEXIST);
	if (r && r != -EEXIST) {
		count = counters_of(epoch_now());
		if (count)
			ADD(count->mark_map_full, 1);
		return 0;
	}
	return find_exiting(leader);
}

/* Of one that on_leave has missed: its release is to find it counted. (note_exiting() here costs half a second at
 * load.) */
static __always_inline void note_counted(const struct event_exit *exit, struct signal_struct *signal)
{
	struct exiting ids = {.start_boot_ns = exit->head.start_boot_ns, .pid = exit->head.pid, .is_counted = 1};
	__u64 key = (__u64)signal;
	struct counters *count;

	if (!bpf_map_update_elem(&exiting, &key, &ids, BPF_ANY))
		return;
	count = counters_of(exit->head.epoch);
	if (count)
		ADD(count->mark_map_full, 1);
}

/*
 * Before 6.16 ("exit: move and extend sched_process_exit() tracepoint") the memory is gone by here. It must
 * be the process's own: a vfork()ed child that has not called exec lives in its parent's.
 */
static __always_inline void note_peak(struct exiting *of, struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	__u64 resident, swapped, peak;

	if (!mm || mm == task->real_parent->mm)
		return;
	memory_pages(task, &resident, &swapped);
	peak = mm->hiwater_rss;
	of->own_max_rss_pages = peak > resident ? peak : resident;
}

static __always_inline void fill_pids(struct event_exit *exit, struct task_struct *leader, struct signal_struct *signal,
				      const struct exiting *of)
{
	struct exiting ids = {};

	if (of && of->nspid) {
		ids = *of;
	} else if (signal->pids[PIDTYPE_TGID]) {
		read_pids(&ids, leader, signal);
	} else {
		ids.ppid = leader->real_parent->tgid;
		exit->flags |= EXIT_PIDS_LOST;
	}
	exit->ppid = ids.ppid;
	exit->nspid = ids.nspid;
	exit->pgid = ids.pgid;
	exit->sid = ids.sid;
}

/* Of a task that has ended, or is known to be one. */
static __always_inline void read_by_thread(struct by_thread *ret, struct task_struct *task)
{
	ret->migrations = task->se.nr_migrations;
	if (has_sched_info()) {
		ret->run_delay_ns = task->sched_info.run_delay;
		ret->timeslices = task->sched_info.pcount;
	}
	if (has_xacct()) {
		ret->rchar = task->ioac.rchar;
		ret->wchar = task->ioac.wchar;
		ret->syscr = task->ioac.syscr;
		ret->syscw = task->ioac.syscw;
	}
	if (has_io_accounting()) {
		ret->read_bytes = task->ioac.read_bytes;
		ret->write_bytes = task->ioac.write_bytes;
		ret->cancelled_write_bytes = task->ioac.cancelled_write_bytes;
	}
}

/*
 * wait4() adds the live threads' values to the sums of the exited ones in `signal`. Here all have exited. The
 * leader is added when it has not been released; with nr_threads at 0 it has, and is in the sums.
 */
static __always_inline void add_costs(struct event_exit *exit, struct task_struct *leader, struct signal_struct *signal)
{
	struct costs *costs = &exit->costs;
	bool alone = signal->nr_threads > 0;

	costs->cpu_ns = signal->sum_sched_runtime + (alone ? leader->se.sum_exec_runtime : 0);
	costs->utime_ns = signal->utime + (alone ? leader->utime : 0);
	costs->stime_ns = signal->stime + (alone ? leader->stime : 0);
	costs->nvcsw = signal->nvcsw + (alone ? leader->nvcsw : 0);
	costs->nivcsw = signal->nivcsw + (alone ? leader->nivcsw : 0);
	costs->minflt = signal->min_flt + (alone ? leader->min_flt : 0);
	costs->majflt = signal->maj_flt + (alone ? leader->maj_flt : 0);
}

#define SEQUENCE_TRIES 16 /* half a microsecond; a writer is done sooner, with its interrupts off */

static __always_inline __u32 stats_sequence(struct signal_struct *signal)
{
	return *(volatile __u32 *)&signal->stats_lock.seqcount.seqcount.sequence;
}

/*
 * A waiting parent may reap the leader before its last switch, adding its values to the sums (in
 * __exit_signal(), under stats_lock) while they are read here: then they are read again, as the kernel's
 * own readers do. False: that CPU does not come to an end with it (a hypervisor has taken it away).
 */
static __always_inline bool fill_costs(struct event_exit *exit, struct task_struct *leader,
				       struct signal_struct *signal, const struct exiting *of, bool own)
{
	struct costs *costs = &exit->costs;
	__u32 before, tries = 0;
	bool is_moving;

	costs->wall_ns = exit->head.boot_ns - exit->head.start_boot_ns;
	/* A loop's way back must be a conditional jump: 5.10 refuses one that falls through. */
	do {
		before = stats_sequence(signal);
		barrier();
		add_costs(exit, leader, signal);
		barrier();
		is_moving = before & 1 || stats_sequence(signal) != before;
	} while (is_moving && ++tries < SEQUENCE_TRIES);
	if (own) {
		costs->threads = 1;
		read_by_thread(&costs->by_thread, leader);
	}
	exit->max_rss_pages = signal->maxrss;
	exit->own_max_rss_pages = of ? of->own_max_rss_pages : 0;
	return !is_moving;
}

static __always_inline void fill_identity(struct event_exit *exit, struct task_struct *leader,
					  struct signal_struct *signal, const struct exiting *of)
{
	__u32 task_flags = leader->flags;

	exit->wait_status = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader->exit_code;
	if (signal->oom_mm)
		exit->flags |= EXIT_OOM_KILLED;
	if (task_flags & PF_KTHREAD)
		exit->flags |= EXIT_KTHREAD;
	if (task_flags & PF_FORKNOEXEC)
		exit->flags |= EXIT_NO_EXEC;
	exit->uid = leader->cred->uid.val;
	exit->gid = leader->cred->gid.val;
	exit->euid = leader->cred->euid.val;
	exit->egid = leader->cred->egid.val;
	exit->auid = task_loginuid(leader);
	exit->cgroup_id = leader->cgroups->dfl_cgrp->kn->id;
	read_v1_cgroups(exit->v1_cgroup_ids, leader);
	bpf_probe_read_kernel(exit->comm, sizeof(exit->comm), leader->comm);
	fill_pids(exit, leader, signal, of);
}

/*
 * `own`: what the kernel keeps of the leader alone is in the record, not in an event_thread. False: its costs
 * do not stand still now; at its release they will.
 */
static __always_inline bool fill_exit(struct event_exit *exit, struct task_struct *leader, const struct exiting *of,
				      bool own)
{
	struct signal_struct *signal = leader->signal;
	__u32 now = epoch_now();

	__builtin_memset(exit, 0, sizeof(*exit));
	head_init(&exit->head, EVENT_EXIT, now, leader->tgid, leader->start_boottime);
	if (crossed_boundary(now, exit->head.start_boot_ns))
		exit->flags |= EXIT_CROSSED_BOUNDARY;
	fill_identity(exit, leader, signal, of);
	return fill_costs(exit, leader, signal, of, own);
}

static __always_inline void send_exit(void *ctx, struct event_exit *exit)
{
	__u32 now = exit->head.epoch;
	struct counters *count = counters_of(now);

	if (!count)
		return;
	/* Not before it is certain that this is the end that is reported: they can be taken once. */
	if (delays_on || blocks_on)
		take_waits(&exit->waits, exit->head.pid, exit->head.start_boot_ns);
	COUNT(LAW_EXITS_SEEN, count->exits_seen);
	if (exit->flags & EXIT_BY_FREE)
		ADD(count->exits_second_witness, 1);
	if (send_event(ctx, exit, sizeof(*exit))) {
		rollup_exit(now, exit, count);
		if (exit->flags & EXIT_CROSSED_BOUNDARY)
			note_boundary_process(&deaths_unrecorded, count, now, exit->head.pid, exit->head.start_boot_ns);
	}
}

/*
 * Has it passed sched_process_exit before on_leave was attached to it? Then it is of no interval: it may have left the
 * walk's sight before the first walk, and nobody counts its exit. The walk notes those that it still finds. After
 * ANNOUNCED_AFTER_NS all such processes are gone: one that on_leave has missed on a 7.x kernel is counted then.
 */
#define ANNOUNCED_AFTER_NS (10 * 1000000000ULL)

static __always_inline bool exited_before_agent(struct task_struct *leader)
{
	__u64 since = *(volatile __u64 *)&announced_since_boot_ns;

	return leader->start_boottime < since &&
	       (since == ~0ULL || bpf_ktime_get_boot_ns() < since + ANNOUNCED_AFTER_NS);
}

#endif
