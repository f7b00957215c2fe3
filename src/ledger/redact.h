/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping secrets out of the store: what of a process's arguments is not recorded. Pure.
 */
#ifndef OBIT_LEDGER_REDACT_H
#define OBIT_LEDGER_REDACT_H

#include <stddef.h>

#define REDACT_MARK "***"

/*
 * `rule`: "all", every argument but the first; or a list "--password=,-p,--token": of an argument that begins with one
 * of these what follows is not recorded; of one that is equal to it, the next argument. NULL or "none": all is.
 *
 * Writes the arguments (each ended by NUL) so changed, each secret as ***, to `to`, up to `size` bytes; the length.
 */
size_t redact_arguments(const char *rule, const char *argv, size_t len, char *to, size_t size);

/* 0, or -EINVAL: it is empty, or has an empty part. */
int redact_check(const char *rule);

#endif
