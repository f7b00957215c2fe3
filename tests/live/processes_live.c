// SPDX-License-Identifier: BSD-2-Clause
/*
 * Live processes against /proc. A workload does what it does and stops itself (SIGSTOP): its values stand still,
 * and the rows of its life up to then must add up to what /proc says, to the unit. Waits for a CPU are held
 * against /proc/schedstat, read before and after the agent's own first and last readings:
 *
 *   A  start  B  ... load ...  C  stop  D        C - B <= sum <= D - A
 *
 * usage: processes_live OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include "agent_run.h"

#define INTERVAL    "200ms"
#define INTERVAL_US 200000
#define SLEEPERS    200
#define THREADS	    8
#define READS	    1000
#define READ_BYTES  3000
#define BLOCK_MS    300
#define RIVALS_MS   800
#define ROUNDS	    20000
#define MAX_CPUS    1024

static const char *obit;
static char store[512];

static uint64_t now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void burn_ms(uint64_t ms)
{
	uint64_t begin = now_ns(CLOCK_THREAD_CPUTIME_ID);

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) - begin < ms * 1000000)
		;
}

static void sleep_ms(uint64_t ms)
{
	usleep((useconds_t)ms * 1000);
}

/* --- what a stopped process has cost, by /proc ----------------------------------------------------------------- */
enum value {
	CPU_NS,
	RUN_DELAY_NS,
	TIMESLICES,
	NVCSW,
	NIVCSW,
	MINFLT,
	MAJFLT,
	RCHAR,
	WCHAR,
	SYSCR,
	SYSCW,
	READ_BYTES_F,
	WRITE_BYTES,
	N_VALUES,
};

static const char *const names[N_VALUES] = {
	"cpu_ns", "run_delay_ns", "timeslices", "nvcsw", "nivcsw",     "minflt",      "majflt",
	"rchar",  "wchar",	  "syscr",	"syscw", "read_bytes", "write_bytes",
};

struct truth {
	pid_t pid;
	uint64_t values[N_VALUES];
	uint64_t threads, rss_bytes;
};

static uint64_t keyed(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[256];
	size_t len = strlen(key);
	uint64_t value = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			value = strtoull(line + len + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

static void read_io(struct truth *truth)
{
	static const char *const keys[] = {"rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes"};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/io", truth->pid);
	for (int i = 0; i < 6; i++)
		truth->values[RCHAR + i] = keyed(path, keys[i]);
}

/* By thread: what of exited ones /proc says nowhere. */
static void read_threads(struct truth *truth)
{
	char path[64], file_path[400];
	struct dirent *entry;
	unsigned long long cpu, delay, slices;
	DIR *tasks;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task", truth->pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file_path, sizeof(file_path), "%s/%s/schedstat", path, entry->d_name);
		file = fopen(file_path, "re");
		if (!file || fscanf(file, "%llu %llu %llu", &cpu, &delay, &slices) != 3)
			die(file_path);
		fclose(file);
		snprintf(file_path, sizeof(file_path), "%s/%s/status", path, entry->d_name);
		truth->values[CPU_NS] += cpu;
		truth->values[RUN_DELAY_NS] += delay;
		truth->values[TIMESLICES] += slices;
		truth->values[NVCSW] += keyed(file_path, "voluntary_ctxt_switches");
		truth->values[NIVCSW] += keyed(file_path, "nonvoluntary_ctxt_switches");
		truth->threads++;
	}
	if (tasks)
		closedir(tasks);
}

static void read_stat(struct truth *truth)
{
	char path[64], line[1024], *at;
	FILE *file;
	unsigned long long minflt = 0, majflt = 0;
	long pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", truth->pid);
	file = fopen(path, "re");
	at = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (!at || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %llu %*u %llu", &minflt, &majflt) != 2)
		die(path);
	fclose(file);
	truth->values[MINFLT] = minflt;
	truth->values[MAJFLT] = majflt;
	snprintf(path, sizeof(path), "/proc/%d/statm", truth->pid);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		die(path);
	fclose(file);
	truth->rss_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Waits until it has stopped itself and is off its CPU. */
static struct truth truth_of(pid_t pid)
{
	struct truth truth = {.pid = pid};
	clockid_t clock;
	int status;

	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		die("a workload did not stop");
	sleep_ms(50);
	read_threads(&truth);
	read_io(&truth);
	read_stat(&truth);
	/* With the threads that have ended. */
	if (clock_getcpuclockid(pid, &clock) == 0)
		truth.values[CPU_NS] = now_ns(clock);
	return truth;
}

/* --- workloads ------------------------------------------------------------------------------------------------- */
static pid_t start_workload(void (*body)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		body();
		raise(SIGSTOP);
		_exit(0);
	}
	return pid;
}

static void touch(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < bytes; i += 4096)
		*(volatile char *)&memory[i] = 1;
}

static void work_alone(void)
{
	static char bytes[READ_BYTES];
	int zero = open("/dev/zero", O_RDONLY);

	touch(8 << 20);
	for (int i = 0; i < READS; i++) {
		if (read(zero, bytes, sizeof(bytes)) != sizeof(bytes))
			_exit(1);
		if (i % 10 == 0)
			sleep_ms(1);
	}
	burn_ms(300);
}

static void *burn_thread(void *ms)
{
	for (int i = 0; i < 5; i++) {
		burn_ms(*(uint64_t *)ms / 5);
		sleep_ms(5);
	}
	return NULL;
}

static void *burn_and_stay(void *ms)
{
	burn_thread(ms);
	for (;;)
		pause();
	return NULL;
}

static void work_with_threads(void)
{
	static uint64_t ms = 40;
	pthread_t thread;

	for (int i = 0; i < THREADS - 1; i++)
		pthread_create(&thread, NULL, burn_and_stay, &ms);
	burn_ms(100);
	sleep_ms(700);
}

static void work_with_exited_threads(void)
{
	static uint64_t ms = 40;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, i < THREADS - 2 ? burn_thread : burn_and_stay, &ms);
	for (int i = 0; i < THREADS - 2; i++)
		pthread_join(threads[i], NULL);
	sleep_ms(400);
}

