// SPDX-License-Identifier: BSD-2-Clause
/*
 * Making something under another name.
 */
#define _GNU_SOURCE /* renameat2, nftw */
#include "cmd/atomic_output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRECTORIES 16

static int report_error(const struct atomic_output *target, const char *path, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", target->command, path, what);
	return -EINVAL;
}

static int check_directory(const struct atomic_output *target)
{
	DIR *dir = opendir(target->out);
	struct dirent *entry;
	int n = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return report_error(target, target->out,
				    errno == ENOTDIR ? "exists and is not a directory; name a new one"
						     : strerror(errno));
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n ? report_error(target, target->out, "exists and is not empty; name a new directory") : 0;
}

static int check_file(const struct atomic_output *target)
{
	struct stat st;

	if (lstat(target->out, &st) < 0)
		return errno == ENOENT ? 0 : report_error(target, target->out, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return report_error(target, target->out, "is a directory; name a file in it");
	return target->may_replace
		       ? 0
		       : report_error(target, target->out, "exists; name another, or replace it with --force");
}

int atomic_output_choose(struct atomic_output *ret, const char *command, const char *given,
			 enum atomic_output_kind kind, bool may_replace)
{
	size_t len = strlen(given);
	char *slash;

	*ret = (struct atomic_output){.command = command, .kind = kind, .may_replace = may_replace, .fd = -1};
	while (kind == ATOMIC_DIRECTORY && len > 1 && given[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(ret->out) || given[len - 1] == '/')
		return report_error(ret, given, "cannot be made: not a name");
	snprintf(ret->out, sizeof(ret->out), "%.*s", (int)len, given);
	memcpy(ret->parent, ret->out, sizeof(ret->parent));
	slash = strrchr(ret->parent, '/');
	if (slash)
		slash[1] = '\0';
	else
		memcpy(ret->parent, "./", 3);
	snprintf(ret->making, sizeof(ret->making), "%s.%s.making-%d", ret->parent,
		 slash ? ret->out + (slash - ret->parent) + 1 : ret->out, (int)getpid());
	return kind == ATOMIC_DIRECTORY ? check_directory(ret) : check_file(ret);
}

int atomic_output_make(struct atomic_output *target)
{
	if (target->kind == ATOMIC_FILE) {
		target->fd = open(target->making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		target->is_made = target->fd >= 0;
	} else {
		target->is_made = mkdir(target->making, 0750) == 0;
		if (target->is_made)
			target->fd = open(target->making, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return target->fd < 0 ? report_error(target, target->making, strerror(errno)) : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_all(struct atomic_output *target)
{
	if (nftw(target->making, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) < 0)
		report_error(target, target->making, strerror(errno));
	target->is_made = 0;
}

static int take_name(struct atomic_output *target)
{
	unsigned flags = target->kind == ATOMIC_FILE && !target->may_replace ? RENAME_NOREPLACE : 0;

	if (renameat2(AT_FDCWD, target->making, AT_FDCWD, target->out, flags) == 0) {
		target->is_made = 0;
		return 0;
	}
	/* A file system without such flags: it has been looked at an instant ago. */
	if (flags && errno == EINVAL && rename(target->making, target->out) == 0) {
		target->is_made = 0;
		return 0;
	}
	if (errno != ENOTEMPTY && errno != EEXIST)
		return report_error(target, target->out, strerror(errno));
	return report_error(target, target->out, "was made by somebody else meanwhile; name another");
}

int atomic_output_keep(struct atomic_output *target)
{
	int fd, r;

	if (fsync(target->fd) < 0)
		return report_error(target, target->out, strerror(errno));
	r = take_name(target);
	if (r < 0)
		return r;
	fd = open(target->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		/* Only a power cut now could take the name away. */
		(void)fsync(fd);
		close(fd);
	}
	return 0;
}

void atomic_output_done(struct atomic_output *target)
{
	if (target->fd >= 0)
		close(target->fd);
	target->fd = -1;
	if (target->is_made)
		remove_all(target);
}
