/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading one segment file chunk by chunk, past damage. What is skipped is reported to the caller as stretches
 * of the file. One thread; memory is bounded by the largest chunk.
 */
#ifndef OBIT_STORE_SEGMENT_H
#define OBIT_STORE_SEGMENT_H

#include <stdbool.h>

#include "store/header.h"
#include "store/index.h"

struct segment;

struct segment_chunk {
	const void *data; /* the whole chunk, prefix and all; valid until the next call */
	size_t len;
	int begins_frame; /* dictionaries start anew */
	uint64_t frame_offset;
};

/* A stretch that could not be read. */
typedef void (*segment_damage)(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what);

/*
 * Opens the file; damage of its header is reported and leaves an open segment without chunks. Errors: what the
 * system said, -ENOMEM.
 */
int segment_open(int dir_fd, const char *name, segment_damage damage, void *ctx, struct segment **ret);
void segment_close(struct segment *segment);

const struct header *segment_header(const struct segment *segment);
/* NULL: it is not sealed. */
const struct index *segment_index(const struct segment *segment);

/* Did its writer die before the header was whole? Then it holds no frame either. */
int segment_is_headerless(const struct segment *segment);

/* Goes on at a frame of the index. */
void segment_seek(struct segment *segment, uint64_t offset);

/* 1: a chunk; 0: the end; negative: out of memory or an I/O error. */
int segment_next(struct segment *segment, struct segment_chunk *ret);

/* The chunk given last and the rest of its frame cannot be decoded: says so and goes on at the next one. */
void segment_give_up_frame(struct segment *segment, const char *what);

/* After segment_next() has given 0: what is left behind the last chunk and could not be read (yet). */
uint64_t segment_good_offset(const struct segment *segment);
uint64_t segment_torn_bytes(const struct segment *segment);

/* Is the frame that was read last still without its end, and where does it begin? */
int segment_is_in_frame(const struct segment *segment);
uint64_t segment_frame_offset(const struct segment *segment);

#endif
