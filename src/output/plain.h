/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One value as a program wants it, inside src/output only. What writes a value gets the place to write at, with
 * room for as many bytes as is said, and returns the place behind.
 */
#ifndef OBIT_OUTPUT_PLAIN_H
#define OBIT_OUTPUT_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

#define PLAIN_NUMBER_BYTES 32 /* room for any number: the longest is a time */

/* An exact integer, true or false, or a time in RFC 3339. */
char *plain_write_number(char *to, const struct field *field, uint64_t value);

/* A string of JSON, with its quotes: at most PLAIN_JSON_BYTES(len). */
#define PLAIN_JSON_BYTES(len) (6 * (len) + 2)
char *plain_write_json(char *to, const char *data, size_t len);

#endif
