// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store is read from ever earlier times on until a row of the ledger is found: after a crash that is
 * the last minute, and a long store costs no more than the run before had in it.
 */
#include "agent/previous.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "store/reader.h"

#define FIRST_SPAN_NS (60 * NS_PER_S)
#define SPAN_GROWTH   16

/* Takes over the closing of the last of the group's rows: they are in order of time. */
static int take_closing(const struct store_group *group, struct group_reader *reader, uint64_t *closing)
{
	int field = table_field(group->table, "closing");
	int r = field < 0 || field_is_text(&group->table->fields[field]) ? -ENOENT : group_reader_begin(reader, group);

	if (r == 0)
		r = group_reader_column(reader, (uint32_t)field);
	if (r == 0)
		*closing = block_number(group_reader_block(reader), group->rows - 1, (uint32_t)field);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int closing_since(const char *dir, const char *boot_id, uint64_t since_real_ns, uint64_t *closing)
{
	struct store_select select = {.since_real_ns = since_real_ns, .table = "ledger"};
	struct group_reader *groups = NULL;
	struct store_reader *reader;
	const struct store_part *part;
	int r = store_reader_open(dir, &select, &reader), found = 0;

	if (r < 0)
		return r;
	groups = group_reader_new(store_reader_note_damage, reader);
	if (!groups)
		r = -ENOMEM;
	while (r >= 0 && (r = store_reader_next(reader, &part)) > 0) {
		for (uint32_t i = 0; i < part->n_groups && r >= 0; i++) {
			if (strcmp(part->origin->boot_id, boot_id) != 0)
				continue;
			r = take_closing(&part->groups[i], groups, closing);
			found |= r > 0;
		}
	}
	group_reader_free(groups);
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
