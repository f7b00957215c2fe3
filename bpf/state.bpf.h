/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs share: the knobs, the epoch, the counters and the maps.
 *
 * The epoch is the number of the interval. The agent alone writes it, and first the boundary that goes with it.
 * A program reads it once and counts everything of its run under it; a grace period later no program runs
 * under the old one any more, so its counters and roll-ups stand still and can be read.
 */
#ifndef OBIT_STATE_H
#define OBIT_STATE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/event.h"
#include "bpf/kernels.bpf.h"

/* Errors of helpers; vmlinux.h has types only. */
#define ENOENT	   2
#define EEXIST	   17
#define EOPNOTSUPP 95

/* Set before loading; the verifier prunes what they switch off. */
const volatile bool sched_on = true;

const volatile bool delays_on = true;	   /* waits for a CPU: their distribution, and long ones by process */
const volatile bool blocks_on = false;	   /* uninterruptible sleep by process */
const volatile bool threads_on = false;	   /* rows of single threads too */
const volatile bool has_cgroup_v1 = false; /* some controllers are in hierarchies of v1 */
const volatile bool use_ringbuf = false;   /* BPF ring buffers in place of perf ring buffers */
const volatile __u64 wake_bytes = 0;	   /* wake the reader when a BPF ring buffer comes to hold so much */

/* Written by the agent. Processes with a start up to boundary_ns[epoch & 1] belong to an older interval. */
__u32 epoch;
__u64 boundary_ns[2];
bool in_initial_scan; /* the first walk: it notes leaders that exited before the programs were there */

/* Since when every exit passes on_leave; the agent writes it when that is attached. */
__u64 announced_since_boot_ns = ~0ULL;

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

/* One BPF ring buffer for each CPU, put in by the agent when they are used. */
struct ringbuf {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ringbuf);
} ringbufs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct counters);
} counts SEC(".maps");

/* Exits that found the ring full, by epoch & 1. */
struct rollup_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct rollup_key);
	__type(value, struct rollup);
} rollups_even SEC(".maps"), rollups_odd SEC(".maps");

/* ... and those that found the roll-up map full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct rollup);
} rollup_other SEC(".maps");

/* Zeroes to begin a roll-up with: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rollup);
} rollup_zero SEC(".maps");

/*
 * Processes from their last thread's sched_process_exit until the release of their leader's task, by the address
 * of their signal_struct: a task that is held keeps that in being. The agent reads who is not counted yet. One that
 * finds no room is counted all the same; in a walk between its reaping and its last switch it is missing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct exiting);
} exiting SEC(".maps");

/*
 * Processes whose leader has ended before other threads. The exec id distinguishes the image that the leader
 * belonged to from a later one of the same process.
 */
struct leaderless {
	__u64 signal;
	__u64 exec_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct leaderless);
	__type(value, __u8);
} leaderless SEC(".maps");

/* Born after the boundary by count and before it by clock; exited, without a record, after having crossed it. */
struct boundary_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct boundary_process);
	__type(value, __u8);
} births_late SEC(".maps"), deaths_unrecorded SEC(".maps");

/* Updating it makes the kernel wait for a grace period (maybe_wait_bpf_programs()); nothing else is it for. */
struct nothing {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nothing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct nothing);
} grace SEC(".maps");

#define ADD(where, n) __sync_fetch_and_add(&(where), (n))

/*
 * Counts one of the three columns of the invariants. A test build (scripts/check-miscount.sh) leaves out a few of one
 * of them, to prove that verify notices.
 */
enum { LAW_FORKS = 1, LAW_EXITS_SEEN = 2, LAW_ROLLED_UP = 3 };

#ifndef OBIT_MISCOUNT
#define OBIT_MISCOUNT 0
#endif

#define COUNT(invariant, where) ADD(where, (invariant) == OBIT_MISCOUNT && (bpf_get_prandom_u32() & 63) == 0 ? 0 : 1)

static __always_inline __u32 epoch_now(void)
{
	return *(volatile __u32 *)&epoch;
}

static __always_inline struct counters *counters_of(__u32 now)
{
	__u32 key = now & 1;

	return bpf_map_lookup_elem(&counts, &key);
}

static __always_inline bool crossed_boundary(__u32 now, __u64 start_boot_ns)
{
	return start_boot_ns <= *(volatile __u64 *)&boundary_ns[now & 1];
}

static __always_inline void note_no_ring(void)
{
	struct counters *count = counters_of(epoch_now());

	if (count)
		ADD(count->no_ring, 1);
}

/*
 * A CPU that was not online when the perf rings were made has none (-ENOENT), and that of one which has been offline
 * since takes nothing any more (-EOPNOTSUPP): the agent gives both a BPF ring buffer when it finds them counted.
 * Not 0: there was no room.
 */
static __always_inline long send_event(void *ctx, void *event, __u64 size)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 held, flags = BPF_RB_NO_WAKEUP;
	void *ring;
	long r;

	if (!use_ringbuf) {
		r = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, size);
		if (r != -ENOENT && r != -EOPNOTSUPP)
			return r;
	}
	ring = bpf_map_lookup_elem(&ringbufs, &cpu);
	if (!ring) {
		note_no_ring();
		return -ENOENT;
	}
	held = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	if (held < wake_bytes && held + size >= wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	return bpf_ringbuf_output(ring, event, size, flags);
}

static __always_inline void head_init(struct event_head *head, __u32 type, __u32 now, __u32 pid, __u64 start_boot_ns)
{
	head->type = type;
	head->epoch = now;
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->start_boot_ns = start_boot_ns;
	head->pid = pid;
	head->unused = 0;
}

static __always_inline void note_boundary_process(void *map, struct counters *count, __u32 now, __u32 pid,
						  __u64 start_boot_ns)
{
	struct boundary_process key = {.start_boot_ns = start_boot_ns, .pid = pid, .epoch = now};
	__u8 one = 1;

	if (bpf_map_update_elem(map, &key, &one, BPF_ANY))
		ADD(count->crossing_map_full, 1);
}

#endif
