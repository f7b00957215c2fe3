// SPDX-License-Identifier: BSD-2-Clause
/*
 * The asking side of the socket.
 */
#define _GNU_SOURCE
#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "control/listener.h"
#include "control/wire.h"

struct client {
	int fd;
	struct buffer reply;
	const char *refusal;
	size_t refusal_len;
};

int client_open(const char *path, struct client **ret)
{
	/* connect(2) waits while the agent's queue is full. */
	struct timeval wait = {.tv_sec = CLIENT_WAIT_NS / NS_PER_S};
	struct client *client = calloc(1, sizeof(*client));
	struct sockaddr_un address;
	int r = client ? socket_address(path, &address) : -ENOMEM;

	if (r < 0) {
		free(client);
		return r;
	}
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
		client_close(client);
		return r;
	}
	*ret = client;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	buffer_done(&client->reply);
	free(client);
}

static bool is_over(const struct client *client)
{
	return client->reply.used && wire_is_complete(client->reply.data, client->reply.used);
}

static int read_reply(struct client *client)
{
	uint64_t until = clock_read_ns(CLOCK_MONOTONIC) + CLIENT_WAIT_NS, now;

	client->reply.used = 0;
	while (!is_over(client)) {
		struct pollfd wait = {.fd = client->fd, .events = POLLIN};
		ssize_t n;

		now = clock_read_ns(CLOCK_MONOTONIC);
		if (now >= until)
			return -ETIMEDOUT;
		if (poll(&wait, 1, (int)((until - now) / NS_PER_MS) + 1) <= 0)
			continue;
		if (client->reply.used >= WIRE_REPLY_BYTES)
			return -EPROTO;
		if (buffer_reserve(&client->reply, 4096) < 0)
			return -ENOMEM;
		n = recv(client->fd, client->reply.data + client->reply.used, 4096, 0);
		if (n < 0 && errno == EINTR)
			continue;
		/* A server that refuses at once closes with the request unread: a reset, behind its words. */
		if (n <= 0)
			return -EPROTO;
		client->reply.used += (size_t)n;
	}
	return 0;
}

int client_ask(struct client *client, const char *request, struct status *ret)
{
	char line[WIRE_REQUEST_BYTES];
	size_t len = strlen(request);
	int r;

	if (len >= sizeof(line))
		return -EINVAL;
	memcpy(line, request, len);
	line[len++] = '\n';
	/* One that refuses may have closed by now; what it said can still be read. */
	if (send(client->fd, line, len, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	r = read_reply(client);
	if (r < 0)
		return r;
	return wire_read_reply(client->reply.data, client->reply.used, ret, &client->refusal, &client->refusal_len);
}

const char *client_refusal(const struct client *client, size_t *ret_len)
{
	*ret_len = client->refusal_len;
	return client->refusal;
}

pid_t client_agent_pid(const struct client *client)
{
	socklen_t size = sizeof(struct ucred);
	struct ucred agent = {0};

	getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &agent, &size);
	return agent.pid;
}
