/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of signals, as `kill -l` has them, without SIG.
 */
#ifndef OBIT_BASE_SIGNAL_NAME_H
#define OBIT_BASE_SIGNAL_NAME_H

#include <stddef.h>
#include <stdint.h>

#define SIGNAL_NAME_BYTES 24

/* KILL, RTMIN+3, or the number where there is no name. Ended by NUL; returns the length. */
size_t signal_name(uint64_t number, char *ret);

/* Takes KILL, SIGKILL, sigkill, RTMIN+3 or a number from 1 to 64. The number, or -EINVAL. */
int signal_number(const char *name, size_t len);

/* All names without the real-time ones, for suggestions; *ret_n is how many. */
const char *const *signal_names(size_t *ret_n);

#endif
