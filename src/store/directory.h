/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store as a directory: its segments by name, and its lock. To read, a tar archive of one does as well.
 */
#ifndef OBIT_STORE_DIRECTORY_H
#define OBIT_STORE_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

/* Names sort by the time their segment was begun. */
struct segment_name {
	char text[32];
};

/* A store to read: a directory, or a file, which ought to be an archive. The descriptor, or -errno. */
int directory_open(const char *path);

/*
 * Lists the segments, in order; *ret is freed by the caller. 0; -EMEDIUMTYPE: other files, and no segment, or no
 * archive; -EBADMSG, an archive that is
 * broken; -ENOMEM; what the system said.
 */
int directory_list(int dir_fd, struct segment_name **ret, size_t *ret_n);

/* The name of a segment begun at that time. */
void directory_name(struct segment_name *ret, uint64_t real_ns);

/*
 * Takes the writer's lock, held until the fd is closed. 0 (*ret_fd); -EBUSY, with the pid of the process that
 * holds it (0: it does not say); what the system said.
 */
int directory_lock(int dir_fd, int *ret_fd, int *ret_holder);

/* Is a writer at work? */
int directory_is_locked(int dir_fd);

/* A file of the store, to read: never what a link or a name leads to elsewhere. -EBADMSG: it is no regular file. */
int directory_open_file(int dir_fd, const char *name);

#endif
