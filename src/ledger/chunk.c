// SPDX-License-Identifier: BSD-2-Clause
#include "ledger/chunk.h"

#include <stdlib.h>

#include "model/limits.h"

struct chunk *chunk_new(void)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	for (int i = 0; i < N_TABLES; i++) {
		chunk->blocks[i] = chunk_block_new(i);
		if (!chunk->blocks[i]) {
			chunk_free(chunk);
			return NULL;
		}
	}
	return chunk;
}

void chunk_free(struct chunk *chunk)
{
	if (!chunk)
		return;
	for (int i = 0; i < N_TABLES; i++)
		block_free(chunk->blocks[i]);
	free(chunk);
}

void chunk_clear(struct chunk *chunk)
{
	chunk->interval = (struct interval){0};
	for (int i = 0; i < N_TABLES; i++)
		block_clear(chunk->blocks[i]);
}
