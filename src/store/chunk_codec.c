// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chunks to bytes and the outside of chunks back; the reader decodes their tables.
 */
#include "store/chunk_codec.h"

#include <errno.h>
#include <zlib.h>

#include "store/format.h"

struct dictionary *dictionaries_get(struct dictionaries *dictionaries, uint32_t id)
{
	if (id >= TABLE_MAX_TABLES)
		return NULL;
	if (!dictionaries->of[id])
		dictionaries->of[id] = dictionary_new();
	return dictionaries->of[id];
}

void dictionaries_clear(struct dictionaries *dictionaries)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		if (dictionaries->of[i])
			dictionary_clear(dictionaries->of[i]);
}

void dictionaries_done(struct dictionaries *dictionaries)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++) {
		dictionary_free(dictionaries->of[i]);
		dictionaries->of[i] = NULL;
	}
}

int dictionaries_full(const struct dictionaries *dictionaries)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		if (dictionaries->of[i] && dictionary_is_full(dictionaries->of[i]))
			return 1;
	return 0;
}

static void put_table(struct sink *sink, struct sink *section, const struct block *block,
		      struct dictionaries *dictionaries)
{
	struct dictionary *dictionary = dictionaries_get(dictionaries, block->table->id);

	if (!dictionary) {
		sink->failed = 1;
		return;
	}
	section->len = 0;
	section_put(section, block, dictionary);
	sink->failed |= section->failed;
	put_varint(sink, block->table->id);
	put_varint(sink, block->rows);
	put_varint(sink, section->len);
	put_bytes(sink, section->data, section->len);
}

void chunk_put(struct sink *sink, struct sink *section, uint32_t ordinal, const struct interval *interval,
	       struct block *const *blocks, size_t n_blocks, struct dictionaries *dictionaries)
{
	size_t start;
	uint8_t n = 0;

	put_u64(sink, 0);
	start = sink->len;
	put_varint(sink, ordinal);
	put_varint(sink, interval->number);
	put_varint(sink, interval->begin_real_ns);
	put_varint(sink, interval->end_real_ns);
	put_u8(sink, interval->is_last_chunk ? CHUNK_LAST : 0);
	for (size_t i = 0; i < n_blocks; i++)
		n += blocks[i]->rows > 0;
	put_u8(sink, n);
	for (size_t i = 0; i < n_blocks; i++)
		if (blocks[i]->rows)
			put_table(sink, section, blocks[i], dictionaries);
	if (sink->failed)
		return;
	set_u32(sink, start - 8, (uint32_t)(sink->len - start));
	set_u32(sink, start - 4, (uint32_t)crc32(0, sink->data + start, (unsigned)(sink->len - start)));
}

long chunk_whole(const void *data, size_t len)
{
	struct source source = {data, len, 0};
	uint32_t body, crc;

	if (len < CHUNK_PREFIX)
		return 0;
	body = get_u32(&source);
	crc = get_u32(&source);
	if (body > CHUNK_MAX_BYTES)
		return -EBADMSG;
	if (body > source.left)
		return 0;
	if (crc32(0, source.data, body) != crc)
		return -EBADMSG;
	return (long)(CHUNK_PREFIX + body);
}

int chunk_get_head(struct source *body, uint64_t *ret_ordinal, struct interval *ret)
{
	uint8_t flags;

	*ret_ordinal = get_varint(body);
	ret->number = get_varint(body);
	ret->begin_real_ns = get_varint(body);
	ret->end_real_ns = get_varint(body);
	flags = get_u8(body);
	ret->is_last_chunk = flags & CHUNK_LAST;
	return body->failed ? -EBADMSG : 0;
}
