/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the agent's memory is sized by, each with its reason. All of it is allocated, and locked, at start.
 */
#ifndef OBIT_MODEL_LIMITS_H
#define OBIT_MODEL_LIMITS_H

/* Rows of a chunk: at 17,000 exits a second eight chunks go to the writer each second; 3 MB a chunk. */
#define CHUNK_ROWS 2048
/* Text of one: four times what a compile job's need. */
#define EXIT_ROW_BYTES 320
/* Roll-ups of a chunk; an interval may have twice as many. */
#define CHUNK_ROLLUP_ROWS 1024
#define ROLLUP_ROW_BYTES  64
/* Rows of procs and of the roster in a chunk. Text of one: the path of its cgroup; of the roster's: arguments too. */
#define CHUNK_PROCS_ROWS  1024
#define PROC_ROW_BYTES	  160
#define CHUNK_ROSTER_ROWS 256
#define ROSTER_ROW_BYTES  320
/* And of threads, where they are recorded: a name and a state. */
#define CHUNK_THREADS_ROWS 128
#define THREAD_ROW_BYTES   20
/* What live processes run, when that is new. */
#define CHUNK_PROGRAMS_ROWS 256
/* Users, groups and containers that are new. */
#define CHUNK_NAMES_ROWS      64
#define NAME_ROW_BYTES	      64
#define CHUNK_CONTAINERS_ROWS 32
#define CONTAINER_ROW_BYTES   512
/* Names that need not be written again before the next roster; beyond, some are. */
#define NAMES_WRITTEN 8192
/* One fills for the interval, one for the next, one is written, one waits. */
#define CHUNKS 4

/* Intervals that have rows and are not sealed: the one that ended, the one after it, and what those may overlap with.
 */
#define OPEN_INTERVALS 4

/* Events between drain and ledger: a tenth of a second of the fastest storm seen (10 MB/s). */
#define QUEUE_BYTES (1u << 20)

/* Processes known by identity at most (--max-processes); each takes about 700 bytes, when it is there. */
#define PROCESSES_MAX_LEAST 1024u
#define PROCESSES_MAX_MOST  4194304u /* PID_MAX_LIMIT */
/* Blocks of text behind them: 64 bytes each; a process of the mean takes three. */
#define TEXT_BLOCKS_PER_PROCESS 4

/* A roster is written so often: as far a reader goes back for the state of all processes at a time. */
#define ROSTER_PERIOD_NS (300 * NS_PER_S)
/* So far back a reader finds one, also where it came late. */
#define ROSTER_REACH_NS (2 * ROSTER_PERIOD_NS)

/* Cgroups known by path, as far as that is kept, and blocks of text for each: long paths take no room from others. */
#define CGROUP_PATHS	   8192
#define CGROUP_PATH_BYTES  1024
#define CGROUP_PATH_BLOCKS (CGROUP_PATH_BYTES / 60 + 1)

/* Disks with their partitions, interfaces and cgroups sampled: beyond what most hosts have. They take
 * 0.3, 0.6 and 1.7 MB. */
#define SAMPLED_DISKS	512
#define SAMPLED_NICS	1024
#define SAMPLED_CGROUPS 2048
/* Rows of them in an interval; what finds none is reported later, with all it has counted since. */
#define DISK_ROWS   256
#define NIC_ROWS    512
#define CGROUP_ROWS 512
/* Text of a row of a disk or interface: its name. */
#define DEVICE_ROW_BYTES 32
/* Text of a cgroup's row: its path; those of Kubernetes take about 200. */
#define CGROUP_ROW_BYTES 192
/* Files of cgroups held open, for each of which the kernel keeps a buffer of 4 KiB; others are opened anew. */
#define CGROUP_FILES 2048

/* Ends between an interval's boundary and its sealing: 17,000 a second for almost 2 s. */
#define BOUNDARY_PROCESSES 32768

/* Perf ring memory of all CPUs together, and the least for one; a ring is a power of two of pages. */
#define RINGS_BYTES	     (4u << 20)
#define RING_PAGES_MIN	     64u
#define RING_PAGES_MAX	     512u
#define RING_PAGES_ASKED_MAX 65536u /* --ring-pages: 256 MiB a CPU */

/* Drain at least this often, so that a quiet host's records are no older. */
#define DRAIN_PERIOD_MS 100

/* The drain's: late, it costs detail; it does little work. */
#define DRAIN_NICE (-10)

/* Thread stacks: the deepest is the writer in zstd, measured below 64 KiB. */
#define THREAD_STACK_BYTES (256u << 10)

/* Open files: rings, programs, maps, the store, and the samplers' files. */
#define FILES_MIN 4096u

#endif
