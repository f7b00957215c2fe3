/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of samplers: files made by hand in a directory of the test's own, and what rows say.
 */
#ifndef OBIT_TESTS_SAMPLER_FIXTURE_H
#define OBIT_TESTS_SAMPLER_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample/proc_file.h"
#include "sample/samplers.h"

static char dir[] = "/tmp/obit-samplers-XXXXXX";
static char path[256];
static struct proc_buffer buffer;

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* In place: samplers hold it open. */
static void put(const char *name, const char *text)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static uint64_t cell(const struct block *block, uint32_t row, uint32_t field)
{
	assert_true(row < block->rows);
	assert_false(block_is_null(block, row, field));
	return block_number(block, row, field);
}

static int is_text(const struct block *block, uint32_t row, uint32_t field, const char *expected)
{
	size_t len;
	const char *text = block_text(block, row, field, &len);

	return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) && proc_buffer_init(&buffer, 65536, NULL, 0) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	proc_buffer_done(&buffer);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#endif
