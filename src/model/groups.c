// SPDX-License-Identifier: BSD-2-Clause
#include "model/groups.h"

#include <string.h>

#include "base/array.h"
#include "model/table.h"

#define GROUP(table, name, fields) {TABLE_##table, #name, fields},

static const struct field_group all[] = {
#include "model/groups.def"
};

size_t field_groups(uint32_t table, const struct field_group **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && n < FIELD_GROUPS_MAX; i++)
		if (all[i].table == table)
			ret[n++] = &all[i];
	return n;
}

int field_group_has(const struct field_group *group, const char *field)
{
	size_t len = strlen(field);

	for (const char *at = group->fields; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == len && memcmp(at, field, len) == 0)
			return 1;
	return 0;
}
