/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store may hold, from its segments' headers alone: the tables known here, with the fields that only other
 * versions of obit know behind their own, and the tables that only those know.
 */
#ifndef OBIT_STORE_STORE_SCHEMA_H
#define OBIT_STORE_STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/origin.h"
#include "model/table.h"

struct store_schema {
	struct table tables[TABLE_MAX_TABLES];
	uint32_t n_tables;
	size_t n_segments;
	bool has_origin;
	struct origin first;  /* of the oldest segment that can be read */
	struct field *fields; /* TABLE_MAX_FIELDS for each table */
};

/*
 * Of no directory (NULL): what is known here. Errors as store_reader_open(); also after one the known tables are there,
 * but for -ENOMEM. Freed with store_schema_done() in any case.
 */
int store_schema_read(const char *dir, struct store_schema *ret);
void store_schema_done(struct store_schema *store_schema);

#endif
