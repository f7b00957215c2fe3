/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket with a name, and who is at its other end.
 */
#ifndef OBIT_CONTROL_LISTENER_H
#define OBIT_CONTROL_LISTENER_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <stdbool.h>

struct listener {
	int fd;		/* listening, non-blocking */
	gid_t gid;	/* of the socket */
	bool has_group; /* there is a group obit: gid is its, and its members may ask */
	dev_t device;
	ino_t inode;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* As server_open(); a backlog of so many. */
int listener_open(const char *path, bool is_directory_made, int backlog, struct listener *ret, pid_t *ret_holder);

/* Removes the name, if it is still this one's, and closes. */
void listener_close(struct listener *listener);

/* 1: the peer may ask; 0: it may not; *ret_uid is who it is. -errno when that cannot be reported. */
int listener_admits(const struct listener *listener, int client_fd, uid_t *ret_uid);

/* 0, or -ENAMETOOLONG. */
int socket_address(const char *path, struct sockaddr_un *ret);

#endif
