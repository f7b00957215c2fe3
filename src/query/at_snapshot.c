// SPDX-License-Identifier: BSD-2-Clause
/*
 * The processes alive, in an open hash table by (pid, start); each holds the fields of its last row of procs,
 * or of the roster what procs has too.
 */
#include "query/at_snapshot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/limits.h"

#define SLOTS_FIRST 1024

struct member {
	uint64_t pid, start; /* pid 0: a free slot */
	uint64_t listed;     /* ... of its last row of procs: the sums are of that interval; 0: none */
	uint64_t numbers[N_PROCS_FIELDS];
	uint8_t is_known[N_PROCS_FIELDS];
	char *texts[N_PROCS_FIELDS];
	uint32_t lens[N_PROCS_FIELDS];
};

struct at_snapshot {
	uint64_t real_ns;
	const struct table *table;
	struct member *slots;
	size_t n_slots, n_used; /* n_slots is a power of two */
	uint64_t run_real_ns;	/* of the interval that has the snapshot, or of the last one before */
	uint64_t roster;	/* number of the interval of the last one; 0: none in this run */
	struct origin origin;
	uint64_t number, begin_real_ns, end_real_ns; /* of the interval that has the snapshot; 0: not found */
};

struct at_snapshot *at_snapshot_new(uint64_t real_ns)
{
	struct at_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return NULL;
	snapshot->real_ns = real_ns;
	snapshot->table = table_by_id(TABLE_PROCS);
	snapshot->n_slots = SLOTS_FIRST;
	snapshot->slots = calloc(snapshot->n_slots, sizeof(*snapshot->slots));
	if (!snapshot->slots) {
		free(snapshot);
		return NULL;
	}
	return snapshot;
}

static void drop_texts(struct member *member)
{
	for (int i = 0; i < N_PROCS_FIELDS; i++) {
		free(member->texts[i]);
		member->texts[i] = NULL;
	}
}

static void clear(struct at_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_slots; i++)
		if (snapshot->slots[i].pid)
			drop_texts(&snapshot->slots[i]);
	memset(snapshot->slots, 0, snapshot->n_slots * sizeof(*snapshot->slots));
	snapshot->n_used = 0;
}

