/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk: rows of one interval on their way from the ledger to the writer, and empty on their way back.
 */
#ifndef OBIT_LEDGER_CHUNK_H
#define OBIT_LEDGER_CHUNK_H

#include "model/block.h"
#include "model/origin.h"

struct chunk {
	struct interval interval;
	struct block *blocks[N_TABLES];
};

/* NULL: out of memory. */
struct chunk *chunk_new(void);
void chunk_free(struct chunk *chunk);
void chunk_clear(struct chunk *chunk);

#endif
