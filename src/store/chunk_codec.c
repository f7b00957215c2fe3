// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chunks to bytes and the outside of chunks back; the reader decodes their tables.
 */
#include "store/chunk_codec.h"

#include <errno.h>
#include <zlib.h>

#include "store/segment_format.h"

struct codec_state *codec_states_get(struct states *states, uint32_t id)
{
	if (id >= TABLE_MAX_TABLES)
		return NULL;
	if (!states->of[id])
		states->of[id] = codec_state_new();
	return states->of[id];
}

void codec_states_clear(struct states *states)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		if (states->of[i])
			codec_state_clear(states->of[i]);
}

void codec_states_done(struct states *states)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++) {
		codec_state_free(states->of[i]);
		states->of[i] = NULL;
	}
}

int codec_states_full(const struct states *states)
{
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		if (states->of[i] && codec_state_is_full(states->of[i]))
			return 1;
	return 0;
}

/* The head of a section to `sink`, what it holds to the other two. */
static void put_table(struct sink *sink, struct chunk_parts *parts, const struct block *block,
		      const struct interval *interval, struct states *states)
{
	struct codec_state *state = codec_states_get(states, block->table->id);
	size_t texts = parts->texts.len, numbers = parts->numbers.len;

	if (!state) {
		sink->failed = 1;
		return;
	}
	section_put(&parts->numbers, &parts->texts, block, interval, state);
	put_varint(sink, block->table->id);
	put_varint(sink, block->rows);
	put_varint(sink, parts->texts.len - texts);
	put_varint(sink, parts->numbers.len - numbers);
}

void chunk_put(struct sink *sink, struct chunk_parts *parts, uint32_t ordinal, const struct interval *interval,
	       struct block *const *blocks, size_t n_blocks, struct states *states)
{
	size_t start;
	uint8_t n = 0;

	parts->texts.len = parts->numbers.len = 0;
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
			put_table(sink, parts, blocks[i], interval, states);
	put_bytes(sink, parts->texts.data, parts->texts.len);
	parts->numbers_at = sink->len;
	put_bytes(sink, parts->numbers.data, parts->numbers.len);
	sink->failed |= parts->texts.failed | parts->numbers.failed;
	if (sink->failed)
		return;
	set_u32(sink, start - 8, (uint32_t)(sink->len - start));
	set_u32(sink, start - 4, (uint32_t)crc32(0, sink->data + start, (unsigned)(sink->len - start)));
}

void chunk_parts_done(struct chunk_parts *parts)
{
	sink_done(&parts->texts);
	sink_done(&parts->numbers);
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

int chunk_get_sections(struct source *body, struct chunk_section *ret, size_t *ret_n)
{
	struct source parts;
	uint8_t n = get_u8(body);

	if (n > TABLE_MAX_TABLES)
		return -EBADMSG;
	for (uint8_t i = 0; i < n; i++) {
		ret[i].id = get_varint(body);
		ret[i].rows = get_varint(body);
		ret[i].texts.left = get_varint(body);
		ret[i].numbers.left = get_varint(body);
		if (!ret[i].rows || ret[i].rows > CHUNK_MAX_ROWS)
			return -EBADMSG;
	}
	parts = *body;
	for (uint8_t i = 0; i < n; i++)
		ret[i].texts = get_source(&parts, ret[i].texts.left);
	for (uint8_t i = 0; i < n; i++)
		ret[i].numbers = get_source(&parts, ret[i].numbers.left);
	*ret_n = n;
	return body->failed || parts.failed ? -EBADMSG : 0;
}
