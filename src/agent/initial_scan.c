// SPDX-License-Identifier: BSD-2-Clause
/*
 * /proc/PID/exe and /proc/PID/cmdline of each. Kernel threads have neither.
 */
#include "agent/initial_scan.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED " (deleted)"

/* Is the file of this name, as the process sees it, the one that it runs? */
static bool is_that_file(unsigned pid, const char *exe, const char *name, size_t len)
{
	char path[64 + OBIT_EXE_MAX];
	struct stat running, named;

	snprintf(path, sizeof(path), "/proc/%u/root%.*s", pid, (int)len, name);
	return stat(exe, &running) == 0 && stat(path, &named) == 0 && running.st_dev == named.st_dev &&
	       running.st_ino == named.st_ino;
}

/* The kernel says of a file that is gone that it is deleted; one may also be called so. */
static size_t read_link(unsigned pid, char *to, size_t size)
{
	char path[64];
	ssize_t len;
	size_t suffix = strlen(DELETED);

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	len = readlink(path, to, size);
	if (len < 0)
		return 0;
	if ((size_t)len > suffix && memcmp(to + len - suffix, DELETED, suffix) == 0 &&
	    !is_that_file(pid, path, to, (size_t)len))
		len -= (ssize_t)suffix;
	return (size_t)len;
}

/* Up to one byte more than is kept, so that a cut can be known. */
static size_t read_arguments(unsigned pid, char *to, size_t size)
{
	char path[64];
	size_t used = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (used < size && (n = read(fd, to + used, size - used)) > 0)
		used += (size_t)n;
	close(fd);
	return used;
}

void initial_scan(struct ledger *ledger, const struct walk_row *live, size_t n)
{
	char exe[OBIT_EXE_MAX], argv[OBIT_ARGV_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		size_t exe_len = read_link(live[i].pid, exe, sizeof(exe));
		size_t argv_len = read_arguments(live[i].pid, argv, sizeof(argv));

		ledger_add_existing(ledger, live[i].pid, live[i].start_boot_ns, exe, exe_len, argv, argv_len, 0);
	}
}
