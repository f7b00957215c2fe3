/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runtimes write down of their containers, read from their own files: no socket, no RPC. Such a file is there
 * before the container's first process.
 *
 *   Docker       /var/lib/docker/containers/ID/config.v2.json
 *   containerd   /run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json (annotations of CRI)
 *   CRI-O        /run/containers/storage/overlay-containers/ID/userdata/config.json, or below /var/lib (annotations)
 *   podman       the same, and its name from /var/lib/containers/storage/overlay-containers/containers.json
 */
#ifndef OBIT_SAMPLE_CONTAINER_FILES_H
#define OBIT_SAMPLE_CONTAINER_FILES_H

#include <limits.h>

#include "model/cgroup_name.h"
#include "model/container_facts.h"

struct container_files {
	char root[PATH_MAX / 2]; /* "": the host's */
	char texts[5][CONTAINER_FACT_MAX];
};

void container_files_init(struct container_files *files, const char *root);

/* Of a container whose files are not found what its cgroup says. Valid until the next call. */
struct container_facts container_files_find(struct container_files *files, const struct cgroup_name *of);

#endif
