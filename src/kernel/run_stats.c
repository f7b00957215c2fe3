// SPDX-License-Identifier: BSD-2-Clause
/*
 * bpf(2) itself, so that who asks for nothing else need not be linked with libbpf.
 */
#include "kernel/run_stats.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

int run_stats_open(void)
{
	union bpf_attr attr = {.enable_stats.type = BPF_STATS_RUN_TIME};
	long fd = syscall(SYS_bpf, BPF_ENABLE_STATS, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}
