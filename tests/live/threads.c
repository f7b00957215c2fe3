// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads one by one against /proc/PID/task: each of a process's does another amount, then the process stops itself.
 * The rows of each must add up to what its files say then, to the unit.
 *
 * usage: threads OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent_run.h"

#define THREADS	    6
#define INTERVAL_US 100000

static const char *obit;
static char store[512];

enum value { CPU_NS, RUN_DELAY_NS, TIMESLICES, NVCSW, NIVCSW, N_VALUES };

struct truth {
	uint64_t tid, values[N_VALUES];
	char comm[32];
};

/* --- the workload ---------------------------------------------------------------------------------------------- */
static pthread_barrier_t all_done;

__attribute__((noreturn)) static void *work(void *arg)
{
	long number = (long)arg;
	char name[16];
	struct timespec now;

	snprintf(name, sizeof(name), "worker %ld", number);
	prctl(PR_SET_NAME, name);
	do {
		for (int i = 0; i < 20; i++)
			sched_yield();
		usleep(2000);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec == 0 && now.tv_nsec < number * 10000000);
	pthread_barrier_wait(&all_done);
	for (;;)
		pause();
}

static int is_asleep(const char *tid)
{
	char path[300], line[256];
	int is_so = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		is_so |= strncmp(line, "State:\tS", 8) == 0;
	if (file)
		fclose(file);
	return is_so;
}

/* Until all but the first have gone to sleep behind the barrier, however busy the machine is. */
static void await_pause(void)
{
	for (int in_a_row = 0, n = 0; in_a_row < 3; usleep(20000), n = 0) {
		DIR *tasks = opendir("/proc/self/task");
		struct dirent *entry;

		while (tasks && (entry = readdir(tasks)))
			n += *entry->d_name != '.' && is_asleep(entry->d_name);
		if (tasks)
			closedir(tasks);
		in_a_row = n == THREADS ? in_a_row + 1 : 0;
	}
}

static pid_t start_work(void)
{
	pthread_t thread;
	pid_t pid = fork();

	if (pid)
		return pid;
	pthread_barrier_init(&all_done, NULL, THREADS + 1);
	for (long i = 1; i <= THREADS; i++)
		pthread_create(&thread, NULL, work, (void *)i);
	pthread_barrier_wait(&all_done);
	await_pause();
	usleep(2 * INTERVAL_US);
	raise(SIGSTOP);
	_exit(0);
}

/* --- what /proc says ------------------------------------------------------------------------------------------- */
static FILE *open_of(pid_t pid, const char *tid, const char *name)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", pid, tid, name);
	file = fopen(path, "re");
	if (!file)
		die(path);
	return file;
}

static void read_truth(pid_t pid, const char *tid, struct truth *ret)
{
	FILE *file = open_of(pid, tid, "schedstat");
	char line[256];

	ret->tid = strtoull(tid, NULL, 10);
	if (fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ret->values[CPU_NS], &ret->values[RUN_DELAY_NS],
		   &ret->values[TIMESLICES]) != 3)
		die("schedstat");
	fclose(file);
	file = open_of(pid, tid, "status");
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Name:\t%31[^\n]", ret->comm);
		sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &ret->values[NVCSW]);
		sscanf(line, "nonvoluntary_ctxt_switches: %" SCNu64, &ret->values[NIVCSW]);
	}
	fclose(file);
}

static int read_truths(pid_t pid, struct truth *ret, int max)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		die(path);
	while ((entry = readdir(tasks)) && n < max)
		if (*entry->d_name != '.')
			read_truth(pid, entry->d_name, &ret[n++]);
	closedir(tasks);
	return n;
}

/* --- against the rows ------------------------------------------------------------------------------------------ */
static int compare(const struct rows *rows, pid_t pid, const struct truth *truth, const char *name)
{
	static const char *const names[N_VALUES] = {"cpu_ns", "run_delay_ns", "timeslices", "nvcsw", "nivcsw"};
	uint64_t sums[N_VALUES] = {0};
	int ok = 1, is_named = 0;

	for (int i = 0; i < rows->n; i++) {
		char *const *row = rows->row[i];

		if (strtoull(row[0], NULL, 10) != (uint64_t)pid || strtoull(row[1], NULL, 10) != truth->tid)
			continue;
		is_named = strcmp(row[2], truth->comm) == 0;
		for (int f = 0; f < N_VALUES; f++)
			sums[f] += strtoull(row[3 + f], NULL, 10);
	}
	ok &= check(is_named, name, "thread %" PRIu64 " is not called %s", truth->tid, truth->comm);
	for (int f = 0; f < N_VALUES; f++)
		ok &= check(sums[f] == truth->values[f], name, "%s: %s is %" PRIu64 ", /proc has %" PRIu64, truth->comm,
			    names[f], sums[f], truth->values[f]);
	return ok;
}

int main(int argc, char **argv)
{
	static const char *const args[] = {"--interval", "100ms", "--threads", "--socket", "none", NULL};
	const char *name = "the rows of a thread are what /proc says of it";
	struct truth truths[THREADS + 1];
	char command[700];
	int status, n, ok, single = 0;
	pid_t agent, pid;
	struct rows rows;

	if (argc != 3)
		return 2;
	obit = argv[1];
	snprintf(store, sizeof(store), "%s", argv[2]);
	agent = agent_start(obit, store, args);
	pid = start_work();
	waitpid(pid, &status, WUNTRACED);
	usleep(3 * INTERVAL_US);
	n = read_truths(pid, truths, THREADS + 1);
	usleep(2 * INTERVAL_US);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	finish_group("the agent stops cleanly", check(agent_stop(agent), "stop", "it does not"));

	rows = dump_rows(obit, store, "threads", "pid,tid,comm,cpu_ns,run_delay_ns,timeslices,nvcsw,nivcsw");
	ok = check(n == THREADS + 1, name, "%d threads", n);
	for (int i = 0; i < n; i++)
		ok &= compare(&rows, pid, &truths[i], name);
	finish_group(name, ok);
	for (int i = 0; i < rows.n; i++)
		single += strtoull(rows.row[i][0], NULL, 10) == (uint64_t)getpid();
	finish_group("a process with one thread has no rows of threads",
		     check(single == 0, "single", "%d rows", single));
	rows_free(&rows);
	snprintf(command, sizeof(command),
		 "'%s' dump procs --store '%s' --at -1s --threads --format csv --fields pid,tid >/dev/null", obit,
		 store);
	finish_group("procs --at --threads", check(system(command) == 0, "at", "it fails"));
	return end_of_tests();
}
