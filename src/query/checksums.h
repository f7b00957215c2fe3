/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Holding every column of a store against its checksum, by threads beside whoever reads it for another reason. Chunks
 * of a log are checked as they are read.
 */
#ifndef OBIT_QUERY_CHECKSUMS_H
#define OBIT_QUERY_CHECKSUMS_H

#include "store/reader.h"

struct checksums;

/* `jobs` threads; 0 or 1: whoever adds does it. Damage is noted by the reader. NULL: out of memory. */
struct checksums *checksums_new(struct store_reader *reader, unsigned jobs);
/* Waits for the threads. NULL is legal. */
void checksums_free(struct checksums *checksums);

/* All groups of a part that the reader has just given, which is held until they are done. 0, -ENOMEM or -errno. */
int checksums_add(struct checksums *checksums, const struct store_part *part);
/* All that was added is done. 0, or the first -errno. */
int checksums_finish(struct checksums *checksums);

#endif
