// SPDX-License-Identifier: BSD-2-Clause
/*
 * A table of 4-way sets: an id has four places it may be in, and the least recently used of them gives way.
 * A v2 cgroup's id is its directory's inode number, and its file handle: open_by_handle_at() finds a living
 * one by id alone (Linux 5.5, 40430452fd5d "kernfs: use 64bit inos if ino_t is 64bit").
 */
#define _GNU_SOURCE
#include "record/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/limits.h"
#include "record/texts.h"

#define WAYS	      4
#define SETS	      (CGROUP_PATHS / WAYS)
#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h */
#define PATH_BYTES    1024

struct known {
	uint64_t id; /* 0: free */
	uint64_t used;
	text_id path;
};

struct cgroups {
	struct known sets[SETS][WAYS];
	struct texts *texts;
	uint64_t uses;
	char mount[PATH_MAX];
	int mount_fd; /* -1: v2 is not mounted */
	char path[PATH_BYTES];
};

struct cgroups *cgroups_new(void)
{
	struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (!cgroups)
		return NULL;
	cgroups->mount_fd = -1;
	cgroups->texts = texts_new(CGROUP_PATHS, CGROUP_PATHS * 2);
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
	if (cgroups->mount_fd >= 0)
		close(cgroups->mount_fd);
	texts_free(cgroups->texts);
	free(cgroups);
}

static struct known *set_of(struct cgroups *cgroups, uint64_t id)
{
	return cgroups->sets[(id ^ (id >> 32)) % SETS];
}

void cgroups_add(struct cgroups *cgroups, uint64_t id, const char *path, size_t len)
{
	struct known *set = set_of(cgroups, id), *place = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].id == id) {
			place = &set[i];
			break;
		}
		if (set[i].used < place->used)
			place = &set[i];
	}
	texts_drop(cgroups->texts, place->path);
	place->path = texts_add(cgroups->texts, path, len);
	place->id = place->path ? id : 0;
	place->used = ++cgroups->uses;
}

/* The mount point of cgroup2 in a line of mountinfo: "... MOUNTPOINT options - cgroup2 ...". */
static int mount_point(const char *line, char *ret, size_t size)
{
	const char *type = strstr(line, " - cgroup2 ");
	char format[32];

	if (!type)
		return -ENOENT;
	snprintf(format, sizeof(format), "%%*s %%*s %%*s %%*s %%%zus", size - 1);
	return sscanf(line, format, ret) == 1 ? 0 : -ENOENT;
}

int cgroups_find_mount(char *ret, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[8192];
	int r = -ENOENT;

	if (!file)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), file))
		r = mount_point(line, ret, size);
	fclose(file);
	return r;
}

/* nftw() gives its callback no argument; scanning is done by one thread, once. */
static struct cgroups *scanning;

static int scan_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *relative = path + strlen(scanning->mount);

	(void)ftw;
	if (type == FTW_D)
		cgroups_add(scanning, st->st_ino, *relative ? relative : "/", *relative ? strlen(relative) : 1);
	return 0;
}

int cgroups_scan(struct cgroups *cgroups)
{
	int r = cgroups_find_mount(cgroups->mount, sizeof(cgroups->mount));

	if (r < 0)
		return r;
	cgroups->mount_fd = open(cgroups->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroups->mount_fd < 0)
		return -errno;
	scanning = cgroups;
	nftw(cgroups->mount, scan_one, 16, FTW_PHYS | FTW_MOUNT);
	scanning = NULL;
	return 0;
}

/* Asks the kernel for the path of a living cgroup. */
static int look_up(struct cgroups *cgroups, uint64_t id)
{
	struct {
		struct file_handle handle;
		unsigned char id[sizeof(uint64_t)];
	} key = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
	char link[64], path[PATH_MAX];
	size_t mount_len = strlen(cgroups->mount);
	ssize_t len;
	int fd;

	if (cgroups->mount_fd < 0)
		return -ENOENT;
	memcpy(key.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(cgroups->mount_fd, &key.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	close(fd);
	if (len < (ssize_t)mount_len || strncmp(path, cgroups->mount, mount_len) != 0)
		return -ENOENT;
	if (len == (ssize_t)mount_len)
		cgroups_add(cgroups, id, "/", 1);
	else
		cgroups_add(cgroups, id, path + mount_len, (size_t)len - mount_len);
	return 0;
}

static struct known *find(struct cgroups *cgroups, uint64_t id)
{
	struct known *set = set_of(cgroups, id);

	for (int i = 0; i < WAYS; i++)
		if (set[i].id == id)
			return &set[i];
	return NULL;
}

const char *cgroups_path(struct cgroups *cgroups, uint64_t id, size_t *ret_len)
{
	struct known *known = id ? find(cgroups, id) : NULL;
	size_t len;

	if (!known && id && look_up(cgroups, id) == 0)
		known = find(cgroups, id);
	if (!known)
		return NULL;
	known->used = ++cgroups->uses;
	len = texts_copy(cgroups->texts, known->path, cgroups->path, sizeof(cgroups->path));
	*ret_len = len < sizeof(cgroups->path) ? len : sizeof(cgroups->path);
	return cgroups->path;
}
