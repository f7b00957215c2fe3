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
#include "store/format.h"
#include "store/frame_writer.h"
#include "store/header.h"
#include "store/index.h"

struct craft {
	int fd;
	struct frame_writer frames;
	struct index index;
	struct dictionaries dictionaries;
	struct sink raw, section;
	uint32_t ordinal; /* of the frame's next chunk */
};

/* Begins a segment of that name with these bytes as its header. */
static inline void craft_open(struct craft *craft, const struct fixture *fixture, uint64_t name_ns, struct sink *header)
{
	struct segment_name name;
	char path[128];

	directory_name(&name, name_ns);
	snprintf(path, sizeof(path), "%s/%s", fixture->dir, name.text);
	*craft = (struct craft){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)};
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
	dictionaries_clear(&craft->dictionaries);
}

/* Bytes into the frame, as a writer would flush them; begins a frame when none is open. */
static inline void craft_bytes(struct craft *craft, const void *data, size_t len)
{
	if (!craft->frames.is_open)
		assert_int_equal(index_add_frame(&craft->index, craft->frames.committed), 0);
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
	chunk_put(&craft->raw, &craft->section, craft->ordinal++, interval, blocks, n_blocks, &craft->dictionaries);
	craft_bytes(craft, craft->raw.data, craft->raw.len);
	index_add_chunk(&craft->index, interval);
	return craft->frames.committed;
}

static inline void craft_seal(struct craft *craft)
{
	craft_end_frame(craft);
	index_put(&craft->frames.waiting, &craft->index);
	assert_int_equal(frame_writer_commit(&craft->frames), 0);
}

static inline void craft_close(struct craft *craft)
{
	close(craft->fd);
	frame_writer_done(&craft->frames);
	index_done(&craft->index);
	dictionaries_done(&craft->dictionaries);
	sink_done(&craft->raw);
	sink_done(&craft->section);
}

#endif