/* The parent of vfork() sleeps uninterruptibly until the child is gone. */
static void block(void)
{
	if (vfork() == 0) {
		usleep(BLOCK_MS * 1000); /* on one CPU it may begin before the parent waits */
		_exit(0);
	}
}

static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* A byte to and fro: two switches a round. */
static void play(void)
{
	int to[2], fro[2];
	char byte = 0;

	stay_on_one_cpu();
	if (pipe(to) < 0 || pipe(fro) < 0)
		_exit(1);
	if (fork() == 0) {
		for (int i = 0; i < ROUNDS; i++)
			if (read(to[0], &byte, 1) != 1 || write(fro[1], &byte, 1) != 1)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++)
		if (write(to[1], &byte, 1) != 1 || read(fro[0], &byte, 1) != 1)
			_exit(1);
}

static void rival(void)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	stay_on_one_cpu();
	while (now_ns(CLOCK_MONOTONIC) - begin < RIVALS_MS * 1000000ull)
		;
}

/* --- what the store says --------------------------------------------------------------------------------------- */
static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

static struct rows procs_rows(void)
{
	char fields[512] = "pid,state,threads,rss_bytes,block_ns,delays_1ms,max_delay_ns";

	for (int i = 0; i < N_VALUES; i++) {
		strcat(fields, ",");
		strcat(fields, names[i]);
	}
	return dump_rows(obit, store, "procs", fields);
}

enum { PID, STATE, N_THREADS, RSS, BLOCK_NS, DELAYS_1MS, MAX_DELAY_NS, FIRST_FIGURE };

/* Up to the stop: without the last row. */
static uint64_t sum_of(const struct rows *rows, pid_t pid, int column, int *ret_rows)
{
	uint64_t sum = 0;

	*ret_rows = 0;
	for (int i = 0; i < rows->n; i++)
		if (number(rows->row[i][PID]) == (uint64_t)pid && *rows->row[i][STATE] != 'X') {
			sum += number(rows->row[i][column]);
			++*ret_rows;
		}
	return sum;
}

static const char *last_of(const struct rows *rows, pid_t pid, int column)
{
	const char *last = "";

	for (int i = 0; i < rows->n; i++)
		if (number(rows->row[i][PID]) == (uint64_t)pid && *rows->row[i][STATE] != 'X')
			last = rows->row[i][column];
	return last;
}

