/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of a table that belong together, made from groups.def.
 */
#ifndef OBIT_MODEL_GROUPS_H
#define OBIT_MODEL_GROUPS_H

#include <stddef.h>
#include <stdint.h>

struct field_group {
	uint32_t table;	    /* its id */
	const char *name;   /* without the plus */
	const char *fields; /* with commas between them */
};

#define FIELD_GROUPS_MAX 16 /* of one table */

/* The table's groups into ret[FIELD_GROUPS_MAX]; returns how many. */
size_t field_groups(uint32_t table, const struct field_group **ret);

int field_group_has(const struct field_group *group, const char *field);

#endif
