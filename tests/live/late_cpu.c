// SPDX-License-Identifier: BSD-2-Clause
/*
 * A CPU that comes online while the agent runs, and one that goes and comes again: what exits there is recorded. It
 * takes a CPU offline, so it runs in virtual machines alone, which set OBIT_MAY_STOP_CPUS.
 *
 * usage: late_cpu OBIT STORE_DIR_PREFIX
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>

#include "agent_run.h"

#define ENDS	    50
#define FILE_OF_CPU "/sys/devices/system/cpu/cpu1/online"

static const char *obit;
static char store[512];

static int set_online(const char *value)
{
	int fd = open(FILE_OF_CPU, O_WRONLY | O_CLOEXEC), n;

	if (fd < 0)
		return 0;
	n = (int)write(fd, value, 1);
	close(fd);
	return n == 1;
}

/* On that CPU. */
static void end_with(int code)
{
	cpu_set_t cpus, before;

	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		die("CPU 1");
	for (int i = 0; i < ENDS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(code);
		waitpid(pid, NULL, 0);
	}
	sched_setaffinity(0, sizeof(before), &before);
}

/* What ends before the agent has seen that a ring is missing is rolled up. */
static void await_ring(void)
{
	end_with(0);
	sleep(3);
}

static int rows_with(const struct rows *rows, int code)
{
	int n = 0;

	for (int i = 0; i < rows->n; i++)
		n += atoi(rows->row[i][0]) == code;
	return n;
}

static void late_cpu(const char *name, const char *transport)
{
	const char *args[] = {"--socket", "none", "--config", "none", "--transport", transport, NULL};
	int good = check(set_online("0"), name, "the CPU does not go"), n;
	pid_t agent = agent_start(obit, store, args);
	struct rows rows;

	good &= check(set_online("1"), name, "the CPU does not come");
	await_ring();
	end_with(42);
	good &= check(set_online("0") && set_online("1"), name, "the CPU does not go and come");
	await_ring();
	end_with(43);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	agent = agent_start(obit, store, args);
	good &= check(set_online("0") && set_online("1"), name, "the CPU does not go and come");
	await_ring();
	end_with(44);
	good &= check(agent_stop(agent), name, "the agent did not end with status 0");
	rows = dump_rows(obit, store, "exits", "exit_code");
	for (int code = 42; code <= 44; code++) {
		n = rows_with(&rows, code);
		good &= check(n == ENDS, name, "%d of %d ends with code %d", n, ENDS, code);
	}
	rows_free(&rows);
	good &= check(is_sound(obit, store), name, "verify does not agree");
	finish_group(name, good);
}

int main(int argc, char **argv)
{
	const char *perf = "a CPU that comes online has its ring", *ringbuf = "the same with BPF ring buffers";

	if (argc != 3) {
		fprintf(stderr, "usage: late_cpu OBIT STORE_DIR_PREFIX\n");
		return 2;
	}
	obit = argv[1];
	if (!getenv("OBIT_MAY_STOP_CPUS") || access(FILE_OF_CPU, W_OK) < 0) {
		skip_group(perf, "not a machine of two CPUs whose CPUs may be stopped");
		return 0;
	}
	alarm(300);
	snprintf(store, sizeof(store), "%s-perf", argv[2]);
	late_cpu(perf, "perf");
	snprintf(store, sizeof(store), "%s-ringbuf", argv[2]);
	late_cpu(ringbuf, "ringbuf");
	return end_of_tests();
}
