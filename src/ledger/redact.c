// SPDX-License-Identifier: BSD-2-Clause
#include "ledger/redact.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct written {
	char *to;
	size_t used, size;
};

static void put(struct written *written, const char *data, size_t len)
{
	size_t room = written->size - written->used;

	len = len < room ? len : room;
	memcpy(written->to + written->used, data, len);
	written->used += len;
}

/* How much of the argument a part of the list covers; 0: none does. */
static size_t secret_after(const char *rule, const char *argument, size_t len)
{
	for (const char *part = rule; *part;) {
		size_t part_len = strcspn(part, ",");

		if (part_len <= len && memcmp(argument, part, part_len) == 0)
			return part_len;
		part += part_len + (part[part_len] == ',');
	}
	return 0;
}

size_t redact_arguments(const char *rule, const char *argv, size_t len, char *to, size_t size)
{
	struct written written = {to, 0, size};
	bool is_all, is_next = false;

	if (!rule || strcmp(rule, "none") == 0) {
		put(&written, argv, len);
		return written.used;
	}
	is_all = strcmp(rule, "all") == 0;
	for (size_t at = 0, n = 0; at < len; n++) {
		const char *end = memchr(argv + at, '\0', len - at);
		size_t item = end ? (size_t)(end - argv) - at : len - at, kept = item;
		bool is_secret = n && (is_all || is_next);

		is_next = false;
		if (is_secret) {
			kept = 0;
		} else if (n && !is_all) {
			size_t after = secret_after(rule, argv + at, item);

			is_next = after && after == item;
			is_secret = after && after < item;
			kept = is_secret ? after : item;
		}
		put(&written, argv + at, kept);
		if (is_secret)
			put(&written, REDACT_MARK, strlen(REDACT_MARK));
		if (end)
			put(&written, "", 1);
		at += item + 1;
	}
	return written.used;
}

int redact_check(const char *rule)
{
	size_t len = strlen(rule);

	return !len || *rule == ',' || rule[len - 1] == ',' || strstr(rule, ",,") ? -EINVAL : 0;
}
