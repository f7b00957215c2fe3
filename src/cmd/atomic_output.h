/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file or a directory that appears whole or not at all: it is made as .NAME.making-PID beside its place, and
 * takes its name at the end. Errors go to stderr, with the command's name and the way out.
 */
#ifndef OBIT_CMD_ATOMIC_OUTPUT_H
#define OBIT_CMD_ATOMIC_OUTPUT_H

#include <limits.h>
#include <stdbool.h>

enum atomic_output_kind {
	ATOMIC_FILE,
	ATOMIC_DIRECTORY,
};

struct atomic_output {
	const char *command; /* for errors */
	enum atomic_output_kind kind;
	bool may_replace; /* the file that stands there */
	char out[PATH_MAX], parent[PATH_MAX], making[PATH_MAX + 64];
	bool is_made;
	int fd; /* what is being made, open; -1: nothing */
};

/*
 * May `given` be made? A directory that stands there must be empty, a file must not be there, unless it may be
 * replaced. 0, or -EINVAL after saying why not. atomic_output_done() is due in any case.
 */
int atomic_output_choose(struct atomic_output *ret, const char *command, const char *given,
			 enum atomic_output_kind kind, bool may_replace);

/* Makes it, under its first name. 0, or -EINVAL after saying what is wrong; so do the others. */
int atomic_output_make(struct atomic_output *target);

/* Gives it its name, after syncing what it holds (of a directory, only its list of names). */
int atomic_output_keep(struct atomic_output *target);

/* Removes what was made and not kept. */
void atomic_output_done(struct atomic_output *target);

#endif
