// SPDX-License-Identifier: BSD-2-Clause
/*
 * Making something under another name. A directory is replaced by changing names with the new one, so that there is
 * one at any time; the old one is removed afterwards. Whether it may be is asked by who calls.
 */
#define _GNU_SOURCE /* renameat2, nftw */
#include "cmd/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRECTORIES 16

static int complain(const struct place *place, const char *path, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", place->command, path, what);
	return -EINVAL;
}

static int check_directory(const struct place *place)
{
	DIR *dir = opendir(place->out);
	struct dirent *entry;
	int n = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return complain(place, place->out, errno == ENOTDIR ? "exists and is not a directory; name a new one"
								   : strerror(errno));
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n && !place->may_replace ? complain(place, place->out, "exists and is not empty; name a new directory")
					: 0;
}

static int check_file(const struct place *place)
{
	struct stat st;

	if (lstat(place->out, &st) < 0)
		return errno == ENOENT ? 0 : complain(place, place->out, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return complain(place, place->out, "is a directory; name a file in it");
	return place->may_replace ? 0 : complain(place, place->out, "exists; name another, or replace it with --force");
}

int place_choose(struct place *ret, const char *command, const char *given, enum place_kind kind, int may_replace)
{
	size_t len = strlen(given);
	char *slash;

	*ret = (struct place){.command = command, .kind = kind, .may_replace = may_replace, .fd = -1};
	while (kind == PLACE_DIRECTORY && len > 1 && given[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(ret->out) || given[len - 1] == '/')
		return complain(ret, given, "cannot be made: not a name");
	snprintf(ret->out, sizeof(ret->out), "%.*s", (int)len, given);
	memcpy(ret->parent, ret->out, sizeof(ret->parent));
	slash = strrchr(ret->parent, '/');
	if (slash)
		slash[1] = '\0';
	else
		memcpy(ret->parent, "./", 3);
	snprintf(ret->making, sizeof(ret->making), "%s.%s.making-%d", ret->parent,
		 slash ? ret->out + (slash - ret->parent) + 1 : ret->out, (int)getpid());
	return kind == PLACE_DIRECTORY ? check_directory(ret) : check_file(ret);
}

int place_make(struct place *place)
{
	if (place->kind == PLACE_FILE) {
		place->fd = open(place->making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		place->is_made = place->fd >= 0;
	} else {
		place->is_made = mkdir(place->making, 0750) == 0;
		if (place->is_made)
			place->fd = open(place->making, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return place->fd < 0 ? complain(place, place->making, strerror(errno)) : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_all(struct place *place)
{
	if (nftw(place->making, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS) < 0)
		complain(place, place->making, strerror(errno));
	place->is_made = 0;
}

static int take_name(struct place *place)
{
	unsigned flags = place->kind == PLACE_FILE && !place->may_replace ? RENAME_NOREPLACE : 0;

	if (renameat2(AT_FDCWD, place->making, AT_FDCWD, place->out, flags) == 0) {
		place->is_made = 0;
		return 0;
	}
	/* A file system without such flags: it has been looked at a moment ago. */
	if (flags && errno == EINVAL && rename(place->making, place->out) == 0) {
		place->is_made = 0;
		return 0;
	}
	if (errno != ENOTEMPTY && errno != EEXIST)
		return complain(place, place->out, strerror(errno));
	if (place->kind == PLACE_FILE || !place->may_replace)
		return complain(place, place->out, "was made by somebody else meanwhile; name another");
	if (renameat2(AT_FDCWD, place->making, AT_FDCWD, place->out, RENAME_EXCHANGE) < 0)
		return complain(place, place->out, errno == EINVAL ? "cannot be replaced in this file system; remove it"
								  : strerror(errno));
	remove_all(place);
	return 0;
}

int place_keep(struct place *place)
{
	int fd, r;

	if (fsync(place->fd) < 0)
		return complain(place, place->out, strerror(errno));
	r = take_name(place);
	if (r < 0)
		return r;
	fd = open(place->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		/* Only a power cut now could take the name away. */
		(void)fsync(fd);
		close(fd);
	}
	return 0;
}

void place_done(struct place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	place->fd = -1;
	if (place->is_made)
		remove_all(place);
}
