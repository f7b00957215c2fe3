// SPDX-License-Identifier: BSD-2-Clause
/*
 * Columns of rows to columns of a Parquet file.
 */
#include "output/parquet_schema.h"

#include <stdio.h>

static enum parquet_type type_of(const struct field *field, bool are_times_ns)
{
	switch (field->type) {
	case FIELD_BOOL:
		return PARQUET_BOOLEAN;
	case FIELD_STRING:
		return PARQUET_STRING;
	case FIELD_STRINGS:
		return PARQUET_LIST;
	default:
		if (field->unit != UNIT_TIME)
			return PARQUET_INT64;
		return are_times_ns ? PARQUET_NANOS : PARQUET_MICROS;
	}
}

uint32_t parquet_schema_make(const struct field *columns, uint32_t n_columns, bool are_times_ns,
			     struct parquet_field *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_columns; i++) {
		struct parquet_field *field = &ret[n++];

		*field = (struct parquet_field){columns[i], type_of(&columns[i], are_times_ns), i, ""};
		if (field->type != PARQUET_MICROS)
			continue;
		field = &ret[n++];
		*field = (struct parquet_field){columns[i], PARQUET_INT64, i, ""};
		snprintf(field->name, sizeof(field->name), "%s_ns", columns[i].name);
		field->field.name = field->name;
		field->field.unit = UNIT_NS;
		field->field.help = "the same in ns since 1970";
	}
	return n;
}
