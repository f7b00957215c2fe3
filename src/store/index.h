/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time index of a sealed segment: where its frames are and what time each spans. It is the last thing
 * in the file, with its own length at its end.
 */
#ifndef OBIT_STORE_INDEX_H
#define OBIT_STORE_INDEX_H

#include "model/origin.h"
#include "store/bytes.h"

struct index_entry {
	uint64_t offset;
	uint64_t first_number, last_number;
	uint64_t begin_real_ns, end_real_ns; /* end: UINT64_MAX while an interval in it is open */
	uint64_t closed_end_real_ns;	     /* not on disk: of those that are not */
};

struct index {
	struct index_entry *entries;
	size_t n, capacity;
};

void index_done(struct index *index);

/* A frame begins here. 0 or -ENOMEM. */
int index_add_frame(struct index *index, uint64_t offset);
/* A chunk of this interval is in the frame that began last. */
void index_add_chunk(struct index *index, const struct interval *interval);

/* The whole skippable frame, and its length. */
void index_put(struct sink *sink, const struct index *index);
uint64_t index_bytes(const struct index *index);

/* From the end of a file. 0; -ENOENT: not sealed (or its seal is damaged); -ENOMEM; or what reading said. */
int index_read(struct index *index, int fd, uint64_t file_bytes);

#endif
