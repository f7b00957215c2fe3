/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Roll-ups: what is kept of an exit (or of a thread's end) when the ring is full. Each CPU adds to its own
 * values; the additions are atomic all the same, because on a preemptible-softirq kernel a program may
 * come between another's load and store.
 */
#ifndef OBIT_ROLLUP_H
#define OBIT_ROLLUP_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/state.bpf.h"

#define N_COSTS (sizeof(struct costs) / sizeof(__u64))

static __always_inline struct rollup *rollup_entry(__u32 now, struct rollup_key *key, struct counters *count)
{
	struct rollup *entry =
		now & 1 ? bpf_map_lookup_elem(&rollups_odd, key) : bpf_map_lookup_elem(&rollups_even, key);
	__u32 zero = 0, other = now & 1;
	struct rollup *empty;

	if (entry)
		return entry;
	empty = bpf_map_lookup_elem(&rollup_zero, &zero);
	if (!empty)
		return NULL;
	/* It may have come to be on another CPU since: that is as good. */
	if (now & 1) {
		bpf_map_update_elem(&rollups_odd, key, empty, BPF_NOEXIST);
		entry = bpf_map_lookup_elem(&rollups_odd, key);
	} else {
		bpf_map_update_elem(&rollups_even, key, empty, BPF_NOEXIST);
		entry = bpf_map_lookup_elem(&rollups_even, key);
	}
	if (entry)
		return entry;
	ADD(count->rollup_map_full, 1);
	return bpf_map_lookup_elem(&rollup_other, &other);
}

static __always_inline void rollup_exit(__u32 now, const struct event_exit *exit, struct counters *count)
{
	struct rollup_key key = {.cgroup_id = exit->cgroup_id};
	const __u64 *from = (const __u64 *)&exit->costs;
	struct rollup *entry;
	__u64 *to;

	__builtin_memcpy(key.comm, exit->comm, sizeof(key.comm));
	entry = rollup_entry(now, &key, count);
	if (!entry)
		return;
	COUNT(LAW_ROLLED_UP, entry->exits);
	if (exit->wait_status)
		ADD(entry->failed, 1);
	if (exit->max_rss_pages > entry->max_rss_pages)
		entry->max_rss_pages = exit->max_rss_pages;
	to = (__u64 *)&entry->costs;
#pragma unroll
	for (int i = 0; i < (int)N_COSTS; i++)
		ADD(to[i], from[i]);
}

static __always_inline void rollup_thread(__u32 now, const struct event_thread *thread, struct counters *count)
{
	struct rollup_key key = {.cgroup_id = thread->cgroup_id};
	struct rollup *entry;
	const __u64 *from;
	__u64 *to;

	__builtin_memcpy(key.comm, thread->comm, sizeof(key.comm));
	entry = rollup_entry(now, &key, count);
	if (!entry)
		return;
	ADD(entry->amendments, 1);
	ADD(entry->costs.threads, 1);
	from = (const __u64 *)&thread->own;
	to = (__u64 *)&entry->costs.by_thread;
#pragma unroll
	for (int i = 0; i < (int)N_BY_THREAD; i++)
		ADD(to[i], from[i]);
}

#endif
