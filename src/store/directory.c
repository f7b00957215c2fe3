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

int directory_list(int dir_fd, struct segment_name **ret, size_t *ret_n)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), has_foreign = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct segment_name *names = NULL;
	size_t n = 0, capacity = 0;
	struct dirent *entry;

	if (!dir) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		/* A link or a pipe is no segment, whatever it is called; a file system may not say, then opening does.
		 */
		if (!is_segment(entry->d_name) || (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)) {
			has_foreign |= entry->d_name[0] != '.' && strcmp(entry->d_name, LOCK_NAME) != 0;
			continue;
		}
		if (n == capacity) {
			struct segment_name *more = realloc(names, (capacity * 2 + 64) * sizeof(*names));

			if (!more) {
				free(names);
				closedir(dir);
				return -ENOMEM;
			}
			names = more;
			capacity = capacity * 2 + 64;
		}
		snprintf(names[n++].text, sizeof(names->text), "%.*s", (int)sizeof(names->text) - 1, entry->d_name);
	}
	closedir(dir);
	if (!n && has_foreign) {
		free(names);
		return -EMEDIUMTYPE;
	}
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	*ret = names;
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

int directory_open_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

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
