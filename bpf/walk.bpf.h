/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The values of a live process, read by the walk over all tasks. Only those that have changed are reported:
 * a process whose threads have not run, and are as many, has not done anything.
 *
 * The sums of the exited threads are read first, then the live ones are added. A thread that ends in between is
 * missed (its values are in the next reading), never counted twice.
 */
#ifndef OBIT_WALK_H
#define OBIT_WALK_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/cgroup.bpf.h"
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/record.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/waits.bpf.h"

enum { THREADS_MAX = 2048 }; /* of one process; those of one with more come one by one, and the agent adds them up */

bool report_all; /* set by the agent for one walk: also those that have not changed */

struct last_reported {
	__u64 start_boot_ns;
	__u64 cpu_ns;
	__u32 threads;
	__u32 state;
};

/* By pid. What it forgets under pressure is reported once more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct last_reported);
} last_reported SEC(".maps");

/* A write to the iterator's file is whole or not at all; when there was no room, the task comes again. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct walk_report);
} walk_scratch SEC(".maps");

static __always_inline void add_exited(struct costs *costs, struct signal_struct *signal)
{
	costs->cpu_ns = signal->sum_sched_runtime;
	costs->utime_ns = signal->utime;
	costs->stime_ns = signal->stime;
	costs->nvcsw = signal->nvcsw;
	costs->nivcsw = signal->nivcsw;
	costs->minflt = signal->min_flt;
	costs->majflt = signal->maj_flt;
}

/*
 * `task` is read by probing: of a thread that has just been found in a list nothing else is allowed. No
 * branches: the verifier goes through every round of the loop.
 */
static __always_inline void add_thread(struct costs *costs, struct task_struct *task)
{
	struct sched_info queued = {};
	struct task_io_accounting io = {};
	__u64 alive;

	costs->cpu_ns += BPF_CORE_READ(task, se.sum_exec_runtime);
	costs->utime_ns += BPF_CORE_READ(task, utime);
	costs->stime_ns += BPF_CORE_READ(task, stime);
	costs->nvcsw += BPF_CORE_READ(task, nvcsw);
	costs->nivcsw += BPF_CORE_READ(task, nivcsw);
	costs->minflt += BPF_CORE_READ(task, min_flt);
	costs->majflt += BPF_CORE_READ(task, maj_flt);
	/* Of one that has ended the rest has been reported by its last switch, or is about to be. */
	alive = (task_state_probed(task) / TASK_DEAD & 1) - 1ULL;
	/* CONFIG_TASK_IO_ACCOUNTING needs CONFIG_TASK_XACCT: the fields stand as in vmlinux.h, or the last are absent.
	 */
	if (has_xacct())
		bpf_core_read(&io, has_io_accounting() ? sizeof(io) : 4 * sizeof(io.rchar), &task->ioac);
	if (has_sched_info())
		bpf_core_read(&queued, 2 * sizeof(queued.pcount), &task->sched_info);
	costs->by_thread.migrations += BPF_CORE_READ(task, se.nr_migrations) & alive;
	costs->by_thread.run_delay_ns += queued.run_delay & alive;
	costs->by_thread.timeslices += queued.pcount & alive;
	costs->by_thread.rchar += io.rchar & alive;
	costs->by_thread.wchar += io.wchar & alive;
	costs->by_thread.syscr += io.syscr & alive;
	costs->by_thread.syscw += io.syscw & alive;
	costs->by_thread.read_bytes += io.read_bytes & alive;
	costs->by_thread.write_bytes += io.write_bytes & alive;
	costs->by_thread.cancelled_write_bytes += io.cancelled_write_bytes & alive;
}

static __always_inline struct task_struct *next_thread(struct task_struct *thread)
{
	return (void *)BPF_CORE_READ(thread, thread_node.next) - bpf_core_field_offset(struct task_struct, thread_node);
}

/* The list's head, as if it stood in a task. */
static __always_inline struct task_struct *threads_end(struct signal_struct *signal)
{
	return (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head) -
	       bpf_core_field_offset(struct task_struct, thread_node);
}

/* CPU time alone, to see whether there is anything new. */
static __always_inline __u64 cpu_of(struct task_struct *leader, struct signal_struct *signal)
{
	__u64 cpu_ns = signal->sum_sched_runtime;
	struct task_struct *thread, *end = threads_end(signal);

	if (signal->nr_threads <= 1)
		return cpu_ns + leader->se.sum_exec_runtime;
	/* Each time is another: it is reported in any case. */
	if (signal->nr_threads > THREADS_MAX)
		return bpf_ktime_get_ns();
	thread = next_thread(end);
	for (int i = 0; i < THREADS_MAX && thread != end; i++) {
		cpu_ns += BPF_CORE_READ(thread, se.sum_exec_runtime);
		thread = next_thread(thread);
	}
	return cpu_ns;
}

