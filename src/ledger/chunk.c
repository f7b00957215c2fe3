// SPDX-License-Identifier: BSD-2-Clause
#include "ledger/chunk.h"

#include <stdlib.h>

#include "model/limits.h"

struct chunk *chunk_new(void)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->blocks[CHUNK_EXITS] = block_new(table_by_id(TABLE_EXITS), CHUNK_ROWS, CHUNK_ARENA_BYTES);
	chunk->blocks[CHUNK_ROLLUPS_BLOCK] = block_new(table_by_id(TABLE_ROLLUPS), CHUNK_ROLLUPS, CHUNK_ROLLUPS * 64);
	chunk->blocks[CHUNK_LEDGER] = block_new(table_by_id(TABLE_LEDGER), 1, 1);
	chunk->blocks[CHUNK_PROCS] = block_new(table_by_id(TABLE_PROCS), CHUNK_PROCS_ROWS, CHUNK_PROCS_ROWS * PROC_ROW_BYTES);
	chunk->blocks[CHUNK_ROSTER] =
		block_new(table_by_id(TABLE_ROSTER), CHUNK_ROSTER_ROWS, CHUNK_ROSTER_ROWS * ROSTER_ROW_BYTES);
	chunk->blocks[CHUNK_RUNQ] = block_new(table_by_id(TABLE_RUNQ), CHUNK_ROWS, 1);
	chunk->blocks[CHUNK_THREADS] =
		block_new(table_by_id(TABLE_THREADS), CHUNK_THREADS_ROWS, CHUNK_THREADS_ROWS * THREAD_ROW_BYTES);
	for (int i = 0; i < N_SAMPLES; i++)
		chunk->blocks[CHUNK_SAMPLES + i] = samples_block_new(i);
	for (int i = 0; i < N_CHUNK_BLOCKS; i++)
		if (!chunk->blocks[i]) {
			chunk_free(chunk);
			return NULL;
		}
	return chunk;
}

void chunk_free(struct chunk *chunk)
{
	if (!chunk)
		return;
	for (int i = 0; i < N_CHUNK_BLOCKS; i++)
		block_free(chunk->blocks[i]);
	free(chunk);
}

void chunk_clear(struct chunk *chunk)
{
	chunk->interval = (struct interval){0};
	for (int i = 0; i < N_CHUNK_BLOCKS; i++)
		block_clear(chunk->blocks[i]);
}