/* `are_all_alive`: else run delay and timeslices of exited ones are nowhere in /proc. */
static void compare(const struct rows *rows, const struct truth *truth, int are_all_alive, const char *name)
{
	int ok = 1, n_rows;

	for (int i = 0; i < N_VALUES; i++) {
		uint64_t sum = sum_of(rows, truth->pid, FIRST_FIGURE + i, &n_rows);
		int is_by_thread = i == RUN_DELAY_NS || i == TIMESLICES || i == NVCSW || i == NIVCSW;

		if (is_by_thread && !are_all_alive)
			ok &= check(sum >= truth->values[i], name,
				    "%s of its %d rows is %" PRIu64 ", less than that of the threads alive, %" PRIu64,
				    names[i], n_rows, sum, truth->values[i]);
		else
			ok &= check(sum == truth->values[i], name,
				    "%s of its %d rows is %" PRIu64 ", in /proc %" PRIu64, names[i], n_rows, sum,
				    truth->values[i]);
	}
	ok &= check(n_rows >= 2, name, "it has %d rows", n_rows);
	ok &= check(number(last_of(rows, truth->pid, N_THREADS)) == truth->threads, name, "%s threads, %" PRIu64,
		    last_of(rows, truth->pid, N_THREADS), truth->threads);
	ok &= check(*last_of(rows, truth->pid, STATE) == 'T', name, "its state is %s",
		    last_of(rows, truth->pid, STATE));
	/* The kernel's counter may be 32 pages a CPU and kind of page behind; /proc may add up all. */
	ok &= check(llabs((long long)number(last_of(rows, truth->pid, RSS)) - (long long)truth->rss_bytes) <=
			    (long long)sysconf(_SC_NPROCESSORS_ONLN) * 3 * 32 * sysconf(_SC_PAGESIZE),
		    name, "resident %s, in /proc %" PRIu64, last_of(rows, truth->pid, RSS), truth->rss_bytes);
	finish_group(name, ok);
}

/* --- waits for a CPU ------------------------------------------------------------------------------------------- */
struct queue_stat {
	uint64_t delay_ns[MAX_CPUS], switches[MAX_CPUS];
};

static int read_schedstat(struct queue_stat *ret)
{
	FILE *file = fopen("/proc/schedstat", "re");
	char line[512];
	unsigned cpu;
	unsigned long long delay, switches;
	int n = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "cpu%u %*u %*u %*u %*u %*u %*u %*u %llu %llu", &cpu, &delay, &switches) == 3 &&
		    cpu < MAX_CPUS) {
			ret->delay_ns[cpu] = delay;
			ret->switches[cpu] = switches;
			n++;
		}
	if (file)
		fclose(file);
	return n;
}

static void compare_queues(struct queue_stat at[4], int n_cpus)
{
	struct rows rows = dump_rows(obit, store, "runq", "cpu,delay_ns,switches");
	const char *name = "waits for a CPU: as many, and as long, as /proc/schedstat has";
	int ok = 1;

	for (int cpu = 0; cpu < n_cpus; cpu++) {
		uint64_t switches = 0;
		double delay_ns = 0, least, most;

		for (int i = 0; i < rows.n; i++)
			if (number(rows.row[i][0]) == (uint64_t)cpu) {
				switches += number(rows.row[i][2]);
				delay_ns += (double)number(rows.row[i][1]) * (double)number(rows.row[i][2]);
			}
		ok &= check(at[2].switches[cpu] - at[1].switches[cpu] <= switches &&
				    switches <= at[3].switches[cpu] - at[0].switches[cpu],
			    name, "CPU %d: %" PRIu64 " switches, %" PRIu64 " to %" PRIu64, cpu, switches,
			    at[2].switches[cpu] - at[1].switches[cpu], at[3].switches[cpu] - at[0].switches[cpu]);
		/* A wait that moves to another CPU is cut in two; the first part ends without a switch. */
		least = (double)(at[2].delay_ns[cpu] - at[1].delay_ns[cpu]) * 0.5;
		most = (double)(at[3].delay_ns[cpu] - at[0].delay_ns[cpu]) * (1 + 1 / 16.);
		ok &= check(least <= delay_ns && delay_ns <= most, name, "CPU %d: %.0f ns of waiting, %.0f to %.0f",
			    cpu, delay_ns, least, most);
	}
	rows_free(&rows);
	finish_group(name, ok);
}

