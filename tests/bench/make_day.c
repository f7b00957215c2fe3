// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes a made-up day to a store, through the store's own writer, and says as a JSON line what it wrote and what the
 * writing cost.
 *
 * usage: make_day STORE [--processes N] [--active SHARE] [--exits PER_SECOND] [--interval SECONDS] [--hours H]
 *                       [--seed N] [--level ZSTD]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "day.h"
#include "store/writer.h"

#define BEGIN_REAL_NS 1767225600000000000ull /* 2026-01-01 */
#define ARENA_BYTES   (8u << 20)

static const uint32_t table_ids[] = {TABLE_EXITS, TABLE_LEDGER, TABLE_SYSTEM, TABLE_PROCS, TABLE_ROSTER, TABLE_RUNQ};
enum { EXITS, LEDGER, HOST, PROCS, ROSTER, RUNQ, N_DAY_TABLES };

struct totals {
	uint64_t rows[N_DAY_TABLES], processes; /* `processes`: alive, summed over the intervals */
	uint64_t cpu_ns, max_cpu_ns;
};

static double number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || value < 0) {
		fprintf(stderr, "make_day: %s: expected a number\n", text);
		exit(2);
	}
	return value;
}

static void read_options(int argc, char **argv, struct day_options *day, double *ret_hours, int *ret_level)
{
	static const struct option names[] = {
		{"processes", 1, NULL, 'p'}, {"active", 1, NULL, 'a'},
		{"exits", 1, NULL, 'e'},     {"interval", 1, NULL, 'i'},
		{"hours", 1, NULL, 'h'},     {"seed", 1, NULL, 's'},
		{"level", 1, NULL, 'l'},     {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		double value = optarg ? number(optarg) : 0;

		switch (c) {
		case 'p':
			day->processes = (uint32_t)value;
			break;
		case 'a':
			day->active = value;
			break;
		case 'e':
			day->exits_per_s = value;
			break;
		case 'i':
			day->interval_ns = (uint64_t)(value * 1e9);
			break;
		case 'h':
			*ret_hours = value;
			break;
		case 's':
			day->seed = (uint64_t)value;
			break;
		case 'l':
			*ret_level = (int)value;
			break;
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc || !day->interval_ns) {
		fprintf(stderr, "usage: make_day STORE [--processes N] [--active SHARE] [--exits PER_SECOND]\n"
				"       [--interval SECONDS] [--hours H] [--seed N] [--level ZSTD]\n");
		exit(2);
	}
}

static void live_through(const struct day_options *day, const struct instant *instant, struct block **blocks)
{
	struct block *roster = (instant->number - 1) % day->roster_every ? NULL : blocks[ROSTER];
	uint64_t births;

	processes_interval(instant, blocks[PROCS], roster);
	births = jobs_interval(instant, blocks[EXITS], blocks[PROCS], roster);
	host_interval(instant, births, blocks[EXITS]->rows, day->processes + jobs_alive(), blocks[LEDGER], blocks[HOST],
		      blocks[RUNQ]);
}

static void append(struct store_writer *writer, const struct instant *instant, struct block **blocks,
		   struct totals *totals)
{
	struct interval interval = {instant->number, instant->begin_real_ns, instant->end_real_ns, 1};
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID), cpu_ns;
	int r = store_writer_append(writer, &interval, blocks, N_DAY_TABLES);

	/* No interval waits for sealing, and what it costs is counted by itself. */
	cpu_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	if (r < 0) {
		fprintf(stderr, "make_day: cannot write: %s\n", strerror(-r));
		exit(1);
	}
	totals->cpu_ns += cpu_ns;
	if (cpu_ns > totals->max_cpu_ns)
		totals->max_cpu_ns = cpu_ns;
	sealer_work(store_writer_sealer(writer));
}

int main(int argc, char **argv)
{
	struct day_options day = {1, 1000000000, BEGIN_REAL_NS, 1000, 0.02, 50, 300};
	struct store_options options = {.is_sealing = true};
	struct origin origin = {.host = "made-up",
				.boot_id = "made-up",
				.kernel = "6.1.0",
				.agent = OBIT_VERSION,
				.run_real_ns = BEGIN_REAL_NS,
				.interval_ns = 0};
	struct block *blocks[N_DAY_TABLES];
	struct store_writer *writer;
	struct totals totals = {0};
	struct store_counts counts;
	double hours = 24;
	uint64_t n;
	int r;

	read_options(argc, argv, &day, &hours, &options.level);
	options.dir = argv[optind];
	origin.interval_ns = day.interval_ns;
	r = store_writer_open(&options, &origin, &writer, NULL);
	if (r < 0) {
		fprintf(stderr, "make_day: %s: %s\n", options.dir, strerror(-r));
		return 1;
	}
	for (int i = 0; i < N_DAY_TABLES; i++)
		blocks[i] = block_new(table_by_id(table_ids[i]), day.processes + 5000, ARENA_BYTES);
	draw_seed(day.seed);
	processes_begin(&day);
	jobs_begin(&day);
	n = (uint64_t)(hours * 3600e9 / (double)day.interval_ns);
	for (uint64_t i = 0; i < n; i++) {
		/* Intervals are ended by a timer, some ten µs late. */
		static struct instant instant;

		instant.number = i + 1;
		instant.begin_real_ns = i ? instant.end_real_ns : BEGIN_REAL_NS;
		instant.end_real_ns = BEGIN_REAL_NS + (i + 1) * day.interval_ns + draw_around(40e3, 0.5);
		for (int table = 0; table < N_DAY_TABLES; table++)
			block_clear(blocks[table]);
		live_through(&day, &instant, blocks);
		append(writer, &instant, blocks, &totals);
		totals.processes += day.processes + jobs_alive();
		for (int table = 0; table < N_DAY_TABLES; table++)
			totals.rows[table] += blocks[table]->rows;
	}
	store_writer_counts(writer, &counts);
	if (store_writer_close(writer) < 0)
		return 1;
	/* Of the logs that ended before the last: that is sealed when the writer is closed. */
	printf("{\"intervals\": %lu, \"processes\": %lu, \"append_cpu_ns\": %lu, \"max_append_cpu_ns\": %lu, "
	       "\"sealed_rows\": %lu, \"seal_cpu_ns\": %lu, \"seal_memory_bytes\": %lu",
	       n, totals.processes, totals.cpu_ns, totals.max_cpu_ns, counts.sealed_rows, counts.seal_cpu_ns,
	       counts.seal_memory_bytes);
	for (int table = 0; table < N_DAY_TABLES; table++)
		printf(", \"%s\": %lu", table_by_id(table_ids[table])->name, totals.rows[table]);
	printf("}\n");
	return 0;
}
