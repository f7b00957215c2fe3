// SPDX-License-Identifier: BSD-2-Clause
#include "query/checksums.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define MAX_JOBS  64
#define MAX_PARTS 16 /* held: each is a file open */

struct held_part {
	const struct store_part *part;
	uint32_t next, n_done; /* of its groups: to be taken; checked */
};

struct checksums {
	struct store_reader *reader;
	unsigned jobs, n_threads;
	pthread_t threads[MAX_JOBS];
	struct group_reader *own;
	pthread_mutex_t lock;
	pthread_cond_t has_work, is_done;
	struct held_part parts[MAX_PARTS]; /* a ring */
	unsigned first, n;
	bool is_ending;
	int error;
};

struct checksums *checksums_new(struct store_reader *reader, unsigned jobs)
{
	struct checksums *checksums = calloc(1, sizeof(*checksums));

	if (!checksums)
		return NULL;
	checksums->reader = reader;
	checksums->jobs = jobs > MAX_JOBS ? MAX_JOBS : jobs;
	pthread_mutex_init(&checksums->lock, NULL);
	pthread_cond_init(&checksums->has_work, NULL);
	pthread_cond_init(&checksums->is_done, NULL);
	checksums->own = group_reader_new(store_reader_note_damage, reader);
	if (checksums->own)
		return checksums;
	checksums_free(checksums);
	return NULL;
}

void checksums_free(struct checksums *checksums)
{
	if (!checksums)
		return;
	pthread_mutex_lock(&checksums->lock);
	checksums->is_ending = true;
	pthread_cond_broadcast(&checksums->has_work);
	pthread_mutex_unlock(&checksums->lock);
	for (unsigned i = 0; i < checksums->n_threads; i++)
		pthread_join(checksums->threads[i], NULL);
	for (; checksums->n; checksums->n--, checksums->first = (checksums->first + 1) % MAX_PARTS)
		store_part_release(checksums->parts[checksums->first].part);
	group_reader_free(checksums->own);
	pthread_mutex_destroy(&checksums->lock);
	pthread_cond_destroy(&checksums->has_work);
	pthread_cond_destroy(&checksums->is_done);
	free(checksums);
}

/* A part with a group that nobody is at. */
static struct held_part *find_work(struct checksums *checksums)
{
	for (unsigned i = 0; i < checksums->n; i++) {
		struct held_part *held = &checksums->parts[(checksums->first + i) % MAX_PARTS];

		if (held->next < held->part->n_groups)
			return held;
	}
	return NULL;
}

/* With the lock held, which is left meanwhile. */
static void check_one(struct checksums *checksums, struct held_part *held, struct group_reader *reader)
{
	const struct store_group *group = &held->part->groups[held->next++];
	int r;

	pthread_mutex_unlock(&checksums->lock);
	r = group_reader_check(reader, group);
	pthread_mutex_lock(&checksums->lock);
	if (r < 0 && !checksums->error)
		checksums->error = r;
	if (++held->n_done == held->part->n_groups)
		pthread_cond_signal(&checksums->is_done);
}

static void *work(void *context)
{
	struct checksums *checksums = context;
	struct group_reader *reader = group_reader_new(store_reader_note_damage, checksums->reader);

	pthread_mutex_lock(&checksums->lock);
	while (reader && !checksums->is_ending) {
		struct held_part *held = find_work(checksums);

		if (held)
			check_one(checksums, held, reader);
		else
			pthread_cond_wait(&checksums->has_work, &checksums->lock);
	}
	pthread_mutex_unlock(&checksums->lock);
	group_reader_free(reader);
	return NULL;
}

/* With the lock held: the oldest is done, with this thread's help, and released. */
static void finish_first(struct checksums *checksums)
{
	struct held_part *held = &checksums->parts[checksums->first];

	while (held->n_done < held->part->n_groups) {
		if (held->next < held->part->n_groups)
			check_one(checksums, held, checksums->own);
		else
			pthread_cond_wait(&checksums->is_done, &checksums->lock);
	}
	store_part_release(held->part);
	checksums->first = (checksums->first + 1) % MAX_PARTS;
	checksums->n--;
}

int checksums_add(struct checksums *checksums, const struct store_part *part)
{
	int r;

	if (part->is_log || !part->n_groups)
		return 0;
	pthread_mutex_lock(&checksums->lock);
	while (checksums->n == MAX_PARTS)
		finish_first(checksums);
	store_part_hold(part);
	checksums->parts[(checksums->first + checksums->n++) % MAX_PARTS] = (struct held_part){.part = part};
	if (checksums->n_threads + 1 < checksums->jobs &&
	    pthread_create(&checksums->threads[checksums->n_threads], NULL, work, checksums) == 0)
		checksums->n_threads++;
	pthread_cond_broadcast(&checksums->has_work);
	if (!checksums->n_threads)
		finish_first(checksums);
	r = checksums->error;
	pthread_mutex_unlock(&checksums->lock);
	return r;
}

int checksums_finish(struct checksums *checksums)
{
	int r;

	pthread_mutex_lock(&checksums->lock);
	while (checksums->n)
		finish_first(checksums);
	r = checksums->error;
	pthread_mutex_unlock(&checksums->lock);
	return r;
}
