/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Path and arguments of an image that exec has just set up. bpf_d_path() is not allowed at this tracepoint,
 * so the path is walked from the file's dentry to the root of its mount namespace, over mount points, and
 * sent last component first; the agent turns it round.
 */
#ifndef OBIT_IMAGE_H
#define OBIT_IMAGE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

/* The length is kept in the event, not in a register: the verifier then finds each round like the last. */
static __always_inline void read_path(struct event_exec *event, struct linux_binprm *bprm)
{
	struct dentry *dentry = BPF_CORE_READ(bprm, file, f_path.dentry);
	struct vfsmount *mnt = BPF_CORE_READ(bprm, file, f_path.mnt);

	event->exe_len = 0;
	/* Unrolled: 5.10 refuses a loop whose way back falls through. */
#pragma unroll
	for (int i = 0; i < OBIT_EXE_PARTS; i++) {
		__u32 offset = event->exe_len;
		struct dentry *parent;
		long len;

		if (dentry == BPF_CORE_READ(mnt, mnt_root)) {
			struct mount *mount = mount_of(mnt);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount)
				return;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mnt = (struct vfsmount *)((char *)above + bpf_core_field_offset(struct mount, mnt));
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (offset >= OBIT_EXE_MAX)
			break;
		len = bpf_probe_read_kernel_str(&event->data[offset & (OBIT_EXE_MAX - 1)], OBIT_NAME_MAX,
						BPF_CORE_READ(dentry, d_name.name));
		if (len < 1 || len > OBIT_NAME_MAX)
			break;
		event->exe_len = offset + len;
		if (parent == dentry) /* a file of no mounted tree: a memfd has its name in this one */
			return;
		dentry = parent;
	}
	event->flags |= EXEC_EXE_TRUNCATED;
}

/* Fills all after the head; the size of the event. */
static __always_inline __u32 image_read(struct event_exec *event, struct task_struct *task, struct linux_binprm *bprm)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);
	__u64 full = end - start;
	__u32 len, offset;

	event->flags = 0;
	event->unused = 0;
	read_path(event, bprm);
	offset = event->exe_len;
	len = full > OBIT_ARGV_MAX ? OBIT_ARGV_MAX : (__u32)full;
	if (full > OBIT_ARGV_MAX)
		event->flags |= EXEC_ARGV_TRUNCATED;
	barrier_var(offset);
	offset &= OBIT_EXE_SPACE - 1;
	barrier_var(len);
	if (len > OBIT_ARGV_MAX)
		return 0;
	if (len && bpf_probe_read_user(&event->data[offset], len, (void *)start)) {
		event->flags |= EXEC_ARGV_LOST;
		len = 0;
	}
	event->argv_len = len;
	return offsetof(struct event_exec, data) + offset + len;
}

#endif
