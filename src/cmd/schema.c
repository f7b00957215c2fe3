// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit schema`: the tables and their fields, as rows of a table of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "model/block.h"
#include "model/groups.h"
#include "query/joined_table.h"
#include "store/store_schema.h"

enum schema_option { STORE, FORMAT };

static const struct option_spec specs[] = {
	[STORE] = {"store", "DIR", "with what only this store has, if another obit wrote it"},
	[FORMAT] = {"format", "table|csv|tsv|jsonl", "default table, human-readable"},
};

static const struct usage usage = {
	"obit schema",
	"[TABLE]",
	"Lists the fields of a table, or of all: what dump prints and --where compares.",
	specs,
	ARRAY_SIZE(specs),
	"types: u64, i64, bool, string (any bytes), strings (a list of them)\n"
	"units: time (ns since the epoch), ns (a duration), bytes, signal\n"
	"kinds: label (who or when), sum (adds up over rows), max (the largest stands for many), gauge (a level),\n"
	"       weight (adds up, and the row stands for so many observations)\n"
	"groups: what `obit dump --fields +io` adds\n",
	1,
};

enum schema_field { TABLE, FIELD, TYPE, UNIT, KIND, GROUPS, HELP, N_FIELDS };

static const struct field fields[] = {
	[TABLE] = {"table", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[FIELD] = {"field", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[TYPE] = {"type", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[UNIT] = {"unit", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[KIND] = {"kind", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[GROUPS] = {"groups", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[HELP] = {"help", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
};

static const struct table schema = {"schema", "the fields of all tables", 0, N_FIELDS, fields};

/* With a space between them; how many. */
static size_t list_groups(const struct table *table, const struct field *field, char *ret, size_t size)
{
	const struct field_group *groups[FIELD_GROUPS_MAX];
	size_t n = field_groups(table->id, groups), n_listed = 0, used = 0;

	for (size_t i = 0; i < n && used < size; i++)
		if (field_group_has(groups[i], field->name))
			used += (size_t)snprintf(ret + used, size - used, "%s+%s", n_listed++ ? " " : "",
						 groups[i]->name);
	return n_listed;
}

static int add_field(struct block *block, const struct table *table, const struct field *field)
{
	const char *texts[N_FIELDS] = {
		[TABLE] = table->name,
		[FIELD] = field->name,
		[TYPE] = field_type_name(field->type),
		[UNIT] = field->unit == UNIT_NONE ? NULL : field_unit_name(field->unit),
		[KIND] = field_kind_name(field->kind),
		[HELP] = field->help,
	};
	char groups[128];
	int row = block_add_row(block), r = 0;

	if (list_groups(table, field, groups, sizeof(groups)))
		texts[GROUPS] = groups;
	for (uint32_t i = 0; i < N_FIELDS && row >= 0 && r == 0; i++)
		if (texts[i])
			r = block_set_text(block, (uint32_t)row, i, texts[i], strlen(texts[i]));
	return row < 0 ? row : r;
}

/* With what its rows get by a join. */
static int print_table(struct output *output, const struct table *recorded)
{
	static struct joined_table joined;
	const struct table *table = &joined.table;
	static const int columns[] = {TABLE, FIELD, TYPE, UNIT, KIND, GROUPS, HELP};
	struct block *block;
	int r;

	joined_table_init(&joined, recorded, NULL);
	block = block_new(&schema, table->n_fields, table->n_fields * 512);
	r = block ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < table->n_fields && r == 0; i++)
		r = add_field(block, table, &table->fields[i]);
	for (uint32_t i = 0; i < table->n_fields && r == 0; i++)
		r = output_row(output, block, i, columns);
	block_free(block);
	return r;
}

static int print(enum output_format format, const struct table *tables, size_t n)
{
	static struct stream stream;
	struct output_options output_options;
	struct output *output;
	int r, close_r;

	stream_init(&stream, STDOUT_FILENO);
	options_output(format, &stream, options_now_real_ns(), &output_options);
	output_options.wraps = true;
	r = output_open(&output_options, fields, N_FIELDS, &output);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = print_table(output, &tables[i]);
	close_r = output_close(output);
	return r ? r : close_r;
}

/* Those of the table named, or of all. 0, -EINVAL for a wrong name, or what printing said. */
static int print_chosen(const struct options *options, enum output_format format,
			const struct store_schema *store_schema)
{
	const struct table *tables = store_schema->tables;
	const char *names[TABLE_MAX_TABLES];
	int chosen;

	if (!options->n_operands)
		return print(format, tables, store_schema->n_tables);
	for (uint32_t i = 0; i < store_schema->n_tables; i++)
		names[i] = tables[i].name;
	chosen = options_choose(&usage, "table", options->operands[0], names, store_schema->n_tables);
	return chosen < 0 ? chosen : print(format, tables + chosen, 1);
}

int cmd_schema(int argc, char **argv)
{
	struct store_schema store_schema;
	struct options options;
	enum output_format format;
	int r = options_parse(&usage, argc, argv, &options);

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options_format(&usage, options.values[FORMAT], &format) < 0)
		return STATUS_USAGE;
	r = store_schema_read(options.values[STORE], &store_schema);
	if (r < 0 && r != -ENOMEM) {
		report_store_error(usage.command, options.values[STORE], r);
		r = -EINVAL;
	}
	r = r < 0 ? r : print_chosen(&options, format, &store_schema);
	store_schema_done(&store_schema);
	if (r == -EINVAL)
		return STATUS_USAGE;
	if (r < 0 && r != -EPIPE) {
		fprintf(stderr, "obit schema: cannot write: %s\n", strerror(-r));
		return STATUS_FAILED;
	}
	return STATUS_OK;
}
