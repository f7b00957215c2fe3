/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments made by hand from the store's own parts, where the writer would not make them so: many short
 * frames, other tables, other features. Include it behind store_fixture.h.
 */
#ifndef OBIT_TESTS_STORE_CRAFT_H
#define OBIT_TESTS_STORE_CRAFT_H

#include <zlib.h>

#include "store/chunk_codec.h"
#include "store/directory.h"
#include "store/segment_format.h"
#include "store/frame_writer.h"
#include "store/header.h"
#include "store/seal.h"

struct craft {
	int fd;
	struct segment_name name;
	struct frame_writer frames;
	struct section_writer sections;
	struct sink raw;
	uint32_t ordinal; /* of the frame's next chunk */
};

/* What a header says besides where its rows come from. */
struct craft_format {
	uint16_t version;
	uint32_t compatible, incompatible;
	const struct table *tables;
	uint16_t n_tables;
	int has_help; /* without, it is three times shorter */
};

static inline void craft_header(struct sink *sink, const struct origin *origin, const struct craft_format *format)
{
	put_u32(sink, MAGIC_HEADER_FRAME);
	put_u32(sink, 0);
	put_bytes(sink, HEADER_MAGIC, 4);
	put_u16(sink, format->version);
	put_u32(sink, format->compatible);
	put_u32(sink, format->incompatible);
	put_string(sink, origin->host);
	put_string(sink, origin->boot_id);
	put_string(sink, origin->kernel);
	put_string(sink, origin->agent);
	put_u64(sink, origin->run_real_ns);
	put_u64(sink, (uint64_t)origin->real_minus_boot_ns);
	put_u64(sink, origin->interval_ns);
	put_u16(sink, format->n_tables);
	for (uint16_t i = 0; i < format->n_tables; i++) {
		const struct table *table = &format->tables[i];

		put_u32(sink, table->id);
		put_u16(sink, (uint16_t)table->n_fields);
		put_string(sink, table->name);
		put_string(sink, format->has_help ? table->help : "");
		for (uint32_t j = 0; j < table->n_fields; j++) {
			put_u8(sink, (uint8_t)table->fields[j].type);
			put_u8(sink, (uint8_t)table->fields[j].unit);
			put_u8(sink, (uint8_t)table->fields[j].kind);
			put_string(sink, table->fields[j].name);
			put_string(sink, format->has_help ? table->fields[j].help : "");
		}
	}
	put_u32(sink, (uint32_t)crc32(0, sink->data + 8, (unsigned)(sink->len - 8)));
	set_u32(sink, 4, (uint32_t)(sink->len - 8));
	assert_false(sink->failed);
}

/* Begins a segment of that name with these bytes as its header. */
static inline void craft_open(struct craft *craft, const struct fixture *fixture, uint64_t name_ns, struct sink *header)
{
	struct segment_name name;
	char path[128];

	directory_name(&name, name_ns);
	snprintf(path, sizeof(path), "%s/%s", fixture->dir, name.text);
	*craft = (struct craft){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), .name = name};
	assert_true(craft->fd >= 0);
	assert_int_equal(frame_writer_init(&craft->frames, craft->fd, &file_calls_real, 3), 0);
	put_bytes(&craft->frames.waiting, header->data, header->len);
	sink_done(header);
	assert_int_equal(frame_writer_commit(&craft->frames), 0);
}

/* Ends the frame, if there is one. */
static inline void craft_end_frame(struct craft *craft)
{
	assert_int_equal(frame_writer_end(&craft->frames), 0);
	assert_int_equal(frame_writer_commit(&craft->frames), 0);
}

/* Bytes into the frame, as a writer would flush them; begins a frame when none is open. */
static inline void craft_bytes(struct craft *craft, const void *data, size_t len)
{
	assert_int_equal(frame_writer_compress(&craft->frames, data, len), 0);
	assert_int_equal(frame_writer_commit(&craft->frames), 0);
}

/* Where the chunk ends is returned. */
static inline uint64_t craft_chunk(struct craft *craft, const struct interval *interval, struct block *const *blocks,
				   size_t n_blocks)
{
	craft->raw.len = 0;
	if (!craft->frames.is_open)
		craft->ordinal = 0;
	chunk_put(&craft->raw, &craft->sections, craft->ordinal++, interval, blocks, n_blocks);
	craft_bytes(craft, craft->raw.data, craft->raw.len);
	return craft->frames.committed;
}

/* Ends the log, and makes columns of it. */
static inline void craft_seal(struct craft *craft, const struct fixture *fixture)
{
	struct seal_result result;
	int dir_fd = open(fixture->dir, O_RDONLY | O_DIRECTORY);

	craft_end_frame(craft);
	assert_true(dir_fd >= 0);
	assert_int_equal(seal_write(dir_fd, &craft->name, &file_calls_real, NULL, &result), 0);
	assert_int_equal(seal_replace(dir_fd, &craft->name, &result), 0);
	close(dir_fd);
}

static inline void craft_close(struct craft *craft)
{
	close(craft->fd);
	frame_writer_done(&craft->frames);
	section_writer_done(&craft->sections);
	sink_done(&craft->raw);
}

#endif
