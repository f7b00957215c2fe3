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

/* One line for each stretch that was skipped, behind `prefix`. Returns how many of them are damage, not a torn tail. */
size_t report_damage(FILE *to, const char *prefix, const struct store_reader *reader);

/* Text of a store (a host's name, a file's) with what must not reach a terminal escaped. */
void report_text(FILE *to, const char *text);

#endif
