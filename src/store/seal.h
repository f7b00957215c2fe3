/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealing: a log that is no longer written is rewritten by columns and replaced by them. The columns are written beside
 * it, under a name that readers ignore, and take its name when they are whole and on the disk: at every instant one of
 * the two is there, and one only.
 *
 * What is torn or damaged in the log is left out, as readers leave it out.
 */
#ifndef OBIT_STORE_SEAL_H
#define OBIT_STORE_SEAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/directory.h"
#include "store/frame_writer.h"

#define SEALING_NAME ".sealing"

struct seal_result {
	uint64_t rows, log_bytes, bytes; /* of the log; of the columns */
	size_t memory_bytes;		 /* the most that it took */
	uint64_t cpu_ns;
	bool is_empty; /* its writer died before it had a header: it holds nothing */
};

/*
 * Writes the columns of the log `name` to SEALING_NAME. 0; -EALREADY, it is no log but columns; -EPROTONOSUPPORT or
 * -EBADMSG, its header cannot be read: it stays as it is; -EINTR, *stop was set; -ENOMEM; what the system said. To be
 * called with the writer's lock held, by one thread at a time. `stop` may be NULL.
 */
int seal_write(int dir_fd, const struct segment_name *name, const struct file_calls *calls, const atomic_bool *stop,
	       struct seal_result *ret);

/* Gives them the log's name, unless that has gone (-ENOENT). Of an empty one, removes it. 0 or -errno; then
 * seal_drop(). */
int seal_replace(int dir_fd, const struct segment_name *name, const struct seal_result *result);
void seal_drop(int dir_fd);

/* 1: it is a log; 0: it is columns, or nothing of ours; -errno. */
int seal_is_needed(int dir_fd, const struct segment_name *name);

#endif
