/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressing bytes to frames of one segment file: each chunk is flushed so that readers see it, and a
 * failed write leaves the file as it was and the compressed bytes waiting for the next try.
 */
#ifndef OBIT_STORE_FRAME_WRITER_H
#define OBIT_STORE_FRAME_WRITER_H

#include <sys/types.h>
#include <stdbool.h>

#include "store/bytes.h"

/* The seam for tests that make writes fail. */
struct file_calls {
	ssize_t (*write)(int fd, const void *data, size_t len);
	int (*ftruncate)(int fd, off_t len);
	int (*fsync)(int fd);
};

extern const struct file_calls file_calls_real;

struct frame_writer {
	int fd;
	const struct file_calls *calls;
	uint64_t committed; /* bytes of the file that are whole */
	struct ZSTD_CCtx_s *zstd;
	bool is_open;	     /* a frame has begun and not ended */
	struct sink waiting; /* compressed, not yet in the file */
};

/* 0 or -ENOMEM. The fd stays the caller's. */
int frame_writer_init(struct frame_writer *writer, int fd, const struct file_calls *calls, int level);
void frame_writer_done(struct frame_writer *writer);
/* Begins another, empty file; what waits for the one before is dropped. */
void frame_writer_restart(struct frame_writer *writer, int fd);

/* Compresses to `waiting`, flushed; begins a frame when none is open. 0 or -ENOMEM. */
int frame_writer_compress(struct frame_writer *writer, const void *data, size_t len);
/* Ends the frame, if one is open, into `waiting`. 0 or -ENOMEM. */
int frame_writer_end(struct frame_writer *writer);
/* Writes what is waiting, whole or not at all. 0 or -errno, then to be called again. */
int frame_writer_commit(struct frame_writer *writer);

#endif
