/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file or a directory that appears whole or not at all: it is made as .NAME.making-PID beside its place, and
 * takes its name at the end. Complaints go to stderr, with the command's name and the way out.
 */
#ifndef OBIT_CMD_PLACE_H
#define OBIT_CMD_PLACE_H

#include <limits.h>

enum place_kind {
	PLACE_FILE,
	PLACE_DIRECTORY,
};

struct place {
	const char *command; /* for complaints */
	enum place_kind kind;
	int may_replace; /* what stands there */
	char out[PATH_MAX], parent[PATH_MAX], making[PATH_MAX + 64];
	int is_made;
	int fd; /* what is being made, open; -1: nothing */
};

/*
 * May `given` be made? A directory that stands there must be empty, a file must not be there, unless it may be
 * replaced. 0, or -EINVAL after saying why not. place_done() is due in any case.
 */
int place_choose(struct place *ret, const char *command, const char *given, enum place_kind kind, int may_replace);

/* Makes it, under its first name. 0, or -EINVAL after saying what is wrong; so do the others. */
int place_make(struct place *place);

/* Gives it its name, after syncing what it holds (of a directory, only its list of names). */
int place_keep(struct place *place);

/* Removes what was made and not kept. */
void place_done(struct place *place);

#endif
