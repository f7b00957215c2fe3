/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the programs in the kernel and the agent: what is written to the rings and what the
 * maps hold. Includes nothing; the includer has the fixed-width names __u8 ... __u64. Both sides are built
 * from this file together, so it carries no versions; it is never written to disk.
 *
 * Clocks: *_boot_ns is CLOCK_BOOTTIME. A process is named by (pid, start_boot_ns), pid being the thread
 * group id in the initial pid namespace.
 */
#ifndef OBIT_EVENT_H
#define OBIT_EVENT_H

enum {
	EVENT_FORK = 1,
	EVENT_EXEC = 2,
	EVENT_EXIT = 3,
	EVENT_THREAD = 4,
	EVENT_SIGNAL = 5,
	EVENT_CGROUP = 6,
	EVENT_TITLE = 7,
};

/* Hierarchies of cgroups: v2, and of v1 those two that everybody who makes containers there mounts. */
enum {
	CGROUP_V2,
	CGROUP_V1_MEMORY,
	CGROUP_V1_PIDS,
	N_CGROUP_HIERARCHIES,
};

enum {
	OBIT_COMM_LEN = 16,
	OBIT_EXE_MAX = 1024,	/* bytes of path kept; deeper paths lose their root end */
	OBIT_EXE_PARTS = 32,	/* components of path walked */
	OBIT_NAME_MAX = 256,	/* one component, with its NUL */
	OBIT_EXE_SPACE = 2048,	/* above OBIT_EXE_MAX + OBIT_NAME_MAX, and a power of two for the verifier */
	OBIT_ARGV_MAX = 4096,	/* bytes of arguments kept */
	OBIT_CGROUP_MAX = 1024, /* bytes of cgroup path kept */
	OBIT_TITLE_MAX = 256,	/* bytes of arguments as they are at the end */
};

/* Every event begins with this. */
struct event_head {
	__u32 type;
	__u32 epoch; /* the interval that its counters were counted in */
	__u64 boot_ns;
	__u64 start_boot_ns;
	__u32 pid;
	__u32 unused;
};

struct event_fork {
	struct event_head head; /* the child */
	__u64 parent_start_boot_ns;
	__u32 parent_pid;
	__u32 unused;
};

enum {
	EXEC_ARGV_TRUNCATED = 1,
	EXEC_ARGV_LOST = 2, /* its page was not in memory */
	EXEC_EXE_TRUNCATED = 4,
};

/* `data` holds the path's components, last one first, each ended by NUL; then the arguments, as in memory. */
struct event_exec {
	struct event_head head;
	__u32 exe_len;
	__u32 argv_len;
	__u32 flags;
	__u32 unused;
	char data[OBIT_EXE_SPACE + OBIT_ARGV_MAX];
};

/*
 * What the kernel keeps by thread alone. It does add the I/O of exited threads up in signal->ioac, but there that of
 * every child which the process has waited for is added too (wait_task_zombie()).
 */
struct by_thread {
	__u64 run_delay_ns;
	__u64 timeslices;
	__u64 migrations;
	__u64 rchar;
	__u64 wchar;
	__u64 syscr;
	__u64 syscw;
	__u64 read_bytes;
	__u64 write_bytes;
	__u64 cancelled_write_bytes;
};

enum { N_BY_THREAD = sizeof(struct by_thread) / sizeof(__u64) };

/* The end of a thread that does not carry its process's record: its CPU and faults are in the process's sums already.
 */
struct event_thread {
	struct event_head head; /* the process */
	struct by_thread own;
	__u64 cgroup_id;
	char comm[OBIT_COMM_LEN];
};

enum {
	SIGNAL_ENDS = 1,	/* its receiver has begun to die of it, or will when it runs next */
	SIGNAL_MAY_END = 2,	/* it pends: blocked, or a tracer decides */
	SIGNAL_ASKS = 4,	/* TERM, INT, HUP or QUIT, to one that handles it */
	SIGNAL_BY_KERNEL = 8,	/* the sender's fields are 0 */
	SIGNAL_MEMCG_FULL = 16, /* the receiver's memory cgroup, or one above it, is at its limit */
};

