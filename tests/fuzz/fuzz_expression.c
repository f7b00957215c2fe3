// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any text as a filter: compiled for each kind of table, and asked of rows with values, without, and of a table
 * that lacks fields.
 *
 *   u8 table | text
 */
#include "model/block.h"
#include "query/expression.h"
#include "input.h"

#define NOW_NS UINT64_C(1767324046000000000)

static const struct field few_fields[] = {
	{"pid", FIELD_U64, UNIT_NONE, KIND_LABEL, ""},
	{"comm", FIELD_U64, UNIT_NONE, KIND_LABEL, "of another type"},
};
static const struct table few = {"exits", "", TABLE_EXITS, 2, few_fields};

/* Of three rows: nulls, values, boundaries. */
static struct block *rows_of(const struct table *table)
{
	struct block *block = block_new(table, 3, 16384);

	MUST(block);
	for (uint32_t row = 0; row < 3; row++) {
		block_add_row(block);
		for (uint32_t field = 0; row && field < table->n_fields; field++)
			if (field_is_text(&table->fields[field]))
				block_set_text(block, row, field, row == 1 ? "cc1\0-o" : "", row == 1 ? 7 : 0);
			else
				block_set_number(block, row, field,
						 table->fields[field].type == FIELD_BOOL ? 1
						 : row == 1				 ? NOW_NS
											 : UINT64_MAX);
	}
	return block;
}

static void ask(struct expression *expression, const struct block *block)
{
	expression_bind(expression, block->table);
	for (uint32_t row = 0; row < block->rows; row++)
		MUST(expression_matches(expression, block, row) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct block *blocks[TABLE_MAX_TABLES], *few_rows;
	struct input input = {data, size};
	size_t n_tables;
	const struct table *const *tables = tables_all(&n_tables);
	size_t i = take_u8(&input) % n_tables;
	struct expression_error error;
	struct expression *expression;
	char *text = strndup((const char *)input.data, input.left), message[1024];
	int r;

	if (!blocks[i])
		blocks[i] = rows_of(tables[i]);
	if (!few_rows)
		few_rows = rows_of(&few);
	r = expression_compile(text, tables[i], &(struct literal_context){NOW_NS, NULL, NULL}, &expression, &error);
	if (r == 0) {
		ask(expression, blocks[i]);
		ask(expression, few_rows);
		expression_free(expression);
	} else {
		MUST(r == -22); /* EINVAL */
		MUST(error.at + error.len <= strlen(text));
		expression_error_write(&error, text, message, sizeof(message));
	}
	free(text);
	return 0;
}
