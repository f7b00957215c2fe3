/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a log, a segment that is not sealed yet, chunk by chunk, past damage. What is skipped is reported to the
 * caller as stretches of the file. One thread; memory is bounded by the largest chunk.
 */
#ifndef OBIT_STORE_SEGMENT_H
#define OBIT_STORE_SEGMENT_H

#include <stdbool.h>

#include "store/header.h"

struct segment;

struct segment_chunk {
	const void *data; /* the whole chunk, prefix and all; valid until the next call */
	size_t len;
	int begins_frame; /* places are counted anew */
};

/* A stretch that could not be read. */
typedef void (*segment_damage)(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what);
/* For whoever does not want to know. */
void segment_ignore_damage(void *ctx, uint64_t offset, uint64_t bytes, bool is_torn_tail, const char *what);

/*
 * Opens the file; damage of its header is reported and leaves an open segment without chunks. Errors: what the
 * system said, -ENOMEM.
 */
int segment_open(int dir_fd, const char *name, segment_damage damage, void *ctx, struct segment **ret);
/* Takes over the descriptor, also on error. */
int segment_open_fd(int fd, segment_damage damage, void *ctx, struct segment **ret);
void segment_close(struct segment *segment);

const struct header *segment_header(const struct segment *segment);

/* Did its writer die before the header was whole? Then it holds no frame either. */
int segment_is_headerless(const struct segment *segment);

/* 1: a chunk; 0: the end; negative: out of memory or an I/O error. */
int segment_next(struct segment *segment, struct segment_chunk *ret);

/* The chunk given last and the rest of its frame cannot be decoded: says so and goes on at the next one. */
void segment_give_up_frame(struct segment *segment, const char *what);

/* After segment_next() has given 0: what is left behind the last chunk and could not be read (yet). */
uint64_t segment_good_offset(const struct segment *segment);
uint64_t segment_torn_bytes(const struct segment *segment);

#endif
