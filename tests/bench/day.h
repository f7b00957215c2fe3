/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A made-up host: processes that live long (processes.c), short lives of builds and scripts (jobs.c), and what the
 * host says of itself (host.c), interval after interval, from a fixed seed. make_day.c writes it to a store.
 *
 * What is drawn is drawn to be as hard to compress as the real thing: times to the ns, I/O to the byte, an
 * activity of each process's own, values that wander.
 */
#ifndef OBIT_BENCH_DAY_H
#define OBIT_BENCH_DAY_H

#include "model/block.h"

#define DAY_CPUS 4

struct day_options {
	uint64_t seed, interval_ns, begin_real_ns;
	uint32_t processes; /* that live for ever */
	double active;	    /* share of them with a row in each interval */
	double exits_per_s;
	uint32_t roster_every; /* intervals */
};

struct instant {
	uint64_t number, begin_real_ns, end_real_ns;
};

/* The state of the generator (xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
uint64_t draw(void);
void draw_seed(uint64_t seed);
/* In [0, 1); in [0, n); standard normal; exp(normal) around `median`; a count around `mean`, zero more often than not
 * below 1. */
double draw_share(void);
uint64_t draw_below(uint64_t n);
double draw_normal(void);
uint64_t draw_around(double median, double sigma);
uint64_t draw_count(double mean);

/* What one process did in an interval or a life. */
struct doings {
	uint64_t cpu_ns, user_ns, run_delay_ns, timeslices, nvcsw, nivcsw, migrations, minflt, majflt;
	uint64_t read_bytes, write_bytes, rchar, wchar, syscr, syscw;
	uint64_t delays_1ms, max_delay_ns;
};

struct identity {
	uint64_t pid, start_time, ppid, pgid, sid, uid;
	char comm[16], exe[96], cgroup[160], container[65];
	char argv[1024];
	size_t argv_len;
};

void identity_argv(struct identity *identity, const char *words); /* words with a space between them */

/* Rows of procs and roster from these. */
void put_procs_row(struct block *procs, const struct instant *instant, const struct identity *identity, char state,
		   const struct doings *doings, uint64_t threads, uint64_t rss_pages, uint64_t last_cpu);
void put_roster_row(struct block *roster, const struct instant *instant, const struct identity *identity,
		    uint64_t threads, uint64_t rss_pages, uint64_t cpu_ns, uint64_t last_cpu);
void set_text(struct block *block, uint32_t row, uint32_t field, const char *text);

void processes_begin(const struct day_options *options);
/* Rows of those that did something; all of them to the roster when it is not NULL. */
void processes_interval(const struct instant *instant, struct block *procs, struct block *roster);

void jobs_begin(const struct day_options *options);
/* Begins new ones; writes who ended, and who was alive at the boundary. Returns how many lives began. */
uint64_t jobs_interval(const struct instant *instant, struct block *exits, struct block *procs, struct block *roster);
uint64_t jobs_alive(void);

void host_interval(const struct instant *instant, uint64_t births, uint64_t ends, uint64_t alive, struct block *ledger,
		   struct block *host, struct block *runq);

#endif
