/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the agent may do: what is missing when it starts, and what it gives up when everything is set up.
 */
#ifndef OBIT_AGENT_PRIVILEGES_H
#define OBIT_AGENT_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/* A capability that recording uses, and the agent has not got. */
struct privilege {
	const char *name; /* "CAP_BPF" */
	const char *loss; /* what is lost without it */
	bool is_vital;	  /* nothing can be recorded */
	bool is_kept;	  /* needed for as long as it records, not for set-up alone */
};

/* The i-th of those that are missing, in order of weight. False: there are no more. */
int privileges_missing(size_t i, struct privilege *ret);

/*
 * Gives up, for this thread and all that it will start, every capability that is no longer needed, the way to get
 * new ones (no_new_privs), and the system calls by which a taken agent could do harm (seccomp): executing a
 * program is the first of them. store_dir says whether its owner's rights suffice to write there. 0 or -errno.
 */
int privileges_drop(const char *store_dir);

#endif
