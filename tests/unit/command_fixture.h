/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands as a user runs them, in this process, with what they wrote kept to be compared. Include it behind cmocka.h.
 */
#ifndef OBIT_TESTS_COMMAND_FIXTURE_H
#define OBIT_TESTS_COMMAND_FIXTURE_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

static char dir[] = "/tmp/obit-test-XXXXXX"; /* of the test */
static char said[65536], on_stderr[65536];

static inline void read_back(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, ret, size - 1);

	assert_true(len >= 0);
	ret[len] = '\0';
	close(fd);
	unlink(path);
}

/* Runs a command with its words, NULL at the end; what it wrote is in said and on_stderr. The status. */
static inline int run(int (*command)(int, char **), ...)
{
	char *argv[20] = {(char *)"command"}, out[64], err[64];
	int argc = 1, status, kept_out, kept_err;
	va_list words;

	va_start(words, command);
	while ((argv[argc] = va_arg(words, char *)))
		argc++;
	va_end(words);
	snprintf(out, sizeof(out), "%s/out", dir);
	snprintf(err, sizeof(err), "%s/err", dir);
	fflush(stdout);
	fflush(stderr);
	kept_out = dup(1);
	kept_err = dup(2);
	assert_int_equal(dup2(open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 1), 1);
	assert_int_equal(dup2(open(err, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 2), 2);
	status = command(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(kept_out, 1);
	dup2(kept_err, 2);
	close(kept_out);
	close(kept_err);
	read_back(out, said, sizeof(said));
	read_back(err, on_stderr, sizeof(on_stderr));
	return status;
}

static inline void assert_said_on_stderr(const char *part)
{
	if (!strstr(on_stderr, part))
		fail_msg("on_stderr: %s", on_stderr);
}

static inline void assert_said(const char *part)
{
	if (!strstr(said, part))
		fail_msg("said: %s", said);
}

#endif
