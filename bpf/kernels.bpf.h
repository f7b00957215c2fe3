/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every difference between kernels that the programs know of, each with its version and commit. A
 * ___flavour is the older or newer form of a type: CO-RE drops the suffix when it matches names.
 */
#ifndef OBIT_KERNELS_H
#define OBIT_KERNELS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_DEAD	     0x80
#define TASK_NOLOAD	     0x400
#define TASK_NEW	     0x800

/* Before 5.14 (2f064a59a11f "sched: Change task_struct::state") the state was a long named `state`. */
struct task_struct___before_5_14 {
	long state;
} __attribute__((preserve_access_index));

static __always_inline __u32 task_state(struct task_struct *task)
{
	if (bpf_core_field_exists(struct task_struct, __state))
		return task->__state;
	return (__u32)BPF_CORE_READ((struct task_struct___before_5_14 *)task, state);
}

/* The same of a task that is not known to be one. */
static __always_inline __u32 task_state_probed(struct task_struct *task)
{
	if (bpf_core_field_exists(struct task_struct, __state))
		return BPF_CORE_READ(task, __state);
	return (__u32)BPF_CORE_READ((struct task_struct___before_5_14 *)task, state);
}

/* Without CONFIG_AUDIT there is no loginuid. */
static __always_inline __u32 task_loginuid(struct task_struct *task)
{
	if (bpf_core_field_exists(struct task_struct, loginuid))
		return task->loginuid.val;
	return (__u32)-1;
}

/* Without CONFIG_SCHED_INFO the struct is empty: no run-queue delay. */
static __always_inline int has_sched_info(void)
{
	return bpf_core_field_exists(struct sched_info, run_delay);
}

/*
 * The clock that sched_info's times are taken from. Without CONFIG_FAIR_GROUP_SCHED a task does not lead to
 * its run queue. With it a task of any class does: set_task_rq() sets it for all.
 */
static __always_inline bool has_queue_clock(void)
{
	return has_sched_info() && bpf_core_field_exists(struct sched_entity, cfs_rq) &&
	       bpf_core_field_exists(struct cfs_rq, rq);
}

static __always_inline __u64 queue_clock(struct task_struct *task)
{
	return task->se.cfs_rq->rq->clock;
}

/* Before 6.2 (f1a7941243c1 "mm: convert mm's rss stats into percpu_counter") the counters were plain. */
struct mm_rss_stat___before_6_2 {
	struct {
		long counter;
	} count[4];
} __attribute__((preserve_access_index));

struct mm_struct___before_6_2 {
	struct mm_rss_stat___before_6_2 rss_stat;
} __attribute__((preserve_access_index));

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };

/* A counter of a few CPUs may be below 0 for an instant. */
static __always_inline __u64 not_negative(__s64 n)
{
	return n > 0 ? n : 0;
}

static __always_inline void memory_pages(struct task_struct *task, __u64 *ret_resident, __u64 *ret_swapped)
{
	struct mm_struct *mm = task->mm;
	struct mm_struct___before_6_2 *older = (void *)mm;

	*ret_resident = *ret_swapped = 0;
	if (!mm)
		return;
	if (bpf_core_type_exists(struct mm_rss_stat___before_6_2)) {
		*ret_resident = not_negative(BPF_CORE_READ(older, rss_stat.count[MM_FILEPAGES].counter)) +
				not_negative(BPF_CORE_READ(older, rss_stat.count[MM_ANONPAGES].counter)) +
				not_negative(BPF_CORE_READ(older, rss_stat.count[MM_SHMEMPAGES].counter));
		*ret_swapped = not_negative(BPF_CORE_READ(older, rss_stat.count[MM_SWAPENTS].counter));
	} else {
		*ret_resident = not_negative(mm->rss_stat[MM_FILEPAGES].count) +
				not_negative(mm->rss_stat[MM_ANONPAGES].count) +
				not_negative(mm->rss_stat[MM_SHMEMPAGES].count);
		*ret_swapped = not_negative(mm->rss_stat[MM_SWAPENTS].count);
	}
}

/* Before 5.16 (bcf9033e5449 "sched: move CPU field back into thread_info if THREAD_INFO_IN_TASK=y"). */
struct task_struct___before_5_16 {
	unsigned int cpu;
} __attribute__((preserve_access_index));

static __always_inline __u32 task_last_cpu(struct task_struct *task)
{
	if (bpf_core_field_exists(struct thread_info, cpu))
		return task->thread_info.cpu;
	if (bpf_core_field_exists(struct task_struct___before_5_16, cpu))
		return BPF_CORE_READ((struct task_struct___before_5_16 *)task, cpu);
	return 0;
}

/* Without CONFIG_TASK_XACCT there is no rchar, without CONFIG_TASK_IO_ACCOUNTING no read_bytes. */
static __always_inline int has_xacct(void)
{
	return bpf_core_field_exists(struct task_io_accounting, rchar);
}

static __always_inline int has_io_accounting(void)
{
	return bpf_core_field_exists(struct task_io_accounting, read_bytes);
}

#endif
