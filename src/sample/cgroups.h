/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths of cgroups by hierarchy and id: those there at start, those made since (from events), and, for an id missed
 * by both, a look in the mounted hierarchy. Paths outlive their cgroup, because records still name it; when
 * the table is full the one looked up longest ago goes. Ledger's thread only.
 */
#ifndef OBIT_SAMPLE_CGROUPS_H
#define OBIT_SAMPLE_CGROUPS_H

#include <stddef.h>
#include <stdint.h>

#include "model/cgroup_name.h"

struct cgroups;

struct cgroups *cgroups_new(void);
void cgroups_free(struct cgroups *cgroups);

/*
 * Finds where the hierarchies are mounted and reads all paths. Of v2: 0; -ENOENT: it is not mounted; -EXDEV: what is
 * mounted is a part of it (a cgroup namespace), where paths would mean other cgroups; -errno.
 */
int cgroups_scan(struct cgroups *cgroups);

/* Where cgroup v2 is mounted, as mountinfo spells it; any thread. 0; -ENOENT, -EXDEV as above; or -errno. */
int cgroups_find_mount(char *ret, size_t size);

/* Are controllers for containers in hierarchies of v1 here? */
int cgroups_has_v1(void);

/* `hierarchy`: CGROUP_V2 ... */
void cgroups_add(struct cgroups *cgroups, uint32_t hierarchy, uint64_t id, const char *path, size_t len);

/* Valid until the next call. */
struct cgroup_name cgroups_name(struct cgroups *cgroups, uint32_t hierarchy, uint64_t id);

#endif
