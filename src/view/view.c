// SPDX-License-Identifier: BSD-2-Clause
/*
 * A snapshot of who lived, and the rows of the interval beside it. Rows are of the interval by its number, not by their
 * time: who ends around a boundary is counted where the ledger counted it.
 */
#include "view/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "model/limits.h"

#define N_ROWS_FIRST 256
#define TEXT_FIRST   16384
#define LATEST_REACH (3600 * NS_PER_S) /* an interval is this long at most */

/* --- the table -------------------------------------------------------------------------------------------------- */
#define VIEW(name, ...) VIEW_##name,
enum view_field {
	VIEW_FIRST = N_PROCS_FIELDS - 1,
#include "view/view_fields.def"
	N_VIEW_FIELDS
};
#undef VIEW

const struct table *view_table(void)
{
	static const struct field own[] = {
#define VIEW(name, type, unit, kind, help) {#name, FIELD_##type, UNIT_##unit, KIND_##kind, help},
#include "view/view_fields.def"
#undef VIEW
	};
	static struct field fields[N_VIEW_FIELDS];
	static struct table table;

	if (table.fields)
		return &table;
	memcpy(fields, table_by_id(TABLE_PROCS)->fields, N_PROCS_FIELDS * sizeof(*fields));
	memcpy(fields + N_PROCS_FIELDS, own, sizeof(own));
	table = (struct table){"view", "an interval: who was there, and how they ended", 0, N_VIEW_FIELDS, fields};
	return &table;
}

/* --- rows ------------------------------------------------------------------------------------------------------- */
/* A row on its way, and the row of the view of each process that ended. */
struct filling {
	struct view *view;
	struct map ended;
	const struct table *from;      /* `columns` are of it */
	int columns[TABLE_MAX_FIELDS]; /* [field of the view]: in the block, or -1 */
	int (*take)(struct filling *filling, const struct block *block, uint32_t row);
};

static void find_columns(struct filling *filling, const struct table *from)
{
	const struct table *table = &filling->view->joined.table;

	filling->from = from;
	for (uint32_t field = 0; field < table->n_fields; field++)
		filling->columns[field] = table_same_field(from, &table->fields[field]);
}

static int set_text(struct block *rows, uint32_t row, uint32_t field, const char *text, size_t len)
{
	int r = rows->arena_size - rows->arena_used < len
			? block_reserve(rows, rows->capacity, (rows->arena_size + (uint32_t)len) * 2)
			: 0;

	return r == 0 ? block_set_text(rows, row, field, text, len) : r;
}

static int copy_fields(struct filling *filling, const struct block *block, uint32_t row, uint32_t to, uint32_t first,
		       uint32_t end)
{
	struct block *rows = filling->view->rows;
	int r = 0;

	for (uint32_t field = first; field < end && r == 0; field++) {
		int from = filling->columns[field];
		const char *text;
		size_t len;

		if (from < 0 || block_is_null(block, row, (uint32_t)from))
			continue;
		if (!field_is_text(&rows->table->fields[field])) {
			block_set_number(rows, to, field, block_number(block, row, (uint32_t)from));
			continue;
		}
		text = block_text(block, row, (uint32_t)from, &len);
		r = set_text(rows, to, field, text, len);
	}
	return r;
}

static int add_row(struct filling *filling, uint32_t *ret)
{
	struct block *rows = filling->view->rows;
	int row, r = rows->rows < rows->capacity ? 0 : block_reserve(rows, rows->capacity * 2, rows->arena_size);

	if (r < 0)
		return r;
	row = block_add_row(rows);
	if (row < 0)
		return row;
	*ret = (uint32_t)row;
	block_set_number(rows, *ret, PROCS_time, filling->view->interval.end_real_ns);
	return 0;
}

static uint64_t number_at(const struct filling *filling, const struct block *block, uint32_t row, uint32_t field)
{
	int from = filling->columns[field];

	return from < 0 || block_is_null(block, row, (uint32_t)from) ? 0 : block_number(block, row, (uint32_t)from);
}

