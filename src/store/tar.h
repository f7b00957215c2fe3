/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tar archives of plain files (POSIX.1-2001, ustar), as obit extract writes them and as tar -cf makes them of a store:
 * what a name in them leads to stays in them.
 */
#ifndef OBIT_STORE_TAR_H
#define OBIT_STORE_TAR_H

#include <stdint.h>

struct tar_member {
	char name[101];		/* without the directories before it */
	uint64_t offset, bytes; /* of what is in it */
};

/*
 * Reads on from *at, 0 at first. 1: *ret is the next plain file, which may be cut off; 0: there are no more; -EBADMSG:
 * it is no archive, or is broken from here on; what the system said.
 */
int tar_next(int fd, uint64_t *at, struct tar_member *ret);

/* A file of its own with what is in the member: a descriptor to read from, in memory. Or -errno. */
int tar_open(int fd, const struct tar_member *member);

/* Adds a file of which `from_fd` is at the beginning; ends the archive. 0 or -errno. */
int tar_add(int fd, const char *name, int from_fd);
int tar_end(int fd);

#endif