void at_snapshot_free(struct at_snapshot *snapshot)
{
	if (!snapshot)
		return;
	clear(snapshot);
	free(snapshot->slots);
	free(snapshot);
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static size_t first_slot_of(const struct at_snapshot *snapshot, uint64_t pid, uint64_t start)
{
	uint64_t x = start ^ (pid << 32);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (size_t)(x ^ (x >> 31)) & (snapshot->n_slots - 1);
}

static struct member *slot_for(struct at_snapshot *snapshot, uint64_t pid, uint64_t start)
{
	size_t i = first_slot_of(snapshot, pid, start);

	while (snapshot->slots[i].pid && (snapshot->slots[i].pid != pid || snapshot->slots[i].start != start))
		i = (i + 1) & (snapshot->n_slots - 1);
	return &snapshot->slots[i];
}

static int grow(struct at_snapshot *snapshot)
{
	struct member *old = snapshot->slots;
	size_t n = snapshot->n_slots;

	snapshot->slots = calloc(n * 2, sizeof(*old));
	if (!snapshot->slots) {
		snapshot->slots = old;
		return -ENOMEM;
	}
	snapshot->n_slots = n * 2;
	for (size_t i = 0; i < n; i++)
		if (old[i].pid)
			*slot_for(snapshot, old[i].pid, old[i].start) = old[i];
	free(old);
	return 0;
}

/* Shifts back what follows. */
static void remove_member(struct at_snapshot *snapshot, struct member *member)
{
	size_t mask = snapshot->n_slots - 1, hole = (size_t)(member - snapshot->slots), i = hole;

	drop_texts(member);
	for (;;) {
		size_t first_slot;

		i = (i + 1) & mask;
		if (!snapshot->slots[i].pid)
			break;
		first_slot = first_slot_of(snapshot, snapshot->slots[i].pid, snapshot->slots[i].start);
		if (((i - first_slot) & mask) >= ((i - hole) & mask)) {
			snapshot->slots[hole] = snapshot->slots[i];
			hole = i;
		}
	}
	snapshot->slots[hole] = (struct member){0};
	snapshot->n_used--;
}

/* Where the fields are in a block: looked for once, not for each row. */
struct columns {
	int pid, start_time, start_boot_ns;
	int fields[TABLE_MAX_FIELDS]; /* of the snapshot's table; -1: not there */
};

static struct columns columns_of(const struct at_snapshot *snapshot, const struct block *block)
{
	struct columns columns = {
		.pid = table_field(block->table, "pid"),
		.start_time = table_field(block->table, "start_time"),
		.start_boot_ns = table_field(block->table, "start_boot_ns"),
	};

	for (uint32_t field = 0; field < snapshot->table->n_fields; field++)
		columns.fields[field] = table_field(block->table, snapshot->table->fields[field].name);
	return columns;
}

static uint64_t number_at(const struct block *block, uint32_t row, int field)
{
	return field < 0 || field_is_text(&block->table->fields[field]) || block_is_null(block, row, (uint32_t)field)
		       ? 0
		       : block_number(block, row, (uint32_t)field);
}

/* What names a process beside its pid; of rows without start_boot_ns the time of day must do. */
static uint64_t start_at(const struct block *block, uint32_t row, const struct columns *columns)
{
	uint64_t start = number_at(block, row, columns->start_boot_ns);

	return start ? start : number_at(block, row, columns->start_time);
}

static int take_text(struct member *member, uint32_t field, const struct block *block, uint32_t row, uint32_t from)
{
	size_t len;
	const char *text = block_text(block, row, from, &len);

	if (member->is_known[field] && member->lens[field] == len && memcmp(member->texts[field], text, len) == 0)
		return 0;
	free(member->texts[field]);
	member->texts[field] = malloc(len + 1);
	if (!member->texts[field])
		return -ENOMEM;
	memcpy(member->texts[field], text, len);
	member->lens[field] = (uint32_t)len;
	return 0;
}

/* The fields that both have; of the roster's sums, which are over all of a life, none. */
static int take_row(const struct at_snapshot *snapshot, struct member *member, const struct block *block,
		    const struct columns *columns, uint32_t row, bool is_roster)
{
	const struct table *table = snapshot->table;

	for (uint32_t field = 0; field < table->n_fields; field++) {
		int from = columns->fields[field], is_text;

		if (is_roster && table->fields[field].kind != KIND_LABEL && table->fields[field].kind != KIND_GAUGE)
			continue;
		is_text = field_is_text(&table->fields[field]);
		if (from < 0 || field_is_text(&block->table->fields[from]) != is_text ||
		    block_is_null(block, row, (uint32_t)from)) {
			/* The last row has no levels: what was reported before stands. */
			if (table->fields[field].kind == KIND_SUM || table->fields[field].kind == KIND_MAX)
				member->is_known[field] = 0;
			continue;
		}
		if (is_text && take_text(member, field, block, row, (uint32_t)from) < 0)
			return -ENOMEM;
		if (!is_text)
			member->numbers[field] = block_number(block, row, (uint32_t)from);
		member->is_known[field] = 1;
	}
	return 0;
}

static int add_row(struct at_snapshot *snapshot, const struct block *block, const struct columns *columns, uint32_t row,
		   uint64_t number, bool is_roster)
{
	uint64_t pid = number_at(block, row, columns->pid), start = start_at(block, row, columns);
	struct member *member;

	/* Born after the snapshot, in its interval. */
	if (!pid || number_at(block, row, columns->start_time) > snapshot->real_ns)
		return 0;
	if (snapshot->n_used * 4 >= snapshot->n_slots * 3 && grow(snapshot) < 0)
		return -ENOMEM;
	member = slot_for(snapshot, pid, start);
	if (!member->pid) {
		*member = (struct member){.pid = pid, .start = start};
		snapshot->n_used++;
	}
	if (!is_roster)
		member->listed = number;
	return take_row(snapshot, member, block, columns, row, is_roster);
}

static void end_row(struct at_snapshot *snapshot, const struct block *exits, const struct columns *columns,
		    uint32_t row)
{
	int exit_time = table_field(exits->table, "exit_time");
	uint64_t pid = number_at(exits, row, columns->pid);
	struct member *member = slot_for(snapshot, pid, start_at(exits, row, columns));

	/* At the snapshot it lived. */
	if (pid && member->pid && number_at(exits, row, exit_time) <= snapshot->real_ns)
		remove_member(snapshot, member);
}

/* The last roster up to the snapshot. */
static void find_roster(struct at_snapshot *snapshot, const struct store_part *part, const struct store_group *group,
			const uint64_t *places)
{
	for (uint32_t row = 0; row < group->rows; row++) {
		uint64_t number = part->intervals[places ? places[row] : 0].number;

		if (number <= snapshot->number && number > snapshot->roster) {
			/* What an earlier one said is superseded, also by silence. */
			clear(snapshot);
			snapshot->roster = number;
		}
	}
}

static int add_group(struct at_snapshot *snapshot, enum at_pass pass, const struct store_part *part,
		     const struct store_group *group, struct group_reader *reader)
{
	const struct block *block = group_reader_block(reader);
	const uint64_t *places;
	struct columns columns;
	int r = group_reader_begin(reader, group);

	if (r == 0)
		r = group_reader_intervals(reader, &places);
	if (r < 0)
		return r == -EBADMSG ? 0 : r; /* of what time they are nobody knows */
	r = group_reader_columns(reader, NULL);
	if (r < 0)
		return r;
	columns = columns_of(snapshot, block);
	if (pass == AT_ROSTER)
		find_roster(snapshot, part, group, places);
	for (uint32_t row = 0; row < group->rows && r == 0; row++) {
		uint64_t number = part->intervals[places ? places[row] : 0].number;

		if (number > snapshot->number)
			continue;
		if (pass == AT_EXITS)
			end_row(snapshot, block, &columns, row);
		else if (pass == AT_ROSTER ? number == snapshot->roster : number >= snapshot->roster)
			r = add_row(snapshot, block, &columns, row, number, pass == AT_ROSTER);
	}
	return r;
}

/* The first interval that ends after the time has it, if it begins before. */
static void find_interval(struct at_snapshot *snapshot, const struct store_part *part)
{
	for (uint32_t i = 0; i < part->n_intervals && !snapshot->number; i++) {
		const struct interval *interval = &part->intervals[i];

		if (!interval->is_last_chunk || interval->begin_real_ns > snapshot->real_ns ||
		    interval->end_real_ns <= snapshot->real_ns)
			continue;
		snapshot->number = interval->number;
		snapshot->begin_real_ns = interval->begin_real_ns;
		snapshot->end_real_ns = interval->end_real_ns;
		snapshot->run_real_ns = part->origin->run_real_ns;
		snapshot->origin = *part->origin;
	}
}

struct store_select at_snapshot_select(const struct at_snapshot *snapshot, enum at_pass pass)
{
	static const char *const tables[N_AT_PASSES] = {"ledger", "roster", "procs", "exits"};

	return (struct store_select){
		.since_real_ns = snapshot->real_ns > ROSTER_REACH_NS ? snapshot->real_ns - ROSTER_REACH_NS : 0,
		.until_real_ns = snapshot->real_ns + 1,
		.table = tables[pass],
	};
}

int at_snapshot_read(struct at_snapshot *snapshot, enum at_pass pass, struct store_reader *store)
{
	struct group_reader *reader = group_reader_new(store_reader_note_damage, store);
	const struct store_part *part;
	int r = reader ? 0 : -ENOMEM;

	while (r == 0 && (r = store_reader_next(store, &part)) > 0) {
		r = 0;
		if (pass == AT_INTERVALS) {
			find_interval(snapshot, part);
			continue;
		}
		if (!snapshot->number || part->origin->run_real_ns != snapshot->run_real_ns)
			continue;
		for (uint32_t i = 0; i < part->n_groups && r == 0; i++)
			r = add_group(snapshot, pass, part, &part->groups[i], reader);
	}
	group_reader_free(reader);
	return r;
}

uint64_t at_snapshot_end(const struct at_snapshot *snapshot)
{
	return snapshot->number ? snapshot->end_real_ns : 0;
}

uint64_t at_snapshot_begin(const struct at_snapshot *snapshot)
{
	return snapshot->number ? snapshot->begin_real_ns : 0;
}

void at_snapshot_interval(const struct at_snapshot *snapshot, struct interval *ret, struct origin *ret_origin)
{
	*ret = (struct interval){snapshot->number, snapshot->begin_real_ns, snapshot->end_real_ns, true};
	*ret_origin = snapshot->origin;
}

enum at_snapshot_verdict at_snapshot_verdict(const struct at_snapshot *snapshot)
{
	if (!snapshot->number)
		return AT_NOT_RECORDED;
	return snapshot->roster ? AT_KNOWN : AT_NO_ROSTER;
}

static int put_row(const struct at_snapshot *snapshot, const struct member *member, struct block *block)
{
	int row = block_add_row(block), r = row < 0 ? row : 0, is_idle = member->listed != snapshot->number;

	for (uint32_t field = 0; field < snapshot->table->n_fields && r == 0; field++) {
		enum field_kind kind = snapshot->table->fields[field].kind;

		if (is_idle && kind == KIND_SUM && field != PROCS_block_ns)
			block_set_number(block, (uint32_t)row, field, 0);
		else if (!member->is_known[field] || (is_idle && (kind == KIND_SUM || kind == KIND_MAX)))
			continue;
		else if (field_is_text(&snapshot->table->fields[field]))
			r = block_set_text(block, (uint32_t)row, field, member->texts[field], member->lens[field]);
		else
			block_set_number(block, (uint32_t)row, field, member->numbers[field]);
	}
	if (r == 0)
		block_set_number(block, (uint32_t)row, PROCS_time, snapshot->end_real_ns);
	return r;
}

struct block *at_snapshot_rows(const struct at_snapshot *snapshot)
{
	struct block *block;
	uint64_t bytes = 1;

	for (size_t i = 0; i < snapshot->n_slots; i++)
		for (int field = 0; snapshot->slots[i].pid && field < N_PROCS_FIELDS; field++)
			bytes += snapshot->slots[i].lens[field];
	if (bytes > UINT32_MAX || snapshot->n_used > UINT32_MAX)
		return NULL;
	block = block_new(snapshot->table, (uint32_t)snapshot->n_used + 1, (uint32_t)bytes);
	for (size_t i = 0; block && i < snapshot->n_slots; i++)
		if (snapshot->slots[i].pid && put_row(snapshot, &snapshot->slots[i], block) < 0) {
			block_free(block);
			return NULL;
		}
	return block;
}