/* False: threads have ended meanwhile, or there are too many. */
static __always_inline bool read_costs(struct costs *costs, struct task_struct *leader, struct signal_struct *signal)
{
	struct task_struct *thread, *end = threads_end(signal);
	__u32 before = stats_sequence(signal);

	if (before & 1)
		return false;
	barrier();
	__builtin_memset(costs, 0, sizeof(*costs));
	add_exited(costs, signal);
	costs->threads = signal->nr_threads;
	if (costs->threads > THREADS_MAX) {
		add_thread(costs, leader);
		return stats_sequence(signal) == before;
	}
	thread = next_thread(end);
	for (int i = 0; i < THREADS_MAX && thread != end; i++) {
		add_thread(costs, thread);
		thread = next_thread(thread);
	}
	barrier();
	return thread == end && stats_sequence(signal) == before;
}

static __always_inline void report_part(struct seq_file *seq, struct task_struct *thread)
{
	struct walk_part part = {
		.row =
			{
				.start_boot_ns = thread->group_leader->start_boottime,
				.pid = thread->tgid,
				.flags = WALK_PART,
			},
	};

	add_thread(&part.costs, thread);
	/* Without room the task comes again. */
	bpf_seq_write(seq, &part, sizeof(part));
}

static __always_inline struct process_waits *known_waits(__u32 pid, __u64 start_boot_ns)
{
	struct process_waits *of = delays_on || blocks_on ? bpf_map_lookup_elem(&waits, &pid) : 0;

	return of && of->start_boot_ns == start_boot_ns ? of : 0;
}

static __always_inline void read_waits(struct waits *ret, const struct process_waits *of)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	if (!of)
		return;
	*ret = of->waits;
	ret->max_delay_ns = of->max_delay_since_walk_ns;
}

static __always_inline void read_identity(struct process_sample *sample, struct task_struct *leader)
{
	memory_pages(leader, &sample->rss_pages, &sample->swap_pages);
	sample->cgroup_id = leader->cgroups->dfl_cgrp->kn->id;
	read_v1_cgroups(sample->v1_cgroup_ids, leader);
	sample->ppid = leader->real_parent->tgid;
	sample->uid = leader->cred->uid.val;
	sample->gid = leader->cred->gid.val;
	sample->euid = leader->cred->euid.val;
	sample->egid = leader->cred->egid.val;
	sample->flags = leader->flags & PF_KTHREAD ? EXIT_KTHREAD : 0;
	sample->last_cpu = task_last_cpu(leader);
	bpf_probe_read_kernel(sample->comm, sizeof(sample->comm), leader->comm);
}

/* Writes the row and, when there is something new, the sample behind it. */
static __always_inline void report(struct seq_file *seq, const struct walk_row *row, struct task_struct *leader)
{
	struct signal_struct *signal = leader->signal;
	struct last_reported now = {.start_boot_ns = row->start_boot_ns}, *before;
	struct process_waits *waited;
	struct counters *count;
	struct walk_report *out;
	__u32 zero = 0, pid = row->pid;

	now.cpu_ns = cpu_of(leader, signal);
	now.threads = signal->nr_threads;
	now.state = task_state(leader) | leader->exit_state;
	before = bpf_map_lookup_elem(&last_reported, &pid);
	out = bpf_map_lookup_elem(&walk_scratch, &zero);
	if (!out)
		return;
	out->row = *row;
	if (!report_all && before && before->start_boot_ns == now.start_boot_ns && before->cpu_ns == now.cpu_ns &&
	    before->threads == now.threads && before->state == now.state) {
		bpf_seq_write(seq, &out->row, sizeof(out->row));
		return;
	}
	if (!read_costs(&out->sample.costs, leader, signal)) {
		count = counters_of(epoch_now());
		if (!bpf_seq_write(seq, &out->row, sizeof(out->row)) && count)
			ADD(count->procs_skipped, 1);
		return;
	}
	waited = known_waits(pid, now.start_boot_ns);
	read_waits(&out->sample.waits, waited);
	read_identity(&out->sample, leader);
	out->sample.state = now.state;
	out->row.flags |= WALK_SAMPLE;
	/* What was read, not what was looked at before. */
	now.cpu_ns = out->sample.costs.cpu_ns;
	if (bpf_seq_write(seq, out, sizeof(*out)))
		return;
	if (waited)
		waited->max_delay_since_walk_ns = 0;
	bpf_map_update_elem(&last_reported, &pid, &now, BPF_ANY);
}

#endif
