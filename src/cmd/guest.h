/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's socket, wired: record knows nothing of sockets, serve nothing of the agent.
 */
#ifndef OBIT_CMD_GUEST_H
#define OBIT_CMD_GUEST_H

#include "agent/agent.h"

struct server;

struct guest {
	const char *store, *socket; /* as options_socket() takes them */
	/* the guest's own */
	struct agent *agent;
	struct server *server; /* NULL: there is none; the agent goes on without */
	struct status *status; /* filled anew for each answer */
};

/* Valid as long as the guest; the agent closes it. */
struct agent_guest guest_port(struct guest *guest);

#endif
