/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory that a writer holds: made, locked, given to the group, and still where its path says.
 */
#ifndef OBIT_STORE_HOME_H
#define OBIT_STORE_HOME_H

#include <sys/types.h>

struct home {
	char *path; /* NULL: not open */
	int dir_fd, lock_fd;
	gid_t group; /* -1: none of that name */
	int was_open_to_others; /* they could write to it, and no longer may */
};

/*
 * Makes the directory (0750) if it is missing and `is_made`, and takes the lock. Errors leave nothing open:
 * -EBUSY (*ret_holder is the pid of who holds it), -EMEDIUMTYPE (files of another program), -ELOOP (a symbolic link on the
 * way, or in place of the lock, is another user's), what the system said. Of a directory that is refused nothing is changed.
 */
int home_open(struct home *home, const char *path, int is_made, int *ret_holder);
/* Of one that is open or zeroed. */
void home_close(struct home *home);

/* 0: it is what its path names; 1: the path names another directory; -errno: it names none. */
int home_check(const struct home *home);

/* A new file of the store, open for writing, never one that is there. The fd, or -errno. */
int home_create(const struct home *home, const char *name);

#endif
