// SPDX-License-Identifier: BSD-2-Clause
/*
 * Texts of headers are copied: a segment takes its own with it. One that cannot be read brings nothing, and is
 * reported by who reads the rows.
 */
#include "store/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/columns_file.h"
#include "store/directory.h"
#include "store/segment.h"

static bool is_known(const struct table *table)
{
	return table_by_id(table->id) != NULL;
}

void store_schema_done(struct store_schema *store_schema)
{
	for (uint32_t i = 0; i < store_schema->n_tables; i++) {
		struct table *table = &store_schema->tables[i];
		uint32_t n_known = is_known(table) ? table_by_id(table->id)->n_fields : 0;

		for (uint32_t j = n_known; j < table->n_fields; j++) {
			free((char *)table->fields[j].name);
			free((char *)table->fields[j].help);
		}
		if (!is_known(table)) {
			free((char *)table->name);
			free((char *)table->help);
		}
	}
	free(store_schema->fields);
	*store_schema = (struct store_schema){0};
}

static struct field *fields_of(const struct store_schema *store_schema, uint32_t table)
{
	return store_schema->fields + (size_t)table * TABLE_MAX_FIELDS;
}

static int begin(struct store_schema *store_schema)
{
	size_t n;
	const struct table *const *known = tables_all(&n);

	store_schema->fields = calloc((size_t)TABLE_MAX_TABLES * TABLE_MAX_FIELDS, sizeof(*store_schema->fields));
	if (!store_schema->fields)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(fields_of(store_schema, i), known[i]->fields, known[i]->n_fields * sizeof(struct field));
		store_schema->tables[i] = *known[i];
		store_schema->tables[i].fields = fields_of(store_schema, i);
	}
	store_schema->n_tables = (uint32_t)n;
	return 0;
}

/* What becomes a column's or a directory's name must be one: a header may hold any bytes. */
static bool is_name(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static char *copy_help(const char *help)
{
	char *copy = strdup(help);

	for (char *c = copy; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return copy;
}

/* The first of its name decides what a field is. */
static int add_field(struct store_schema *store_schema, uint32_t at, const struct field *field)
{
	struct table *table = &store_schema->tables[at];
	struct field copy = *field;

	if (!is_name(field->name) || table_field(table, field->name) >= 0 || table->n_fields == TABLE_MAX_FIELDS)
		return 0;
	copy.name = strdup(field->name);
	copy.help = copy_help(field->help);
	fields_of(store_schema, at)[table->n_fields++] = copy;
	return copy.name && copy.help ? 0 : -ENOMEM;
}

static int find_table(const struct store_schema *store_schema, const char *name)
{
	for (uint32_t i = 0; i < store_schema->n_tables; i++)
		if (strcmp(store_schema->tables[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int add_table(struct store_schema *store_schema, const struct table *table)
{
	int at = find_table(store_schema, table->name), r = 0;

	if (at < 0) {
		if (store_schema->n_tables == TABLE_MAX_TABLES || is_known(table) || !is_name(table->name))
			return 0;
		at = (int)store_schema->n_tables++;
		store_schema->tables[at] = (struct table){strdup(table->name), copy_help(table->help), table->id, 0,
							  fields_of(store_schema, (uint32_t)at)};
		if (!store_schema->tables[at].name || !store_schema->tables[at].help)
			return -ENOMEM;
	}
	for (uint32_t i = 0; i < table->n_fields && r == 0; i++)
		r = add_field(store_schema, (uint32_t)at, &table->fields[i]);
	return r;
}

static int add_header(struct store_schema *store_schema, const struct header *header)
{
	int r = 0;

	if (header->n_tables && !store_schema->has_origin) {
		store_schema->first = header->origin;
		store_schema->has_origin = 1;
	}
	for (uint32_t i = 0; i < header->n_tables && r == 0; i++)
		r = add_table(store_schema, &header->tables[i]);
	return r;
}

/* Most segments have the header of the one before, and say so at their end. */
static int add_columns(struct store_schema *store_schema, int fd, uint32_t *header_checksum)
{
	struct columns_file file;
	int r;

	if (columns_file_has_header(fd, *header_checksum)) {
		close(fd);
		return 0;
	}
	r = columns_file_open(&file, fd, 0, 0, segment_ignore_damage, NULL);
	if (r < 0)
		return r;
	r = add_header(store_schema, &file.directory.header);
	if (file.directory.header.n_tables)
		*header_checksum = file.trailer.header_checksum;
	columns_file_close(&file);
	return r;
}

static int add_segment(struct store_schema *store_schema, int dir_fd, const char *name, uint32_t *header_checksum)
{
	int fd = directory_open_file(dir_fd, name), r;
	struct segment *segment;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* removed meanwhile */
	r = columns_file_is(fd);
	if (r > 0)
		return add_columns(store_schema, fd, header_checksum);
	r = segment_open_fd(fd, segment_ignore_damage, NULL, &segment);
	if (r < 0)
		return r;
	r = add_header(store_schema, segment_header(segment));
	segment_close(segment);
	return r;
}

int store_schema_read(const char *dir, struct store_schema *ret)
{
	struct segment_name *names = NULL;
	uint32_t header_checksum = 0;
	int dir_fd, r;

	*ret = (struct store_schema){0};
	r = begin(ret);
	if (r < 0 || !dir)
		return r;
	dir_fd = directory_open(dir);
	r = dir_fd < 0 ? dir_fd : directory_list(dir_fd, &names, &ret->n_segments);
	for (size_t i = 0; i < ret->n_segments && r == 0; i++)
		r = add_segment(ret, dir_fd, names[i].text, &header_checksum);
	free(names);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}