/*
 * The kernel counts the same by task: what all tasks have got, and have waited. They are read one after the
 * other. A wait that moves to another CPU begins anew there; by task both parts count.
 */
static void compare_timeslices(void)
{
	struct rows runq = dump_rows(obit, store, "runq", "delay_ns,switches");
	struct rows procs = dump_rows(obit, store, "procs", "pid,start_time,timeslices,run_delay_ns");
	struct rows exits = dump_rows(obit, store, "exits", "pid,start_time,timeslices,run_delay_ns");
	double switches = 0, delay_ns = 0, timeslices = 0, run_delay_ns = 0;
	const char *name = "waits for a CPU: as many, and as long, as all tasks' own";
	int ok;

	for (int i = 0; i < runq.n; i++) {
		switches += (double)number(runq.row[i][1]);
		delay_ns += (double)number(runq.row[i][0]) * (double)number(runq.row[i][1]);
	}
	for (int i = 0; i < procs.n; i++) {
		timeslices += (double)number(procs.row[i][2]);
		run_delay_ns += (double)number(procs.row[i][3]);
	}
	for (int i = 0; i < exits.n; i++) {
		int k = 0;

		while (k < procs.n &&
		       (strcmp(procs.row[k][0], exits.row[i][0]) || strcmp(procs.row[k][1], exits.row[i][1])))
			k++;
		if (k < procs.n)
			continue;
		timeslices += (double)number(exits.row[i][2]);
		run_delay_ns += (double)number(exits.row[i][3]);
	}
	ok = check(switches >= 2 * ROUNDS && switches >= timeslices * 0.99 && switches <= timeslices * 1.01, name,
		   "%.0f switches, %.0f time slices", switches, timeslices);
	ok &= check(delay_ns >= run_delay_ns * 0.5 && delay_ns <= run_delay_ns * 1.07, name,
		    "%.0f ns of waiting by CPU, %.0f by task", delay_ns, run_delay_ns);
	rows_free(&runq);
	rows_free(&procs);
	rows_free(&exits);
	finish_group(name, ok);
}

static void check_rivals(const pid_t *pids)
{
	struct rows rows = dump_rows(obit, store, "exits", "pid,wall_ns,cpu_ns,run_delay_ns,delays_1ms,max_delay_ns");
	const char *name = "two that want one CPU: time on it and time waited for it are all their time";
	int ok = 1, found = 0;

	for (int i = 0; i < rows.n; i++) {
		double wall = (double)number(rows.row[i][1]), cpu = (double)number(rows.row[i][2]);
		double delay = (double)number(rows.row[i][3]);

		if (number(rows.row[i][0]) != (uint64_t)pids[0] && number(rows.row[i][0]) != (uint64_t)pids[1])
			continue;
		found++;
		/* Before it is on that CPU for good, and when it has stopped itself until it is killed, it is on none.
		 */
		ok &= check(cpu + delay >= RIVALS_MS * 0.95e6 && cpu + delay <= wall, name,
			    "%.0f ns on it, %.0f waited, of %d ms", cpu, delay, RIVALS_MS);
		ok &= check(delay >= RIVALS_MS * 0.25e6, name, "%.0f ns waited", delay);
		ok &= check(number(rows.row[i][4]) > 0 && (double)number(rows.row[i][5]) <= delay, name,
			    "%s long waits, the longest %s", rows.row[i][4], rows.row[i][5]);
	}
	ok &= check(found == 2, name, "%d of 2 found", found);
	rows_free(&rows);
	finish_group(name, ok);
}

