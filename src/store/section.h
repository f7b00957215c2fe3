/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of one table in the log, as bytes: columns one behind the other, each so that it can be passed over.
 *
 *   varint columns | varint bytes of each | the columns (column.h)
 */
#ifndef OBIT_STORE_SECTION_H
#define OBIT_STORE_SECTION_H

#include "model/block.h"
#include "store/column.h"

/* A writer's scratch. Zeroed; freed with section_writer_done(). */
struct section_writer {
	struct sink lengths, columns;
	struct column_texts texts;
	uint64_t *numbers, *rest; /* of each row */
	uint32_t capacity;
};

void section_writer_done(struct section_writer *writer);

/* The block, which has rows: in writer->lengths and, behind it, writer->columns. 0 or -ENOMEM. */
int section_put(struct section_writer *writer, const struct block *block);

/* The columns of a section. */
struct section {
	const struct table *table;
	uint32_t rows, n_columns;
	const unsigned char *columns[TABLE_MAX_FIELDS];
	size_t bytes[TABLE_MAX_FIELDS];
};

/* Where they are. 0 or -EBADMSG. */
int section_open(struct source *from, const struct table *table, uint32_t rows, struct section *ret);

#endif
