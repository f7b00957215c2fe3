// SPDX-License-Identifier: BSD-2-Clause
/*
 * Making the socket so that at no instant others than root and the group can connect to it: its mode and
 * group are those of the thread at bind(2), set for these calls alone. A changed owner or mode afterwards
 * would have to trust the name.
 */
#define _GNU_SOURCE
#include "control/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/server.h"

/* Two agents that start together take turns at the name; each holds the directory for microseconds. */
#define LOCK_TRIES   100
#define LOCK_WAIT_US 10000

int socket_address(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	if (len >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, path, len + 1);
	return 0;
}

/* From /etc/group alone: it needs no name service, which could wait. */
static void find_group(struct listener *listener)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group;

	listener->gid = getegid();
	while (file && !listener->has_group && (group = fgetgrent(file)))
		if (strcmp(group->gr_name, SERVER_GROUP) == 0) {
			listener->gid = group->gr_gid;
			listener->has_group = 1;
		}
	if (file)
		fclose(file);
}

static void directory_of(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(ret, size, ".");
	else if (slash == path)
		snprintf(ret, size, "/");
	else
		snprintf(ret, size, "%.*s", (int)(slash - path), path);
}

/* The directory, opened and locked; -errno. */
static int hold_directory(const char *dir, bool is_made)
{
	int fd, tries = 0;

	if (is_made && mkdir(dir, 0750) < 0 && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0 && ++tries < LOCK_TRIES)
		usleep(LOCK_WAIT_US);
	return fd;
}

/* Is somebody there? -EADDRINUSE, and who; else 0 and the name is free again. */
static int remove_stale(const struct sockaddr_un *address, pid_t *ret_holder)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r = 0;
	socklen_t size = sizeof(struct ucred);
	struct ucred holder = {0};
	struct stat stat;

	if (fd < 0)
		return -errno;
	if (lstat(address->sun_path, &stat) < 0)
		r = -errno;
	else if (!S_ISSOCK(stat.st_mode))
		r = -ENOTSOCK;
	else if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0) {
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &size);
		*ret_holder = holder.pid;
		r = -EADDRINUSE;
	} else if (errno != ECONNREFUSED) {
		/* EAGAIN: its queue is full, so there is one */
		*ret_holder = 0;
		r = errno == EAGAIN ? -EADDRINUSE : -errno;
	} else if (unlink(address->sun_path) < 0) {
		r = -errno;
	}
	close(fd);
	return r == -ENOENT ? 0 : r;
}

static int bind_and_listen(struct listener *listener, const struct sockaddr_un *address, int backlog, pid_t *ret_holder)
{
	struct stat stat;
	int r;

	/* bind(2) gives the name the mode of its descriptor, less the umask. */
	if (fchmod(listener->fd, 0660) < 0)
		return -errno;
	if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EADDRINUSE)
			return -errno;
		r = remove_stale(address, ret_holder);
		if (r < 0)
			return r;
		if (bind(listener->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
			return -errno;
	}
	if (listen(listener->fd, backlog) < 0 || lstat(address->sun_path, &stat) < 0)
		return -errno;
	listener->device = stat.st_dev;
	listener->inode = stat.st_ino;
	return 0;
}

int listener_open(const char *path, bool is_directory_made, int backlog, struct listener *ret, pid_t *ret_holder)
{
	struct listener listener = {.fd = -1};
	struct sockaddr_un address;
	int dir_fd, r = socket_address(path, &address);
	mode_t mask_before;
	gid_t gid_before;

	if (r < 0)
		return r;
	find_group(&listener);
	directory_of(path, listener.path, sizeof(listener.path));
	mask_before = umask(0007); /* of all threads: none makes a file for others */
	gid_before = (gid_t)setfsgid(listener.gid);
	r = dir_fd = hold_directory(listener.path, is_directory_made);
	if (dir_fd < 0)
		goto out;
	memcpy(listener.path, address.sun_path, sizeof(listener.path));
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = listener.fd < 0 ? -errno : bind_and_listen(&listener, &address, backlog, ret_holder);
	close(dir_fd);
out:
	setfsgid(gid_before);
	umask(mask_before);
	if (r < 0) {
		if (listener.fd >= 0)
			close(listener.fd);
		return r;
	}
	*ret = listener;
	return 0;
}

void listener_close(struct listener *listener)
{
	struct stat stat;

	if (listener->fd < 0)
		return;
	if (lstat(listener->path, &stat) == 0 && stat.st_dev == listener->device && stat.st_ino == listener->inode)
		unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}

/* The groups besides its own that the peer had when it connected (Linux 4.13). */
static bool has_group(int fd, gid_t gid)
{
	socklen_t size = 0;
	gid_t *groups;
	int found = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
		return 0;
	groups = malloc(size);
	if (groups && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found |= groups[i] == gid;
	free(groups);
	return found;
}

int listener_admits(const struct listener *listener, int client_fd, uid_t *ret_uid)
{
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;

	if (getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*ret_uid = peer.uid;
	if (peer.uid == 0 || peer.uid == geteuid())
		return 1;
	return listener->has_group && (peer.gid == listener->gid || has_group(client_fd, listener->gid));
}
