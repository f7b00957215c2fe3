// SPDX-License-Identifier: BSD-2-Clause
/*
 * storm N SPAWNERS exec|fork: a storm, as one line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storm_run.h"

int main(int argc, char **argv)
{
	struct storm_result result;
	int count = argc > 1 ? atoi(argv[1]) : 0, spawners = argc > 2 ? atoi(argv[2]) : 0;

	if (argc != 4 || count < 1 || spawners < 1 || spawners > count) {
		fprintf(stderr, "usage: storm N SPAWNERS exec|fork\n");
		return 2;
	}
	if (storm_run(count, spawners, strcmp(argv[3], "exec") == 0, &result) < 0) {
		fprintf(stderr, "storm: a spawner failed\n");
		return 1;
	}
	printf("{\"count\":%llu,\"seconds\":%.3f,\"exits_per_second\":%.0f,\"cpu_ns\":%llu,\"minflt\":%llu}\n",
	       (unsigned long long)result.count, result.seconds, (double)result.count / result.seconds,
	       (unsigned long long)result.cpu_ns, (unsigned long long)result.minflt);
	return 0;
}