/* Of rows without start_boot_ns, which older stores have, the time of day must do. */
static struct map_key key_of(const struct filling *filling, const struct block *block, uint32_t row)
{
	uint64_t start = number_at(filling, block, row, PROCS_start_boot_ns);

	return (struct map_key){number_at(filling, block, row, PROCS_pid),
				start ? start : number_at(filling, block, row, PROCS_start_time)};
}

/* What it used is not known yet. */
static void clear_sums(struct block *rows, uint32_t row)
{
	for (uint32_t field = 0; field < N_PROCS_FIELDS; field++)
		if (rows->table->fields[field].kind == KIND_SUM || rows->table->fields[field].kind == KIND_MAX)
			rows->nulls[field][row] = 1;
}

/*
 * Born in the interval and ended in it, it used what its exit says. Born before, its last row of procs says what it
 * used in it, and comes later: a life that has rows of procs has one. Only of those that were there before the first
 * interval of a run there may be none.
 */
static int take_exit(struct filling *filling, const struct block *block, uint32_t row)
{
	struct view *view = filling->view;
	struct map_key key = key_of(filling, block, row);
	uint32_t to = 0, *known;
	int r = add_row(filling, &to);

	if (r == 0)
		r = copy_fields(filling, block, row, to, PROCS_time + 1, filling->view->joined.table.n_fields);
	if (r < 0)
		return r;
	block_set_number(view->rows, to, VIEW_exits, 1);
	r = set_text(view->rows, to, PROCS_state, "X", 1);
	if (r < 0)
		return r;
	if (view->interval.number == 1 && !block_is_null(view->rows, to, PROCS_start_time) &&
	    block_number(view->rows, to, PROCS_start_time) < view->interval.begin_real_ns)
		clear_sums(view->rows, to);
	known = map_put(&filling->ended, key);
	if (!known)
		return -ENOMEM;
	*known = to + 1;
	view->n_ended++;
	return 0;
}

/* The last row of one that ended. Of one whose exit is in a roll-up it is all that is known. */
static int take_last_part(struct filling *filling, const struct block *block, uint32_t row)
{
	int state = filling->columns[PROCS_state];
	const uint32_t *known;
	const char *text;
	uint32_t to;
	size_t len;
	int r = 0;

	if (state < 0 || block_is_null(block, row, (uint32_t)state))
		return 0;
	text = block_text(block, row, (uint32_t)state, &len);
	if (len != 1 || *text != 'X')
		return 0;
	known = map_find(&filling->ended, key_of(filling, block, row));
	if (known && *known) {
		to = *known - 1;
		for (uint32_t field = 0; field < N_PROCS_FIELDS && r == 0; field++)
			if (filling->view->rows->table->fields[field].kind == KIND_SUM ||
			    filling->view->rows->table->fields[field].kind == KIND_MAX)
				r = copy_fields(filling, block, row, to, field, field + 1);
		return r;
	}
	r = add_row(filling, &to);
	filling->view->n_ended++;
	return r == 0 ? copy_fields(filling, block, row, to, PROCS_time + 1, N_PROCS_FIELDS) : r;
}

static int take_rollup(struct filling *filling, const struct block *block, uint32_t row)
{
	uint32_t to;
	int r = add_row(filling, &to);

	return r == 0 ? copy_fields(filling, block, row, to, PROCS_time + 1, filling->view->joined.table.n_fields) : r;
}

