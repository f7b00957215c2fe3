// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store is read from ever earlier times on until a row of the ledger is found: after a crash that is
 * the last minute, and a long store costs no more than the run before had in it.
 */
#include "agent/previous.h"

#include <string.h>

#include "base/clock.h"
#include "store/reader.h"

#define FIRST_SPAN_NS (60 * NS_PER_S)
#define SPAN_GROWTH   16

/* Takes over the closing of the chunk's ledger rows. */
static int look_at(const struct store_chunk *chunk, const char *boot_id, uint64_t *closing)
{
	int found = 0;

	if (strcmp(chunk->origin->boot_id, boot_id) != 0)
		return 0;
	for (size_t i = 0; i < chunk->n_blocks; i++) {
		const struct block *block = chunk->blocks[i];
		int field = table_field(block->table, "closing");

		if (strcmp(block->table->name, "ledger") != 0 || field < 0 || !block->rows)
			continue;
		*closing = block_number(block, block->rows - 1, (uint32_t)field);
		found = 1;
	}
	return found;
}

static int closing_since(const char *dir, const char *boot_id, uint64_t since_real_ns, uint64_t *closing)
{
	struct store_select select = {.since_real_ns = since_real_ns, .table = "ledger"};
	struct store_reader *reader;
	struct store_chunk chunk;
	int r = store_reader_open(dir, &select, &reader), found = 0;

	if (r < 0)
		return r;
	while ((r = store_reader_next(reader, &chunk)) > 0)
		found |= look_at(&chunk, boot_id, closing);
	store_reader_close(reader);
	return r < 0 ? r : found;
}

int previous_closing(const char *store_dir, const char *boot_id, uint64_t boot_real_ns, uint64_t *ret_closing)
{
	uint64_t now = clock_real_ns(), closing = 0, span = FIRST_SPAN_NS;

	for (;; span *= SPAN_GROWTH) {
		int is_all = now - boot_real_ns <= span;
		int r = closing_since(store_dir, boot_id, is_all ? boot_real_ns : now - span, &closing);

		if (r > 0)
			*ret_closing = closing;
		if (r || is_all)
			return r;
	}
}
