// SPDX-License-Identifier: BSD-2-Clause
/*
 * simulate [--seeds N] [--first SEED] [--events N] [--sabotage K] [--self-test]
 *
 * Plays so many histories from the first seed on. One that fails says what differs and how to play it again.
 * The self-test breaks the model in each way it knows and requires that every one is noticed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "simulate.h"

#define SABOTAGES	 11
#define SABOTAGE_SEEDS	 40
#define SELF_TEST_EVENTS 6000

struct tally {
	uint64_t events, steps, exits, rolled, late, excused, intervals, broken, runs, crashes, cuts, chunks;
};

static struct simulation sim;

static void add_totals(struct tally *totals)
{
	const struct history *history = &sim.history;

	totals->events += sim.world.n_events;
	totals->steps += sim.world.n_steps;
	totals->exits += history->n_exits;
	totals->rolled += history->n_rolled;
	totals->late += history->n_late;
	totals->excused += history->n_excused;
	totals->intervals += history->n_intervals;
	totals->broken += history->n_broken;
	totals->runs += (uint64_t)history->run;
	totals->crashes += history->n_crashes;
	totals->cuts += history->n_cuts;
	totals->chunks += history->n_written;
}

/* Returns whether the seed passes; `failure` is for 512 bytes. */
static int play(uint64_t seed, uint64_t events, int sabotage, struct tally *totals, char *failure, uint64_t *ret_digest)
{
	struct chance chance = {seed};

	plan_draw(&sim.plan, &chance, events);
	history_init(&sim.history, &sim.plan);
	world_init(&sim.world, &sim.plan, seed, &sim.history);
	sim.world.sabotage = sabotage;
	sim.history.world = &sim.world;
	sim.disk =
		(struct disk){.chance = {chance_next(&chance)}, .errors = sim.plan.disk_errors, .dies_after_bytes = -1};
	sim.disk.is_rotten = sabotage == SABOTAGES;
	sim.n_boots = 0;
	snprintf(sim.boot_id, sizeof(sim.boot_id), "boot-0");
	watch_all(&sim);
	add_totals(totals);
	*ret_digest = sim.history.digest * 31 + sim.world.n_events + chance_next(&sim.world.chance);
	snprintf(failure, 512, "%s", sim.history.failure);
	disk_remove_all(sim.dir);
	disk_done(&sim.disk);
	world_done(&sim.world);
	history_done(&sim.history);
	return !failure[0];
}

static int self_test(void)
{
	struct tally totals = {0};
	uint64_t first, again;
	char failure[512];
	int missed = 0;

	for (int kind = 1; kind <= SABOTAGES; kind++) {
		uint64_t seed = 1;

		while (seed <= SABOTAGE_SEEDS && play(seed, SELF_TEST_EVENTS, kind, &totals, failure, &first))
			seed++;
		if (seed > SABOTAGE_SEEDS)
			printf("self-test: what is broken in way %d is not noticed in %d seeds\n", kind,
			       SABOTAGE_SEEDS);
		else
			printf("self-test: way %d noticed by seed %" PRIu64 ": %s\n", kind, seed, failure);
		missed += seed > SABOTAGE_SEEDS;
	}
	for (uint64_t seed = 1; seed <= 5; seed++) {
		play(seed, 0, 0, &totals, failure, &first);
		play(seed, 0, 0, &totals, failure, &again);
		if (first != again) {
			printf("self-test: seed %" PRIu64 " is not the same history twice\n", seed);
			missed++;
		}
	}
	printf("%d passed, %d failed\n", SABOTAGES + 5 - missed, missed);
	return missed != 0;
}

static int play_all(uint64_t first, uint64_t seeds, uint64_t events, int sabotage)
{
	struct tally totals = {0};
	uint64_t failed = 0, digest;
	char failure[512];
	struct timespec start, end;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		if (play(seed, events, sabotage, &totals, failure, &digest))
			continue;
		failed++;
		printf("seed %" PRIu64 ": %s\n", seed, failure);
		printf("replay: make simulate FIRST=%" PRIu64 " SEEDS=1", seed);
		printf(events ? " EVENTS=%" PRIu64 "\n" : "\n", events);
		fflush(stdout);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%" PRIu64 " events in %" PRIu64 " steps; %" PRIu64 " exits recorded (%" PRIu64
	       " with excused identity), %" PRIu64 " rolled up, %" PRIu64 " late amendments\n",
	       totals.events, totals.steps, totals.exits, totals.excused, totals.rolled, totals.late);
	printf("%" PRIu64 " intervals (%" PRIu64 " rightly unbalanced) of %" PRIu64 " runs in %" PRIu64
	       " chunks; %" PRIu64 " kills, %" PRIu64 " power cuts\n",
	       totals.intervals, totals.broken, totals.runs, totals.chunks, totals.crashes, totals.cuts);
	printf("%.1f s: %.0f seeds/s, %.0f events/s\n", seconds, (double)seeds / seconds,
	       (double)totals.events / seconds);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", seeds - failed, failed);
	return failed != 0;
}

static uint64_t number_of(const char *option, const char *text)
{
	char *end;
	uint64_t value = text ? strtoull(text, &end, 10) : 0;

	if (text && *text && !*end)
		return value;
	fprintf(stderr, "simulate: %s takes a number\n", option);
	exit(2);
}

int main(int argc, char **argv)
{
	uint64_t first = 1, seeds = 300, events = 0;
	int is_self_test = 0, sabotage = 0, r;
	char dir[64] = "/dev/shm/obit-simulate-XXXXXX";

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--self-test") == 0)
			is_self_test = 1;
		else if (strcmp(argv[i], "--first") == 0)
			first = number_of(argv[i], argv[i + 1]), i++;
		else if (strcmp(argv[i], "--seeds") == 0)
			seeds = number_of(argv[i], argv[i + 1]), i++;
		else if (strcmp(argv[i], "--events") == 0)
			events = number_of(argv[i], argv[i + 1]), i++;
		else if (strcmp(argv[i], "--sabotage") == 0)
			sabotage = (int)number_of(argv[i], argv[i + 1]), i++;
		else
			return fprintf(stderr, "simulate: unknown option %s\n", argv[i]), 2;
	}
	if (!mkdtemp(dir) && !mkdtemp(strcpy(dir, "/tmp/obit-simulate-XXXXXX"))) {
		fprintf(stderr, "simulate: no directory for the store: %s\n", strerror(errno));
		return 2;
	}
	sim.dir = dir;
	r = is_self_test ? self_test() : play_all(first, seeds, events, sabotage);
	for (int i = 0; i < CHUNKS; i++)
		chunk_free(sim.chunks[i]);
	disk_remove_all(dir);
	rmdir(dir);
	return r;
}