static int take_alive(struct filling *filling, const struct block *block, uint32_t row)
{
	uint32_t to;
	int r = add_row(filling, &to);

	if (r == 0)
		r = copy_fields(filling, block, row, to, PROCS_time + 1, N_PROCS_FIELDS);
	if (r == 0)
		block_set_number(filling->view->rows, to, VIEW_exits, 0);
	return r;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */
static int take_group(struct filling *filling, const struct store_part *part, const struct store_group *group,
		      struct group_reader *reader)
{
	const struct block *block = group_reader_block(reader);
	const uint64_t *places;
	int r = group_reader_begin(reader, group);

	if (r == 0)
		r = group_reader_intervals(reader, &places);
	if (r < 0)
		return r == -EBADMSG ? 0 : r; /* of which interval they are nobody knows */
	r = group_reader_columns(reader, NULL);
	find_columns(filling, group->table);
	for (uint32_t row = 0; row < group->rows && r == 0; row++)
		if (part->intervals[places ? places[row] : 0].number == filling->view->interval.number)
			r = filling->take(filling, block, row);
	return r;
}

static int take_part(struct filling *filling, const struct store_part *part, struct group_reader *reader)
{
	uint64_t number = filling->view->interval.number;
	int r = 0;

	if (part->origin->run_real_ns != filling->view->origin.run_real_ns)
		return 0;
	for (uint32_t i = 0; i < part->n_groups && r == 0; i++) {
		const struct store_group *group = &part->groups[i];

		if (part->intervals[group->first_interval].number <= number &&
		    part->intervals[group->last_interval].number >= number)
			r = take_group(filling, part, group, reader);
	}
	return r;
}

/* The rows of the interval of a table. */
static int read_table(struct filling *filling, const char *dir, const char *table,
		      int (*take)(struct filling *filling, const struct block *block, uint32_t row))
{
	struct view *view = filling->view;
	struct store_select select = {
		.since_real_ns = view->interval.begin_real_ns,
		.until_real_ns = view->interval.end_real_ns + 1,
		.table = table,
	};
	struct store_reader *store;
	const struct store_part *part;
	struct group_reader *reader;
	size_t n_damage;
	int r = store_reader_open(dir, &select, &store);

	if (r < 0)
		return r;
	filling->take = take;
	reader = group_reader_new(store_reader_note_damage, store);
	r = reader ? 0 : -ENOMEM;
	while (r == 0 && (r = store_reader_next(store, &part)) > 0)
		r = take_part(filling, part, reader);
	store_reader_damage(store, &n_damage);
	view->n_damaged += n_damage;
	group_reader_free(reader);
	store_reader_close(store);
	return r;
}

static int take_system(struct filling *filling, const struct block *block, uint32_t row)
{
	struct block **to =
		strcmp(filling->from->name, "ledger") == 0 ? &filling->view->ledger : &filling->view->system;
	const struct table *table = table_by_name(filling->from->name);

	if (!*to)
		*to = block_new(table, 1, 1);
	if (!*to)
		return -ENOMEM;
	block_clear(*to);
	block_add_row(*to);
	for (uint32_t field = 0; field < table->n_fields; field++) {
		int from = table_same_field(block->table, &table->fields[field]);

		if (from >= 0 && !field_is_text(&table->fields[field]) && !block_is_null(block, row, (uint32_t)from))
			block_set_number(*to, 0, field, block_number(block, row, (uint32_t)from));
	}
	return 0;
}

static int read_snapshot(struct at_snapshot *snapshot, const char *dir, enum at_pass pass)
{
	struct store_select select = at_snapshot_select(snapshot, pass);
	struct store_reader *store;
	int r = store_reader_open(dir, &select, &store);

	if (r < 0)
		return r;
	r = at_snapshot_read(snapshot, pass, store);
	store_reader_close(store);
	return r;
}

/* Of the live processes of the snapshot some may have ended in the interval, where clocks and counting differ. */
static int add_alive(struct filling *filling, const struct block *alive)
{
	int r = 0;

	find_columns(filling, alive->table);
	for (uint32_t row = 0; row < alive->rows && r == 0; row++) {
		const uint32_t *known = map_find(&filling->ended, key_of(filling, alive, row));

		if (known && *known)
			continue;
		r = take_alive(filling, alive, row);
		filling->view->n_alive++;
	}
	return r;
}

/* Of those who ended the arguments are in their exits; all other names are looked up. */
static int join_names(struct view *view, const char *dir)
{
	bool wanted[TABLE_MAX_FIELDS];
	struct joins_of_table of;
	struct joins *joins;
	size_t n_damage;
	int r;

	for (uint32_t field = 0; field < view->joined.table.n_fields; field++)
		wanted[field] = field >= view->joined.n_recorded;
	r = joins_open(dir, view->interval.begin_real_ns, view->interval.end_real_ns,
		       joined_table_keys(&view->joined, wanted), &joins);
	if (r < 0)
		return r;
	of = (struct joins_of_table){joins, &view->joined};
	r = joins_read(joins);
	if (r == 0)
		r = joins_fill(&of, view->rows, view->interval.begin_real_ns);
	store_reader_damage(joins_reader(joins), &n_damage);
	view->n_damaged += n_damage;
	joins_close(joins);
	return r;
}

static int fill(struct filling *filling, const char *dir, struct at_snapshot *snapshot)
{
	struct view *view = filling->view;
	struct block *alive;
	int r;

	joined_table_init(&view->joined, view_table(), NULL);
	view->rows = block_new(&view->joined.table, N_ROWS_FIRST, TEXT_FIRST);
	r = view->rows ? read_table(filling, dir, "exits", take_exit) : -ENOMEM;
	if (r == 0)
		r = read_table(filling, dir, "procs", take_last_part);
	if (r == 0)
		r = read_table(filling, dir, "rollups", take_rollup);
	alive = r == 0 ? at_snapshot_rows(snapshot) : NULL;
	if (r == 0)
		r = alive ? add_alive(filling, alive) : -ENOMEM;
	block_free(alive);
	if (r == 0)
		r = read_table(filling, dir, "system", take_system);
	if (r == 0)
		r = read_table(filling, dir, "ledger", take_system);
	return r == 0 ? join_names(view, dir) : r;
}

int view_read(struct view *ret, const char *dir, uint64_t real_ns)
{
	struct filling filling = {.view = ret};
	struct at_snapshot *snapshot = at_snapshot_new(real_ns);
	int r = snapshot ? read_snapshot(snapshot, dir, AT_INTERVALS) : -ENOMEM;

	*ret = (struct view){.verdict = AT_NOT_RECORDED};
	if (r < 0 || !at_snapshot_end(snapshot)) {
		at_snapshot_free(snapshot);
		return r;
	}
	at_snapshot_interval(snapshot, &ret->interval, &ret->origin);
	at_snapshot_free(snapshot);
	/* As it was when the interval ended. */
	snapshot = at_snapshot_new(ret->interval.end_real_ns - 1);
	r = snapshot ? 0 : -ENOMEM;
	for (int pass = 0; pass < N_AT_PASSES && r == 0; pass++)
		r = read_snapshot(snapshot, dir, (enum at_pass)pass);
	if (r == 0)
		r = fill(&filling, dir, snapshot);
	if (r == 0)
		ret->verdict = at_snapshot_verdict(snapshot);
	map_done(&filling.ended);
	at_snapshot_free(snapshot);
	return r;
}

void view_done(struct view *view)
{
	block_free(view->rows);
	block_free(view->system);
	block_free(view->ledger);
	*view = (struct view){.verdict = AT_NOT_RECORDED};
}

int view_latest(const char *dir, uint64_t now_real_ns, uint64_t *ret_end_real_ns)
{
	struct store_select select = {
		.since_real_ns = now_real_ns > LATEST_REACH ? now_real_ns - LATEST_REACH : 0,
		.table = "ledger",
	};
	const struct store_part *part;
	struct store_reader *store;
	int r = store_reader_open(dir, &select, &store);

	*ret_end_real_ns = 0;
	if (r < 0)
		return r;
	while ((r = store_reader_next(store, &part)) > 0)
		for (uint32_t i = 0; i < part->n_intervals; i++)
			if (part->intervals[i].is_last_chunk && part->intervals[i].end_real_ns > *ret_end_real_ns)
				*ret_end_real_ns = part->intervals[i].end_real_ns;
	store_reader_close(store);
	return r;
}
