// SPDX-License-Identifier: BSD-2-Clause
/*
 * Choosing fields.
 */
#include "query/selection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "query/names.h"

static const char *default_fields(const struct table *table)
{
	const struct table_shape *shape = table_shape(table->id);

	return shape ? shape->shown : NULL;
}

static int find_field(struct selection *selection, const char *name, size_t len)
{
	return names_field(selection->source, name, len, selection->error, sizeof(selection->error));
}

static bool is_shown(const struct selection *selection, const char *name)
{
	for (uint32_t i = 0; i < selection->n_shown; i++)
		if (strcmp(selection->fields[i].name, name) == 0)
			return 1;
	return 0;
}

static int add_field(struct selection *selection, const char *name, size_t len)
{
	int field = find_field(selection, name, len);

	if (field < 0)
		return field;
	if (selection->n_shown == TABLE_MAX_FIELDS) {
		snprintf(selection->error, sizeof(selection->error), "at most %d fields can be shown",
			 TABLE_MAX_FIELDS);
		return -EINVAL;
	}
	selection->fields[selection->n_shown++] = selection->source->fields[field];
	return 0;
}

static int add_fields(struct selection *selection, const char *list);

/* Those that are shown when none are named; what is joined only where rows are joined. */
static int add_usual(struct selection *selection, const char *list)
{
	const char *name;
	size_t len;
	int r = 0;

	while (r == 0 && names_next(&list, &name, &len)) {
		char error[sizeof(selection->error)];

		if (names_field(selection->source, name, len, error, sizeof(error)) >= 0)
			r = add_field(selection, name, len);
	}
	return r;
}

/* `+io`: those of the group that are not shown yet. A list that begins with it begins with the usual ones. */
static int add_group(struct selection *selection, const char *name, size_t len)
{
	const struct table *source = selection->source;
	const struct field_group *group = names_group(source, name, len, selection->error, sizeof(selection->error));
	const char *usual = default_fields(source), *left = group ? group->fields : NULL;
	int r = group ? 0 : -EINVAL;

	if (group && usual && !selection->n_shown)
		r = add_usual(selection, usual);
	while (r == 0 && names_next(&left, &name, &len)) {
		int field = find_field(selection, name, len);

		if (field < 0 || !is_shown(selection, source->fields[field].name))
			r = add_field(selection, name, len);
	}
	return r;
}

static int add_fields(struct selection *selection, const char *list)
{
	const char *name;
	size_t len;
	int r = 0;

	while (r == 0 && names_next(&list, &name, &len))
		r = len && *name == '+' ? add_group(selection, name + 1, len - 1) : add_field(selection, name, len);
	return r;
}

static int choose_sort(struct selection *selection, const char *sort)
{
	int field;

	selection->is_descending = *sort == '-';
	sort += selection->is_descending;
	field = find_field(selection, sort, strlen(sort));
	if (field < 0)
		return field;
	for (uint32_t i = 0; i < selection->n_shown; i++)
		if (strcmp(selection->fields[i].name, selection->source->fields[field].name) == 0) {
			selection->sort_column = (int)i;
			return 0;
		}
	selection->sort_column = (int)selection->columns.n_fields;
	selection->fields[selection->columns.n_fields++] = selection->source->fields[field];
	return 0;
}

int selection_init(struct selection *selection, const struct table *source, const char *fields, bool is_human_readable,
		   const char *sort)
{
	const char *usual = fields || !is_human_readable ? NULL : default_fields(source);
	int r = 0;

	memset(selection, 0, sizeof(*selection));
	selection->source = source;
	selection->sort_column = -1;
	if (usual)
		r = add_usual(selection, usual);
	else if (!fields || strcmp(fields, "all") == 0) {
		for (uint32_t i = 0; i < source->n_fields; i++)
			if (source->fields[i].kind != KIND_JOINED)
				selection->fields[selection->n_shown++] = source->fields[i];
	} else {
		r = add_fields(selection, fields);
	}
	if (r < 0)
		return r;
	selection->columns = (struct table){
		source->name, source->help, source->id, selection->n_shown, selection->fields,
	};
	return sort ? choose_sort(selection, sort) : 0;
}

void selection_map(const struct selection *selection, const struct table *table, int *ret_map)
{
	for (uint32_t i = 0; i < selection->columns.n_fields; i++)
		ret_map[i] = table_same_field(table, &selection->fields[i]);
}

int selection_time_field(const struct table *table)
{
	for (uint32_t i = 0; i < table->n_fields; i++)
		if (table->fields[i].unit == UNIT_TIME)
			return (int)i;
	return -1;
}
