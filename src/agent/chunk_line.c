// SPDX-License-Identifier: BSD-2-Clause
/*
 * A few chunks a second pass here: a mutex is right.
 */
#include "agent/chunk_line.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "model/limits.h"

#define PLACES 8
_Static_assert(CHUNKS <= PLACES, "a line holds all chunks");

struct chunk_line {
	pthread_mutex_t lock;
	pthread_cond_t come;
	struct chunk *chunks[PLACES];
	unsigned first, count;
	bool is_closed;
};

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
