/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the codec: the texts of one table in one frame (codec.h).
 */
#ifndef OBIT_STORE_DICTIONARY_H
#define OBIT_STORE_DICTIONARY_H

#include "store/codec.h"

struct dictionary_text {
	uint32_t offset, len;
};

struct dictionary {
	struct sink bytes;
	struct dictionary_text *texts; /* number n is texts[n - 1] */
	uint32_t n, capacity;
	uint32_t *slots; /* numbers, by hash; NULL until the writer asks */
	uint32_t n_slots;
};

/* The text's number; 0 when it is not there, and where it would go. */
uint32_t dictionary_find(const struct dictionary *dictionary, const void *data, size_t len, uint32_t *ret_slot);

/* Adds it as the next number. 0, -ENOMEM or -EBADMSG (more texts than any frame has). */
int dictionary_add(struct dictionary *dictionary, const void *data, size_t len);

/* Finds or adds. *ret_number is 0 when it is new. 0 or -ENOMEM. */
int dictionary_intern(struct dictionary *dictionary, const void *data, size_t len, uint32_t *ret_number);

#endif
