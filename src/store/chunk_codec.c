// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chunks to bytes and the outside of chunks back; the reader decodes their tables.
 */
#include "store/chunk_codec.h"

#include <errno.h>
#include <zlib.h>

#include "store/segment_format.h"

static void put_table(struct sink *sink, struct section_writer *sections, const struct block *block)
{
	if (section_put(sections, block) < 0) {
		sink->failed = 1;
		return;
	}
	put_varint(sink, block->table->id);
	put_varint(sink, block->rows);
	put_varint(sink, sections->lengths.len + sections->columns.len);
	put_bytes(sink, sections->lengths.data, sections->lengths.len);
	put_bytes(sink, sections->columns.data, sections->columns.len);
}

void chunk_put(struct sink *sink, struct section_writer *sections, uint32_t ordinal, const struct interval *interval,
	       struct block *const *blocks, size_t n_blocks)
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
			put_table(sink, sections, blocks[i]);
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

int chunk_get_sections(struct source *body, struct chunk_section *ret, size_t *ret_n)
{
	uint8_t n = get_u8(body);

	if (n > TABLE_MAX_TABLES)
		return -EBADMSG;
	for (uint8_t i = 0; i < n; i++) {
		ret[i].id = get_varint(body);
		ret[i].rows = get_varint(body);
		ret[i].bytes = get_source(body, get_varint(body));
		if (!ret[i].rows || ret[i].rows > GROUP_MAX_ROWS)
			return -EBADMSG;
	}
	*ret_n = n;
	return body->failed ? -EBADMSG : 0;
}
