// SPDX-License-Identifier: BSD-2-Clause
/*
 * The directory's bytes; docs/format.md has their layout. What is read may be hostile: its checksum says that it is
 * what was written, not that whoever wrote it meant well.
 */
#include "store/group_directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "store/column.h"
#include "store/segment_format.h"

#define LEVEL 3

const struct field interval_field = {"interval", FIELD_U64, UNIT_NONE, KIND_LABEL, "which interval the row is of"};

uint64_t text_prefix(const char *text, size_t len)
{
	uint64_t prefix = 0;

	for (size_t i = 0; i < 8; i++)
		prefix = prefix << 8 | (i < len ? (unsigned char)text[i] : 0);
	return prefix;
}

void group_directory_done(struct group_directory *directory)
{
	header_done(&directory->header);
	free(directory->intervals);
	free(directory->groups);
	free(directory->columns);
	*directory = (struct group_directory){0};
}

/* Room for `more` behind `n`. 0 or -ENOMEM. */
static int grow(void **list, uint32_t n, uint32_t more, uint32_t *capacity, size_t size)
{
	uint32_t wanted = *capacity ? *capacity : 64;
	void *grown;

	if (more <= *capacity - n)
		return 0;
	while (wanted - n < more)
		wanted *= 2;
	grown = realloc(*list, wanted * size);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	*capacity = wanted;
	return 0;
}

struct interval *group_directory_add_interval(struct group_directory *directory)
{
	if (grow((void **)&directory->intervals, directory->n_intervals, 1, &directory->intervals_capacity,
		 sizeof(*directory->intervals)) < 0)
		return NULL;
	directory->intervals[directory->n_intervals] = (struct interval){0};
	return &directory->intervals[directory->n_intervals++];
}

struct group_entry *group_directory_add_group(struct group_directory *directory, uint32_t n_columns)
{
	struct group_entry *group;

