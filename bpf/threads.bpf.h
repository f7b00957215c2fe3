/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The threads of processes that have several, one by one, when that is asked for. The difference to what was reported
 * before is taken here: nobody else needs to know them.
 */
#ifndef OBIT_THREADS_H
#define OBIT_THREADS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/state.bpf.h"
#include "bpf/walk.bpf.h"

struct thread_reported {
	__u64 start_boot_ns;
	struct thread_costs costs;
};

/* By tid. Of one that is forgotten under pressure an interval goes unreported. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct thread_reported);
} threads_reported SEC(".maps");

static __always_inline void read_thread_costs(struct thread_costs *costs, struct task_struct *task)
{
	costs->cpu_ns = task->se.sum_exec_runtime;
	costs->nvcsw = task->nvcsw;
	costs->nivcsw = task->nivcsw;
	costs->migrations = task->se.nr_migrations;
	costs->minflt = task->min_flt;
	costs->majflt = task->maj_flt;
	if (!has_sched_info())
		return;
	costs->run_delay_ns = task->sched_info.run_delay;
	costs->timeslices = task->sched_info.pcount;
}

static __always_inline void subtract_thread_costs(struct thread_costs *costs, const struct thread_costs *before)
{
	costs->cpu_ns -= before->cpu_ns;
	costs->run_delay_ns -= before->run_delay_ns;
	costs->timeslices -= before->timeslices;
	costs->nvcsw -= before->nvcsw;
	costs->nivcsw -= before->nivcsw;
	costs->migrations -= before->migrations;
	costs->minflt -= before->minflt;
	costs->majflt -= before->majflt;
}

/*
 * Nothing of one that has not run. One that is met for the first time has done all it ever did in this interval only
 * if it was born in it, which begins at the boundary before this one.
 */
static __always_inline void add_thread_row(struct seq_file *seq, struct task_struct *task)
{
	struct walk_thread row = {
		.row = {.start_boot_ns = task->start_boottime, .pid = task->pid, .flags = WALK_THREAD}};
	struct thread_reported now = {.start_boot_ns = task->start_boottime}, *before;
	__u32 tid = task->pid;

	read_thread_costs(&now.costs, task);
	before = bpf_map_lookup_elem(&threads_reported, &tid);
	if (before && before->start_boot_ns == now.start_boot_ns) {
		if (before->costs.timeslices == now.costs.timeslices && before->costs.cpu_ns == now.costs.cpu_ns)
			return;
		row.step = now.costs;
		subtract_thread_costs(&row.step, &before->costs);
	} else if (!crossed_boundary(epoch_now() - 1, now.start_boot_ns)) {
		row.step = now.costs;
	}
	if (row.step.cpu_ns) {
		row.process_start_boot_ns = task->group_leader->start_boottime;
		row.pid = task->tgid;
		row.state = task_state(task);
		row.last_cpu = task_last_cpu(task);
		bpf_probe_read_kernel(row.comm, sizeof(row.comm), task->comm);
		/* Without room the task comes again. */
		if (bpf_seq_write(seq, &row, sizeof(row)))
			return;
	}
	bpf_map_update_elem(&threads_reported, &tid, &now, BPF_ANY);
}

#endif
