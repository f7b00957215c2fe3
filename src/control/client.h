/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asking a running agent over its socket. Waits CLIENT_WAIT_NS at most for each answer. One thread.
 */
#ifndef OBIT_CONTROL_CLIENT_H
#define OBIT_CONTROL_CLIENT_H

#include <sys/types.h>

#include "base/clock.h"
#include "model/status_sections.h"

#define CLIENT_WAIT_NS (5 * NS_PER_S)

struct client;

/*
 * Connects: 0; -ENOENT or -ECONNREFUSED, nobody is there; -EACCES; -ETIMEDOUT; -ENAMETOOLONG; what else the
 * system said.
 */
int client_open(const char *path, struct client **ret);

/*
 * One request of wire.h and its reply. 0; -EREMOTEIO, the agent refuses: client_refusal() has its words;
 * -ETIMEDOUT; -EPROTO, the reply is none or was cut off.
 */
int client_ask(struct client *client, const char *request, struct status *ret);

/* The agent's words, any bytes, not ended by NUL; valid until the next request. */
const char *client_refusal(const struct client *client, size_t *ret_len);

/* Who listens, by the kernel's word. */
pid_t client_agent_pid(const struct client *client);

void client_close(struct client *client);

#endif