	if (grow((void **)&directory->groups, directory->n_groups, 1, &directory->groups_capacity,
		 sizeof(*directory->groups)) < 0 ||
	    grow((void **)&directory->columns, directory->n_columns, n_columns, &directory->columns_capacity,
		 sizeof(*directory->columns)) < 0)
		return NULL;
	group = &directory->groups[directory->n_groups++];
	*group = (struct group_entry){.first_column = directory->n_columns, .n_columns = n_columns};
	memset(&directory->columns[directory->n_columns], 0, n_columns * sizeof(*directory->columns));
	directory->n_columns += n_columns;
	return group;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */
void columns_begin_put(struct sink *sink)
{
	size_t start = sink->len + 8;

	put_u32(sink, MAGIC_COLUMNS_FRAME);
	put_u32(sink, COLUMNS_BEGIN_BYTES - 8);
	put_bytes(sink, COLUMNS_MAGIC, 4);
	put_u16(sink, FORMAT_VERSION);
	put_u32(sink, FORMAT_COMPATIBLE);
	put_u32(sink, FORMAT_INCOMPATIBLE);
	if (!sink->failed)
		put_u32(sink, (uint32_t)crc32(0, sink->data + start, (unsigned)(sink->len - start)));
}

static uint64_t boundary_of(const struct interval *interval)
{
	return interval->is_last_chunk ? interval->end_real_ns : interval->begin_real_ns;
}

static void put_intervals(struct sink *sink, const struct group_directory *directory)
{
	uint64_t number = 0, before = 0;

	put_varint(sink, directory->n_intervals);
	for (uint32_t i = 0; i < directory->n_intervals; i++) {
		const struct interval *interval = &directory->intervals[i];

		put_varint(sink, zigzag(interval->number - number));
		put_varint(sink, zigzag(interval->begin_real_ns - before));
		put_u8(sink, interval->is_last_chunk);
		if (interval->is_last_chunk)
			put_varint(sink, zigzag(interval->end_real_ns - interval->begin_real_ns));
		number = interval->number + 1;
		before = boundary_of(interval);
	}
}

static void put_entry(struct sink *sink, const struct column_entry *column, uint32_t rows)
{
	put_u8(sink, column->head);
	if ((column->head >> PREDICTION_SHIFT & PREDICTION_MASK) == PREDICT_COLUMNS) {
		put_u8(sink, column->minuend);
		put_u8(sink, column->subtrahend);
	}
	put_varint(sink, column->bytes);
	if (column->bytes) {
		put_varint(sink, column->raw_bytes);
		put_u32(sink, column->checksum);
	}
	put_varint(sink, column->nulls);
	if (column->nulls < rows) {
		put_varint(sink, column->least);
		put_varint(sink, column->greatest - column->least);
	}
}

static void put_groups(struct sink *sink, const struct group_directory *directory)
{
	put_varint(sink, directory->n_groups);
	for (uint32_t i = 0; i < directory->n_groups; i++) {
		const struct group_entry *group = &directory->groups[i];

		put_varint(sink, group->table);
		put_varint(sink, group->rows);
		put_varint(sink, group->first_interval);
		put_varint(sink, group->last_interval);
		put_varint(sink, directory->columns[group->first_column].offset);
		put_varint(sink, group->n_columns);
		for (uint32_t k = 0; k < group->n_columns; k++)
			put_entry(sink, &directory->columns[group->first_column + k], group->rows);
	}
}

/* What time its rows and intervals are of. */
static void span_of(const struct group_directory *directory, struct group_trailer *ret)
{
	ret->least_real_ns = UINT64_MAX;
	ret->greatest_real_ns = 0;
	for (uint32_t i = 0; i < directory->n_intervals; i++) {
		const struct interval *interval = &directory->intervals[i];
		uint64_t end = boundary_of(interval);

		if (interval->begin_real_ns < ret->least_real_ns)
			ret->least_real_ns = interval->begin_real_ns;
		if (end < ret->least_real_ns)
			ret->least_real_ns = end;
		if (interval->begin_real_ns > ret->greatest_real_ns)
			ret->greatest_real_ns = interval->begin_real_ns;
		if (end > ret->greatest_real_ns)
			ret->greatest_real_ns = end;
	}
	for (uint32_t i = 0; i < directory->n_groups; i++) {
		const struct group_entry *group = &directory->groups[i];
		const struct table *table = &directory->header.tables[group->table];

		for (uint32_t k = 0; k < table->n_fields; k++) {
			const struct column_entry *column = &directory->columns[group->first_column + k];

			if (table->fields[k].unit != UNIT_TIME)
				continue;
			if (column->nulls < group->rows && column->least < ret->least_real_ns)
				ret->least_real_ns = column->least;
			if (column->nulls < group->rows && column->greatest > ret->greatest_real_ns)
				ret->greatest_real_ns = column->greatest;
			break; /* the first is when the row happened */
		}
	}
}

static void put_trailer(struct sink *sink, const struct group_trailer *trailer)
{
	size_t start;

	put_u32(sink, MAGIC_INDEX_FRAME);
	put_u32(sink, GROUP_TRAILER_BYTES - 8);
	start = sink->len;
	put_bytes(sink, INDEX_MAGIC, 4);
	put_u64(sink, trailer->offset);
	put_u32(sink, trailer->bytes);
	put_u32(sink, trailer->raw_bytes);
	put_u32(sink, trailer->checksum);
	put_u64(sink, trailer->least_real_ns);
	put_u64(sink, trailer->greatest_real_ns);
	put_u32(sink, trailer->header_checksum);
	if (!sink->failed)
		put_u32(sink, (uint32_t)crc32(0, sink->data + start, (unsigned)(sink->len - start)));
}

int group_directory_put(struct sink *sink, uint64_t offset, const struct sink *header,
			const struct group_directory *directory)
{
	struct group_trailer trailer = {
		.offset = offset,
		.header_checksum = (uint32_t)crc32(0, header->data + 8, (unsigned)(header->len - 8)),
	};
	struct sink raw = {0};
	size_t bound, start = sink->len;
	unsigned char *room;

	put_varint(&raw, header->len - 8);
	put_bytes(&raw, header->data + 8, header->len - 8);
	put_intervals(&raw, directory);
	put_groups(&raw, directory);
	span_of(directory, &trailer);
	bound = ZSTD_compressBound(raw.len);
	room = raw.failed || header->failed ? NULL : sink_room(sink, bound);
	if (room) {
		trailer.bytes = (uint32_t)ZSTD_compress(room, bound, raw.data, raw.len, LEVEL);
		trailer.raw_bytes = (uint32_t)raw.len;
		trailer.checksum = (uint32_t)crc32(0, room, trailer.bytes);
		sink->len += trailer.bytes;
		put_trailer(sink, &trailer);
	}
	sink_done(&raw);
	room = room ? sink_room(sink, trailer.bytes) : NULL;
	if (!room)
		return -ENOMEM;
	memcpy(room, sink->data + start, trailer.bytes);
	sink->len += trailer.bytes;
	trailer.offset += trailer.bytes + GROUP_TRAILER_BYTES;
	put_trailer(sink, &trailer);
	return sink->failed ? -ENOMEM : 0;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */
int columns_begin_get(const void *data, size_t len, uint16_t *ret_version, uint32_t *ret_incompatible)
{
	struct source source = {data, len, 0}, crc;
	const unsigned char *content, *magic;

	if (len < COLUMNS_BEGIN_BYTES || get_u32(&source) != MAGIC_COLUMNS_FRAME ||
	    get_u32(&source) != COLUMNS_BEGIN_BYTES - 8)
		return 0;
	content = source.data;
	crc = (struct source){content + COLUMNS_BEGIN_BYTES - 12, 4, 0};
	magic = get_bytes(&source, 4);
	if (memcmp(magic, COLUMNS_MAGIC, 4) != 0 || get_u32(&crc) != crc32(0, content, COLUMNS_BEGIN_BYTES - 12))
		return 0;
	*ret_version = get_u16(&source);
	get_u32(&source);
	*ret_incompatible = get_u32(&source);
	return *ret_version != FORMAT_VERSION || *ret_incompatible & ~FORMAT_INCOMPATIBLE ? -EPROTONOSUPPORT : 1;
}

int group_trailer_get(const void *data, struct group_trailer *ret)
{
	struct source source = {data, GROUP_TRAILER_BYTES, 0}, crc;
	const unsigned char *content;

	if (get_u32(&source) != MAGIC_INDEX_FRAME || get_u32(&source) != GROUP_TRAILER_BYTES - 8)
		return -EBADMSG;
	content = get_bytes(&source, 4);
	crc = (struct source){content + GROUP_TRAILER_BYTES - 12, 4, 0};
	if (memcmp(content, INDEX_MAGIC, 4) != 0 || get_u32(&crc) != crc32(0, content, GROUP_TRAILER_BYTES - 12))
		return -EBADMSG;
	ret->offset = get_u64(&source);
	ret->bytes = get_u32(&source);
	ret->raw_bytes = get_u32(&source);
	ret->checksum = get_u32(&source);
	ret->least_real_ns = get_u64(&source);
	ret->greatest_real_ns = get_u64(&source);
	ret->header_checksum = get_u32(&source);
	return ret->bytes > DIRECTORY_MAX_BYTES || ret->raw_bytes > DIRECTORY_MAX_BYTES ? -EBADMSG : 0;
}

static int get_intervals(struct source *source, struct group_directory *directory)
{
	uint64_t number = 0, before = 0, n = get_varint(source);

	if (n > source->left)
		return -EBADMSG;
	for (uint64_t i = 0; i < n; i++) {
		struct interval *interval = group_directory_add_interval(directory);

		if (!interval)
			return -ENOMEM;
		interval->number = number + unzigzag(get_varint(source));
		interval->begin_real_ns = before + unzigzag(get_varint(source));
		interval->is_last_chunk = get_u8(source) & 1;
		if (interval->is_last_chunk)
			interval->end_real_ns = interval->begin_real_ns + unzigzag(get_varint(source));
		number = interval->number + 1;
		before = boundary_of(interval);
	}
	return source->failed ? -EBADMSG : 0;
}

static void get_entry(struct source *source, struct column_entry *column, uint32_t rows, uint64_t *offset)
{
	column->head = get_u8(source);
	column->minuend = column->subtrahend = NO_COLUMN;
	if ((column->head >> PREDICTION_SHIFT & PREDICTION_MASK) == PREDICT_COLUMNS) {
		column->minuend = get_u8(source);
		column->subtrahend = get_u8(source);
	}
	column->offset = *offset;
	column->bytes = (uint32_t)get_varint(source);
	*offset += column->bytes;
	if (column->bytes) {
		column->raw_bytes = (uint32_t)get_varint(source);
		column->checksum = get_u32(source);
	}
	column->nulls = (uint32_t)get_varint(source);
	if (column->nulls < rows) {
		column->least = get_varint(source);
		column->greatest = column->least + get_varint(source);
	}
}

static int get_group(struct source *source, struct group_directory *directory)
{
	uint64_t table = get_varint(source), rows = get_varint(source), first = get_varint(source);
	uint64_t last = get_varint(source), offset = get_varint(source), n_columns = get_varint(source);
	struct group_entry *group;

	if (source->failed || table >= directory->header.n_tables || !rows || rows > GROUP_MAX_ROWS || first > last ||
	    last >= directory->n_intervals || n_columns != directory->header.tables[table].n_fields + 1ull)
		return -EBADMSG;
	group = group_directory_add_group(directory, (uint32_t)n_columns);
	if (!group)
		return -ENOMEM;
	group->table = (uint32_t)table;
	group->rows = (uint32_t)rows;
	group->first_interval = (uint32_t)first;
	group->last_interval = (uint32_t)last;
	for (uint32_t k = 0; k < n_columns; k++) {
		struct column_entry *column = &directory->columns[group->first_column + k];

		get_entry(source, column, group->rows, &offset);
		if (column->bytes > COLUMN_MAX_BYTES || column->raw_bytes > COLUMN_MAX_BYTES ||
		    column->nulls > group->rows)
			return -EBADMSG;
	}
	return source->failed ? -EBADMSG : 0;
}

static int get_content(struct source *source, struct group_directory *directory)
{
	uint64_t header_bytes = get_varint(source), n;
	const unsigned char *header = get_bytes(source, header_bytes);
	int r = header ? header_get(&directory->header, header, header_bytes) : -EBADMSG;

	if (r == 0)
		r = get_intervals(source, directory);
	n = r == 0 ? get_varint(source) : 0;
	if (r == 0 && n > source->left)
		r = -EBADMSG;
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = get_group(source, directory);
	return r == 0 && (source->failed || source->left) ? -EBADMSG : r;
}

int group_directory_get(const void *frame, const struct group_trailer *trailer, struct group_directory *ret)
{
	unsigned char *raw;
	int r = -EBADMSG;

	if (crc32(0, frame, trailer->bytes) != trailer->checksum)
		return -EBADMSG;
	raw = malloc(trailer->raw_bytes + 1u);
	if (!raw)
		return -ENOMEM;
	if (ZSTD_decompress(raw, trailer->raw_bytes, frame, trailer->bytes) == trailer->raw_bytes) {
		struct source source = {raw, trailer->raw_bytes, 0};

		r = get_content(&source, ret);
	}
	free(raw);
	if (r < 0)
		group_directory_done(ret);
	return r;
}
