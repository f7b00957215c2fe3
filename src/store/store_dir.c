// SPDX-License-Identifier: BSD-2-Clause
/*
 * A descriptor outlives what it was opened for: the directory may be removed, moved or mounted over while it
 * is held, and writes go on without an error to where nobody will look. So the path is asked, not the descriptor.
 */
#define _GNU_SOURCE
#include "store/store_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/directory.h"

#define GROUP "obit"

/* From the file itself: a static program has no name service, and the group is the host's own. */
static gid_t find_group(const char *name)
{
	FILE *groups = fopen("/etc/group", "re");
	gid_t found = (gid_t)-1;
	struct group *group;

	while (groups && found == (gid_t)-1 && (group = fgetgrent(groups)))
		if (strcmp(group->gr_name, name) == 0)
			found = group->gr_gid;
	if (groups)
		fclose(groups);
	return found;
}

/* Is each symbolic link on the way root's or our own? Whoever else has put one there may mean any place. */
static int links_are_trusted(const char *path)
{
	char part[PATH_MAX];

	for (size_t i = 1; i <= strlen(path) && i < sizeof(part); i++) {
		struct stat st;

		if (path[i] && path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != 0 && st.st_uid != geteuid())
			return 0;
	}
	return 1;
}

/* A directory by its path. Where links are on the way they are looked at first. -ELOOP: somebody else's is. */
static int open_directory(const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	if (errno != ELOOP && errno != ENOSYS && errno != EPERM)
		return -errno;
	if (!links_are_trusted(path))
		return -ELOOP;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

static int make_directory(const char *path)
{
	char *copy = strdup(path), *slash;
	int fd, r = 0;

	if (!copy)
		return -ENOMEM;
	for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/';)
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	if (slash)
		*slash = '\0';
	fd = open_directory(!slash ? "." : *copy ? copy : "/");
	if (fd < 0)
		r = fd;
	else if (mkdirat(fd, slash ? slash + 1 : copy, 0750) < 0 && errno != EEXIST)
		r = -errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

/* Nobody else may put files into it, or take them out. */
static int make_safe(struct store_dir *store_dir)
{
	struct stat st;

	if (fstat(store_dir->dir_fd, &st) < 0)
		return -errno;
	if (!(st.st_mode & 022))
		return 0;
	if (fchmod(store_dir->dir_fd, st.st_mode & 07777 & ~(mode_t)022) < 0)
		return -errno;
	store_dir->was_open_to_others = 1;
	return 0;
}

/* Without the right to give it away, it stays with whoever made it. */
static int give_to_group(const struct store_dir *store_dir, int fd)
{
	if (store_dir->group != (gid_t)-1 && fchown(fd, (uid_t)-1, store_dir->group) < 0 && errno != EPERM)
		return -errno;
	return 0;
}

int store_dir_open(struct store_dir *store_dir, const char *path, bool is_made, int *ret_holder)
{
	struct store_dir opened = {.dir_fd = -1, .lock_fd = -1, .group = find_group(GROUP)};
	struct segment_name *names = NULL;
	size_t n;
	int r = 0;

	opened.path = strdup(path);
	if (!opened.path)
		return -ENOMEM;
	if (is_made)
		r = make_directory(path);
	if (r == 0) {
		opened.dir_fd = open_directory(path);
		r = opened.dir_fd < 0 ? opened.dir_fd : 0;
	}
	/* Before the lock, which is a file: nothing is left in a directory that is not a store. */
	if (r == 0)
		r = directory_list(opened.dir_fd, &names, &n);
	free(names);
	if (r == 0)
		r = make_safe(&opened);
	if (r == 0)
		r = give_to_group(&opened, opened.dir_fd);
	if (r == 0)
		r = directory_lock(opened.dir_fd, &opened.lock_fd, ret_holder);
	if (r < 0)
		store_dir_close(&opened);
	else
		*store_dir = opened;
	return r;
}

void store_dir_close(struct store_dir *store_dir)
{
	if (!store_dir->path)
		return;
	if (store_dir->lock_fd >= 0)
		close(store_dir->lock_fd);
	if (store_dir->dir_fd >= 0)
		close(store_dir->dir_fd);
	free(store_dir->path);
	*store_dir = (struct store_dir){0};
}

int store_dir_check(const struct store_dir *store_dir)
{
	struct stat held, named;

	if (stat(store_dir->path, &named) < 0 || fstat(store_dir->dir_fd, &held) < 0)
		return -errno;
	if (!S_ISDIR(named.st_mode))
		return -ENOTDIR;
	return held.st_dev != named.st_dev || held.st_ino != named.st_ino;
}

int store_dir_create(const struct store_dir *store_dir, const char *name)
{
	int fd = openat(store_dir->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640), r;

	if (fd < 0)
		return -errno;
	r = give_to_group(store_dir, fd);
	if (r < 0) {
		unlinkat(store_dir->dir_fd, name, 0);
		close(fd);
		return r;
	}
	return fd;
}
