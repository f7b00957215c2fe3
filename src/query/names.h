/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that users type, looked up in a table; of one that is not there the error says what was meant.
 */
#ifndef OBIT_QUERY_NAMES_H
#define OBIT_QUERY_NAMES_H

#include <stddef.h>

#include "model/groups.h"
#include "model/table.h"

/*
 * Takes the next item of a list with commas, without the spaces around it. 1; 0: *list, then NULL, has no more.
 * Between two commas, behind the last one and in an empty list there is an empty item.
 */
int names_next(const char **list, const char **ret_name, size_t *ret_len);

/* The field's index, by its name or by its heading in a table; or -EINVAL with an error. */
int names_field(const struct table *table, const char *name, size_t len, char *error, size_t size);

/* The group's fields, or NULL with an error; the name is without its plus. */
const struct field_group *names_group(const struct table *table, const char *name, size_t len, char *error,
				      size_t size);

#endif
