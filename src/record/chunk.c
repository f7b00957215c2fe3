// SPDX-License-Identifier: BSD-2-Clause
/*
 * Chunks and the lines they stand in. A few chunks a second pass here: a mutex is right.
 */
#include "record/chunk.h"

#include <pthread.h>
#include <stdlib.h>

#include "record/limits.h"

#define PLACES 8
_Static_assert(CHUNKS <= PLACES, "a line holds all chunks");

struct chunk_line {
	pthread_mutex_t lock;
	pthread_cond_t come;
	struct chunk *chunks[PLACES];
	unsigned first, count;
	int is_closed;
};

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
		chunk->blocks[CHUNK_SAMPLES + i] = samplers_block_new(i);
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

struct chunk_line *chunk_line_new(void)
{
	struct chunk_line *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	pthread_mutex_init(&line->lock, NULL);
	pthread_cond_init(&line->come, NULL);
	return line;
}

void chunk_line_free(struct chunk_line *line)
{
	if (!line)
		return;
	while (line->count) {
		chunk_free(line->chunks[line->first]);
		line->first = (line->first + 1) % PLACES;
		line->count--;
	}
	pthread_cond_destroy(&line->come);
	pthread_mutex_destroy(&line->lock);
	free(line);
}

void chunk_line_put(struct chunk_line *line, struct chunk *chunk)
{
	pthread_mutex_lock(&line->lock);
	line->chunks[(line->first + line->count++) % PLACES] = chunk;
	pthread_cond_signal(&line->come);
	pthread_mutex_unlock(&line->lock);
}

struct chunk *chunk_line_take(struct chunk_line *line)
{
	struct chunk *chunk = NULL;

	pthread_mutex_lock(&line->lock);
	while (!line->count && !line->is_closed)
		pthread_cond_wait(&line->come, &line->lock);
	if (line->count) {
		chunk = line->chunks[line->first];
		line->first = (line->first + 1) % PLACES;
		line->count--;
	}
	pthread_mutex_unlock(&line->lock);
	return chunk;
}

void chunk_line_close(struct chunk_line *line)
{
	pthread_mutex_lock(&line->lock);
	line->is_closed = 1;
	pthread_cond_broadcast(&line->come);
	pthread_mutex_unlock(&line->lock);
}
