// SPDX-License-Identifier: BSD-2-Clause
/*
 * Texts by number and, for the writer, numbers by text.
 * Memory grows to the format's bounds for a frame and is then used again.
 */
#include "store/dictionary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/segment_format.h"

/* A chunk may bring its texts after the frame should have ended: a text a row and column at the worst. */
#define TEXTS_HARD_MAX (CHUNK_MAX_BYTES / 2)

void dictionary_done(struct dictionary *dictionary)
{
	sink_done(&dictionary->bytes);
	free(dictionary->texts);
	free(dictionary->slots);
}

void dictionary_clear(struct dictionary *dictionary)
{
	if (dictionary->n && dictionary->slots)
		memset(dictionary->slots, 0, dictionary->n_slots * sizeof(*dictionary->slots));
	dictionary->n = 0;
	dictionary->bytes.len = 0;
}

int dictionary_is_full(const struct dictionary *dictionary)
{
	return dictionary->n >= DICTIONARY_TEXTS || dictionary->bytes.len >= DICTIONARY_BYTES;
}

/* Eight bytes at a time (multiply and fold): paths of cgroups are long, and every row has one. */
static uint32_t hash_of(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint64_t hash = len, word;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		word = 0;
		memcpy(&word, bytes + i, len - i < sizeof(word) ? len - i : sizeof(word));
		hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
		hash ^= hash >> 32;
	}
	return (uint32_t)(hash ^ (hash >> 16));
}

/* The text's number; 0 when it is not there, and where it would go. */
static uint32_t find(const struct dictionary *dictionary, const void *data, size_t len, uint32_t *ret_slot)
{
	uint32_t slot = hash_of(data, len) & (dictionary->n_slots - 1);

	for (; dictionary->slots[slot]; slot = (slot + 1) & (dictionary->n_slots - 1)) {
		const struct dictionary_text *text = &dictionary->texts[dictionary->slots[slot] - 1];

		if (text->len == len && (!len || memcmp(dictionary->bytes.data + text->offset, data, len) == 0))
			return dictionary->slots[slot];
	}
	*ret_slot = slot;
	return 0;
}

static int grow_slots(struct dictionary *dictionary)
{
	uint32_t n_slots = dictionary->n_slots ? dictionary->n_slots * 2 : DICTIONARY_TEXTS * 4;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < dictionary->n; i++) {
		const struct dictionary_text *text = &dictionary->texts[i];
		uint32_t slot = hash_of(dictionary->bytes.data + text->offset, text->len) & (n_slots - 1);

		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = i + 1;
	}
	free(dictionary->slots);
	dictionary->slots = slots;
	dictionary->n_slots = n_slots;
	return 0;
}

int dictionary_add(struct dictionary *dictionary, const void *data, size_t len)
{
	if (dictionary->n == dictionary->capacity) {
		uint32_t capacity = dictionary->capacity ? dictionary->capacity * 2 : 1024;
		void *texts;

		if (dictionary->n >= TEXTS_HARD_MAX)
			return -EBADMSG;
		texts = realloc(dictionary->texts, capacity * sizeof(*dictionary->texts));
		if (!texts)
			return -ENOMEM;
		dictionary->texts = texts;
		dictionary->capacity = capacity;
	}
	dictionary->texts[dictionary->n] =
		(struct dictionary_text){.offset = (uint32_t)dictionary->bytes.len, .len = (uint32_t)len};
	put_bytes(&dictionary->bytes, data, len);
	if (dictionary->bytes.failed)
		return -ENOMEM;
	dictionary->n++;
	return 0;
}

int dictionary_intern(struct dictionary *dictionary, const void *data, size_t len, uint32_t *ret_number)
{
	uint32_t slot = 0;
	int r = dictionary->slots ? 0 : grow_slots(dictionary);

	if (r < 0)
		return r;
	*ret_number = find(dictionary, data, len, &slot);
	if (*ret_number)
		return 0;
	r = dictionary_add(dictionary, data, len);
	if (r < 0)
		return r;
	dictionary->slots[slot] = *ret_number = dictionary->n;
	return dictionary->n > dictionary->n_slots / 2 ? grow_slots(dictionary) : 0;
}
