// SPDX-License-Identifier: BSD-2-Clause
/*
 * A table of 4-way sets: an id has four places it may be in. When all are taken, the branch of the tree (the first
 * two names of a path: a user's slice, a kind of pod) that would have most of them gives up its least recently used:
 * who makes thousands of cgroups pushes his own out.
 * A v2 cgroup's id is its directory's inode number, and its file handle: open_by_handle_at() finds a live
 * one by id alone (Linux 5.5, 40430452fd5d "kernfs: use 64bit inos if ino_t is 64bit").
 */
#define _GNU_SOURCE
#include "sample/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/types.h>

#include "bpf/event.h"
#include "base/texts.h"
#include "model/limits.h"
#include "sample/container.h"

#define WAYS	      4
#define SETS	      (CGROUP_PATHS / WAYS)
#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h */

struct known {
	uint64_t key; /* 0: free */
	uint64_t used;
	uint32_t branch;
	uint16_t container_at, container_len; /* in the path; 0: it is of none */
	text_id path;
	const char *runtime;
};

struct cgroups {
	struct known sets[SETS][WAYS];
	struct texts *texts;
	uint64_t uses;
	struct mounted {
		char path[PATH_MAX];
		int fd; /* -1: it is not mounted, or not whole */
	} mounts[N_CGROUP_HIERARCHIES];
	char path[CGROUP_PATH_BYTES];
};

struct cgroups *cgroups_new(void)
{
	struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (!cgroups)
		return NULL;
	for (uint32_t i = 0; i < N_CGROUP_HIERARCHIES; i++)
		cgroups->mounts[i].fd = -1;
	cgroups->texts = texts_new(CGROUP_PATHS, CGROUP_PATHS * CGROUP_PATH_BLOCKS);
	if (!cgroups->texts) {
		cgroups_free(cgroups);
		return NULL;
	}
	return cgroups;
}

void cgroups_free(struct cgroups *cgroups)
{
	if (!cgroups)
		return;
	for (uint32_t i = 0; i < N_CGROUP_HIERARCHIES; i++)
		if (cgroups->mounts[i].fd >= 0)
			close(cgroups->mounts[i].fd);
	texts_free(cgroups->texts);
	free(cgroups);
}

/* Ids are numbers of inodes: each hierarchy has its own, and none comes near to 2^62. */
static uint64_t key_of(uint32_t hierarchy, uint64_t id)
{
	return id ^ (uint64_t)hierarchy << 62;
}

static struct known *set_of(struct cgroups *cgroups, uint64_t key)
{
	return cgroups->sets[(key ^ (key >> 32)) % SETS];
}

/* FNV-1a (Fowler, Noll, Vo) of the path up to its third slash. */
static uint32_t branch_of(const char *path, size_t len)
{
	uint32_t hash = 2166136261u;
	int slashes = 0;

	for (size_t i = 0; i < len; i++) {
		slashes += path[i] == '/';
		if (slashes == 3)
			break;
		hash = (hash ^ (unsigned char)path[i]) * 16777619u;
	}
	return hash;
}

static int share_of(const struct known *set, uint32_t branch)
{
	int n = 0;

	for (int i = 0; i < WAYS; i++)
		n += set[i].branch == branch;
	return n;
}

/* Where `key` is, else a free place, else the one that gives way. */
static struct known *place_for(struct known *set, uint64_t key, uint32_t branch)
{
	struct known *place = NULL;
	int most = 0;

	for (int i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	for (int i = 0; i < WAYS; i++) {
		int share = share_of(set, set[i].branch) + (set[i].branch == branch);

		if (!set[i].key)
			return &set[i];
		if (share > most || (share == most && set[i].used < place->used)) {
			most = share;
			place = &set[i];
		}
	}
	return place;
}

void cgroups_add(struct cgroups *cgroups, uint32_t hierarchy, uint64_t id, const char *path, size_t len)
{
	uint64_t key = key_of(hierarchy, id);
	uint32_t branch = branch_of(path, len);
	struct known *place = place_for(set_of(cgroups, key), key, branch);
	struct path_container container;

	if (len > CGROUP_PATH_BYTES)
		len = CGROUP_PATH_BYTES;
	texts_drop(cgroups->texts, place->path);
	place->path = texts_add(cgroups->texts, path, len);
	place->key = place->path ? key : 0;
	place->used = ++cgroups->uses;
	place->branch = branch;
	container = container_of_path(path, len);
	place->container_at = container.id ? (uint16_t)(container.id - path) : 0;
	place->container_len = (uint16_t)container.id_len;
	place->runtime = container.runtime;
}

/* The mount point of a hierarchy in a line of mountinfo: "... MOUNTPOINT options - TYPE source OPTIONS". */
static int mount_point(const char *line, uint32_t hierarchy, char *ret, size_t size)
{
	static const char *const controllers[N_CGROUP_HIERARCHIES] = {
		[CGROUP_V1_MEMORY] = "memory",
		[CGROUP_V1_PIDS] = "pids",
	};
	const char *type = strstr(line, hierarchy == CGROUP_V2 ? " - cgroup2 " : " - cgroup ");
	const char *options = type ? strrchr(type, ' ') : NULL, *found;
	char format[32];

	if (!type)
		return -ENOENT;
	if (hierarchy != CGROUP_V2) {
		size_t len = strlen(controllers[hierarchy]);

		found = strstr(options, controllers[hierarchy]);
		if (!found || (found[-1] != ',' && found[-1] != ' ') || !strchr(",\n", found[len]))
			return -ENOENT;
	}
	snprintf(format, sizeof(format), "%%*s %%*s %%*s %%*s %%%zus", size - 1);
	return sscanf(line, format, ret) == 1 ? 0 : -ENOENT;
}

static int find_mount(uint32_t hierarchy, char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[8192];
	int r = -ENOENT;

	if (!file)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), file))
		r = mount_point(line, hierarchy, ret, size);
	fclose(file);
	return r;
}

