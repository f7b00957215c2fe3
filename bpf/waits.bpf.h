/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Waiting: for a CPU, and in uninterruptible sleep. The kernel keeps when a task was queued; at the switch to
 * it the wait is one subtraction on the run queue's own clock. Every wait is counted by its length and CPU; one
 * of 1 ms and longer is looked up by process too.
 */
#ifndef OBIT_WAITS_H
#define OBIT_WAITS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"
#include "bpf/state.bpf.h"

#define NS_PER_MS 1000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct runq);
} runq SEC(".maps");

struct process_waits {
	__u64 start_boot_ns;
	struct waits waits;
	__u64 max_delay_since_walk_ns;
};

/* Those that have waited long, by pid, until their end is reported. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct process_waits);
} waits SEC(".maps");

/* Zeroes to begin with, as in rollup.h. */
static __always_inline struct process_waits *waits_of(struct task_struct *task)
{
	struct process_waits fresh = {}, *known;
	struct counters *count;
	__u32 pid = task->tgid;

	known = bpf_map_lookup_elem(&waits, &pid);
	fresh.start_boot_ns = task->group_leader->start_boottime;
	if (known && known->start_boot_ns == fresh.start_boot_ns)
		return known;
	if (bpf_map_update_elem(&waits, &pid, &fresh, BPF_ANY)) {
		count = counters_of(epoch_now());
		if (count)
			ADD(count->wait_map_full, 1);
		return 0;
	}
	return bpf_map_lookup_elem(&waits, &pid);
}

/* Threads of one process may come here on several CPUs; of maxima a lost one is a lesser evil than a loop. */
static __always_inline void note_long_delay(struct task_struct *task, __u64 delay_ns)
{
	struct process_waits *of = waits_of(task);

	if (!of)
		return;
	ADD(of->waits.delays_1ms, 1);
	if (delay_ns >= 10 * NS_PER_MS)
		ADD(of->waits.delays_10ms, 1);
	if (delay_ns >= 100 * NS_PER_MS)
		ADD(of->waits.delays_100ms, 1);
	if (of->waits.max_delay_ns < delay_ns)
		of->waits.max_delay_ns = delay_ns;
	if (of->max_delay_since_walk_ns < delay_ns)
		of->max_delay_since_walk_ns = delay_ns;
}

/* Position of the highest bit set; n is not 0. */
static __always_inline __u64 log2_of(__u64 n)
{
	__u64 log2 = 0, shift;

	shift = (n > 0xffffffff) << 5;
	n >>= shift;
	log2 |= shift;
	shift = (n > 0xffff) << 4;
	n >>= shift;
	log2 |= shift;
	shift = (n > 0xff) << 3;
	n >>= shift;
	log2 |= shift;
	shift = (n > 0xf) << 2;
	n >>= shift;
	log2 |= shift;
	shift = (n > 0x3) << 1;
	n >>= shift;
	log2 |= shift;
	return log2 | (n >> 1);
}

static __always_inline __u64 runq_bucket(__u64 delay_ns)
{
	__u64 octave, bucket;

	if (delay_ns < RUNQ_PARTS)
		return delay_ns;
	octave = log2_of(delay_ns) - RUNQ_PARTS_LOG2;
	bucket = (octave << RUNQ_PARTS_LOG2) + (delay_ns >> octave);
	return bucket;
}

/* How long `next` has waited for the CPU that it is about to get; ~0: it has not, or that is not known. */
static __always_inline __u64 delay_of(struct task_struct *next)
{
	__u64 queued = next->sched_info.last_queued;
	__s64 delay_ns;

	if (!queued || !next->pid)
		return ~0ULL;
	/* The clocks of two CPUs may be a little apart. */
	delay_ns = queue_clock(next) - queued;
	return delay_ns > 0 ? delay_ns : 0;
}

static __always_inline void note_delay(struct task_struct *next, __u64 delay_ns)
{
	__u32 key = epoch_now() & 1;
	struct runq *of_cpu = bpf_map_lookup_elem(&runq, &key);
	__u64 bucket = runq_bucket(delay_ns);

	if (!of_cpu)
		return;
	if (bucket >= RUNQ_BUCKETS)
		bucket = RUNQ_BUCKETS - 1;
	barrier_var(bucket);
	if (bucket >= RUNQ_BUCKETS)
		return;
	of_cpu->switches[bucket]++;
	if (delay_ns >= NS_PER_MS)
		note_long_delay(next, delay_ns);
}

/*
 * Tasks in uninterruptible sleep, by the low bits of their id: a look-up in a map at every switch would cost
 * more than all the rest. Of two sleepers with the same bits the first is not counted.
 */
enum { SLEEPERS = 16384 };

struct sleeper {
	__u64 since_ns;
	__s32 tid;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLEEPERS);
	__type(key, __u32);
	__type(value, struct sleeper);
} sleepers SEC(".maps");

static __always_inline struct sleeper *sleeper_slot(__u32 tid)
{
	__u32 slot = tid & (SLEEPERS - 1);

	return bpf_map_lookup_elem(&sleepers, &slot);
}

static __always_inline void fall_asleep(struct task_struct *prev)
{
	struct sleeper *slot = sleeper_slot(prev->pid);

	/* TASK_IDLE, which kernel threads sleep in for want of work, has TASK_NOLOAD. */
	if (!slot || (task_state(prev) & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) != TASK_UNINTERRUPTIBLE)
		return;
	slot->since_ns = bpf_ktime_get_ns();
	slot->tid = prev->pid;
}

/* What it waited for the CPU after it was woken is no sleep. */
static __always_inline void wake_up(struct task_struct *next, __u64 delay_ns)
{
	struct sleeper *slot = sleeper_slot(next->pid);
	struct process_waits *of;
	__s64 slept_ns;

	if (!slot || slot->tid != next->pid || !next->pid)
		return;
	slot->tid = 0;
	slept_ns = bpf_ktime_get_ns() - slot->since_ns - (delay_ns == ~0ULL ? 0 : delay_ns);
	of = slept_ns > 0 ? waits_of(next) : 0;
	if (of)
		ADD(of->waits.block_ns, slept_ns);
}

/* The process has ended: its waits go into its record. */
static __always_inline void take_waits(struct waits *ret, __u32 pid, __u64 start_boot_ns)
{
	struct process_waits *of = bpf_map_lookup_elem(&waits, &pid);

	/* With its pid used again the entry may be another's. */
	if (!of || of->start_boot_ns != start_boot_ns)
		return;
	*ret = of->waits;
	bpf_map_delete_elem(&waits, &pid);
}

#endif
