// SPDX-License-Identifier: BSD-2-Clause
/*
 * The index's bytes:
 *
 *   u32 magic | u32 size | "OBIX" | u32 n | n entries of 5 u64 | u32 crc32 from "OBIX" on | u32 size + 8
 */
#include "store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "store/segment_format.h"

#define ENTRY_BYTES 40u
#define FIXED_BYTES 24u /* of the whole frame, with no entries */
#define MAX_ENTRIES (1u << 20)

void index_done(struct index *index)
{
	free(index->entries);
	*index = (struct index){0};
}

int index_add_frame(struct index *index, uint64_t offset)
{
	if (index->n == index->capacity) {
		size_t capacity = index->capacity ? index->capacity * 2 : 64;
		void *entries = realloc(index->entries, capacity * sizeof(*index->entries));

		if (!entries)
			return -ENOMEM;
		index->entries = entries;
		index->capacity = capacity;
	}
	index->entries[index->n++] = (struct index_entry){.offset = offset};
	return 0;
}

#define SET_BACK_NS (3600 * UINT64_C(1000000000)) /* no interval is longer */

void index_add_chunk(struct index *index, const struct interval *interval)
{
	struct index_entry *entry = &index->entries[index->n - 1];
	uint64_t begin = interval->begin_real_ns, end = interval->end_real_ns;

	/* The clock was set back in it: its rows have times of both clocks, of the old one until the end. */
	if (interval->is_last_chunk && end < begin) {
		end = begin + SET_BACK_NS;
		begin = interval->end_real_ns;
	}
	if (!entry->first_number) {
		entry->first_number = interval->number;
		entry->begin_real_ns = begin;
	}
	if (begin < entry->begin_real_ns)
		entry->begin_real_ns = begin;
	if (interval->number > entry->last_number)
		entry->last_number = interval->number;
	if (!interval->is_last_chunk) {
		entry->end_real_ns = UINT64_MAX;
		return;
	}
	/* Now the end of its earlier chunks is known, also of those in frames before. */
	if (end > entry->closed_end_real_ns)
		entry->closed_end_real_ns = end;
	if (entry->last_number <= interval->number)
		entry->end_real_ns = entry->closed_end_real_ns;
	while (entry-- > index->entries && entry->end_real_ns == UINT64_MAX && entry->last_number <= interval->number)
		entry->end_real_ns = end > entry->closed_end_real_ns ? end : entry->closed_end_real_ns;
}

void index_put(struct sink *sink, const struct index *index)
{
	size_t start = sink->len + 8;

	put_u32(sink, MAGIC_INDEX_FRAME);
	put_u32(sink, (uint32_t)(FIXED_BYTES - 8 + index->n * ENTRY_BYTES));
	put_bytes(sink, INDEX_MAGIC, 4);
	put_u32(sink, (uint32_t)index->n);
	for (size_t i = 0; i < index->n; i++) {
		put_u64(sink, index->entries[i].offset);
		put_u64(sink, index->entries[i].first_number);
		put_u64(sink, index->entries[i].last_number);
		put_u64(sink, index->entries[i].begin_real_ns);
		put_u64(sink, index->entries[i].end_real_ns);
	}
	if (!sink->failed)
		put_u32(sink, (uint32_t)crc32(0, sink->data + start, (unsigned)(sink->len - start)));
	put_u32(sink, (uint32_t)(FIXED_BYTES + index->n * ENTRY_BYTES));
}

uint64_t index_bytes(const struct index *index)
{
	return FIXED_BYTES + (uint64_t)index->n * ENTRY_BYTES;
}

/* The checksum comes first: the number of entries decides how much memory they take. */
static int get_entries(struct index *index, struct source *source, uint32_t bytes)
{
	struct source crc = {source->data + bytes - 8, 4, 0};
	const unsigned char *content = source->data + 8;
	uint32_t magic = get_u32(source), size = get_u32(source), n;

	if (magic != MAGIC_INDEX_FRAME || size != bytes - 8 || memcmp(content, INDEX_MAGIC, 4) != 0 ||
	    get_u32(&crc) != crc32(0, content, bytes - 16))
		return -ENOENT;
	get_bytes(source, 4);
	n = get_u32(source);
	if (n > MAX_ENTRIES || bytes != FIXED_BYTES + n * ENTRY_BYTES)
		return -ENOENT;
	for (uint32_t i = 0; i < n; i++) {
		struct index_entry entry = {0};

		entry.offset = get_u64(source);
		entry.first_number = get_u64(source);
		entry.last_number = get_u64(source);
		entry.begin_real_ns = get_u64(source);
		entry.end_real_ns = get_u64(source);
		if (index_add_frame(index, entry.offset) < 0)
			return -ENOMEM;
		index->entries[index->n - 1] = entry;
	}
	return 0;
}

int index_read(struct index *index, int fd, uint64_t file_bytes)
{
	unsigned char tail[4], *data;
	struct source source = {tail, 4, 0};
	struct index read = {0};
	uint32_t bytes;
	int r = -ENOENT;

	if (file_bytes < FIXED_BYTES || pread(fd, tail, 4, (off_t)(file_bytes - 4)) != 4)
		return -ENOENT;
	bytes = get_u32(&source);
	if (bytes < FIXED_BYTES || bytes > file_bytes || bytes > FIXED_BYTES + MAX_ENTRIES * ENTRY_BYTES)
		return -ENOENT;
	data = malloc(bytes);
	if (!data)
		return -ENOMEM;
	if (pread(fd, data, bytes, (off_t)(file_bytes - bytes)) == (ssize_t)bytes) {
		source = (struct source){data, bytes, 0};
		r = get_entries(&read, &source, bytes);
	}
	free(data);
	if (r < 0)
		index_done(&read);
	else
		*index = read;
	return r;
}
