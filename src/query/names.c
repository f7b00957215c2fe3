// SPDX-License-Identifier: BSD-2-Clause
#include "query/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

#define MAX_SHOWN 60 /* of a name, in an error */

static int shown_len(size_t len)
{
	return len > MAX_SHOWN ? MAX_SHOWN : (int)len;
}

int names_next(const char **list, const char **ret_name, size_t *ret_len)
{
	const char *name = *list;
	size_t len;

	if (!name)
		return 0;
	len = strcspn(name, ",");
	*list = name[len] ? name + len + 1 : NULL;
	while (len && name[len - 1] == ' ')
		len--;
	for (; len && *name == ' '; name++)
		len--;
	*ret_name = name;
	*ret_len = len;
	return 1;
}

int names_field(const struct table *table, const char *name, size_t len, char *error, size_t size)
{
	const char *names[TABLE_MAX_FIELDS], *nearest;
	uint32_t n = table->n_fields < TABLE_MAX_FIELDS ? table->n_fields : TABLE_MAX_FIELDS;

	if (len == 0) {
		snprintf(error, size, "a field is missing; `obit schema %s` lists them", table->name);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < n; i++) {
		names[i] = table->fields[i].name;
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (int)i;
	}
	for (uint32_t i = 0; i < n; i++)
		if (field_heading_len(&table->fields[i]) == len && memcmp(table->fields[i].name, name, len) == 0)
			return (int)i;
	nearest = nearest_name(name, len, names, n);
	if (nearest)
		snprintf(error, size, "%s has no field \"%.*s\"; did you mean %s?", table->name, shown_len(len), name,
			 nearest);
	else
		snprintf(error, size, "%s has no field \"%.*s\"; `obit schema %s` lists them", table->name,
			 shown_len(len), name, table->name);
	return -EINVAL;
}

const struct field_group *names_group(const struct table *table, const char *name, size_t len, char *error, size_t size)
{
	const struct field_group *groups[FIELD_GROUPS_MAX];
	const char *names[FIELD_GROUPS_MAX], *nearest;
	size_t n = field_groups(table->id, groups), used;

	for (size_t i = 0; i < n; i++) {
		names[i] = groups[i]->name;
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return groups[i];
	}
	nearest = nearest_name(name, len, names, n);
	used = (size_t)snprintf(error, size, "%s has no group of fields \"+%.*s\"", table->name, shown_len(len), name);
	if (nearest && used < size)
		snprintf(error + used, size - used, "; did you mean +%s?", nearest);
	for (size_t i = 0; i < n && !nearest && used < size; i++)
		used += (size_t)snprintf(error + used, size - used, "%s +%s", i ? "," : "; there are", names[i]);
	return NULL;
}
