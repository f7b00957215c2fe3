// SPDX-License-Identifier: BSD-2-Clause
/*
 * The agent's socket without an agent: who is served, who is cut off, what stands in its place, and a status
 * over the wire and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/client.h"
#include "control/listener.h"
#include "control/server.h"
#include "control/wire.h"

static char dir[] = "/tmp/obit-test-XXXXXX";
static char path[64];

static atomic_int n_answers, is_stopped;
static struct server *server;
static pthread_t thread;

static void fill(struct status *status)
{
	static const char text[] = "a b%=\n\x1b\xff";

	status_clear(status);
	status_add(status, SECTION_AGENT);
	status_set_number(status, SECTION_AGENT, 0, AGENT_pid, 12);
	status_set_text(status, SECTION_AGENT, 0, AGENT_state, "active");
	status_add(status, SECTION_LEDGER);
	status_set_number(status, SECTION_LEDGER, 0, TOTALS_COLUMN(LEDGER_forks), UINT64_MAX);
	status_set_number(status, SECTION_LEDGER, 0, TOTALS_COLUMN(LEDGER_unobserved), (uint64_t)INT64_C(-3));
	for (uint32_t row = 0; row < 3; row++) {
		status_add(status, SECTION_PROGRAM);
		block_set_text(status->sections[SECTION_PROGRAM], row, PROGRAM_name, text, sizeof(text));
		status_set_text(status, SECTION_PROGRAM, row, PROGRAM_reason, "");
	}
}

static void answer(void *ctx, struct buffer *reply)
{
	struct status *status = status_new();

	(void)ctx;
	n_answers++;
	fill(status);
	wire_add_status(reply, status);
	status_free(status);
}

static const struct server_ports ports = {answer, NULL};

static void *serve(void *arg)
{
	while (!is_stopped) {
		struct pollfd wait = {.fd = server_fd(server), .events = POLLIN};

		if (poll(&wait, 1, 20) > 0)
			server_serve(server);
	}
	return arg;
}

static void start(void)
{
	pid_t holder = 0;

	is_stopped = n_answers = 0;
	assert_int_equal(server_open(path, 0, &ports, &server, &holder), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void stop(void)
{
	is_stopped = 1;
	pthread_join(thread, NULL);
	server_close(server);
}

static int connect_to(const char *name)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(socket_address(name, &address), 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* All that comes until the other side closes. */
static size_t read_all(int fd, char *ret, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = recv(fd, ret + used, size - 1 - used, 0)) > 0)
		used += (size_t)n;
	ret[used] = '\0';
	close(fd);
	return used;
}

static uint64_t now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static void test_status_survives_the_wire(void **state)
{
	struct status *before = status_new(), *after = status_new();
	struct buffer buffer = {0};
	const char *error, *text;
	size_t len;

	(void)state;
	fill(before);
	wire_add_status(&buffer, before);
	assert_int_equal(wire_read_reply(buffer.data, buffer.used, after, &error, &len), 0);
	for (int i = 0; i < N_SECTIONS; i++)
		assert_int_equal(after->sections[i]->rows, before->sections[i]->rows);
	assert_int_equal(block_number(after->sections[SECTION_AGENT], 0, AGENT_pid), 12);
	assert_true(block_is_null(after->sections[SECTION_AGENT], 0, AGENT_reason));
	assert_true(block_number(after->sections[SECTION_LEDGER], 0, TOTALS_COLUMN(LEDGER_forks)) == UINT64_MAX);
	assert_true((int64_t)block_number(after->sections[SECTION_LEDGER], 0, TOTALS_COLUMN(LEDGER_unobserved)) == -3);
	text = block_text(after->sections[SECTION_PROGRAM], 2, PROGRAM_name, &len);
	assert_int_equal(len, 9);
	assert_memory_equal(text, "a b%=\n\x1b\xff", 9);
	assert_false(block_is_null(after->sections[SECTION_PROGRAM], 2, PROGRAM_reason));
	buffer_done(&buffer);
	status_free(before);
	status_free(after);
}

