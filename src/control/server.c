// SPDX-License-Identifier: BSD-2-Clause
/*
 * An epoll of its own holds the listener, the peers and a timer for the first deadline, so that the agent
 * waits on one descriptor. A peer is reading until its request's line has come, then writing until its
 * reply has gone. What fails with one peer ends that peer.
 *
 *   accept ─▶ READING ──line──▶ WRITING ──all sent──▶ closed
 */
#define _GNU_SOURCE
#include "control/server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "control/listener.h"
#include "control/wire.h"

/* An accept that fails for want of descriptors or memory is tried again so much later. */
#define PAUSE_NS NS_PER_S

#define TOO_LONG SIZE_MAX

struct peer {
	int fd; /* -1: the place is free */
	bool is_writing;
	uint64_t deadline_mono_ns;
	char request[WIRE_REQUEST_BYTES];
	size_t used;
	struct buffer reply;
	size_t sent;
};

struct server {
	struct server_ports ports;
	struct listener listener;
	int epoll_fd, timer_fd;
	unsigned n_peers;
	bool is_accepting;
	uint64_t pause_until_mono_ns; /* 0: no pause */
	struct peer peers[SERVER_CLIENTS];
};

static uint64_t now_mono_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static int watch(struct server *server, int operation, int fd, uint32_t events, void *what)
{
	struct epoll_event event = {.events = events, .data.ptr = what};

	return epoll_ctl(server->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

/* The listener is watched while there is a free place and no pause. */
static void watch_listener(struct server *server)
{
	int is_wanted = server->n_peers < SERVER_CLIENTS && !server->pause_until_mono_ns;

	if (is_wanted == server->is_accepting)
		return;
	watch(server, EPOLL_CTL_MOD, server->listener.fd, is_wanted ? EPOLLIN : 0, &server->listener);
	server->is_accepting = is_wanted;
}

static void set_timer(struct server *server)
{
	uint64_t first = server->pause_until_mono_ns ? server->pause_until_mono_ns : UINT64_MAX;
	struct itimerspec spec = {0};

	for (int i = 0; i < SERVER_CLIENTS; i++)
		if (server->peers[i].fd >= 0 && server->peers[i].deadline_mono_ns < first)
			first = server->peers[i].deadline_mono_ns;
	if (first != UINT64_MAX) {
		spec.it_value.tv_sec = (time_t)(first / NS_PER_S);
		spec.it_value.tv_nsec = (long)(first % NS_PER_S);
	}
	timerfd_settime(server->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void drop(struct server *server, struct peer *peer)
{
	buffer_done(&peer->reply);
	close(peer->fd); /* leaves the epoll with it */
	*peer = (struct peer){.fd = -1};
	server->n_peers--;
}

static void send_on(struct server *server, struct peer *peer)
{
	while (peer->sent < peer->reply.used) {
		ssize_t n = send(peer->fd, peer->reply.data + peer->sent, peer->reply.used - peer->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			drop(server, peer);
			return;
		}
		peer->sent += (size_t)n;
	}
	drop(server, peer);
}

/* `line` has no newline. */
static void answer(struct server *server, struct peer *peer, const char *line, size_t len)
{
	if (len == strlen(WIRE_STATUS) && memcmp(line, WIRE_STATUS, len) == 0)
		server->ports.answer(server->ports.ctx, &peer->reply);
	else
		wire_add_error(&peer->reply, len == TOO_LONG ? "the request is too long" : "no such request");
	if (peer->reply.error) {
		drop(server, peer);
		return;
	}
	peer->is_writing = 1;
	peer->deadline_mono_ns = now_mono_ns() + SERVER_WAIT_NS;
	watch(server, EPOLL_CTL_MOD, peer->fd, EPOLLOUT, peer);
	send_on(server, peer);
}

static void receive(struct server *server, struct peer *peer)
{
	ssize_t n = recv(peer->fd, peer->request + peer->used, sizeof(peer->request) - peer->used, MSG_DONTWAIT);
	const char *newline;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(server, peer);
		return;
	}
	peer->used += (size_t)n;
	newline = memchr(peer->request, '\n', peer->used);
	if (!newline && peer->used < sizeof(peer->request))
		return;
	/* One request at a time: what came behind its line was not to be sent yet. */
	peer->used = 0;
	answer(server, peer, peer->request, newline ? (size_t)(newline - peer->request) : TOO_LONG);
}

/* Says why, as far as the socket's buffer takes it at once, and closes. */
static void refuse(int fd, const char *why)
{
	struct buffer reply = {0};

	wire_add_error(&reply, why);
	if (!reply.error && send(fd, reply.data, reply.used, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_line("cannot answer on the socket: %s", strerror(errno));
	buffer_done(&reply);
	close(fd);
}

static void accept_one(struct server *server)
{
	static struct log_limit limit;
	struct peer *peer = server->peers;
	uid_t uid = 0;
	int fd = accept4(server->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			server->pause_until_mono_ns = now_mono_ns() + PAUSE_NS;
		return;
	}
	if (listener_admits(&server->listener, fd, &uid) <= 0) {
		log_limited(&limit, "uid %u was refused at %s", (unsigned)uid, server->listener.path);
		refuse(fd, "only root and members of the group " SERVER_GROUP " may ask");
		return;
	}
	while (peer->fd >= 0) /* a place is free: the listener is watched only then */
		peer++;
	if (watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, peer) < 0) {
		close(fd);
		return;
	}
	peer->fd = fd;
	peer->deadline_mono_ns = now_mono_ns() + SERVER_WAIT_NS;
	server->n_peers++;
}

static void drop_late(struct server *server)
{
	uint64_t now = now_mono_ns(), count;

	if (read(server->timer_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	if (server->pause_until_mono_ns && server->pause_until_mono_ns <= now)
		server->pause_until_mono_ns = 0;
	for (int i = 0; i < SERVER_CLIENTS; i++)
		if (server->peers[i].fd >= 0 && server->peers[i].deadline_mono_ns <= now)
			drop(server, &server->peers[i]);
}

void server_serve(struct server *server)
{
	struct epoll_event events[SERVER_CLIENTS + 2];
	int n = epoll_wait(server->epoll_fd, events, SERVER_CLIENTS + 2, 0), is_late = 0, is_asked = 0;

	for (int i = 0; i < n; i++) {
		struct peer *peer = events[i].data.ptr;

		if (events[i].data.ptr == &server->timer_fd)
			is_late = 1;
		else if (events[i].data.ptr == &server->listener)
			is_asked = 1;
		else if (peer->is_writing && !(events[i].events & (EPOLLERR | EPOLLHUP)))
			send_on(server, peer);
		else if (peer->is_writing)
			drop(server, peer);
		else
			receive(server, peer);
	}
	/* Last, so that no event above is of a peer whose place has been given to another. */
	if (is_late)
		drop_late(server);
	if (is_asked)
		accept_one(server);
	watch_listener(server);
	set_timer(server);
}

int server_fd(const struct server *server)
{
	return server->epoll_fd;
}

int server_open(const char *path, bool is_directory_made, const struct server_ports *ports, struct server **ret,
		pid_t *ret_holder)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->ports = *ports;
	server->listener.fd = server->timer_fd = -1;
	server->is_accepting = 1;
	for (int i = 0; i < SERVER_CLIENTS; i++)
		server->peers[i].fd = -1;
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0)
		goto failed;
	server->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->timer_fd < 0)
		goto failed;
	r = listener_open(path, is_directory_made, SERVER_CLIENTS, &server->listener, ret_holder);
	if (r == 0)
		r = watch(server, EPOLL_CTL_ADD, server->timer_fd, EPOLLIN, &server->timer_fd);
	if (r == 0)
		r = watch(server, EPOLL_CTL_ADD, server->listener.fd, EPOLLIN, &server->listener);
	if (r < 0) {
		server_close(server);
		return r;
	}
	*ret = server;
	return 0;
failed:
	r = -errno;
	server_close(server);
	return r;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	for (int i = 0; i < SERVER_CLIENTS; i++)
		if (server->peers[i].fd >= 0)
			drop(server, &server->peers[i]);
	listener_close(&server->listener);
	if (server->timer_fd >= 0)
		close(server->timer_fd);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server);
}
