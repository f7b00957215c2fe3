/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What commands that read a store say about it on the way.
 */
#ifndef OBIT_CMD_REPORT_H
#define OBIT_CMD_REPORT_H

#include <stdio.h>

#include "store/reader.h"

/* Why the store cannot be opened or read on, and the way out, on stderr. `error` is the reader's. */
void report_store_error(const char *command, const char *dir, int error);

/* What was skipped: places that are damaged, and ends that a stopped writer left torn, which is no damage. */
struct report_skipped {
	size_t n_damaged, n_torn;
};

/* One line for each, behind `prefix`. */
struct report_skipped report_skipped(FILE *to, const char *prefix, struct store_reader *reader);

/* Text of a store (a host's name, a file's) with what must not reach a terminal escaped. */
void report_text(FILE *to, const char *text);

#endif
