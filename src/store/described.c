// SPDX-License-Identifier: BSD-2-Clause
/*
 * Joins what is known with what the latest readable header says, by name: the rows of a segment are found by
 * name, too.
 */
#include "store/described.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/directory.h"
#include "store/segment.h"

struct described {
	struct table tables[TABLE_MAX_TABLES];
	size_t n;
	struct segment *segment; /* whose header holds the texts; NULL: none */
	struct field *joined[TABLE_MAX_TABLES]; /* fields of tables that got more of them; else NULL */
};

static void ignore_damage(void *ctx, uint64_t offset, uint64_t bytes, int is_torn_tail, const char *what)
{
	(void)ctx, (void)offset, (void)bytes, (void)is_torn_tail, (void)what;
}

/* The latest segment whose header can be read; NULL: there is none. */
static struct segment *open_latest(const char *dir)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct segment_name *names = NULL;
	struct segment *segment = NULL;
	size_t n = 0;

	if (dir_fd < 0)
		return NULL;
	if (directory_list(dir_fd, &names, &n) < 0)
		n = 0;
	while (n-- && !segment) {
		if (segment_open(dir_fd, names[n].text, ignore_damage, NULL, &segment) == 0 &&
		    !segment_header(segment)->n_tables) {
			segment_close(segment);
			segment = NULL;
		}
	}
	free(names);
	close(dir_fd);
	return segment;
}

/* 0 or -ENOMEM. */
static int join_fields(struct described *described, size_t i, const struct table *other)
{
	struct table *table = &described->tables[i];
	uint32_t n = table->n_fields;
	struct field *fields = malloc((TABLE_MAX_FIELDS + 1) * sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	described->joined[i] = fields;
	memcpy(fields, table->fields, n * sizeof(*fields));
	for (uint32_t j = 0; j < other->n_fields && n < TABLE_MAX_FIELDS; j++)
		if (table_field(table, other->fields[j].name) < 0)
			fields[n++] = other->fields[j];
	table->fields = fields;
	table->n_fields = n;
	return 0;
}

static int join(struct described *described, const struct table *other)
{
	for (size_t i = 0; i < described->n; i++)
		if (strcmp(described->tables[i].name, other->name) == 0)
			return described->joined[i] ? 0 : join_fields(described, i, other);
	if (described->n < TABLE_MAX_TABLES)
		described->tables[described->n++] = *other;
	return 0;
}

struct described *described_new(const char *dir)
{
	struct described *described = calloc(1, sizeof(*described));
	const struct table *const *known;
	const struct header *header;
	int r = 0;

	if (!described)
		return NULL;
	known = tables_all(&described->n);
	for (size_t i = 0; i < described->n; i++)
		described->tables[i] = *known[i];
	described->segment = dir ? open_latest(dir) : NULL;
	if (!described->segment)
		return described;
	header = segment_header(described->segment);
	for (uint32_t i = 0; i < header->n_tables && r == 0; i++)
		r = join(described, &header->tables[i]);
	if (r == 0)
		return described;
	described_free(described);
	return NULL;
}

void described_free(struct described *described)
{
	if (!described)
		return;
	for (size_t i = 0; i < TABLE_MAX_TABLES; i++)
		free(described->joined[i]);
	segment_close(described->segment);
	free(described);
}

const struct table *described_tables(const struct described *described, size_t *ret_n)
{
	*ret_n = described->n;
	return described->tables;
}
