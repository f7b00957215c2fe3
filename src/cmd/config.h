/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a command from a file: a line each, "key = value", the key being the option's name without its
 * dashes; a flag takes yes or no. Blank lines, and lines that begin with #, say nothing. What the command
 * line gives comes before what the file says, and that before the default.
 */
#ifndef OBIT_CMD_CONFIG_H
#define OBIT_CMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/options.h"

struct config {
	const char *path;
	char *text;		     /* the values in struct options point into it; freed by config_done() */
	unsigned lines[OPTIONS_MAX]; /* where each option stands, 0: nowhere */
};

/*
 * Fills what the command line left open from the file `path`; of the specs the first n_keys may stand in it.
 * 0, or -errno after saying what is wrong and in which line; -ENOENT is said only where the file is_wanted, and
 * is 0 otherwise. To be ended by config_done() in any case, when the options are no longer read.
 */
int config_read(const struct usage *usage, size_t n_keys, const char *path, bool is_wanted, struct options *options,
		struct config *ret);
void config_done(struct config *config);

/* After an error about the value of option i: where that stands, if it came from the file. */
void config_blame(const struct config *config, const struct usage *usage, const struct options *options, int i);

/* Writes to stdout what config_read() would take as the same: what is given, and in comments what is not. */
void config_print(const struct usage *usage, size_t n_keys, const struct options *options);

#endif
