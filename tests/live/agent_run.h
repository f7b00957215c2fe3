/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running obit from a test: start it and wait until it records, stop it, read a dump as rows of fields.
 * And the tally of checks that every live test ends with.
 */
#ifndef OBIT_TESTS_AGENT_RUN_H
#define OBIT_TESTS_AGENT_RUN_H

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int n_passed, n_failed, n_skipped;

__attribute__((format(printf, 3, 4), unused)) static int check(int is_true, const char *name, const char *format, ...)
{
	va_list args;

	if (is_true)
		return 1;
	printf("FAIL %s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return 0;
}

__attribute__((unused)) static void finish_group(const char *name, int all_true)
{
	if (all_true) {
		printf("ok   %s\n", name);
		n_passed++;
	} else {
		n_failed++;
	}
	fflush(stdout);
}

__attribute__((unused)) static void skip_group(const char *name, const char *why)
{
	printf("skip %s: %s\n", name, why);
	n_skipped++;
}

__attribute__((unused)) static int end_of_tests(void)
{
	printf("%d passed, %d failed, %d skipped\n", n_passed, n_failed, n_skipped);
	return n_failed || !n_passed;
}

__attribute__((noreturn)) static void die(const char *what)
{
	perror(what);
	printf("FAIL %s\n%d passed, %d failed\n", what, n_passed, n_failed + 1);
	exit(1);
}

/* `args` ends with NULL and follows "record --store STORE". Returns when it records. */
__attribute__((unused)) static pid_t agent_start(const char *obit, const char *store, const char *const *args)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *argv[32] = {obit, "record", "--store", store};
	struct pollfd wait = {.events = POLLIN};
	char message[64];
	int n = 4;
	pid_t pid;

	while (*args && n < 31)
		argv[n++] = *args++;
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/obit-live-%d.sock", getpid());
	unlink(address.sun_path);
	wait.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(wait.fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	pid = fork();
	if (pid == 0) {
		setenv("NOTIFY_SOCKET", address.sun_path, 1);
		execv(obit, (char *const *)argv);
		_exit(127);
	}
	if (poll(&wait, 1, 120000) != 1 || recv(wait.fd, message, sizeof(message), 0) < 7 ||
	    strncmp(message, "READY=1", 7) != 0)
		die("the agent does not get ready");
	close(wait.fd);
	unlink(address.sun_path);
	return pid;
}

/* True when it ended with status 0. */
__attribute__((unused)) static int agent_stop(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* Does `obit verify` find the store intact and balanced? What it finds instead is printed. */
__attribute__((unused)) static int is_sound(const char *obit, const char *store)
{
	char command[1200];

	fflush(stdout);
	snprintf(command, sizeof(command), "said=$('%s' verify --store '%s' 2>&1) || { echo \"$said\"; false; }", obit,
		 store);
	return system(command) == 0;
}

#define ROW_FIELDS 48

struct rows {
	char *text;
	char *(*row)[ROW_FIELDS]; /* unescaped only in so far as no field here needs it */
	int n, n_fields;
};

/* `obit dump TABLE --fields F --format tsv`, without its header line. */
__attribute__((unused)) static struct rows dump_rows(const char *obit, const char *store, const char *table,
						     const char *fields)
{
	struct rows rows = {0};
	size_t size = 0, capacity = 1 << 20, got;
	int room = 0;
	char command[2048], *line;
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' dump %s --store '%s' --format tsv --fields %s", obit, table, store,
		 fields);
	pipe = popen(command, "r");
	rows.text = malloc(capacity);
	while (pipe && (got = fread(rows.text + size, 1, capacity - size - 1, pipe)) > 0) {
		size += got;
		if (capacity - size < 2) {
			capacity *= 2;
			rows.text = realloc(rows.text, capacity);
		}
	}
	rows.text[size] = 0;
	if (!pipe || pclose(pipe) != 0)
		die(command);
	line = strchr(rows.text, '\n');
	for (line = line ? line + 1 : rows.text + size; *line;) {
		char *end = strchr(line, '\n'), *field = line;

		if (end)
			*end = 0;
		if (rows.n == room) {
			room = room ? room * 2 : 1024;
			rows.row = realloc(rows.row, (size_t)room * sizeof(*rows.row));
		}
		for (rows.n_fields = 0; field && rows.n_fields < ROW_FIELDS; rows.n_fields++) {
			char *tab = strchr(field, '\t');

			if (tab)
				*tab++ = 0;
			rows.row[rows.n][rows.n_fields] = field;
			field = tab;
		}
		rows.n++;
		line = end ? end + 1 : rows.text + size;
	}
	return rows;
}

/* The row whose first field is this pid; NULL: there is none. */
__attribute__((unused)) static char **rows_find(struct rows *rows, pid_t pid)
{
	for (int i = 0; i < rows->n; i++)
		if (atoi(rows->row[i][0]) == pid)
			return rows->row[i];
	return NULL;
}

__attribute__((unused)) static void rows_free(struct rows *rows)
{
	free(rows->text);
	free(rows->row);
}

#endif
