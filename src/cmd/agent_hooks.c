// SPDX-License-Identifier: BSD-2-Clause
/*
 * Between agent and socket. Without the socket recording goes on: what is wrong with it is said once.
 */
#include "cmd/agent_hooks.h"

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
	struct hooks *hooks = context;

	agent_status(hooks->agent, hooks->status);
	wire_add_status(reply, hooks->status);
}

static void report_error(const char *path, int error, pid_t holder)
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
		log_line("%s is no socket: `obit status` will not reach this agent; remove it or give another with "
			 "--socket",
			 path);
	else
		log_line("cannot make the socket %s: %s: `obit status` will not reach this agent; give another with "
			 "--socket",
			 path, strerror(-error));
}

static int open_socket(void *context, struct agent *agent)
{
	struct hooks *hooks = context;
	struct server_ports ports = {.answer = answer, .ctx = hooks};
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	pid_t holder = 0;
	int r;

	hooks->agent = agent;
	if (hooks->socket && strcmp(hooks->socket, "none") == 0)
		return -1;
	hooks->status = status_new();
	r = hooks->status ? options_socket(hooks->socket, hooks->store, path, sizeof(path)) : -ENOMEM;
	if (r < 0) {
		report_error(hooks->socket ? hooks->socket : hooks->store, r, 0);
		return -1;
	}
	r = server_open(path, !hooks->socket, &ports, &hooks->server, &holder);
	if (r < 0) {
		report_error(path, r, holder);
		return -1;
	}
	return server_fd(hooks->server);
}

static void serve(void *context)
{
	struct hooks *hooks = context;

	server_serve(hooks->server);
}

static void close_socket(void *context)
{
	struct hooks *hooks = context;

	server_close(hooks->server);
	status_free(hooks->status);
	hooks->server = NULL;
	hooks->status = NULL;
}

struct agent_hooks hooks_port(struct hooks *hooks)
{
	return (struct agent_hooks){open_socket, serve, close_socket, hooks};
}
