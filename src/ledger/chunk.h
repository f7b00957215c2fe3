/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk: rows of one interval on their way from the ledger to the writer, and empty on their way back.
 */
#ifndef OBIT_LEDGER_CHUNK_H
#define OBIT_LEDGER_CHUNK_H

#include "model/block.h"
#include "model/origin.h"
#include "model/samples.h"

/* Those of the samplers come last, and have rows in the last chunk of an interval alone. */
enum {
	CHUNK_EXITS,
	CHUNK_ROLLUPS_BLOCK,
	CHUNK_LEDGER,
	CHUNK_PROCS,
	CHUNK_ROSTER,
	CHUNK_RUNQ,
	CHUNK_THREADS,
	CHUNK_SAMPLES,
	N_CHUNK_BLOCKS = CHUNK_SAMPLES + N_SAMPLES,
};

struct chunk {
	struct interval interval;
	struct block *blocks[N_CHUNK_BLOCKS];
};

/* NULL: out of memory. */
struct chunk *chunk_new(void);
void chunk_free(struct chunk *chunk);
void chunk_clear(struct chunk *chunk);

#endif
