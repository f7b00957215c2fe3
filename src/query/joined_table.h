/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table as it is asked: its own fields, and behind them those that rows get by a join (model/joined_fields.def).
 */
#ifndef OBIT_QUERY_JOINED_TABLE_H
#define OBIT_QUERY_JOINED_TABLE_H

#include "model/table.h"
#include "query/computed.h"

enum joined_key { JOINED_PROCESS, JOINED_USER, JOINED_GROUP, JOINED_CONTAINER, JOINED_INTERVAL, N_JOINED_KEYS };

#define JOINED(name, ...) JOINED_FIELD_##name,
enum joined_field {
#include "model/joined_fields.def"
	N_JOINED_FIELDS
};

struct joined_table {
	struct table table; /* its `fields` is the array below: do not copy the struct */
	uint32_t n_recorded;
	/* [field - n_recorded]: which it is; from N_JOINED_FIELDS on the place of one that is computed. */
	uint32_t joined[N_JOINED_FIELDS + COMPUTED_MAX];
	const struct computed_list *computed; /* or NULL */
	struct field fields[TABLE_MAX_FIELDS];
};

/* `of` must outlive the field's names only: the fields are copied. `computed` must outlive the table; or NULL. */
void joined_table_init(struct joined_table *ret, const struct table *of, const struct computed_list *computed);

/* By what it is joined; of one that is computed JOINED_INTERVAL, which nothing is read for. */
enum joined_key joined_field_key(uint32_t joined);

/* Which keys do these fields need, that are joined to the table (bits: 1 << JOINED_USER ...)? */
unsigned joined_table_keys(const struct joined_table *joined, const bool *wanted);

#endif
