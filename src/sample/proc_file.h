/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of /proc, held open and read anew each time, into a buffer that is shared and sized at start. What
 * goes wrong is said once for a file, as long as it is the same, and tried again next time. Main thread.
 */
#ifndef OBIT_SAMPLE_PROC_FILE_H
#define OBIT_SAMPLE_PROC_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "sample/proc_text.h"

struct proc_buffer {
	char *data;
	size_t size;
};

/* Takes twice the size of the longest of the files as it is now, and no less than is given. 0 or -ENOMEM. */
int proc_buffer_init(struct proc_buffer *buffer, size_t least, const char *const *paths, size_t n);
void proc_buffer_done(struct proc_buffer *buffer);

struct proc_file {
	const char *path; /* not owned */
	const char *loss; /* what is missing without it, for the message */
	int fd;		  /* -1: not open */
	int error;	  /* 0 or -errno: said */
};

#define PROC_FILE(name, what)                                                                                          \
	{                                                                                                              \
		.path = (name), .loss = (what), .fd = -1                                                               \
	}

/* The text is the buffer's, until the next use of it. 0; -EFBIG: there is text, but not to its end; -errno. */
int proc_file_read(struct proc_file *file, struct proc_buffer *buffer, struct proc_text *ret);
void proc_file_close(struct proc_file *file);

/* Reads all that is there and fits: how much, or -errno. */
ssize_t proc_read_fd(int fd, char *to, size_t size);

/* The error is that of a kernel without the thing: nothing that could be mended. */
int proc_is_absence(int error);

#endif
