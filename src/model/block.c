// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blocks: one allocation holds all columns, a second one the text, so that a block of the agent is two
 * pieces of locked memory, sized once.
 */
#include "model/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX (1u << 31)
/* Rows between columns: at a power of two of bytes apart, a row's fields would all fall into the same set of the cache.
 */
#define APART 24u

/* Columns of 8 bytes first, the byte-wide nulls last: everything is aligned. */
static int lay_out(struct block *block, uint32_t capacity)
{
	const struct table *table = block->table;
	uint32_t n = table->n_fields;
	size_t pointers = 3 * (size_t)n * sizeof(void *);
	size_t stride = (size_t)capacity + APART;
	char *memory = calloc(1, pointers + n * stride * 9);
	char *values, *nulls;

	if (!memory)
		return -ENOMEM;
	values = memory + pointers;
	nulls = values + n * stride * 8;

	uint64_t **numbers = (uint64_t **)(void *)memory;
	struct span **texts = (struct span **)(void *)(memory + n * sizeof(void *));
	uint8_t **null_columns = (uint8_t **)(void *)(memory + 2 * (size_t)n * sizeof(void *));

	for (uint32_t i = 0; i < n; i++) {
		void *column = values + i * stride * 8;

		if (field_is_text(&table->fields[i]))
			texts[i] = column;
		else
			numbers[i] = column;
		null_columns[i] = (uint8_t *)nulls + i * stride;
		if (block->rows) {
			const void *old = texts[i] ? (void *)block->texts[i] : (void *)block->numbers[i];

			memcpy(column, old, (size_t)block->rows * 8);
			memcpy(null_columns[i], block->nulls[i], block->rows);
		}
	}
	free(block->memory);
	block->memory = memory;
	block->numbers = numbers;
	block->texts = texts;
	block->nulls = null_columns;
	block->capacity = capacity;
	return 0;
}

struct block *block_new(const struct table *table, uint32_t capacity, uint32_t arena_size)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		return NULL;
	block->table = table;
	if (block_reserve(block, capacity ? capacity : 1, arena_size ? arena_size : 1) < 0) {
		block_free(block);
		return NULL;
	}
	return block;
}

const struct table *chunk_table(enum chunk_block which)
{
#define TABLE(T, id, ...) [CHUNK_##T] = id,
	static const uint8_t ids[] = {
#include "model/tables.def"
	};

	return table_by_id(ids[which]);
}

struct block *chunk_block_new(enum chunk_block which)
{
	const struct table *table = chunk_table(which);
	const struct table_shape *shape = table_shape(table->id);

	return block_new(table, shape->chunk_rows, shape->chunk_rows * shape->row_text_bytes);
}

void block_free(struct block *block)
{
	if (!block)
		return;
	free(block->memory);
	free(block->arena);
	free(block);
}

void block_clear(struct block *block)
{
	block->rows = 0;
	block->arena_used = 0;
}

int block_reserve(struct block *block, uint32_t capacity, uint32_t arena_size)
{
	if (capacity > BLOCK_MAX || arena_size > BLOCK_MAX)
		return -E2BIG;
	if (arena_size > block->arena_size) {
		char *arena = realloc(block->arena, arena_size);

		if (!arena)
			return -ENOMEM;
		block->arena = arena;
		block->arena_size = arena_size;
	}
	return capacity > block->capacity ? lay_out(block, capacity) : 0;
}

int block_add_row(struct block *block)
{
	uint32_t row = block->rows;

	if (row == block->capacity)
		return -ENOSPC;
	for (uint32_t i = 0; i < block->table->n_fields; i++) {
		block->nulls[i][row] = 1;
		if (block->texts[i])
			block->texts[i][row] = (struct span){0, 0};
		else
			block->numbers[i][row] = 0;
	}
	block->rows++;
	return (int)row;
}

void block_set_number(struct block *block, uint32_t row, uint32_t field, uint64_t value)
{
	block->numbers[field][row] = value;
	block->nulls[field][row] = 0;
}

int block_set_text(struct block *block, uint32_t row, uint32_t field, const void *data, size_t len)
{
	if (len > block->arena_size - block->arena_used)
		return -ENOSPC;
	if (len) /* data may then be NULL, which memcpy() must not see */
		memcpy(block->arena + block->arena_used, data, len);
	block->texts[field][row] = (struct span){block->arena_used, (uint32_t)len};
	block->nulls[field][row] = 0;
	block->arena_used += (uint32_t)len;
	return 0;
}

int block_append_row(struct block *block, const struct block *from, uint32_t row)
{
	uint32_t at = block->rows;
	uint64_t needed = block->arena_used;
	int r = 0;

	for (uint32_t field = 0; field < from->table->n_fields; field++)
		if (from->texts[field] && !from->nulls[field][row])
			needed += from->texts[field][row].len;
	if (needed > BLOCK_MAX)
		return -E2BIG;
	if (at == block->capacity || needed > block->arena_size)
		r = block_reserve(block, at == block->capacity ? at * 2 : block->capacity,
				  needed > block->arena_size && needed <= BLOCK_MAX / 2 ? (uint32_t)needed * 2
											: (uint32_t)needed);
	if (r < 0)
		return r;
	block_add_row(block);
	for (uint32_t field = 0; field < from->table->n_fields; field++) {
		size_t len;
		const char *text;

		if (block_is_null(from, row, field))
			continue;
		if (!from->texts[field]) {
			block_set_number(block, at, field, block_number(from, row, field));
			continue;
		}
		text = block_text(from, row, field, &len);
		block_set_text(block, at, field, text, len);
	}
	return 0;
}
