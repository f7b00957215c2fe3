// SPDX-License-Identifier: BSD-2-Clause
/*
 * The command table: `obit COMMAND ...`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/nearest.h"
#include "base/stream.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "output/prose.h"
#include "output/text.h"

static const struct command {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"record", "record every process that ends, until asked to stop (root)", cmd_record},
	{"status", "say how the running agent is: ledger, rings, programs, cost", cmd_status},
	{"doctor", "say what this kernel and these privileges allow", cmd_doctor},
	{"top", "show an interval on one screen: who was there, who ended and how", cmd_top},
	{"dump", "print the rows of a table: filter, sort, csv, tsv, jsonl", cmd_dump},
	{"export", "write rows as Parquet, CSV, JSON lines or a trace", cmd_export},
	{"verify", "prove from the store alone that its ledger balances", cmd_verify},
	{"store", "list the segments of a store: time, rows, bytes, state", cmd_store},
	{"extract", "copy a stretch of time into a store of its own", cmd_extract},
	{"schema", "list the tables and their fields", cmd_schema},
};

#define PROSE_WIDTH  110 /* wider lines are hard to read */
#define PROSE_BUFFER 65536
#define N_COMMANDS   (ARRAY_SIZE(commands))

static int print_help(FILE *to)
{
	fprintf(to, "usage: obit COMMAND [options]\n\nobit records every process that ends on this host.\n");
	fprintf(to, "\ncommands:\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-10s%s\n", commands[i].name, commands[i].help);
	fprintf(to, "\n`obit help COMMAND` says more about each; `obit --version` names the version.\n");
	return to == stdout ? STATUS_OK : STATUS_USAGE;
}

static const struct command *find_command(const char *name)
{
	const char *names[N_COMMANDS], *nearest;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		names[i] = commands[i].name;
		if (strcmp(names[i], name) == 0)
			return &commands[i];
	}
	nearest = nearest_name(name, strlen(name), names, N_COMMANDS);
	if (nearest)
		fprintf(stderr, "obit: there is no command \"%s\"; did you mean %s?\n", name, nearest);
	else
		fprintf(stderr, "obit: there is no command \"%s\"; `obit --help` lists them\n", name);
	return NULL;
}

static int help(const char *name)
{
	const struct command *command = find_command(name);
	char *argv[] = {(char *)(command ? command->name : ""), (char *)"--help", NULL};

	return command ? command->run(2, argv) : STATUS_USAGE;
}

/*
 * A program may be started without its first three descriptors: then a file that it opens would take their place, and
 * messages would go into it. What was meant for standard output must fail, not vanish.
 */
static int fill_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return -1;
	return 0;
}

/* Of a message: what was typed, or stands in a file, may be in it. */
static ssize_t write_message(void *unused, const char *data, size_t len)
{
	struct buffer visible = {0};

	(void)unused;
	text_add_message(&visible, data, len);
	(void)write_all(STDERR_FILENO, visible.data, visible.used);
	buffer_done(&visible);
	return (ssize_t)len;
}

/* From now on messages hold nothing that would move a terminal's cursor. */
static void escape_messages(void)
{
	FILE *messages = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_message});

	if (!messages)
		return;
	setvbuf(messages, NULL, _IOLBF, 0);
	stderr = messages;
}

/* Of what is printed line by line, no line goes over the terminal's edge. Rows are no prose: streams write them. */
static ssize_t write_prose(void *unused, const char *data, size_t len)
{
	uint32_t width = options_terminal_width();
	struct buffer wrapped = {0};
	int r;

	(void)unused;
	prose_wrap(&wrapped, data, len, width < PROSE_WIDTH ? width : PROSE_WIDTH);
	r = wrapped.error ? wrapped.error : write_all(STDOUT_FILENO, wrapped.data, wrapped.used);
	buffer_done(&wrapped);
	return r < 0 ? 0 : (ssize_t)len;
}

static void wrap_prose(void)
{
	FILE *prose =
		isatty(STDOUT_FILENO) ? fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_prose}) : NULL;

	if (!prose)
		return;
	setvbuf(prose, NULL, _IOFBF, PROSE_BUFFER);
	stdout = prose;
}

static int run(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	if (!name)
		return print_help(stderr);
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("obit %s\n", OBIT_VERSION);
		return STATUS_OK;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_help(stdout);
	if (strcmp(name, "help") == 0)
		return argc > 2 ? help(argv[2]) : print_help(stdout);
	command = find_command(name);
	return command ? command->run(argc - 1, argv + 1) : STATUS_USAGE;
}

int main(int argc, char **argv)
{
	int status;

	if (fill_descriptors() < 0)
		return STATUS_FAILED;
	escape_messages();
	wrap_prose();
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is seen as EPIPE, which is no error */
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit (ulimit -f) is seen as EFBIG, which is one */
	status = run(argc, argv);
	/* Rows are written by streams, which say so themselves; the rest by stdio. */
	errno = 0;
	if ((fflush(stdout) == 0 && !ferror(stdout)) || errno == EPIPE)
		return status;
	fprintf(stderr, "obit: cannot write to standard output: %s\n", strerror(errno ? errno : EIO));
	return status ? status : STATUS_FAILED;
}
