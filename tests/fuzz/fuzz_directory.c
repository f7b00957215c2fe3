// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as the directory of a sealed segment, and any as each of its columns, with checksums that are right: all
 * groups that it has are decoded.
 *
 *   u16 length | content of the directory | content of the columns
 */
#define _GNU_SOURCE /* memfd_create */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "input.h"
#include "store/group.h"
#include "store/segment_format.h"

#define MOST_GROUPS 20 /* more are no other, only slower */

/* RFC 8878: one segment, blocks that are not compressed, no checksum. */
static void put_frame(struct sink *sink, const uint8_t *data, size_t len)
{
	put_u32(sink, MAGIC_ZSTD_FRAME);
	put_u8(sink, 0xa0); /* a single segment, its length in 4 bytes */
	put_u32(sink, (uint32_t)len);
	do {
		size_t part = len < 65536 ? len : 65536;
		uint32_t header = (uint32_t)part << 3 | (part == len);

		put_u16(sink, (uint16_t)header);
		put_u8(sink, (uint8_t)(header >> 16));
		put_bytes(sink, data, part);
		data += part;
		len -= part;
	} while (len);
}

static void ignore(void *ctx, const struct store_group *group, uint64_t offset, uint64_t bytes, const char *what)
{
	(void)ctx, (void)group, (void)offset, (void)bytes, (void)what;
}

/* Every value is looked at. */
static uint64_t read_group(struct group_reader *reader, const struct store_group *group)
{
	const struct block *block = group_reader_block(reader);
	const uint64_t *places;
	uint64_t sum = 0;
	size_t len;

	MUST(group_reader_begin(reader, group) == 0);
	if (group_reader_intervals(reader, &places) == 0)
		for (uint32_t row = 0; row < group->rows; row++)
			sum += group->intervals[places[row]].number;
	MUST(group_reader_columns(reader, NULL) == 0);
	for (uint32_t field = 0; field < block->table->n_fields; field++)
		for (uint32_t row = 0; row < block->rows; row++) {
			if (block->numbers[field]) {
				sum += block_number(block, row, field);
				continue;
			}
			const char *text = block_text(block, row, field, &len);

			for (size_t i = 0; i < len; i++)
				sum += (unsigned char)text[i];
		}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink frame, column;
	static struct group_reader *reader;
	static int fd = -1;
	static volatile uint64_t sum;
	struct input input = {data, size};
	struct columns_file file = {0};
	size_t len;
	const uint8_t *content = take(&input, take_u16(&input), &len);

	if (!reader) {
		reader = group_reader_new(ignore, NULL);
		fd = memfd_create("columns", MFD_CLOEXEC);
		MUST(reader && fd >= 0);
	}
	frame.len = column.len = 0;
	put_frame(&frame, content, len);
	put_frame(&column, input.data, input.left);
	file.trailer = (struct group_trailer){
		.bytes = (uint32_t)frame.len,
		.raw_bytes = (uint32_t)len,
		.checksum = (uint32_t)crc32(0, frame.data, (unsigned)frame.len),
	};
	if (group_directory_get(frame.data, &file.trailer, &file.directory) < 0)
		return 0;
	MUST(pwrite(fd, column.data, column.len, 0) == (ssize_t)column.len && ftruncate(fd, (off_t)column.len) == 0);
	file.fd = fd;
	file.file_bytes = column.len;
	for (uint32_t i = 0; i < file.directory.n_columns; i++) {
		struct column_entry *entry = &file.directory.columns[i];

		if (!entry->bytes)
			continue;
		entry->offset = 0;
		entry->bytes = (uint32_t)column.len;
		entry->raw_bytes = (uint32_t)input.left;
		entry->checksum = (uint32_t)crc32(0, column.data, (unsigned)column.len);
		/* What the column says itself decides else that nothing is decoded. */
		if (input.left)
			entry->head = *input.data;
	}
	for (uint32_t i = 0; i < file.directory.n_groups && i < MOST_GROUPS; i++) {
		const struct group_entry *entry = &file.directory.groups[i];
		struct store_group group = {
			.table = &file.directory.header.tables[entry->table],
			.rows = entry->rows,
			.first_interval = entry->first_interval,
			.last_interval = entry->last_interval,
			.intervals = file.directory.intervals,
			.segment = "s",
			.file = &file,
			.entry = entry,
		};

		sum += read_group(reader, &group);
	}
	group_directory_done(&file.directory);
	return 0;
}
