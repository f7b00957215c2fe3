/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's socket: answers requests (wire.h) from the thread that calls it, and never makes it wait.
 *
 *   who may ask     uid 0, the agent's own uid, members of the group that the socket belongs to; the others
 *                   are answered that they may not
 *   at most         SERVER_CLIENTS at a time, the next ones wait in the kernel's queue of as many;
 *                   WIRE_REQUEST_BYTES a request; SERVER_WAIT_NS to send one, and to take the reply
 *
 * One thread.
 */
#ifndef OBIT_CONTROL_SERVER_H
#define OBIT_CONTROL_SERVER_H

#include <sys/types.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/clock.h"

#define SERVER_CLIENTS 8 /* a few users and a monitor; each holds a descriptor of the agent's */
#define SERVER_WAIT_NS NS_PER_S

#define SERVER_GROUP "obit"

struct server_ports {
	/* Adds the whole reply. */
	void (*answer)(void *ctx, struct buffer *reply);
	void *ctx;
};

struct server;

/*
 * Makes the socket, 0660 and of the group obit where there is one, in place of one that nobody listens at.
 * With `is_directory_made` its directory is made, 0750, when it is missing. Errors: -EADDRINUSE, *ret_holder
 * is the pid that listens there; -ENOTSOCK, something else has that name; -ENAMETOOLONG; what the system said.
 */
int server_open(const char *path, bool is_directory_made, const struct server_ports *ports, struct server **ret,
		pid_t *ret_holder);

/* Readable when server_serve() has something to do. */
int server_fd(const struct server *server);

/* Does what can be done without waiting. */
void server_serve(struct server *server);

/* Cuts off who is served and removes the socket, if it is still this server's. NULL is legal. */
void server_close(struct server *server);

#endif
