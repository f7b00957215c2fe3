/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups of a task: the one of v2, which records name, and on hosts that have controllers in v1 those where container
 * runtimes put their processes.
 */
#ifndef OBIT_CGROUP_H
#define OBIT_CGROUP_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/state.bpf.h"

/* task->cgroups->subsys[id]; `id` is the running kernel's. */
static __always_inline void *subsys_state(struct task_struct *task, __u64 id)
{
	const char *first = (const char *)task->cgroups + bpf_core_field_offset(struct css_set, subsys);
	void *state = 0;

	bpf_probe_read_kernel(&state, sizeof(state), first + id * sizeof(state));
	return state;
}

/* 0: in the root, or the controller is in v2. */
static __always_inline __u64 v1_cgroup_id(struct task_struct *task, __u64 id)
{
	struct cgroup_subsys_state *state = subsys_state(task, id);
	struct cgroup *cgroup;

	if (!state)
		return 0;
	cgroup = BPF_CORE_READ(state, cgroup);
	if (!cgroup || !BPF_CORE_READ(cgroup, level) || !BPF_CORE_READ(cgroup, root, hierarchy_id))
		return 0;
	return BPF_CORE_READ(cgroup, kn, id);
}

static __always_inline void read_v1_cgroups(__u64 ids[2], struct task_struct *task)
{
	if (!has_cgroup_v1)
		return;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		ids[0] = v1_cgroup_id(task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		ids[1] = v1_cgroup_id(task, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
}

/* Which of CGROUP_V2 ... it is in; -1: another. */
static __always_inline int hierarchy_of(struct cgroup *cgroup)
{
	__u32 mask = cgroup->root->subsys_mask;

	if (cgroup->root->hierarchy_id == 0)
		return CGROUP_V2;
	if (!has_cgroup_v1)
		return -1;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id) &&
	    (mask >> bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)) & 1)
		return CGROUP_V1_MEMORY;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id) &&
	    (mask >> bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)) & 1)
		return CGROUP_V1_PIDS;
	return -1;
}

#endif
