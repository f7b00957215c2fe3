/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has the kernel count how often BPF programs run, and how long: two readings of the clock a run, on every
 * program of the host.
 */
#ifndef OBIT_KERNEL_RUN_STATS_H
#define OBIT_KERNEL_RUN_STATS_H

/*
 * A descriptor, and it counts as long as that is open. -EPERM without CAP_SYS_ADMIN, which the agent has not got:
 * who wants it measured opens this. -EINVAL before Linux 5.8 (d46edd671a14 "bpf: Sharing bpf runtime stats with
 * BPF_ENABLE_STATS").
 */
int run_stats_open(void);

#endif
