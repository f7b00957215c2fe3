// SPDX-License-Identifier: BSD-2-Clause
/*
 * Between agent and socket. Without the socket recording goes on: what is wrong with it is said once.
 */
#include "cmd/guest.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "base/log.h"
#include "cmd/options.h"
#include "control/server.h"
#include "control/wire.h"
#include "model/status_sections.h"

static void answer(void *context, struct buffer *reply)
{
	struct guest *guest = context;

	agent_status(guest->agent, guest->status);
	wire_add_status(reply, guest->status);
}

static void complain(const char *path, int error, pid_t holder)
{
	if (error == -EADDRINUSE && holder)
		log_line(
		    "process %d answers at %s: `obit status` will not reach this agent there; give it another with "
		    "--socket",
		    (int)holder, path);
	else if (error == -EADDRINUSE)
		log_line(
		    "another process holds the socket %s: `obit status` will not reach this agent; give it another "
		    "with --socket",
		    path);
	else if (error == -ENOTSOCK)
		log_line(
		    "%s is no socket: `obit status` will not reach this agent; remove it or give another with --socket",
		    path);
	else
		log_line("cannot make the socket %s: %s: `obit status` will not reach this agent; give another with "
			 "--socket",
			 path, strerror(-error));
}

static int open_socket(void *context, struct agent *agent)
{
	struct guest *guest = context;
	struct server_ports ports = {.answer = answer, .ctx = guest};
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	pid_t holder = 0;
	int r;

	guest->agent = agent;
	if (guest->socket && strcmp(guest->socket, "none") == 0)
		return -1;
	guest->status = status_new();
	r = guest->status ? options_socket(guest->socket, guest->store, path, sizeof(path)) : -ENOMEM;
	if (r < 0) {
		complain(guest->socket ? guest->socket : guest->store, r, 0);
		return -1;
	}
	r = server_open(path, !guest->socket, &ports, &guest->server, &holder);
	if (r < 0) {
		complain(path, r, holder);
		return -1;
	}
	return server_fd(guest->server);
}

static void serve(void *context)
{
	struct guest *guest = context;

	server_serve(guest->server);
}

static void close_socket(void *context)
{
	struct guest *guest = context;

	server_close(guest->server);
	status_free(guest->status);
	guest->server = NULL;
	guest->status = NULL;
}

struct agent_guest guest_port(struct guest *guest)
{
	return (struct agent_guest){open_socket, serve, close_socket, guest};
}
