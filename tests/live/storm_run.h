/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A storm of short processes: so many spawners, each making and reaping its share as fast as it can.
 */
#ifndef OBIT_TESTS_STORM_RUN_H
#define OBIT_TESTS_STORM_RUN_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Storms are smaller by $OBIT_STORM_DIVISOR where the processor is emulated; never below `least`. */
/* How much slower than a machine this one is; 1: it is one. */
__attribute__((unused)) static int emulation_factor(void)
{
	const char *divisor = getenv("OBIT_STORM_DIVISOR");

	return divisor && atoi(divisor) > 1 ? atoi(divisor) : 1;
}

__attribute__((unused)) static int storm_scaled(int count, int least)
{
	int factor = emulation_factor(), scaled = factor > 1 ? count / factor / 4 * 4 : count;

	return scaled < least ? least : scaled;
}

struct storm_result {
	double seconds;
	uint64_t count, cpu_ns, minflt;
};

static uint64_t storm_cpu_ns(const struct rusage *usage)
{
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000ULL +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000ULL;
}

static pid_t storm_child(int with_exec)
{
	static char path[] = "/bin/true";
	static char *argv[] = {path, NULL}, *envp[] = {NULL};
	pid_t pid;

	if (!with_exec) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		return pid;
	}
	pid = vfork();
	if (pid == 0) {
		execve(path, argv, envp);
		_exit(127);
	}
	return pid;
}

/* One spawner; what its children cost goes into the pipe. */
static void storm_spawn(int count, int with_exec, int to)
{
	struct storm_result sum = {0};

	for (int i = 0; i < count; i++) {
		pid_t pid = storm_child(with_exec);
		struct rusage usage;
		int status;

		if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status)
			_exit(1);
		sum.count++;
		sum.cpu_ns += storm_cpu_ns(&usage);
		sum.minflt += (uint64_t)usage.ru_minflt;
	}
	_exit(write(to, &sum, sizeof(sum)) != sizeof(sum));
}

/* 0, or -1 when a spawner failed. */
__attribute__((unused)) static int storm_run(int count, int spawners, int with_exec, struct storm_result *ret)
{
	struct timespec begin, end;
	int pipe_fds[2], failed = 0, status;

	if (pipe(pipe_fds) < 0)
		return -1;
	*ret = (struct storm_result){0};
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < spawners; i++)
		if (fork() == 0)
			storm_spawn(count / spawners, with_exec, pipe_fds[1]);
	for (int i = 0; i < spawners; i++)
		failed |= wait(&status) < 0 || status;
	clock_gettime(CLOCK_MONOTONIC, &end);
	close(pipe_fds[1]);
	for (int i = 0; i < spawners; i++) {
		struct storm_result part;

		if (read(pipe_fds[0], &part, sizeof(part)) != sizeof(part)) {
			failed = 1;
			break;
		}
		ret->count += part.count;
		ret->cpu_ns += part.cpu_ns;
		ret->minflt += part.minflt;
	}
	close(pipe_fds[0]);
	ret->seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	return failed ? -1 : 0;
}

#endif
