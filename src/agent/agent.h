/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent: wires collect, drain, ledger and writer, and rolls the intervals over. agent_inside.h says which
 * thread owns what.
 */
#ifndef OBIT_AGENT_AGENT_H
#define OBIT_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/sched_level.h"

struct agent;
struct status;

/*
 * What the main thread serves besides while it records (the socket). All is called by the main thread and
 * must not wait.
 */
struct agent_hooks {
	/* Once, when all is attached and before rights are given up. A descriptor that is readable when serve() has
	 * something to do, or -1. */
	int (*open)(void *ctx, struct agent *agent);
	void (*serve)(void *ctx);
	void (*close)(void *ctx); /* before the last interval is closed; also when open() was never called */
	void *ctx;
};

struct agent_options {
	const char *store_dir;
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: until SIGINT or SIGTERM */
	enum sched_level sched;
	int threads_on;	     /* rows of single threads too */
	int use_ringbuf;     /* BPF ring buffers in place of perf ring buffers */
	uint32_t ring_pages; /* 0: by the number of CPUs */
	uint32_t max_processes;
	const char *redact; /* a rule of redact.h; NULL: all arguments are recorded */
	int fsync_each_interval;
	uint64_t retain_bytes, retain_age_ns; /* of struct store_options */
	bool is_verbose;
	const struct agent_hooks *hooks; /* NULL: none */
};

/* Records until it is asked to stop; everything that ended before is in the store then. Says its errors
 * itself. 0 or -errno. */
int agent_run(const struct agent_options *options);

/* For the hooks: how it stands, all sections. */
void agent_status(const struct agent *agent, struct status *ret);

#endif