/* Why the kernel has sent a signal, or let somebody end a process otherwise than by kill(2). 0: not known. */
enum kill_reason {
	KILL_OOM = 1,
	KILL_OOM_MEMCG,
	KILL_RLIMIT_CPU,
	KILL_RLIMIT_FSIZE,
	KILL_FAULT,
	KILL_SECCOMP,
	KILL_HANGUP,
	KILL_PDEATHSIG,
	KILL_CGROUP_KILL,
	KILL_TIMER,
	KILL_PIPE,
	KILL_PID_NAMESPACE,
	KILL_PTRACE,
	N_KILL_REASONS,
};

/* A signal whose default action ends the process. */
struct event_signal {
	struct event_head head; /* the receiver */
	__u32 signal;
	__u32 flags;
	__u32 reason;
	__u32 sender_pid;
	__u32 sender_uid;
	__u32 sender_euid;
	char sender_comm[OBIT_COMM_LEN];
};

/* The arguments of a process that is exiting and has never called exec: such workers write titles over them. */
struct event_title {
	struct event_head head;
	__u32 len;
	__u32 unused;
	char data[OBIT_TITLE_MAX];
};

struct event_cgroup {
	struct event_head head; /* pid 0 */
	__u64 id;
	__u32 path_len;
	__u32 hierarchy;
	char path[OBIT_CGROUP_MAX];
};

/* What a process cost; a roll-up holds their sums. The order is the order of addition: keep `sums` all __u64. */
struct costs {
	__u64 wall_ns;
	__u64 cpu_ns;
	__u64 utime_ns; /* tick-sampled, as the kernel keeps it */
	__u64 stime_ns;
	__u64 threads;
	__u64 nvcsw;
	__u64 nivcsw;
	__u64 minflt;
	__u64 majflt;
	struct by_thread by_thread;
};

/*
 * Waits for a CPU of 1 ms and longer of a process's threads, and uninterruptible sleep. Kept apart from
 * `costs`: most processes have none.
 */
struct waits {
	__u64 delays_1ms;   /* 1 ms and longer */
	__u64 delays_10ms;  /* of them 10 ms and longer */
	__u64 delays_100ms; /* of them 100 ms and longer */
	__u64 block_ns;	    /* with the level `full` alone */
	__u64 max_delay_ns; /* of all its life; 0: none was as long as 1 ms */
};

enum {
	EXIT_OOM_KILLED = 1,
	EXIT_KTHREAD = 2,
	EXIT_NO_EXEC = 4,
	EXIT_BY_FREE = 8,	    /* seen by the free path */
	EXIT_CROSSED_BOUNDARY = 16, /* was alive when its interval began */
	EXIT_PIDS_LOST = 32,	    /* nspid, pgid and sid were gone already */
};

struct event_exit {
	struct event_head head;
	struct costs costs;
	struct waits waits;
	__u64 max_rss_pages;
	__u64 own_max_rss_pages; /* since it got its memory by exec or fork; 0: not known */
	__u64 cgroup_id;
	__u64 v1_cgroup_ids[2]; /* by CGROUP_V1_MEMORY - 1 and so on; 0: the root, or there is none */
	__s32 wait_status;	/* as wait4() gives it */
	__u32 flags;
	__u32 ppid;
	__u32 nspid;
	__u32 pgid;
	__u32 sid;
	__u32 unused;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 auid;
	char comm[OBIT_COMM_LEN];
};

struct rollup_key {
	char comm[OBIT_COMM_LEN];
	__u64 cgroup_id;
};

/* Added to by one CPU only; the sums of all CPUs' values are the entry. */
struct rollup {
	__u64 exits;
	__u64 failed;
	__u64 amendments; /* ends of threads, which add costs and no exit */
	__u64 max_rss_pages;
	struct costs costs;
};

/* Counted by every CPU by itself, never reset; one entry for even intervals, one for odd ones. */
struct counters {
	__u64 forks;
	__u64 execs;
	__u64 exits_seen;
	__u64 exits_second_witness;
	__u64 drops_fork;
	__u64 drops_exec;
	__u64 drops_signal;
	__u64 drops_cgroup;
	__u64 rollup_map_full;
	__u64 mark_map_full;
	__u64 orphan_map_full;
	__u64 crossing_map_full;
	__u64 wait_map_full;
	__u64 procs_skipped;
	__u64 exits_unseen;
	__u64 no_ring; /* events of a CPU that was not online when the rings were made; no column of the ledger */
};

