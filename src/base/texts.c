// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two arrays, each with a free list threaded through it: heads of texts, and blocks. Index 0 of each means
 * none, and is never given out. They take memory as far as they have ever been used.
 */
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 60

struct text {
	uint32_t refs; /* 0: free, `first` is the next free text */
	uint32_t len;
	uint32_t first;
};

struct text_block {
	uint32_t next;
	char bytes[BLOCK_BYTES];
};

struct texts {
	struct text *texts;
	struct text_block *blocks;
	uint32_t free_text, free_block; /* given back; 0: none */
	uint32_t n_texts, n_blocks;	/* ever given out */
	uint32_t max_texts, max_blocks, n_free_blocks;
};

struct texts *texts_new(uint32_t max_texts, uint32_t max_blocks)
{
	struct texts *texts = calloc(1, sizeof(*texts));

	if (!texts)
		return NULL;
	texts->texts = calloc(max_texts + 1, sizeof(*texts->texts));
	texts->blocks = calloc(max_blocks + 1, sizeof(*texts->blocks));
	if (!texts->texts || !texts->blocks) {
		texts_free(texts);
		return NULL;
	}
	texts->max_texts = max_texts;
	texts->max_blocks = texts->n_free_blocks = max_blocks;
	return texts;
}

void texts_free(struct texts *texts)
{
	if (!texts)
		return;
	free(texts->texts);
	free(texts->blocks);
	free(texts);
}

static text_id take_text(struct texts *texts)
{
	text_id id = texts->free_text;

	if (id)
		texts->free_text = texts->texts[id].first;
	else if (texts->n_texts < texts->max_texts)
		id = ++texts->n_texts;
	return id;
}

/* There is one: the caller has counted. */
static uint32_t take_block(struct texts *texts)
{
	uint32_t block = texts->free_block;

	texts->n_free_blocks--;
	if (!block)
		return ++texts->n_blocks;
	texts->free_block = texts->blocks[block].next;
	return block;
}

size_t texts_fair_bytes(const struct texts *texts)
{
	uint64_t free = texts->n_free_blocks, all = texts->max_blocks;

	return free * 2 >= all	 ? SIZE_MAX
	       : free * 4 >= all ? 16 * BLOCK_BYTES
	       : free * 8 >= all ? 4 * BLOCK_BYTES
				 : BLOCK_BYTES;
}

text_id texts_add(struct texts *texts, const void *data, size_t len)
{
	size_t need = (len + BLOCK_BYTES - 1) / BLOCK_BYTES;
	const char *from = data;
	uint32_t *link;
	text_id id;

	if (need > texts->n_free_blocks)
		return 0;
	id = take_text(texts);
	if (!id)
		return 0;
	texts->texts[id] = (struct text){.refs = 1, .len = (uint32_t)len};
	link = &texts->texts[id].first;
	for (size_t left = len; left;) {
		size_t part = left < BLOCK_BYTES ? left : BLOCK_BYTES;
		uint32_t block = take_block(texts);

		texts->blocks[block].next = 0;
		memcpy(texts->blocks[block].bytes, from, part);
		*link = block;
		link = &texts->blocks[block].next;
		from += part;
		left -= part;
	}
	return id;
}

text_id texts_hold(struct texts *texts, text_id id)
{
	if (id)
		texts->texts[id].refs++;
	return id;
}

void texts_drop(struct texts *texts, text_id id)
{
	struct text *text = &texts->texts[id];

	if (!id || --text->refs)
		return;
	for (uint32_t block = text->first, next; block; block = next) {
		next = texts->blocks[block].next;
		texts->blocks[block].next = texts->free_block;
		texts->free_block = block;
		texts->n_free_blocks++;
	}
	text->first = texts->free_text;
	texts->free_text = id;
}

size_t texts_copy(const struct texts *texts, text_id id, void *to, size_t size)
{
	const struct text *text = &texts->texts[id];
	size_t left = text->len < size ? text->len : size;
	char *at = to;

	if (!id)
		return 0;
	for (uint32_t block = text->first; block && left; block = texts->blocks[block].next) {
		size_t part = left < BLOCK_BYTES ? left : BLOCK_BYTES;

		memcpy(at, texts->blocks[block].bytes, part);
		at += part;
		left -= part;
	}
	return text->len;
}
