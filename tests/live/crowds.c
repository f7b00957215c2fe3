// SPDX-License-Identifier: BSD-2-Clause
/*
 * Processes of many threads that want one CPU and end all at once: whichever thread ends last, what they have waited
 * is reported once, and whole.
 *
 * usage: crowds OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#include "agent_run.h"

#define CROWDS	60
#define THREADS 6
#define BURN_MS 15
#define PIPES	5000

static const char *obit;
static char store[512];

static pthread_barrier_t all_there; /* on a busy machine the first may else end before the last is made */

static void *burn(void *arg)
{
	struct timespec now;

	pthread_barrier_wait(&all_there);
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while (now.tv_sec == 0 && now.tv_nsec < BURN_MS * 1000000);
	if (arg)
		exit(0);
	for (;;)
		;
}

/* Files of the first thread's own: it is still closing them when all others have ended. */
static void open_pipes(void)
{
	struct rlimit limit = {PIPES * 2 + 100, PIPES * 2 + 100};
	int ends[2];

	setrlimit(RLIMIT_NOFILE, &limit);
	unshare(CLONE_FILES);
	for (int i = 0; i < PIPES; i++)
		if (pipe(ends) < 0)
			_exit(2);
}

/* Each second one is ended by a thread that is not its first. */
static pid_t start_crowd(int number)
{
	static int is_last = 1;
	pthread_t threads[THREADS];
	cpu_set_t first, all;
	pid_t pid = fork();

	if (pid)
		return pid;
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_getaffinity(0, sizeof(all), &all);
	sched_setaffinity(0, sizeof(first), &first);
	pthread_barrier_init(&all_there, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, burn, number % 2 && i == 0 ? &is_last : NULL);
	if (number % 4 < 2) {
		sched_setaffinity(0, sizeof(all), &all);
		open_pipes();
	}
	burn(number % 2 ? NULL : &is_last);
	_exit(1);
}

static int is_one_of(uint64_t pid, const pid_t *pids)
{
	for (int i = 0; i < CROWDS; i++)
		if ((uint64_t)pids[i] == pid)
			return 1;
	return 0;
}

static void check_crowds(const pid_t *pids)
{
	struct rows rows = dump_rows(obit, store, "exits", "pid,threads,delays_1ms,max_delay_ns,run_delay_ns");
	const char *name = "what threads have waited is reported whole, whichever of them ends last";
	int ok = 1, found = 0;

	for (int i = 0; i < rows.n; i++) {
		uint64_t values[5];

		for (int k = 0; k < 5; k++)
			values[k] = strtoull(rows.row[i][k], NULL, 10);
		if (!is_one_of(values[0], pids))
			continue;
		found++;
		ok &= check(values[1] == THREADS + 1, name, "%s threads", rows.row[i][1]);
		/* Where six want one CPU, not all get it within a millisecond. */
		ok &= check(values[2] > 0 && values[3] >= 1000000 && values[3] <= values[4], name,
			    "%s long waits, the longest %s ns, of %s ns in all", rows.row[i][2], rows.row[i][3],
			    rows.row[i][4]);
	}
	ok &= check(found == CROWDS, name, "%d of %d found", found, CROWDS);
	rows_free(&rows);
	finish_group(name, ok);
}

int main(int argc, char **argv)
{
	static const char *const args[] = {"--interval", "100ms", "--socket", "none", NULL};
	pid_t agent, pids[CROWDS];
	int status, good = 1;

	if (argc != 3)
		return 2;
	obit = argv[1];
	snprintf(store, sizeof(store), "%s", argv[2]);
	agent = agent_start(obit, store, args);
	for (int i = 0; i < CROWDS; i++) {
		pids[i] = start_crowd(i);
		good &= waitpid(pids[i], &status, 0) == pids[i] && status == 0;
	}
	/* One that has been waited for may not have been switched out for the last time yet. */
	usleep(300000);
	finish_group("the agent stops cleanly", check(agent_stop(agent) && good, "stop", "it does not"));
	check_crowds(pids);
	finish_group("verify: the rows of every life add up to its end",
		     check(is_sound(obit, store), "verify", "it fails"));
	return end_of_tests();
}