static int read_text(const char *text, struct status *status)
{
	const char *error;
	size_t len;

	return wire_read_reply(text, strlen(text), status, &error, &len);
}

static void test_unknown_names_are_left_out_and_nonsense_is_refused(void **state)
{
	struct status *status = status_new();

	(void)state;
	assert_int_equal(read_text("obit status\nend\n", status), 0);
	assert_int_equal(status->sections[SECTION_AGENT]->rows, 0);
	assert_int_equal(read_text("obit status\nlater x=1\nagent pid=7 later=x\nend\n", status), 0);
	assert_int_equal(block_number(status->sections[SECTION_AGENT], 0, AGENT_pid), 7);
	assert_int_equal(read_text("obit status\nagent pid=\nend\n", status), -EPROTO);
	assert_int_equal(read_text("obit status\nagent pid=-1\nend\n", status), -EPROTO);
	assert_int_equal(read_text("obit status\nagent pid=18446744073709551616\nend\n", status), -EPROTO);
	assert_int_equal(read_text("obit status\nagent memory_locked=2\nend\n", status), -EPROTO);
	assert_int_equal(read_text("obit status\nagent version=%4\nend\n", status), -EPROTO);
	assert_int_equal(read_text("obit status\nagent pid\nend\n", status), -EPROTO);
	assert_int_equal(read_text("HTTP/1.1 400\n\nend\n", status), -EPROTO);
	assert_int_equal(read_text("\nend\n", status), -EPROTO);
	assert_int_equal(read_text("", status), -EPROTO);
	assert_int_equal(read_text("error no\n", status), -EREMOTEIO);
	status_free(status);
}

/* Every cut is seen, and no changed byte does harm (the sanitizers watch). */
static void test_broken_replies_are_seen(void **state)
{
	struct status *status = status_new();
	struct buffer buffer = {0};
	const char *error;
	size_t len;

	(void)state;
	fill(status);
	wire_add_status(&buffer, status);
	for (size_t cut = 0; cut < buffer.used; cut++) {
		char *copy = malloc(cut + 1); /* of its own size, so that reading past it is found */

		memcpy(copy, buffer.data, cut);
		assert_int_equal(wire_read_reply(copy, cut, status, &error, &len), -EPROTO);
		free(copy);
	}
	for (size_t i = 0; i < buffer.used; i++)
		for (int bit = 0; bit < 8; bit++) {
			buffer.data[i] ^= (char)(1 << bit);
			wire_read_reply(buffer.data, buffer.used, status, &error, &len);
			buffer.data[i] ^= (char)(1 << bit);
		}
	buffer_done(&buffer);
	status_free(status);
}

