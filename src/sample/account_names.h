/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of users and groups, from files alone: /etc/passwd, /etc/group, and the dynamic users of systemd. What a
 * directory service knows is not asked: it would be a socket, and a wait without an end.
 */
#ifndef OBIT_SAMPLE_ACCOUNT_NAMES_H
#define OBIT_SAMPLE_ACCOUNT_NAMES_H

#include <limits.h>
#include <stdint.h>

#include "base/text_view.h"

struct account_names {
	char root[PATH_MAX / 2]; /* "": the host's */
	char line[4096];
};

void account_names_init(struct account_names *names, const char *root);

/* Reads the files anew. No data: there is no such name. Valid until the next call. */
struct text_view account_names_user(struct account_names *names, uint32_t uid);
struct text_view account_names_group(struct account_names *names, uint32_t gid);

#endif
