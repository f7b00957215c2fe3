/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One log being written: header, chunks in frames. What is put waits in
 * memory until segment_writer_commit(); the file is the caller's.
 */
#ifndef OBIT_STORE_SEGMENT_WRITER_H
#define OBIT_STORE_SEGMENT_WRITER_H

#include "store/chunk_codec.h"
#include "store/frame_writer.h"

/* Zeroed, then begun for one file after the other; freed with segment_writer_done(). */
struct segment_writer {
	struct frame_writer frames;
	uint64_t first_number, last_number; /* of intervals in it; 0: none */
	struct section_writer sections;
	struct sink raw;
	uint32_t frame_chunks;
	uint64_t frame_raw_bytes;
};

/* A new file; what waited for the one before is dropped. Its header waits. 0 or -ENOMEM. */
int segment_writer_begin(struct segment_writer *writer, int fd, const struct file_calls *calls, int level,
			 const struct origin *origin, const struct table *const *tables, size_t n_tables);
/* A chunk. 0 or -ENOMEM. */
int segment_writer_put(struct segment_writer *writer, const struct interval *interval, struct block *const *blocks,
		       size_t n_blocks);
/* The end of the frame, after which nothing comes. 0 or -ENOMEM. */
int segment_writer_end(struct segment_writer *writer);
/* Writes what waits, whole or not at all. 0 or -errno, then to be called again. */
int segment_writer_commit(struct segment_writer *writer);
/* Bytes of the file, with those that wait. */
uint64_t segment_writer_bytes(const struct segment_writer *writer);
void segment_writer_done(struct segment_writer *writer);

#endif