static void test_a_client_gets_the_status(void **state)
{
	struct status *status = status_new();
	struct client *client;
	struct stat stat;

	(void)state;
	start();
	assert_int_equal(lstat(path, &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 0660);
	assert_int_equal(client_open(path, &client), 0);
	assert_int_equal(client_agent_pid(client), getpid());
	assert_int_equal(client_ask(client, WIRE_STATUS, status), 0);
	assert_int_equal(block_number(status->sections[SECTION_AGENT], 0, AGENT_pid), 12);
	client_close(client);
	stop();
	assert_int_equal(lstat(path, &stat), -1);
	assert_int_equal(client_open(path, &client), -ENOENT);
	status_free(status);
}

static void test_requests_are_bounded(void **state)
{
	char reply[4096], flood[4096];
	int fd;

	(void)state;
	start();
	memset(flood, 'x', sizeof(flood));
	fd = connect_to(path);
	assert_true(send(fd, flood, sizeof(flood), MSG_NOSIGNAL) > 0);
	read_all(fd, reply, sizeof(reply));
	assert_string_equal(reply, "error the request is too long\n");
	fd = connect_to(path);
	assert_int_equal(send(fd, "shutdown\n", 9, MSG_NOSIGNAL), 9);
	read_all(fd, reply, sizeof(reply));
	assert_string_equal(reply, "error no such request\n");
	fd = connect_to(path);
	assert_int_equal(send(fd, "sta", 3, MSG_NOSIGNAL), 3);
	assert_int_equal(send(fd, "tus\nstatus\n", 11, MSG_NOSIGNAL), 11);
	read_all(fd, reply, sizeof(reply));
	assert_string_equal(reply + strlen(reply) - 5, "\nend\n");
	assert_int_equal(n_answers, 1);
	stop();
}

/* Twice as many as are served at a time say nothing, or too little; then who asks is answered. */
static void test_slow_clients_are_cut_off(void **state)
{
	int fds[2 * SERVER_CLIENTS];
	struct status *status = status_new();
	uint64_t before = now_ns();
	struct client *client;
	char reply[4096];

	(void)state;
	start();
	for (int i = 0; i < SERVER_CLIENTS + 4; i++) {
		fds[i] = connect_to(path);
		assert_true(fds[i] >= 0);
	}
	for (int i = 0; i < 8; i++) { /* a byte now and then buys no time */
		usleep(100000);
		send(fds[0], "s", 1, MSG_NOSIGNAL);
	}
	assert_int_equal(client_open(path, &client), 0);
	assert_int_equal(client_ask(client, WIRE_STATUS, status), 0);
	assert_in_range(now_ns() - before, SERVER_WAIT_NS / 2, 4 * SERVER_WAIT_NS);
	client_close(client);
	for (int i = 0; i < SERVER_CLIENTS + 4; i++)
		assert_int_equal(read_all(fds[i], reply, sizeof(reply)), 0);
	stop();
	status_free(status);
}

static void test_a_stale_socket_gives_way(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un address;

	(void)state;
	assert_int_equal(socket_address(path, &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd); /* its name stays */
	start();
	fd = connect_to(path);
	assert_true(fd >= 0);
	close(fd);
	stop();
}

static void test_what_is_in_use_stays(void **state)
{
	struct server *second = NULL;
	struct stat stat;
	pid_t holder = 0;
	int fd;

	(void)state;
	start();
	assert_int_equal(server_open(path, 0, &ports, &second, &holder), -EADDRINUSE);
	assert_int_equal(holder, getpid());
	fd = connect_to(path);
	assert_true(fd >= 0);
	close(fd);

	/* Another one's socket in its place is not removed at the end. */
	unlink(path);
	assert_int_equal(server_open(path, 0, &ports, &second, &holder), 0);
	stop();
	assert_int_equal(lstat(path, &stat), 0);
	server_close(second);
	assert_int_equal(lstat(path, &stat), -1);

	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(server_open(path, 0, &ports, &second, &holder), -ENOTSOCK);
	assert_int_equal(unlink(path), 0);
}

static void test_directories_are_made_when_wanted(void **state)
{
	char sub[80], socket_path[96], long_path[200];
	struct server *one = NULL;
	struct stat stat;
	pid_t holder;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", sub);
	assert_int_equal(server_open(socket_path, 0, &ports, &one, &holder), -ENOENT);
	assert_int_equal(server_open(socket_path, 1, &ports, &one, &holder), 0);
	assert_int_equal(lstat(sub, &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 0750);
	server_close(one);
	rmdir(sub);
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(server_open(long_path, 0, &ports, &one, &holder), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_survives_the_wire),
		cmocka_unit_test(test_unknown_names_are_left_out_and_nonsense_is_refused),
		cmocka_unit_test(test_broken_replies_are_seen),
		cmocka_unit_test(test_a_client_gets_the_status),
		cmocka_unit_test(test_requests_are_bounded),
		cmocka_unit_test(test_slow_clients_are_cut_off),
		cmocka_unit_test(test_a_stale_socket_gives_way),
		cmocka_unit_test(test_what_is_in_use_stays),
		cmocka_unit_test(test_directories_are_made_when_wanted),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
