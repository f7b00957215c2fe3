// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two processes hand a byte to and fro on one CPU: two context switches a round. Prints ns a round, the least
 * and the median of ROUNDS_PLAYED turns.
 * usage: pingpong ROUNDS ROUNDS_PLAYED
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, other = *(const double *)b;

	return (one > other) - (one < other);
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[1]) : 0, turns = argc == 3 ? atoi(argv[2]) : 0;
	double *ns = calloc((size_t)turns + 1, sizeof(*ns));
	int to[2], fro[2];
	cpu_set_t one;
	char ball = 0;
	pid_t other;

	if (rounds < 1 || turns < 1 || !ns || pipe(to) < 0 || pipe(fro) < 0)
		return 2;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	other = fork();
	if (other == 0) {
		close(to[1]);
		while (read(to[0], &ball, 1) == 1 && write(fro[1], &ball, 1) == 1)
			;
		_exit(0);
	}
	for (int turn = 0; turn < turns; turn++) {
		uint64_t begin = now_ns();

		for (int i = 0; i < rounds; i++)
			if (write(to[1], &ball, 1) != 1 || read(fro[0], &ball, 1) != 1)
				return 1;
		ns[turn] = (double)(now_ns() - begin) / rounds;
	}
	close(to[1]);
	waitpid(other, NULL, 0);
	qsort(ns, (size_t)turns, sizeof(*ns), compare);
	printf("%.0f %.0f\n", ns[0], ns[turns / 2]);
	return 0;
}
