// SPDX-License-Identifier: BSD-2-Clause
/*
 * A segment whose checksums are right, of any header and any chunks, so that what lies behind them is reached.
 * What could be read of it without damage is there after it has been sealed, too.
 *
 *   u8 flags: 1 ended, 2 with bounds, 4 cut | u16 length | header without its crc32 | chunks:
 *     u8 flags: 1 a new frame | u16 length | body
 */
#include <zlib.h>

#include "store/chunk_codec.h"
#include "store/segment_format.h"
#include "store_of_one.h"

enum { ENDED = 1, BOUNDED = 2, CUT = 4, NEW_FRAME = 1 };

static void put_header(struct sink *sink, struct input *input)
{
	size_t len;
	const uint8_t *content = take(input, take_u16(input), &len);

	put_u32(sink, MAGIC_HEADER_FRAME);
	put_u32(sink, (uint32_t)len + 4);
	put_bytes(sink, content, len);
	put_u32(sink, (uint32_t)crc32(0, content, (unsigned)len));
}

/* RFC 8878: a window of 1 MiB, blocks that are not compressed, no checksum. */
static void begin_frame(struct sink *sink)
{
	put_u32(sink, MAGIC_ZSTD_FRAME);
	put_u8(sink, 0);
	put_u8(sink, 10 << 3);
}

static void put_zstd_block(struct sink *sink, const void *data, size_t len, int is_last)
{
	uint32_t header = (uint32_t)len << 3 | (uint32_t)is_last;

	put_u16(sink, (uint16_t)header);
	put_u8(sink, (uint8_t)(header >> 16));
	put_bytes(sink, data, len);
}

static void put_chunk(struct sink *sink, struct sink *chunk, struct input *input, int *is_open)
{
	int is_new = take_u8(input) & NEW_FRAME || !*is_open;
	size_t len;
	const uint8_t *body = take(input, take_u16(input), &len);

	if (is_new) {
		if (*is_open)
			put_zstd_block(sink, NULL, 0, 1);
		begin_frame(sink);
		*is_open = 1;
	}
	chunk->len = 0;
	put_u32(chunk, (uint32_t)len);
	put_u32(chunk, (uint32_t)crc32(0, body, (unsigned)len));
	put_bytes(chunk, body, len);
	put_zstd_block(sink, chunk->data, chunk->len, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink sink, chunk;
	struct store_select all = {0}, some = {UINT64_C(1767324046000000000), UINT64_C(1767324047000000000), "exits"};
	struct input input = {data, size};
	uint8_t flags = take_u8(&input);
	struct segment_name name = {SEGMENT};
	struct reading before, after;
	int is_open = 0;

	sink.len = 0;
	put_header(&sink, &input);
	while (input.left)
		put_chunk(&sink, &chunk, &input, &is_open);
	if (is_open && flags & ENDED)
		put_zstd_block(&sink, NULL, 0, 1);
	put_segment(sink.data, sink.len - (flags & CUT && sink.len > 30 ? 30 : 0));
	before = read_store(flags & BOUNDED ? &some : &all);
	seal_store();
	if (faccessat(store_dir_fd, SEGMENT, F_OK, 0) < 0 || seal_is_needed(store_dir_fd, &name))
		return 0;
	after = read_store(flags & BOUNDED ? &some : &all);
	/* With bounds columns may give more: groups are not cut. */
	MUST(before.n_damage > (size_t)before.has_torn_tail || flags & BOUNDED ||
	     (after.digest == before.digest && after.n_rows == before.n_rows && after.n_damage == 0));
	return 0;
}
