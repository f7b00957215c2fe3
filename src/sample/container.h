/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which container a cgroup's path is of, by the names that runtimes give their cgroups. Pure.
 */
#ifndef OBIT_SAMPLE_CONTAINER_H
#define OBIT_SAMPLE_CONTAINER_H

#include <stddef.h>

/*
 * The innermost container's id or name, within `path`: *ret_len bytes from the place returned; NULL: the path is of
 * none.
 *
 *   ID.scope, docker-ID.scope, crio-ID, cri-containerd-ID, libpod-ID, .../ID      ID: 64 hexadecimal digits
 *   ecs/TASK/TASK-N                                                               TASK: 32 of them; Fargate
 *   lxc/NAME, lxc.payload.NAME, lxc.payload/NAME                                  LXC, LXD, Incus
 *   systemd-nspawn@NAME.service, machine-NAME.scope                               systemd-nspawn, machined, libvirt
 *   mesos/UUID, garden/HANDLE
 *
 * What monitors a container (crio-conmon-ID, libpod-conmon-ID, lxc.monitor.NAME) is not in it.
 */
const char *container_of_path(const char *path, size_t len, size_t *ret_len);

#endif
