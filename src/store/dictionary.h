/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The texts of one table in one frame, each once, numbered from 1 on; 0 is no text. Part of its state.
 */
#ifndef OBIT_STORE_DICTIONARY_H
#define OBIT_STORE_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

#include "store/bytes.h"

struct dictionary_text {
	uint32_t offset, len;
	uint32_t section, place; /* the reader's: where the block of that section has it */
};

/* Zeroed at first. */
struct dictionary {
	struct sink bytes;
	struct dictionary_text *texts; /* number n is texts[n - 1] */
	uint32_t n, capacity;
	uint32_t *slots; /* numbers, by hash; NULL until the writer asks */
	uint32_t n_slots;
	uint32_t section; /* the reader's: counts what it has decoded */
};

void dictionary_done(struct dictionary *dictionary);
void dictionary_clear(struct dictionary *dictionary);
/* A frame should end before the next chunk. */
int dictionary_is_full(const struct dictionary *dictionary);

/* Adds it as the next number. 0, -ENOMEM or -EBADMSG (more texts than any frame has). */
int dictionary_add(struct dictionary *dictionary, const void *data, size_t len);

/* Finds or adds. 0 or -ENOMEM. */
int dictionary_intern(struct dictionary *dictionary, const void *data, size_t len, uint32_t *ret_number);

#endif
