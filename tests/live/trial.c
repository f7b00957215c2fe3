// SPDX-License-Identifier: BSD-2-Clause
/*
 * Does the ledger balance when the agent is started in a storm, and stopped and continued in one? Each run draws from
 * its seed the kind of storm, burners that take the CPUs, the agent's options, and when it is stopped (SIGSTOP) and for
 * how long; `obit verify` must then agree. A run that it does not agree with is printed whole, and its store is kept.
 *
 * usage: trial OBIT DIR [RUNS [SEED [options of record...]]]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

#include "agent_run.h"
#include "storm_run.h"

#define SPAWNERS 4

/* How a process of the storm ends; a mode is a set of them. */
enum {
	END_FORK = 1,
	END_EXEC = 2,
	END_VFORK = 4,
	END_THREADS = 8,      /* joined, cut off by exit_group, or after their leader */
	END_THREAD_EXEC = 16, /* another thread than the leader calls exec */
	END_ORPHAN = 32,      /* its child outlives it */
	END_SIGNAL = 64,
	END_UNREAPED = 128, /* the kernel reaps it: SIGCHLD is ignored */
	END_ALL = 255,
};

struct mode {
	const char *name;
	unsigned kinds;
};

static const struct mode modes[] = {
	{"forks", END_FORK},
	{"execs", END_EXEC},
	{"vforks", END_VFORK},
	{"threads", END_THREADS},
	{"thread execs", END_THREAD_EXEC},
	{"unreaped", END_FORK | END_UNREAPED},
	{"all kinds", END_ALL},
	{"all kinds", END_ALL},
};

static const char *const option_sets[][5] = {
	{NULL},
	{"--sched", "delay", NULL},
	{"--sched", "full", NULL},
	{"--transport", "ringbuf", NULL},
	{"--threads", NULL},
	{"--transport", "ringbuf", "--threads", NULL},
	{"--sched", "off", NULL},
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw_state;

static unsigned draw(unsigned n)
{
	uint64_t x = (draw_state += 0x9e3779b97f4a7c15ULL);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (unsigned)((x ^ (x >> 31)) % n);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- the storm ------------------------------------------------------------------------------------------------ */
static void exec_true(void)
{
	static char path[] = "/bin/true";
	static char *argv[] = {path, NULL}, *envp[] = {NULL};

	execve(path, argv, envp);
	_exit(127);
}

static void *nap(void *us)
{
	usleep((useconds_t)(uintptr_t)us);
	return NULL;
}

static void *exec_from_thread(void *unused)
{
	(void)unused;
	exec_true();
	return NULL;
}

static void end_with_threads(unsigned i)
{
	unsigned n = 2 + i % 7;
	pthread_t threads[8];

	for (unsigned k = 0; k < n; k++)
		if (pthread_create(&threads[k], NULL, nap, (void *)(uintptr_t)(k * 37 % 200)))
			_exit(1);
	if (i % 3 == 0)
		for (unsigned k = 0; k < n; k++)
			pthread_join(threads[k], NULL);
	if (i % 3 == 2)
		pthread_exit(NULL);
	_exit(0);
}

static void end_by_exec_from_thread(unsigned i)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_from_thread, NULL))
		_exit(1);
	if (i % 2)
		pthread_exit(NULL);
	for (;;)
		pause();
}

static void end_as(unsigned kind, unsigned i)
{
	switch (kind) {
	case END_EXEC:
		exec_true();
		break;
	case END_THREADS:
		end_with_threads(i);
		break;
	case END_THREAD_EXEC:
		end_by_exec_from_thread(i);
		break;
	case END_ORPHAN:
		if (fork() == 0)
			_exit(3);
		break;
	case END_SIGNAL:
		raise(SIGTERM);
		break;
	}
	_exit(0);
}

static pid_t spawn(unsigned kind, unsigned i)
{
	pid_t pid = kind == END_VFORK ? vfork() : fork();

	if (pid == 0 && kind == END_VFORK)
		exec_true();
	if (pid == 0)
		end_as(kind, i);
	return pid;
}

