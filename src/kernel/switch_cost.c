// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two threads hand a byte to and fro on one CPU: two switches a round.
 */
#define _GNU_SOURCE
#include "kernel/switch_cost.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/collect.h"

#define TRIES	      2	 /* of each level, one after the other */
#define ROUNDS_PLAYED 12 /* in each of them */
#define ROUNDS	      4000

struct table_tennis {
	int to[2], fro[2];
};

static int hit(int from, int to, int n)
{
	char ball;

	for (int i = 0; i < n; i++)
		if (read(from, &ball, 1) != 1 || write(to, &ball, 1) != 1)
			return -EIO;
	return 0;
}

static void *other_side(void *ctx)
{
	const struct table_tennis *table = ctx;

	hit(table->to[0], table->fro[1], ROUNDS);
	return NULL;
}

/* ns a switch of one turn. */
static int play(double *ret_ns)
{
	struct table_tennis table;
	pthread_t other;
	uint64_t begin;
	int r;

	if (pipe(table.to) < 0)
		return -errno;
	if (pipe(table.fro) < 0) {
		r = -errno;
		goto close_to;
	}
	r = -pthread_create(&other, NULL, other_side, &table);
	if (r < 0)
		goto close_fro;
	begin = clock_read_ns(CLOCK_MONOTONIC);
	r = write(table.to[1], "", 1) == 1 ? hit(table.fro[0], table.to[1], ROUNDS - 1) : -EIO;
	*ret_ns = (double)(clock_read_ns(CLOCK_MONOTONIC) - begin) / (2.0 * ROUNDS);
	pthread_join(other, NULL);
close_fro:
	close(table.fro[0]);
	close(table.fro[1]);
close_to:
	close(table.to[0]);
	close(table.to[1]);
	return r;
}

/* The least of some turns, below what was there. */
static int improve(double *ns)
{
	double turn = 0;
	int r = 0;

	for (int i = 0; i < ROUNDS_PLAYED && r == 0; i++) {
		r = play(&turn);
		if (r == 0 && (*ns == 0 || turn < *ns))
			*ns = turn;
	}
	return r;
}

static int measure_level(enum sched_level level, double *ns)
{
	struct collect_options options = {.sched = level};
	struct collect *collect;
	int r = collect_open(&options, &collect, NULL);

	if (r < 0)
		return r;
	r = improve(ns);
	collect_close(collect);
	return r;
}

int switch_cost_measure(double ret_ns[SWITCH_COST_LEVELS])
{
	cpu_set_t all, one;
	int r = 0;

	for (int i = 0; i < SWITCH_COST_LEVELS; i++)
		ret_ns[i] = 0;
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return -errno;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return -errno;
	for (int i = 0; i < TRIES && r == 0; i++) {
		r = improve(&ret_ns[0]);
		for (int level = SCHED_OFF; level <= SCHED_FULL && r == 0; level++)
			r = measure_level((enum sched_level)level, &ret_ns[1 + level]);
	}
	sched_setaffinity(0, sizeof(all), &all);
	return r;
}
