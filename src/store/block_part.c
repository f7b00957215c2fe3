// SPDX-License-Identifier: BSD-2-Clause
#include "store/block_part.h"

#include <stdlib.h>

struct part_block {
	struct block block;
	uint64_t *numbers[TABLE_MAX_FIELDS];
	struct span *texts[TABLE_MAX_FIELDS];
	uint8_t *nulls[TABLE_MAX_FIELDS];
};

struct block_part {
	struct block *pointers[TABLE_MAX_TABLES];
	uint32_t rows;
	struct part_block blocks[];
};

static void see(struct part_block *to, const struct block *from, uint32_t first, uint32_t rows)
{
	to->block = *from;
	to->block.rows = to->block.capacity = rows;
	to->block.numbers = to->numbers;
	to->block.texts = to->texts;
	to->block.nulls = to->nulls;
	to->block.dictionaries = NULL;
	for (uint32_t field = 0; field < from->table->n_fields; field++) {
		to->numbers[field] = from->numbers[field] ? from->numbers[field] + first : NULL;
		to->texts[field] = from->texts[field] ? from->texts[field] + first : NULL;
		to->nulls[field] = from->nulls[field] + first;
	}
}

struct block_part *block_part_new(struct block *const *blocks, size_t n, uint32_t part, uint32_t parts)
{
	struct block_part *ret = n > TABLE_MAX_TABLES ? NULL : calloc(1, sizeof(*ret) + n * sizeof(ret->blocks[0]));

	for (size_t i = 0; ret && i < n; i++) {
		uint64_t rows = blocks[i]->rows;
		uint32_t first = (uint32_t)(rows * part / parts), end = (uint32_t)(rows * (part + 1ull) / parts);

		see(&ret->blocks[i], blocks[i], first, end - first);
		ret->pointers[i] = &ret->blocks[i].block;
		ret->rows += end - first;
	}
	return ret;
}

void block_part_free(struct block_part *part)
{
	free(part);
}

struct block *const *block_part_blocks(const struct block_part *part)
{
	return part->pointers;
}

uint32_t block_part_rows(const struct block_part *part)
{
	return part->rows;
}
