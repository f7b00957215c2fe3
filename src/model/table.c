// SPDX-License-Identifier: BSD-2-Clause
/*
 * The known tables, laid out from fields.def.
 */
#include "model/table.h"

#include <string.h>

#include "base/array.h"
#include "model/limits.h"

#define ROW(name, type, unit, kind, help) {#name, FIELD_##type, UNIT_##unit, KIND_##kind, help},

#define BEGIN(T)      static const struct field T##_fields[] = {
#define FIELD(T, ...) ROW(__VA_ARGS__)
#define END(T)                                                                                                         \
	}                                                                                                              \
	;
#include "model/fields.def"

#define TABLE(T, id, name, rows, text, help, shown)                                                                    \
	static const struct table T##_table = {#name, help, id, N_##T##_FIELDS, T##_fields};
#include "model/tables.def"

/* By id, from 1. */
#define TABLE(T, id, ...) [(id)-1] = &T##_table,
static const struct table *const all[] = {
#include "model/tables.def"
};

#define TABLE(T, id, name, rows, text, help, shown) [(id)-1] = {rows, text, shown},
static const struct table_shape shapes[] = {
#include "model/tables.def"
};
_Static_assert(ARRAY_SIZE(all) == N_TABLES && ARRAY_SIZE(shapes) == N_TABLES, "ids without a gap");

#define TABLE(T, id, name, ...) ", " #name
static const char list[] =
#include "model/tables.def"
	;

const struct table *const *tables_all(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(all);
	return all;
}

const struct table *table_by_id(uint32_t id)
{
	return id && id <= N_TABLES ? all[id - 1] : NULL;
}

const struct table_shape *table_shape(uint32_t id)
{
	return id && id <= N_TABLES ? &shapes[id - 1] : NULL;
}

const char *tables_list(void)
{
	return list + 2;
}

const struct table *table_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

int table_field(const struct table *table, const char *name)
{
	for (uint32_t i = 0; i < table->n_fields; i++)
		if (strcmp(table->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

int table_same_field(const struct table *table, const struct field *field)
{
	int found = table_field(table, field->name);

	return found >= 0 && table->fields[found].type == field->type ? found : -1;
}

size_t field_heading_len(const struct field *field)
{
	const char *unit = field->unit == UNIT_NS	    ? "_ns"
			   : field->unit == UNIT_BYTES	    ? "_bytes"
			   : field->unit == UNIT_HUNDREDTHS ? "_hundredths"
							    : "";
	size_t len = strlen(field->name), unit_len = strlen(unit);

	return len > unit_len && strcmp(field->name + len - unit_len, unit) == 0 ? len - unit_len : len;
}

const char *field_type_name(enum field_type type)
{
	switch (type) {
	case FIELD_U64:
		return "u64";
	case FIELD_I64:
		return "i64";
	case FIELD_BOOL:
		return "bool";
	case FIELD_STRING:
		return "string";
	case FIELD_STRINGS:
		return "strings";
	}
	return "?";
}

const char *field_unit_name(enum field_unit unit)
{
	switch (unit) {
	case UNIT_NONE:
		return "none";
	case UNIT_TIME:
		return "time";
	case UNIT_NS:
		return "ns";
	case UNIT_BYTES:
		return "bytes";
	case UNIT_SIGNAL:
		return "signal";
	case UNIT_HUNDREDTHS:
		return "hundredths";
	}
	return "?";
}

const char *field_kind_name(enum field_kind kind)
{
	switch (kind) {
	case KIND_LABEL:
		return "label";
	case KIND_SUM:
		return "sum";
	case KIND_MAX:
		return "max";
	case KIND_GAUGE:
		return "gauge";
	case KIND_WEIGHT:
		return "weight";
	case KIND_JOINED:
		return "joined";
	}
	return "?";
}
