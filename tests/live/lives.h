/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lives whose truth is known: what processes do before they die (acts), how they are brought up, and what
 * wait4() and /proc said of each. An act runs in a process of its own that has no children, because
 * wait4() counts what a process has waited for as its own.
 */
#ifndef OBIT_TESTS_LIVES_H
#define OBIT_TESTS_LIVES_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the kernel says of a zombie, which is what it says of the process for ever. */
struct zombie {
	int is_read;
	unsigned ppid, pgid, sid;
	unsigned long long rchar, wchar, syscr, syscw, read_bytes, write_bytes;
	char cgroup[256];
};

enum { NO_KILLER = -1 };

struct life {
	const char *group; /* of checks */
	uint64_t begin_real_ns;
	pid_t pid;
	int status;
	struct rusage usage;
	struct zombie zombie;

	/* Expected; what is 0 or NULL is not asked for. */
	int threads;
	int has_killer;
	int killer_pid; /* NO_KILLER: there is none */
	unsigned killer_uid;
	const char *killer_comm, *comm, *exe, *argv_json, *flag, *cgroup;
	unsigned uid, gid, sid, pgid, nspid;
	int is_oom;
};

#define MAX_LIFETIMES 1024

static struct life lives[MAX_LIFETIMES];
static int n_lifetimes;
static char self_path[512];

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* --- acts -------------------------------------------------------------------------------------------------- */

static void act_burn(uint64_t cpu_ns)
{
	while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < cpu_ns)
		;
}

static void act_touch(size_t megabytes)
{
	size_t bytes = megabytes << 20;
	volatile char *memory = malloc(bytes);

	for (size_t i = 0; memory && i < bytes; i += 4096)
		memory[i] = 1;
}

static void act_file(void)
{
	static char block[65536];
	char path[] = "/tmp/obit-truth-XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	for (int i = 0; i < 16; i++)
		if (write(fd, block, sizeof(block)) < 0)
			_exit(99);
	if (lseek(fd, 0, SEEK_SET) < 0)
		_exit(99);
	while (read(fd, block, sizeof(block)) > 0)
		;
	fsync(fd);
}

static void *thread_burn(void *cpu_ns)
{
	uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + (uintptr_t)cpu_ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
	act_touch(1);
	return NULL;
}

static void *thread_run(void *unused)
{
	for (;;)
		thread_burn((void *)100000);
	return unused;
}

static void *thread_exec(void *argv)
{
	static char act[] = "OBIT_ACT=burn";
	static char *envp[] = {act, NULL};

	usleep(2000);
	execve(self_path, argv, envp);
	_exit(99);
}

enum end { JOINED, EXIT_GROUP, LEADER_FIRST, EXEC, NEVER };

static void act_threads(int n, enum end end)
{
	static char name[] = "from-a-thread";
	static char *argv[] = {name, NULL};
	pthread_t threads[64];

	for (int i = 0; i < n; i++) {
		void *(*run)(void *) = end == JOINED || end == LEADER_FIRST ? thread_burn : thread_run;
		void *arg = (void *)300000;

		if (end == EXEC && i == n - 1) {
			run = thread_exec;
			arg = argv;
		}
		if (pthread_create(&threads[i], NULL, run, arg))
			_exit(99);
	}
	if (end == LEADER_FIRST)
		pthread_exit(NULL);
	if (end == EXIT_GROUP) {
		usleep(5000);
		_exit(4);
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void act_crash(void)
{
	volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*page = 1;
}

/* Until the other end of its standard input is closed. */
static void act_wait_then_burn(uint64_t cpu_ns)
{
	char byte;

	if (read(0, &byte, 1) == 0)
		act_burn(cpu_ns);
}

/* Called first in main(): a process brought up by life_exec() plays its act and ends. */
static void play_act(void)
{
	const char *act = getenv("OBIT_ACT");

	if (!act)
		return;
	if (strcmp(act, "burn") == 0)
		act_burn(5000000);
	else if (strcmp(act, "touch") == 0)
		act_touch(16);
	else if (strcmp(act, "crash") == 0)
		act_crash();
	else if (strcmp(act, "wait") == 0)
		act_wait_then_burn(8000000);
	_exit(strcmp(act, "fail") == 0 ? 7 : 0);
}

/* --- from birth to wait4() ----------------------------------------------------------------------------------- */

static struct life *life_begin(const char *group)
{
	struct life *life = &lives[n_lifetimes++];

	if (n_lifetimes > MAX_LIFETIMES)
		abort();
	*life = (struct life){.group = group, .begin_real_ns = clock_ns(CLOCK_REALTIME)};
	return life;
}

/* True in the child. */
static int life_fork(struct life *life)
{
	fflush(stdout);
	life->pid = fork();
	return life->pid == 0;
}

static void life_exec(struct life *life, char **argv, char *act)
{
	char *envp[] = {act, NULL};

	life->pid = vfork();
	if (life->pid == 0) {
		execve(self_path, argv, envp);
		_exit(99);
	}
}

static void zombie_line(struct zombie *zombie, const char *line)
{
	sscanf(line, "rchar: %llu", &zombie->rchar);
	sscanf(line, "wchar: %llu", &zombie->wchar);
	sscanf(line, "syscr: %llu", &zombie->syscr);
	sscanf(line, "syscw: %llu", &zombie->syscw);
	sscanf(line, "read_bytes: %llu", &zombie->read_bytes);
	sscanf(line, "write_bytes: %llu", &zombie->write_bytes);
}

static FILE *proc_open(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, "r");
}

static void zombie_read(struct zombie *zombie, pid_t pid)
{
	FILE *stat = proc_open(pid, "stat"), *io = proc_open(pid, "io");
	char line[1024], *after;

	if (!stat || !io)
		return;
	if (fgets(line, sizeof(line), stat)) {
		after = strrchr(line, ')');
		zombie->is_read =
			after && sscanf(after + 1, " %*c %u %u %u", &zombie->ppid, &zombie->pgid, &zombie->sid) == 3;
	}
	while (fgets(line, sizeof(line), io))
		zombie_line(zombie, line);
	fclose(stat);
	fclose(io);
}

/* Looks at the zombie, then reaps it. */
static void life_end(struct life *life)
{
	siginfo_t info;

	if (waitid(P_PID, (id_t)life->pid, &info, WEXITED | WNOWAIT) == 0)
		zombie_read(&life->zombie, life->pid);
	if (wait4(life->pid, &life->status, 0, &life->usage) != life->pid)
		abort();
}

/* Reaps it as soon as the kernel lets it: often before its last switch. */
static void life_end_at_once(struct life *life)
{
	if (wait4(life->pid, &life->status, 0, &life->usage) != life->pid)
		abort();
}

#endif