/* --- the idle -------------------------------------------------------------------------------------------------- */
static void check_sleepers(const struct rows *procs, const pid_t *sleepers, pid_t zombie)
{
	struct rows roster = dump_rows(obit, store, "roster", "pid,argv,state");
	const char *name = "the idle cost no rows, and are on the roster";
	int ok = 1, n_rows, listed = 0, zombies = 0;

	for (int k = 0; k < roster.n; k++)
		zombies += number(roster.row[k][0]) == (uint64_t)zombie && *roster.row[k][2] == 'Z';
	ok &= check(zombies == 1, name, "the zombie is there %d times", zombies);
	for (int i = 0; i < SLEEPERS; i++) {
		sum_of(procs, sleepers[i], PID, &n_rows);
		ok &= check(n_rows == 0, name, "sleeper %d has %d rows", sleepers[i], n_rows);
		for (int k = 0; k < roster.n; k++)
			listed += number(roster.row[k][0]) == (uint64_t)sleepers[i] && *roster.row[k][2] == 'S' &&
				  strcmp(roster.row[k][1], "sleep 1000") == 0;
	}
	ok &= check(listed == SLEEPERS, name, "%d of %d are on it once", listed, SLEEPERS);
	rows_free(&roster);
	finish_group(name, ok);
}

int main(int argc, char **argv)
{
	static const char *const args[] = {"--interval", INTERVAL, "--sched", "full", "--socket", "none", NULL};
	static struct queue_stat at[4];
	static pid_t sleepers[SLEEPERS];
	struct truth alone, threads, exited_threads;
	pid_t agent, workloads[3], rivals[2], blocked, player, zombie;
	struct rows procs;
	int n_cpus, status, n_rows;
	uint64_t blocked_ns;

	if (argc != 3)
		return 2;
	obit = argv[1];
	snprintf(store, sizeof(store), "%s", argv[2]);
	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = fork();
		if (sleepers[i] == 0) {
			execlp("sleep", "sleep", "1000", NULL);
			_exit(127);
		}
	}
	zombie = fork();
	if (zombie == 0)
		_exit(0);
	sleep_ms(500);
	n_cpus = read_schedstat(&at[0]);
	agent = agent_start(obit, store, args);
	read_schedstat(&at[1]);
	workloads[0] = start_workload(work_alone);
	workloads[1] = start_workload(work_with_threads);
	workloads[2] = start_workload(work_with_exited_threads);
	blocked = start_workload(block);
	alone = truth_of(workloads[0]);
	threads = truth_of(workloads[1]);
	exited_threads = truth_of(workloads[2]);
	waitpid(blocked, &status, WUNTRACED);
	player = start_workload(play);
	waitpid(player, &status, WUNTRACED);
	for (int i = 0; i < 2; i++)
		rivals[i] = start_workload(rival);
	for (int i = 0; i < 2; i++)
		waitpid(rivals[i], &status, WUNTRACED);
	usleep(3 * INTERVAL_US);
	for (int i = 0; i < 3; i++)
		kill(workloads[i], SIGKILL);
	for (int i = 0; i < 2; i++)
		kill(rivals[i], SIGKILL);
	kill(blocked, SIGKILL);
	kill(player, SIGKILL);
	usleep(2 * INTERVAL_US);
	read_schedstat(&at[2]);
	finish_group("the agent stops cleanly", check(agent_stop(agent), "stop", "it does not"));
	read_schedstat(&at[3]);
	for (int i = 0; i < SLEEPERS; i++)
		kill(sleepers[i], SIGKILL);
	while (wait(NULL) > 0)
		;

	procs = procs_rows();
	compare(&procs, &alone, 1, "a process: its rows are what /proc says");
	compare(&procs, &threads, 1, "a process with threads: its rows are what /proc says");
	compare(&procs, &exited_threads, 0, "a process with threads that have ended");
	check_sleepers(&procs, sleepers, zombie);
	blocked_ns = sum_of(&procs, blocked, BLOCK_NS, &n_rows);
	finish_group("uninterruptible sleep: as long as vfork() takes",
		     check(blocked_ns >= BLOCK_MS * 900000ull && blocked_ns < (BLOCK_MS + 200) * 1000000ull, "block",
			   "%" PRIu64 " ns in uninterruptible sleep", blocked_ns));
	compare_timeslices();
	if (n_cpus)
		compare_queues(at, n_cpus);
	check_rivals(rivals);
	finish_group("verify: the rows of every life add up to its end",
		     check(is_sound(obit, store), "verify", "it fails"));
	rows_free(&procs);
	return end_of_tests();
}
