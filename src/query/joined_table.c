// SPDX-License-Identifier: BSD-2-Clause
#include "query/joined_table.h"

#include <string.h>

#define JOINED(name, type, unit, key, help) {{#name, FIELD_##type, UNIT_##unit, KIND_JOINED, help}, JOINED_##key},

static const struct {
	struct field field;
	enum joined_key key;
} all[] = {
#include "model/joined_fields.def"
};

enum joined_key joined_field_key(uint32_t joined)
{
	return joined < N_JOINED_FIELDS ? all[joined].key : JOINED_INTERVAL;
}

static bool has(const struct table *table, const char *field)
{
	return table_field(table, field) >= 0;
}

static bool has_key(const struct table *table, enum joined_key key)
{
	bool has_process = has(table, "pid") && has(table, "start_boot_ns") && table->id != TABLE_PROGRAMS;

	switch (key) {
	case JOINED_PROCESS:
		return has_process;
	case JOINED_USER:
		return (has(table, "uid") || has_process) && table->id != TABLE_USERS;
	case JOINED_GROUP:
		return has(table, "gid") && table->id != TABLE_GROUPS;
	case JOINED_INTERVAL:
		return has(table, "time") && has(table, "cpu_ns") && table->id != TABLE_ROSTER &&
		       table->id != TABLE_ROLLUPS;
	default:
		return (has(table, "container_id") || has_process) && table->id != TABLE_CONTAINERS;
	}
}

static bool is_number(const struct table *table, const char *name)
{
	int field = table_field(table, name);

	return field >= 0 && table->fields[field].type == FIELD_U64;
}

void joined_table_init(struct joined_table *ret, const struct table *of, const struct computed_list *computed)
{
	ret->table = *of;
	ret->table.fields = ret->fields;
	ret->n_recorded = of->n_fields;
	memcpy(ret->fields, of->fields, of->n_fields * sizeof(struct field));
	for (uint32_t i = 0; i < N_JOINED_FIELDS && ret->table.n_fields < TABLE_MAX_FIELDS; i++) {
		if (has(of, all[i].field.name) || !has_key(of, all[i].key))
			continue;
		ret->joined[ret->table.n_fields - ret->n_recorded] = i;
		ret->fields[ret->table.n_fields++] = all[i].field;
	}
	ret->computed = computed;
	for (uint32_t i = 0; computed && i < computed->n && ret->table.n_fields < TABLE_MAX_FIELDS; i++) {
		const struct computed *one = &computed->list[i];

		if (!is_number(&ret->table, one->left) || (*one->right && !is_number(&ret->table, one->right)))
			continue;
		ret->joined[ret->table.n_fields - ret->n_recorded] = N_JOINED_FIELDS + i;
		ret->fields[ret->table.n_fields++] = one->field;
	}
}

unsigned joined_table_keys(const struct joined_table *joined, const bool *wanted)
{
	const struct table *table = &joined->table;
	unsigned keys = 0;

	for (uint32_t field = joined->n_recorded; field < table->n_fields; field++) {
		enum joined_key key = joined_field_key(joined->joined[field - joined->n_recorded]);
		const char *by = key == JOINED_USER ? "uid" : "container_id";
		int at = table_field(table, by);

		if (!wanted[field])
			continue;
		keys |= 1u << key;
		/* Where the key is not in the row, it is the process's. */
		if ((key == JOINED_USER || key == JOINED_CONTAINER) && (at < 0 || (uint32_t)at >= joined->n_recorded))
			keys |= 1u << JOINED_PROCESS;
	}
	return keys;
}
