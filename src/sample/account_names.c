// SPDX-License-Identifier: BSD-2-Clause
#include "sample/account_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_NAME ((struct text_view){NULL, 0})

void account_names_init(struct account_names *names, const char *root)
{
	snprintf(names->root, sizeof(names->root), "%s", root);
}

/* "name:password:ID:...": of passwd(5) and group(5) alike. A line that is too long is none. */
static struct text_view name_in_line(const char *line, uint32_t id)
{
	const char *name_end = strchr(line, ':'), *password_end = name_end ? strchr(name_end + 1, ':') : NULL;
	char *end;
	unsigned long long is;

	if (!password_end || name_end == line || password_end[1] < '0' || password_end[1] > '9')
		return NO_NAME;
	is = strtoull(password_end + 1, &end, 10);
	return *end == ':' && is == id ? (struct text_view){line, (size_t)(name_end - line)} : NO_NAME;
}

static struct text_view name_in_file(struct account_names *names, const char *of, uint32_t id)
{
	struct text_view name = NO_NAME;
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", names->root, of);
	file = fopen(path, "re");
	if (!file)
		return name;
	while (!name.data && fgets(names->line, sizeof(names->line), file)) {
		name = name_in_line(names->line, id);
		/* The rest of one that is too long may look like another. */
		while (!strchr(names->line, '\n') && fgets(names->line, sizeof(names->line), file))
			name = NO_NAME;
	}
	fclose(file);
	return name;
}

/* systemd.exec(5), DynamicUser=: a link from the number to the name. */
static struct text_view dynamic_name(struct account_names *names, uint32_t uid)
{
	char path[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/run/systemd/dynamic-uid/direct:%u", names->root, (unsigned)uid);
	len = readlink(path, names->line, sizeof(names->line));
	return len > 0 ? (struct text_view){names->line, (size_t)len} : NO_NAME;
}

struct text_view account_names_user(struct account_names *names, uint32_t uid)
{
	struct text_view name = name_in_file(names, "/etc/passwd", uid);

	return name.data ? name : dynamic_name(names, uid);
}

struct text_view account_names_group(struct account_names *names, uint32_t gid)
{
	return name_in_file(names, "/etc/group", gid);
}
