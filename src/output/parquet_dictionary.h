/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The different texts of a column chunk, numbered from 0 as they come. `plain` is the dictionary page's content:
 * each text behind its length. Bounded: what finds no room is written out by itself.
 */
#ifndef OBIT_OUTPUT_PARQUET_DICTIONARY_H
#define OBIT_OUTPUT_PARQUET_DICTIONARY_H

#include <stdint.h>

#include "base/buffer.h"

#define PARQUET_DICTIONARY_MAX_TEXTS 16384u
#define PARQUET_DICTIONARY_MAX_BYTES (512u << 10)

struct parquet_dictionary {
	struct buffer plain;
	struct dictionary_slot *slots;
	struct buffer offsets; /* uint32_t: of each text's length in `plain` */
	uint32_t n;
};

/* Zeroed is empty. */
void parquet_dictionary_done(struct parquet_dictionary *dictionary);
void parquet_dictionary_clear(struct parquet_dictionary *dictionary);

/* 1: *ret_number is the text's, and *ret_is_new says if it was added now; 0: it is full; -ENOMEM. */
int parquet_dictionary_number(struct parquet_dictionary *dictionary, const char *data, size_t len, uint32_t *ret_number,
			      int *ret_is_new);

/* Adds text `number` to `out`, as parquet_dictionary_add_plain() does. */
void parquet_dictionary_copy(const struct parquet_dictionary *dictionary, uint32_t number, struct buffer *out);

/* Adds a text as PLAIN has it: its length in four bytes, then itself. */
void parquet_dictionary_add_plain(struct buffer *out, const char *data, size_t len);

#endif
