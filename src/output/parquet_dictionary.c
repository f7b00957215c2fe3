// SPDX-License-Identifier: BSD-2-Clause
/*
 * A hash table with open addressing, at most half full, over the bytes of the dictionary page.
 */
#include "output/parquet_dictionary.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_SLOTS (2 * PARQUET_DICTIONARY_MAX_TEXTS)

struct dictionary_slot {
	uint32_t number; /* plus 1; 0: free */
	uint32_t hash;
	uint32_t offset, len; /* of the text in `plain` */
};

void parquet_dictionary_done(struct parquet_dictionary *dictionary)
{
	buffer_done(&dictionary->plain);
	buffer_done(&dictionary->offsets);
	free(dictionary->slots);
	*dictionary = (struct parquet_dictionary){0};
}

void parquet_dictionary_clear(struct parquet_dictionary *dictionary)
{
	if (dictionary->n)
		memset(dictionary->slots, 0, N_SLOTS * sizeof(*dictionary->slots));
	dictionary->plain.used = dictionary->offsets.used = 0;
	dictionary->n = 0;
}

/* Eight bytes at a time, mixed as in Murmur3's finalizer (Appleby): a multiply and a shift each. */
static uint32_t hash_of(const char *data, size_t len)
{
	uint64_t hash = len * 0x9e3779b97f4a7c15ULL, word;

	for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, data, len);
	hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
	return (uint32_t)(hash ^ hash >> 32);
}

void parquet_dictionary_add_plain(struct buffer *out, const char *data, size_t len)
{
	uint32_t little = htole32((uint32_t)len);

	buffer_add(out, &little, sizeof(little));
	buffer_add(out, data, len);
}

void parquet_dictionary_copy(const struct parquet_dictionary *dictionary, uint32_t number, struct buffer *out)
{
	uint32_t begin, end = (uint32_t)dictionary->plain.used;

	memcpy(&begin, dictionary->offsets.data + number * sizeof(begin), sizeof(begin));
	if (number + 1 < dictionary->n)
		memcpy(&end, dictionary->offsets.data + (number + 1) * sizeof(end), sizeof(end));
	buffer_add(out, dictionary->plain.data + begin, end - begin);
}

int parquet_dictionary_number(struct parquet_dictionary *dictionary, const char *data, size_t len, uint32_t *ret_number,
			      int *ret_is_new)
{
	uint32_t hash = hash_of(data, len), offset = (uint32_t)dictionary->plain.used;
	struct dictionary_slot *slot;

	if (!dictionary->slots)
		dictionary->slots = calloc(N_SLOTS, sizeof(*dictionary->slots));
	if (!dictionary->slots)
		return -ENOMEM;
	slot = &dictionary->slots[hash % N_SLOTS];
	for (; slot->number; slot = slot + 1 < dictionary->slots + N_SLOTS ? slot + 1 : dictionary->slots) {
		if (slot->hash == hash && slot->len == len &&
		    memcmp(dictionary->plain.data + slot->offset, data, len) == 0) {
			*ret_number = slot->number - 1;
			*ret_is_new = 0;
			return 1;
		}
	}
	if (dictionary->n == PARQUET_DICTIONARY_MAX_TEXTS ||
	    dictionary->plain.used + len > PARQUET_DICTIONARY_MAX_BYTES)
		return 0;
	buffer_add(&dictionary->offsets, &offset, sizeof(offset));
	parquet_dictionary_add_plain(&dictionary->plain, data, len);
	if (dictionary->plain.error || dictionary->offsets.error)
		return -ENOMEM;
	offset = (uint32_t)(dictionary->plain.used - len);
	*slot = (struct dictionary_slot){dictionary->n + 1, hash, offset, (uint32_t)len};
	*ret_number = dictionary->n++;
	*ret_is_new = 1;
	return 1;
}
