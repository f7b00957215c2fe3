/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of commands: one table a command gives both the parser and `--help`. Errors go to stderr and
 * name the option and the way out.
 */
#ifndef OBIT_CMD_OPTIONS_H
#define OBIT_CMD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "output/output.h"

#define OPTIONS_MAX 32

struct option_spec {
	const char *name;     /* without the dashes */
	const char *argument; /* NULL: a flag */
	const char *help;
	const char *fallback; /* what holds where it is not given; NULL: nothing, or what the help says */
};

struct usage {
	const char *command;  /* "obit dump" */
	const char *operands; /* "TABLE"; "" when there are none */
	const char *about;
	const struct option_spec *specs;
	size_t n_specs;
	const char *details; /* more lines for --help, or "" */
	int max_operands;
};

struct options {
	const char *values[OPTIONS_MAX]; /* by spec; NULL: not given; a flag that is on has "" */
	int is_given[OPTIONS_MAX];	 /* ... on the command line; a flag may be given as --flag=no */
	char **operands;
	int n_operands;
};

/* Lines that several commands have in their tables. */
#define OPTION_STORE                                                                                                   \
	{                                                                                                              \
		"store", "DIR", "the store to read, or a tar of one; default $OBIT_STORE or /var/lib/obit"             \
	}
#define OPTION_SINCE                                                                                                   \
	{                                                                                                              \
		"since", "T", "only what happened at T or later: 2026-01-02T03:04:05Z, -10m, today, 03:12"             \
	}
#define OPTION_UNTIL                                                                                                   \
	{                                                                                                              \
		"until", "T", "only what happened before T; +1m: so long after --since"                                \
	}
#define OPTION_FOR                                                                                                     \
	{                                                                                                              \
		"for", "10m", "so long: after --since, or before --until, or until now"                                \
	}

#define OPTION_JOBS                                                                                                    \
	{                                                                                                              \
		"jobs", "N", "threads that decode; default: as many as this process has CPUs"                          \
	}

/* 0: go on; 1: help was asked for and printed; -EINVAL: said what is wrong. */
int options_parse(const struct usage *usage, int argc, char **argv, struct options *ret);

/* What was given for spec i, or its fallback. */
const char *options_value(const struct usage *usage, const struct options *options, int i);

/* The store's directory: what was given, or the environment's, or the default. */
const char *options_store(const char *given);

/*
 * The socket of the store's agent: what was given, or /run/obit/obit.sock for the default store, or
 * /run/obit/store-DEVICE-INODE.sock for another, however it is spelled. 0, -ENAMETOOLONG, or why there is
 * no such store.
 */
int options_socket(const char *given, const char *store, char *ret, size_t size);

/* What the options say of a time; NULL where one was not given. */
struct options_times {
	const char *since, *until, *length; /* --for */
};

/* Times of --since and --until, 0 where there is none. 0, or -EINVAL after saying what is wrong. */
int options_range(const struct usage *usage, const struct options_times *times, uint64_t now_real_ns,
		  uint64_t *ret_since_real_ns, uint64_t *ret_until_real_ns);

/* A duration with its unit; *ret_ns is untouched when none was given. 0, or -EINVAL after saying what is wrong. */
int options_duration(const struct usage *usage, const char *option, const char *given, uint64_t least_ns,
		     uint64_t most_ns, uint64_t *ret_ns);

/* --jobs. 0, or -EINVAL after saying what is wrong. */
int options_jobs(const struct usage *usage, const char *given, unsigned *ret);

/* --format. 0, or -EINVAL after saying what is wrong. */
int options_format(const struct usage *usage, const char *given, enum output_format *ret);

/* Of standard output, which is one; $COLUMNS says it, or the terminal. */
uint32_t options_terminal_width(void);

/* How to write to standard output: is it a terminal, how wide, with colour. */
void options_output(enum output_format format, struct stream *stream, uint64_t now_real_ns, struct output_options *ret);

/* Looks `name` up, "did you mean" and all: index in names, or -EINVAL after saying that `what` is unknown. */
int options_choose(const struct usage *usage, const char *what, const char *name, const char *const *names, size_t n);

uint64_t options_now_real_ns(void);

#endif