static void spawn_until(const struct mode *mode, uint64_t until_ms)
{
	unsigned kinds[8], n = 0;

	for (unsigned bit = 1; bit < END_UNREAPED; bit <<= 1)
		if (mode->kinds & bit)
			kinds[n++] = bit;
	for (unsigned i = 0; now_ms() < until_ms; i++) {
		int is_left = mode->kinds & END_UNREAPED && (mode->kinds != END_ALL || i % 64 < 8);
		pid_t pid;

		signal(SIGCHLD, is_left ? SIG_IGN : SIG_DFL);
		pid = spawn(kinds[i % n], i);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	_exit(0);
}

/* A process of its own, whose end is the storm's. */
static pid_t storm_start(const struct mode *mode, unsigned ms)
{
	uint64_t until_ms = now_ms() + ms;
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int i = 0; i < SPAWNERS; i++)
		if (fork() == 0)
			spawn_until(mode, until_ms);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static pid_t burner_start(void)
{
	pid_t pid = fork();

	while (pid == 0)
		__asm__ volatile("");
	return pid;
}

/* --- a run ---------------------------------------------------------------------------------------------------- */
struct run {
	const struct mode *mode;
	const char *interval, *pages;
	const char *const *options;
	unsigned n_burners, n_stops, stops_ms[8];
	bool is_storm_first;
};

static void draw_run(struct run *run, uint64_t seed)
{
	static const char *const intervals[] = {"100ms", "100ms", "200ms", "500ms", "1s"};
	static const char *const pages[] = {"8", "16", "16", "64"};
	static const unsigned stops[] = {10, 50, 300, 900, 1500};
	static const unsigned burners[] = {0, 0, 1, 2, 3};

	draw_state = seed;
	*run = (struct run){
		.mode = &modes[draw(sizeof(modes) / sizeof(modes[0]))],
		.interval = intervals[draw(5)],
		.pages = pages[draw(4)],
		.options = option_sets[draw(sizeof(option_sets) / sizeof(option_sets[0]))],
		.n_burners = burners[draw(5)],
		.n_stops = 1 + draw(5),
		.is_storm_first = draw(2),
	};
	for (unsigned i = 0; i < run->n_stops; i++)
		run->stops_ms[i] = 1 + draw(stops[draw(5)]);
	if (draw(25) == 0)
		run->stops_ms[0] = 3000 + draw(2000);
}

static void print_run(const struct run *run, uint64_t seed, const char *store)
{
	printf("FAIL seed %llu: storm of %s%s, --interval %s --ring-pages %s", (unsigned long long)seed,
	       run->mode->name, run->is_storm_first ? " before the agent" : "", run->interval, run->pages);
	for (int i = 0; run->options[i]; i++)
		printf(" %s", run->options[i]);
	printf(", %u burners, stopped for", run->n_burners);
	for (unsigned i = 0; i < run->n_stops; i++)
		printf(" %u", run->stops_ms[i]);
	printf(" ms; %s\n", store);
}

static void print_ledger(const char *obit, const char *store)
{
	struct rows rows = dump_rows(obit, store, "ledger",
				     "time,opening,forks,exits_seen,exits_recorded,exits_rolled_up,closing");

	for (int i = 0; i < rows.n; i++) {
		char **row = rows.row[i];
		long off = strtol(row[1], NULL, 10) + strtol(row[2], NULL, 10) - strtol(row[3], NULL, 10) -
			   strtol(row[6], NULL, 10);

		if (off)
			printf("  interval %d of %d, %s: off by %ld: %s + %s - %s (%s recorded, %s rolled up), not "
			       "%s\n",
			       i + 1, rows.n, row[0], off, row[1], row[2], row[3], row[4], row[5], row[6]);
	}
	rows_free(&rows);
}

static pid_t start_agent(const struct run *run, const char *obit, const char *store, char **more)
{
	const char *args[28] = {"--socket",   "none",	     "--config",     "none",
				"--interval", run->interval, "--ring-pages", run->pages};
	int n = 8;

	for (int i = 0; run->options[i]; i++)
		args[n++] = run->options[i];
	while (*more && n < 27)
		args[n++] = *more++;
	return agent_start(obit, store, args);
}

static void stop_and_continue(const struct run *run, pid_t agent)
{
	for (unsigned i = 0; i < run->n_stops; i++) {
		usleep(1000 * (1 + draw(300)));
		kill(agent, SIGSTOP);
		usleep(1000 * run->stops_ms[i]);
		kill(agent, SIGCONT);
	}
}

/* Returns whether the ledger balances. */
static bool try_run(const char *obit, const char *dir, uint64_t seed, char **more)
{
	char store[512], command[1200];
	pid_t burners[8], storm, agent;
	struct run run;
	bool is_good;

	draw_run(&run, seed);
	snprintf(store, sizeof(store), "%s/%llu", dir, (unsigned long long)seed);
	for (unsigned i = 0; i < run.n_burners; i++)
		burners[i] = burner_start();
	storm = run.is_storm_first ? storm_start(run.mode, 2500) : -1;
	agent = start_agent(&run, obit, store, more);
	if (storm < 0)
		storm = storm_start(run.mode, 1800);
	stop_and_continue(&run, agent);
	waitpid(storm, NULL, 0);
	is_good = agent_stop(agent);
	for (unsigned i = 0; i < run.n_burners; i++) {
		kill(burners[i], SIGKILL);
		waitpid(burners[i], NULL, 0);
	}
	snprintf(command, sizeof(command), "'%s' verify --store '%s' >'%s.verify' 2>&1", obit, store, store);
	is_good &= system(command) == 0;
	if (!is_good) {
		print_run(&run, seed, store);
		print_ledger(obit, store);
	}
	snprintf(command, sizeof(command), is_good ? "rm -rf '%s' '%s.verify'" : "sed 's/^/  /' '%.0s%s.verify'", store,
		 store);
	if (system(command) != 0)
		die(command);
	return is_good;
}

int main(int argc, char **argv)
{
	int runs = argc > 3 ? atoi(argv[3]) : 8, n_balanced = 0;
	uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
	char *none[] = {NULL}, name[512];

	if (argc < 3 || runs < 1) {
		fprintf(stderr, "usage: trial OBIT DIR [RUNS [SEED [options of record...]]]\n");
		return 2;
	}
	mkdir(argv[2], 0755);
	snprintf(name, sizeof(name), "%s/agents.log", argv[2]);
	if (!freopen(name, "w", stderr))
		die(name);
	for (int i = 0; i < runs; i++) {
		n_balanced += try_run(argv[1], argv[2], seed + (uint64_t)i, argc > 5 ? argv + 5 : none);
		fflush(stdout);
	}
	snprintf(name, sizeof(name), "%d of %d runs balance in which the agent is started and stopped in storms",
		 n_balanced, runs);
	finish_group(name, n_balanced == runs);
	return end_of_tests();
}
