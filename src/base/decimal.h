/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers in decimal digits, two at a time. Each writes at `to`, with no NUL, and returns the place behind.
 */
#ifndef OBIT_BASE_DECIMAL_H
#define OBIT_BASE_DECIMAL_H

#include <stdint.h>

#define DECIMAL_MAX_BYTES 20 /* of a u64, and of an i64 with its sign */

char *decimal_write_u64(char *to, uint64_t value);
char *decimal_write_i64(char *to, int64_t value);

/* The last `width` digits, zeros in front. */
char *decimal_write_fixed(char *to, uint32_t value, int width);

#endif
