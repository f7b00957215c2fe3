/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far a long reading is: a line on stderr, a few times a second, where that is a terminal; else nothing.
 */
#ifndef OBIT_CMD_PROGRESS_H
#define OBIT_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool is_shown;
	uint64_t begun_mono_ns, shown_mono_ns;
	size_t n_segments, n_read; /* of the store, and how many of them have been begun */
	char segment[64];
};

void progress_init(struct progress *progress, size_t n_segments);

/* A table is read from its beginning. */
void progress_restart(struct progress *progress);

/* A chunk of that segment has been read. */
void progress_step(struct progress *progress, const char *table, const char *segment, uint64_t n_rows);

/* Takes the line away. */
void progress_done(struct progress *progress);

#endif