/* The root of a hierarchy is its first inode: what a cgroup namespace shows as root is another. */
static int find_whole(uint32_t hierarchy, char *ret, size_t size)
{
	int r = find_mount(hierarchy, ret, size);
	struct stat st;

	if (r < 0)
		return r;
	if (stat(ret, &st) < 0)
		return -errno;
	return st.st_ino == 1 ? 0 : -EXDEV;
}

int cgroups_find_mount(char *ret, size_t size)
{
	return find_whole(CGROUP_V2, ret, size);
}

int cgroups_has_v1(void)
{
	char path[PATH_MAX];

	return find_mount(CGROUP_V1_MEMORY, path, sizeof(path)) == 0 ||
	       find_mount(CGROUP_V1_PIDS, path, sizeof(path)) == 0;
}

/* nftw() gives its callback no argument; scanning is done by one thread, once. */
static struct cgroups *scanning;
static uint32_t scanned;

static int scan_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *relative = path + strlen(scanning->mounts[scanned].path);

	(void)ftw;
	if (type == FTW_D)
		cgroups_add(scanning, scanned, st->st_ino, *relative ? relative : "/",
			    *relative ? strlen(relative) : 1);
	return 0;
}

static int scan(struct cgroups *cgroups, uint32_t hierarchy)
{
	struct mounted *mount = &cgroups->mounts[hierarchy];
	int r = find_whole(hierarchy, mount->path, sizeof(mount->path));

	if (r < 0)
		return r;
	mount->fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount->fd < 0)
		return -errno;
	scanning = cgroups;
	scanned = hierarchy;
	nftw(mount->path, scan_one, 16, FTW_PHYS | FTW_MOUNT);
	scanning = NULL;
	return 0;
}

int cgroups_scan(struct cgroups *cgroups)
{
	/* For the ids of containers alone; without them there are none. */
	for (uint32_t i = CGROUP_V2 + 1; i < N_CGROUP_HIERARCHIES; i++)
		scan(cgroups, i);
	return scan(cgroups, CGROUP_V2);
}

/* Asks the kernel for the path of a live cgroup. */
static int look_up(struct cgroups *cgroups, uint32_t hierarchy, uint64_t id)
{
	struct {
		struct file_handle handle;
		unsigned char id[sizeof(uint64_t)];
	} key = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
	const struct mounted *mount = &cgroups->mounts[hierarchy];
	char link[64], path[PATH_MAX];
	size_t mount_len = strlen(mount->path);
	ssize_t len;
	int fd;

	if (mount->fd < 0)
		return -ENOENT;
	memcpy(key.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount->fd, &key.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	close(fd);
	if (len < (ssize_t)mount_len || strncmp(path, mount->path, mount_len) != 0)
		return -ENOENT;
	if (len == (ssize_t)mount_len)
		cgroups_add(cgroups, hierarchy, id, "/", 1);
	else
		cgroups_add(cgroups, hierarchy, id, path + mount_len, (size_t)len - mount_len);
	return 0;
}

static struct known *find(struct cgroups *cgroups, uint64_t key)
{
	struct known *set = set_of(cgroups, key);

	for (int i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

struct cgroup_name cgroups_name(struct cgroups *cgroups, uint32_t hierarchy, uint64_t id)
{
	uint64_t key = key_of(hierarchy, id);
	struct known *known = id ? find(cgroups, key) : NULL;
	struct cgroup_name name = {0};

	if (!known && id && look_up(cgroups, hierarchy, id) == 0)
		known = find(cgroups, key);
	if (!known)
		return name;
	known->used = ++cgroups->uses;
	name.path.data = cgroups->path;
	name.path.len = texts_copy(cgroups->texts, known->path, cgroups->path, sizeof(cgroups->path));
	name.runtime = known->runtime;
	if (known->container_len)
		name.container = (struct text_view){cgroups->path + known->container_at, known->container_len};
	return name;
}
