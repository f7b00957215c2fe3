/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory that a writer holds: made, locked, given to the group, and still where its path says.
 */
#ifndef OBIT_STORE_STORE_DIR_H
#define OBIT_STORE_STORE_DIR_H

#include <sys/types.h>
#include <stdbool.h>

struct store_dir {
	char *path; /* NULL: not open */
	int dir_fd, lock_fd;
	gid_t group;		 /* -1: none of that name */
	bool was_open_to_others; /* they could write to it, and no longer may */
};

/*
 * Makes the directory (0750) if it is missing and `is_made`, and takes the lock. Errors leave nothing open:
 * -EBUSY (*ret_holder is the pid of who holds it), -EMEDIUMTYPE (files of another program), -ELOOP (a symbolic link on
 * the way, or in place of the lock, is another user's), what the system said. Of a directory that is refused nothing is
 * changed.
 */
int store_dir_open(struct store_dir *store_dir, const char *path, bool is_made, int *ret_holder);
/* Of one that is open or zeroed. */
void store_dir_close(struct store_dir *store_dir);

/* 0: it is what its path names; 1: the path names another directory; -errno: it names none. */
int store_dir_check(const struct store_dir *store_dir);

/* A new file of the store, open for writing, never one that is there. The fd, or -errno. */
int store_dir_create(const struct store_dir *store_dir, const char *name);

#endif
