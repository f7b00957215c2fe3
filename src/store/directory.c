// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names and the lock. The lock is an open-file-description lock (fcntl(2), Linux 3.15): it goes with its
 * process, whatever ends that, and a reader can ask for it without the right to write.
 */
#define _GNU_SOURCE
#include "store/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/segment_format.h"
#include "store/tar.h"

#define STAMP_DIGITS 20
#define LAST_STAMP   "18000000000000000000" /* the year 2540 */

static bool is_segment(const char *name)
{
	/* Later than any time that there is: then the next name could not be later still. */
	return strlen(name) == STAMP_DIGITS + strlen(SEGMENT_SUFFIX) && strspn(name, "0123456789") == STAMP_DIGITS &&
	       strcmp(name + STAMP_DIGITS, SEGMENT_SUFFIX) == 0 && strncmp(name, LAST_STAMP, STAMP_DIGITS) < 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct segment_name *)a)->text, ((const struct segment_name *)b)->text);
}

int directory_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -ENOTDIR;
}

static bool is_archive(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

struct listed {
	struct segment_name *names;
	size_t n, capacity;
};

static int add_name(struct listed *listed, const char *name)
{
	if (listed->n == listed->capacity) {
		size_t capacity = listed->capacity * 2 + 64;
		struct segment_name *more = realloc(listed->names, capacity * sizeof(*more));

		if (!more)
			return -ENOMEM;
		listed->names = more;
		listed->capacity = capacity;
	}
	snprintf(listed->names[listed->n++].text, sizeof(listed->names->text), "%.*s",
		 (int)sizeof(listed->names->text) - 1, name);
	return 0;
}

static int list_directory(int dir_fd, struct listed *listed, bool *has_foreign)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		/* A link or a pipe is no segment, whatever it is called; a file system may not say, then opening does.
		 */
		if (is_segment(entry->d_name) && (entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN))
			r = add_name(listed, entry->d_name);
		else
			*has_foreign |= entry->d_name[0] != '.' && strcmp(entry->d_name, LOCK_NAME) != 0;
	}
	closedir(dir);
	return r;
}

static int list_archive(int fd, struct listed *listed)
{
	struct tar_member member;
	uint64_t at = 0;
	int r;

	while ((r = tar_next(fd, &at, &member)) > 0)
		if (is_segment(member.name) && add_name(listed, member.name) < 0)
			return -ENOMEM;
	return r == -EBADMSG && !at ? -EMEDIUMTYPE : r;
}

int directory_list(int dir_fd, struct segment_name **ret, size_t *ret_n)
{
	struct listed listed = {0};
	bool has_foreign = is_archive(dir_fd);
	size_t n = 0;
	int r = has_foreign ? list_archive(dir_fd, &listed) : list_directory(dir_fd, &listed, &has_foreign);

	if (r == 0 && !listed.n && has_foreign)
		r = -EMEDIUMTYPE;
	if (r < 0) {
		free(listed.names);
		return r;
	}
	if (listed.n)
		qsort(listed.names, listed.n, sizeof(*listed.names), compare_names);
	/* An archive may have a name twice. */
	for (size_t i = 0; i < listed.n; i++)
		if (!n || strcmp(listed.names[n - 1].text, listed.names[i].text) != 0)
			listed.names[n++] = listed.names[i];
	*ret = listed.names;
	*ret_n = n;
	return 0;
}

void directory_name(struct segment_name *ret, uint64_t real_ns)
{
	snprintf(ret->text, sizeof(ret->text), "%0*llu%s", STAMP_DIGITS, (unsigned long long)real_ns, SEGMENT_SUFFIX);
}

int directory_lock(int dir_fd, int *ret_fd, int *ret_holder)
{
	struct flock lock = {.l_type = F_WRLCK};
	int fd = openat(dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
	char pid[32] = "";
	struct stat st;
	int r = 0;

	if (fd < 0)
		return -errno;
	/* It is written to: it must be a file of its own. */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		close(fd);
		return -ELOOP;
	}
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		r = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
		if (r == -EBUSY && pread(fd, pid, sizeof(pid) - 1, 0) >= 0)
			*ret_holder = atoi(pid);
		close(fd);
		return r;
	}
	snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0) {
		/* A full disk: the lock holds all the same, it only cannot say whose it is. */
		*ret_holder = 0;
	}
	*ret_fd = fd;
	return 0;
}

static int open_member(int archive_fd, const char *name)
{
	struct tar_member member;
	uint64_t at = 0;
	int r;

	while ((r = tar_next(archive_fd, &at, &member)) > 0)
		if (strcmp(member.name, name) == 0)
			return tar_open(archive_fd, &member);
	return r < 0 ? r : -ENOENT;
}

int directory_open_file(int dir_fd, const char *name)
{
	struct stat st;
	int fd;

	if (is_archive(dir_fd))
		return open_member(dir_fd, name);
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EBADMSG;
}

int directory_is_locked(int dir_fd)
{
	struct flock lock = {.l_type = F_RDLCK};
	int fd = openat(dir_fd, LOCK_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r;

	if (fd < 0)
		return 0;
	r = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return r;
}
