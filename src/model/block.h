/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A block: some rows of one table, by columns. The ledger fills blocks, the store writes them and reads
 * them back, query and output look at them. It is the only form in which rows travel.
 *
 *   numbers[field][row]  U64, I64 (as its two's complement) and BOOL (0 or 1)
 *   texts[field][row]    STRING and STRINGS: a span of `arena`
 *   nulls[field][row]    1 where the value is absent; a new row is all null
 *
 * Owned by one thread at a time. Setting a value never allocates; only block_new() and block_reserve() do.
 */
#ifndef OBIT_MODEL_BLOCK_H
#define OBIT_MODEL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

struct span {
	uint32_t offset, len;
};

/* The different texts of a column, where whoever made the block knows them. */
struct block_dictionary {
	const uint32_t *numbers;    /* [row]: of its entry; undefined where the row is null. NULL: they are not known */
	const struct span *entries; /* of the arena */
	uint32_t n_entries;
};

struct block {
	const struct table *table; /* not owned */
	uint32_t rows, capacity;
	uint64_t **numbers;  /* NULL at text fields */
	struct span **texts; /* NULL at number fields */
	uint8_t **nulls;
	struct block_dictionary *dictionaries; /* [field]; NULL: of no field */
	char *arena;
	uint32_t arena_used, arena_size;
	void *memory; /* what the pointers above point into */
};

const struct table *chunk_table(enum chunk_block which);

/* An empty block with a chunk's room for the table's rows. NULL: out of memory. */
struct block *chunk_block_new(enum chunk_block which);

/* Room for `capacity` rows and `arena_size` bytes of text. NULL: out of memory. */
struct block *block_new(const struct table *table, uint32_t capacity, uint32_t arena_size);
void block_free(struct block *block);

/* Forgets all rows; keeps the memory. */
void block_clear(struct block *block);

/* Makes room for at least so many rows and bytes of text in all; rows are kept. 0, -ENOMEM, or -E2BIG past 2^31. */
int block_reserve(struct block *block, uint32_t capacity, uint32_t arena_size);

/* Is there room for a row more with so much text? Then adding it cannot fail. */
static inline bool block_has_room(const struct block *block, uint32_t text_bytes)
{
	return block->rows < block->capacity && text_bytes <= block->arena_size - block->arena_used;
}

/* Adds a row of nulls. Its index, or -ENOSPC. */
int block_add_row(struct block *block);

/* Adds a copy of a row of the same table, and makes room for it. 0, -ENOMEM, or -E2BIG as block_reserve(). */
int block_append_row(struct block *block, const struct block *from, uint32_t row);

void block_set_number(struct block *block, uint32_t row, uint32_t field, uint64_t value);

/* Copies the bytes. 0, or -ENOSPC when the arena is full (the value stays null). */
int block_set_text(struct block *block, uint32_t row, uint32_t field, const void *data, size_t len);

static inline int block_is_null(const struct block *block, uint32_t row, uint32_t field)
{
	return block->nulls[field][row];
}

/* The value of a number field; 0 when null. */
static inline uint64_t block_number(const struct block *block, uint32_t row, uint32_t field)
{
	return block->numbers[field][row];
}

/* The bytes of a text field, valid until the block changes; not ended by NUL. *ret_len is 0 when null. */
static inline const char *block_text(const struct block *block, uint32_t row, uint32_t field, size_t *ret_len)
{
	struct span span = block->texts[field][row];

	*ret_len = span.len;
	return block->arena + span.offset;
}

#endif
