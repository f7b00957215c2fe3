// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading /proc.
 */
#include "sample/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

ssize_t proc_read_fd(int fd, char *to, size_t size)
{
	size_t used = 0;

	/* One read gives a page or some records; the end is where nothing comes. */
	while (used < size) {
		ssize_t n = pread(fd, to + used, size - used, (off_t)used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static size_t length_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;
	char some[4096];
	ssize_t n;

	if (fd < 0)
		return 0;
	while ((n = read(fd, some, sizeof(some))) > 0)
		total += (size_t)n;
	close(fd);
	return total;
}

int proc_buffer_init(struct proc_buffer *buffer, size_t least, const char *const *paths, size_t n)
{
	size_t size = least;

	for (size_t i = 0; i < n; i++) {
		size_t len = length_of(paths[i]);

		if (len * 2 > size)
			size = len * 2;
	}
	buffer->data = malloc(size);
	buffer->size = buffer->data ? size : 0;
	return buffer->data ? 0 : -ENOMEM;
}

void proc_buffer_done(struct proc_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct proc_buffer){0};
}

static int say_once(struct proc_file *file, int error)
{
	if (error && error != file->error)
		log_line("cannot read %s%s: %s; without it there is no %s", file->path,
			 error == -EFBIG ? " to its end" : "", strerror(-error), file->loss);
	file->error = error;
	return error;
}

int proc_file_read(struct proc_file *file, struct proc_buffer *buffer, struct proc_text *ret)
{
	ssize_t n;

	if (file->fd < 0)
		file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return say_once(file, -errno);
	n = proc_read_fd(file->fd, buffer->data, buffer->size);
	if (n < 0) {
		proc_file_close(file);
		return say_once(file, (int)n);
	}
	*ret = proc_text(buffer->data, (size_t)n);
	return say_once(file, (size_t)n == buffer->size ? -EFBIG : 0);
}

void proc_file_close(struct proc_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

int proc_is_absence(int error)
{
	return error == -ENOENT || error == -EOPNOTSUPP;
}
