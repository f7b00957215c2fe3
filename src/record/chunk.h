/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chunk: rows of one interval on their way from the ledger to the writer, and empty on their way back.
 */
#ifndef OBIT_RECORD_CHUNK_H
#define OBIT_RECORD_CHUNK_H

#include "model/block.h"
#include "model/origin.h"
#include "record/samplers.h"

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

/*
 * A bounded line of chunks between two threads: putting never waits (there are never more chunks than
 * places), taking waits until there is one or the line is closed (NULL).
 */
struct chunk_line;

struct chunk_line *chunk_line_new(void);
void chunk_line_free(struct chunk_line *line); /* with the chunks in it */
void chunk_line_put(struct chunk_line *line, struct chunk *chunk);
struct chunk *chunk_line_take(struct chunk_line *line);
void chunk_line_close(struct chunk_line *line);

#endif
