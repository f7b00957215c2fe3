/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every difference between kernels that the programs know of, each with its version and commit. A
 * ___flavour is the older or newer form of a type: CO-RE drops the suffix when it matches names.
 */
#ifndef OBIT_KERNELS_H
#define OBIT_KERNELS_H

#define TASK_DEAD 0x80
#define TASK_NEW  0x800

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
