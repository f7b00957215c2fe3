/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's socket, wired: record knows nothing of sockets, serve nothing of the agent.
 */
#ifndef OBIT_CMD_AGENT_HOOKS_H
#define OBIT_CMD_AGENT_HOOKS_H

#include "agent/agent.h"

struct server;

struct hooks {
	const char *store, *socket; /* as options_socket() takes them */
	/* the hooks' own */
	struct agent *agent;
	struct server *server; /* NULL: there is none; the agent goes on without */
	struct status *status; /* filled anew for each answer */
};

/* Valid as long as the hooks; the agent closes it. */
struct agent_hooks hooks_port(struct hooks *hooks);

#endif