/* A process that was born or died so near to an interval's boundary that it must be named to be counted once. */
struct boundary_process {
	__u64 start_boot_ns;
	__u32 pid;
	__u32 epoch;
};

/*
 * A process from its last thread's sched_process_exit until its task is freed. Whoever reaps it (a parent that
 * the exit has woken, or the kernel itself) may take its ids from it, and the process out of the walk, before
 * its exit is counted.
 */
struct exiting {
	__u64 start_boot_ns;
	__u32 pid;
	__u32 ppid;
	__u32 nspid;
	__u32 pgid;
	__u32 sid;
	__u32 is_counted;	 /* set just before its exit is counted */
	__u64 own_max_rss_pages; /* as in event_exit */
};

/*
 * Waits for a CPU by length, counted by every CPU for itself, never reset: one entry for even intervals, one
 * for odd ones. Buckets up to RUNQ_EXACT hold one length (ns) each; above, every power of two is cut into
 * RUNQ_PARTS of the same width, so that the middle of a bucket is within 1 / (2 * RUNQ_PARTS) of what it holds.
 */
enum {
	RUNQ_PARTS_LOG2 = 3,
	RUNQ_PARTS = 1 << RUNQ_PARTS_LOG2,
	RUNQ_OCTAVES = 40, /* longer waits, of 18 minutes, are counted in the last bucket */
	RUNQ_BUCKETS = (RUNQ_OCTAVES - RUNQ_PARTS_LOG2 + 1) * RUNQ_PARTS,
};

struct runq {
	__u64 switches[RUNQ_BUCKETS];
};

enum {
	WALK_NEW = 1,	 /* being forked: its fork may not be counted yet */
	WALK_SAMPLE = 2, /* a process_sample follows */
	WALK_EXITED = 4, /* its end has been reported; it waits to be reaped, and lives no more */
	WALK_THREAD = 8, /* not a process: struct walk_thread */
	WALK_PART = 16,	 /* nor this: struct walk_part */
};

/* A process, written by the task iterator, in order of pid. */
struct walk_row {
	__u64 start_boot_ns;
	__u32 pid;
	__u32 flags;
};

/* What it has cost up to now, when that has changed since it was written last. */
struct process_sample {
	struct costs costs; /* wall_ns is 0, threads are those alive; by_thread is theirs alone: that of exited ones
			     * came as event_thread */
	struct waits waits; /* max_delay_ns since the last walk */
	__u64 rss_pages;
	__u64 swap_pages;
	__u64 cgroup_id;
	__u64 v1_cgroup_ids[2]; /* as in event_exit */
	__u32 ppid;
	__u32 uid;
	__u32 euid;
	__u32 egid;
	__u32 gid;
	__u32 state; /* task->__state | task->exit_state of the leader */
	__u32 flags; /* EXIT_KTHREAD */
	__u32 last_cpu;
	char comm[OBIT_COMM_LEN];
};

struct walk_report {
	struct walk_row row;
	struct process_sample sample;
};

/*
 * A thread of a process with more than are added up in the kernel. Its process's values come before those of its
 * threads with higher ids; the others' wait for their end.
 */
struct walk_part {
	struct walk_row row; /* its process, with WALK_PART */
	struct costs costs;
};

struct thread_costs {
	__u64 cpu_ns;
	__u64 run_delay_ns;
	__u64 timeslices;
	__u64 nvcsw, nivcsw;
	__u64 migrations;
	__u64 minflt, majflt;
};

/* A thread of a process with several, and what it has done since it was written last. */
struct walk_thread {
	struct walk_row row; /* its own start, and its tid for pid; flags are WALK_THREAD */
	struct thread_costs step;
	__u64 process_start_boot_ns;
	__u32 pid;
	__u32 state; /* task->__state */
	__u32 last_cpu;
	__u32 unused;
	char comm[OBIT_COMM_LEN];
};

#endif
