/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The columns of a Parquet file, made from those of the rows:
 *
 *   U64, I64    INT64, which every reader has; of a U64 a value above 2^63 - 1 is null (no counter gets there)
 *   times       TIMESTAMP in µs and UTC, and beside it INT64 NAME_ns with all digits; or TIMESTAMP in ns alone
 *   BOOL        BOOLEAN
 *   STRING(S)   BYTE_ARRAY in UTF-8, and a list of them: a byte that is not UTF-8 becomes the four characters \xNN
 *
 * Any value may be null.
 */
#ifndef OBIT_OUTPUT_PARQUET_SCHEMA_H
#define OBIT_OUTPUT_PARQUET_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "model/table.h"

enum parquet_type {
	PARQUET_BOOLEAN,
	PARQUET_INT64,
	PARQUET_MICROS,
	PARQUET_NANOS,
	PARQUET_STRING,
	PARQUET_LIST,
};

struct parquet_field {
	struct field field; /* as the file describes it */
	enum parquet_type type;
	uint32_t column; /* of the rows */
	char name[64];	 /* of NAME_ns */
};

#define PARQUET_MAX_FIELDS (2 * TABLE_MAX_FIELDS)

/* How many `ret` has got: PARQUET_MAX_FIELDS at most. It points into itself: it is not to be copied. */
uint32_t parquet_schema_make(const struct field *columns, uint32_t n_columns, bool are_times_ns,
			     struct parquet_field *ret);

static inline bool parquet_is_text(const struct parquet_field *field)
{
	return field->type == PARQUET_STRING || field->type == PARQUET_LIST;
}

#endif
