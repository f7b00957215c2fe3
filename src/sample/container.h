/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which container a cgroup's path is of, by the names that runtimes give their cgroups. Pure.
 */
#ifndef OBIT_SAMPLE_CONTAINER_H
#define OBIT_SAMPLE_CONTAINER_H

#include <stddef.h>

struct path_container {
	const char *id; /* or name, within the path; NULL: it is of none */
	size_t id_len;
	const char *runtime; /* constant; NULL: several name cgroups so */
};

/*
 * The innermost container:
 *
 *   ID.scope, docker-ID.scope, crio-ID, cri-containerd-ID, libpod-ID, .../ID      ID: 64 hexadecimal digits
 *   ecs/TASK/TASK-N                                                               TASK: 32 of them; Fargate
 *   lxc/NAME, lxc.payload.NAME, lxc.payload/NAME                                  LXC, LXD, Incus
 *   systemd-nspawn@NAME.service, machine-NAME.scope                               systemd-nspawn, machined, libvirt
 *   slurm*.scope/job_N, slurm/uid_N/job_N                                         a job of Slurm
 *   mesos/UUID, garden/HANDLE
 *
 * What monitors a container (crio-conmon-ID, libpod-conmon-ID, lxc.monitor.NAME) is not in it.
 */
struct path_container container_of_path(const char *path, size_t len);

#endif
