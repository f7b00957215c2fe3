// SPDX-License-Identifier: BSD-2-Clause
/*
 * Auditing lifetimes: an open hash table of the processes alive, by (pid, start), with the sums of their rows.
 * Numbers come from disk: sums wrap, and a wrapped sum does not add up.
 */
#include "query/lifetimes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { MAX_SUMS = 32, SLOTS_FIRST = 1024 };

/* A start is stamped by the clock of another time than the interval's begin: near it nobody can know which was first.
 */
#define DOUBT_NS UINT64_C(100000000)

struct life {
	uint64_t pid, start; /* since boot; of rows without that, by the time of day. pid 0: a free slot */
	uint64_t rows, threads;
	uint64_t sums[MAX_SUMS]; /* of the fields in struct lifetimes */
};

struct lifetimes {
	struct lifetimes_sink sink;
	struct life *slots;
	size_t n_slots, n_used; /* n_slots is a power of two */
	const char *fields[MAX_SUMS];
	int is_by_thread[MAX_SUMS];
	size_t n_fields;
	uint64_t n_judged;
	bool has_lost_identity; /* of this run a column that names processes is damaged */
	bool is_lost[MAX_SUMS]; /* of this run a column is damaged: nothing can be said of the field */

	uint64_t run_real_ns, begin_real_ns, number; /* the run being read: its first interval read, and the last */
};

/* A block's columns by the fields above; -1: not there. */
struct columns {
	int pid, start, start_boot_ns, threads, exit_time;
	int sums[MAX_SUMS];
};

static const char *const estimated[] = {"user_ns", "system_ns"};
static const char *const by_thread[] = {
	"run_delay_ns", "timeslices", "migrations", "rchar",	   "wchar",
	"syscr",	"syscw",      "read_bytes", "write_bytes", "cancelled_write_bytes"};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	return 0;
}

struct lifetimes *lifetimes_new(const struct lifetimes_sink *sink)
{
	struct lifetimes *lifetimes = calloc(1, sizeof(*lifetimes));
	const struct table *procs = table_by_id(TABLE_PROCS), *exits = table_by_id(TABLE_EXITS);

	if (!lifetimes)
		return NULL;
	lifetimes->sink = *sink;
	lifetimes->n_slots = SLOTS_FIRST;
	lifetimes->slots = calloc(lifetimes->n_slots, sizeof(*lifetimes->slots));
	if (!lifetimes->slots) {
		free(lifetimes);
		return NULL;
	}
	for (uint32_t i = 0; i < procs->n_fields && lifetimes->n_fields < MAX_SUMS; i++) {
		const char *name = procs->fields[i].name;

		if (procs->fields[i].kind != KIND_SUM || table_field(exits, name) < 0 ||
		    is_one_of(name, estimated, ARRAY_SIZE(estimated)))
			continue;
		lifetimes->is_by_thread[lifetimes->n_fields] = is_one_of(name, by_thread, ARRAY_SIZE(by_thread));
		lifetimes->fields[lifetimes->n_fields++] = name;
	}
	return lifetimes;
}

void lifetimes_free(struct lifetimes *lifetimes)
{
	if (lifetimes)
		free(lifetimes->slots);
	free(lifetimes);
}

uint64_t lifetimes_judged(const struct lifetimes *lifetimes)
{
	return lifetimes->n_judged;
}

static int column_of(const struct block *block, const char *name)
{
	int field = table_field(block->table, name);

	return field >= 0 && field_is_text(&block->table->fields[field]) ? -1 : field;
}

static struct columns columns_of(const struct lifetimes *lifetimes, const struct block *block)
{
	struct columns columns = {
		.pid = column_of(block, "pid"),
		.start = column_of(block, "start_time"),
		.start_boot_ns = column_of(block, "start_boot_ns"),
		.threads = column_of(block, "threads"),
		.exit_time = column_of(block, "exit_time"),
	};

	for (size_t i = 0; i < lifetimes->n_fields; i++)
		columns.sums[i] = column_of(block, lifetimes->fields[i]);
	return columns;
}

static uint64_t number_at(const struct block *block, uint32_t row, int column)
{
	return column < 0 || block_is_null(block, row, (uint32_t)column) ? 0
									 : block_number(block, row, (uint32_t)column);
}

static uint64_t identity_at(const struct block *block, uint32_t row, const struct columns *columns)
{
	uint64_t start = number_at(block, row, columns->start_boot_ns);

	return start ? start : number_at(block, row, columns->start);
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static size_t first_slot_of(const struct lifetimes *lifetimes, uint64_t pid, uint64_t start)
{
	uint64_t x = start ^ (pid << 32);

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (size_t)(x ^ (x >> 31)) & (lifetimes->n_slots - 1);
}

static struct life *slot_for(struct lifetimes *lifetimes, uint64_t pid, uint64_t start)
{
	size_t i = first_slot_of(lifetimes, pid, start);

	while (lifetimes->slots[i].pid && (lifetimes->slots[i].pid != pid || lifetimes->slots[i].start != start))
		i = (i + 1) & (lifetimes->n_slots - 1);
	return &lifetimes->slots[i];
}

static int grow(struct lifetimes *lifetimes)
{
	struct life *old = lifetimes->slots;
	size_t n = lifetimes->n_slots;

	lifetimes->slots = calloc(n * 2, sizeof(*old));
	if (!lifetimes->slots) {
		lifetimes->slots = old;
		return -ENOMEM;
	}
	lifetimes->n_slots = n * 2;
	for (size_t i = 0; i < n; i++)
		if (old[i].pid)
			*slot_for(lifetimes, old[i].pid, old[i].start) = old[i];
	free(old);
	return 0;
}

/* Shifts back what follows. */
static void remove_life(struct lifetimes *lifetimes, struct life *life)
{
	size_t mask = lifetimes->n_slots - 1, hole = (size_t)(life - lifetimes->slots), i = hole;

	for (;;) {
		size_t first_slot;

		i = (i + 1) & mask;
		if (!lifetimes->slots[i].pid)
			break;
		first_slot = first_slot_of(lifetimes, lifetimes->slots[i].pid, lifetimes->slots[i].start);
		if (((i - first_slot) & mask) >= ((i - hole) & mask)) {
			lifetimes->slots[hole] = lifetimes->slots[i];
			hole = i;
		}
	}
	lifetimes->slots[hole].pid = 0;
	lifetimes->n_used--;
}

static int add_procs(struct lifetimes *lifetimes, const struct block *block, const struct columns *of)
{
	const struct columns columns = *of;
	struct life *life = NULL; /* of the row before: of a sealed segment most have the same */

	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t pid = number_at(block, row, columns.pid), start = number_at(block, row, columns.start);
		uint64_t threads = number_at(block, row, columns.threads);

		/* Of one that was there before there may be rows that are not read. */
		if (!pid || start < lifetimes->begin_real_ns + DOUBT_NS)
			continue;
		start = identity_at(block, row, of);
		if (lifetimes->n_used * 4 >= lifetimes->n_slots * 3) {
			life = NULL;
			if (grow(lifetimes) < 0)
				return -ENOMEM;
		}
		if (!life || life->pid != pid || life->start != start)
			life = slot_for(lifetimes, pid, start);
		if (!life->pid) {
			*life = (struct life){.pid = pid, .start = start};
			lifetimes->n_used++;
		}
		life->rows++;
		life->threads = threads > life->threads ? threads : life->threads;
		for (size_t i = 0; i < lifetimes->n_fields; i++)
			life->sums[i] += number_at(block, row, columns.sums[i]);
	}
	return 0;
}

static void judge(struct lifetimes *lifetimes, const struct block *exits, uint32_t row, const struct columns *columns,
		  const struct life *life, uint64_t number)
{
	int has_threads = life->threads > 1 || number_at(exits, row, columns->threads) > 1;

	lifetimes->n_judged++;
	for (size_t i = 0; i < lifetimes->n_fields; i++) {
		struct lifetimes_finding finding = {
			.pid = life->pid,
			.interval = number,
			.exit_real_ns = number_at(exits, row, columns->exit_time),
			.field = lifetimes->fields[i],
			.is = life->sums[i],
			.should_be = number_at(exits, row, columns->sums[i]),
			.rows = life->rows,
		};

		if (columns->sums[i] < 0 || lifetimes->is_lost[i] || (has_threads && lifetimes->is_by_thread[i]) ||
		    finding.is == finding.should_be)
			continue;
		lifetimes->sink.take(lifetimes->sink.context, &finding);
		return;
	}
}

static int decode_field(struct group_reader *reader, int field)
{
	return field < 0 ? 0 : group_reader_column(reader, (uint32_t)field);
}

static bool is_damaged(const struct group_reader *reader, int field)
{
	return field >= 0 && group_reader_is_damaged(reader, (uint32_t)field);
}

/* The columns that are summed, and what goes with them. */
static int decode(struct lifetimes *lifetimes, struct group_reader *reader, const struct columns *columns)
{
	int r = decode_field(reader, columns->threads);

	if (r == 0)
		r = decode_field(reader, columns->exit_time);
	for (size_t i = 0; i < lifetimes->n_fields && r == 0; i++) {
		r = decode_field(reader, columns->sums[i]);
		if (is_damaged(reader, columns->sums[i]))
			lifetimes->is_lost[i] = true;
	}
	return r;
}

/* Those that name a process. */
static int begin_group(struct lifetimes *lifetimes, const struct store_group *group, struct group_reader *reader,
		       struct columns *ret)
{
	int r = group_reader_begin(reader, group);

	if (r < 0)
		return r;
	*ret = columns_of(lifetimes, group_reader_block(reader));
	r = decode_field(reader, ret->pid);
	if (r == 0)
		r = decode_field(reader, ret->start_boot_ns);
	if (r == 0)
		r = decode_field(reader, ret->start);
	lifetimes->has_lost_identity |= is_damaged(reader, ret->pid) || is_damaged(reader, ret->start_boot_ns) ||
					is_damaged(reader, ret->start);
	return r;
}

/* Rows of exits whose process has rows in procs; the columns that are summed are decoded only if there is one. */
static int end_lives(struct lifetimes *lifetimes, const struct store_group *group, struct group_reader *reader)
{
	const struct block *exits = group_reader_block(reader);
	struct columns columns = columns_of(lifetimes, exits);
	const uint64_t *places = NULL;
	bool has_sums = false;
	int r = 0;

	for (uint32_t row = 0; row < exits->rows && r == 0; row++) {
		uint64_t pid = number_at(exits, row, columns.pid), place;
		struct life *life = slot_for(lifetimes, pid, identity_at(exits, row, &columns));

		if (!pid || !life->pid)
			continue;
		if (!has_sums) {
			r = decode(lifetimes, reader, &columns);
			if (r == 0)
				r = group_reader_intervals(reader, &places);
			if (r == -EBADMSG)
				r = 0;
		}
		has_sums = true;
		place = places ? places[row] : group->first_interval;
		if (place > group->last_interval)
			place = group->first_interval;
		if (r == 0)
			judge(lifetimes, exits, row, &columns, life, group->intervals[place].number);
		remove_life(lifetimes, life);
	}
	return r;
}

/* Another run, or intervals that are missing: what has been added up is of no use any more. */
static void follow_run(struct lifetimes *lifetimes, const struct store_part *part)
{
	for (uint32_t i = 0; i < part->n_intervals; i++) {
		const struct interval *interval = &part->intervals[i];

		if (part->origin->run_real_ns != lifetimes->run_real_ns || interval->number > lifetimes->number + 2) {
			memset(lifetimes->slots, 0, lifetimes->n_slots * sizeof(*lifetimes->slots));
			lifetimes->has_lost_identity = false;
			memset(lifetimes->is_lost, 0, sizeof(lifetimes->is_lost));
			lifetimes->n_used = 0;
			lifetimes->run_real_ns = part->origin->run_real_ns;
			lifetimes->begin_real_ns = interval->begin_real_ns;
			lifetimes->number = interval->number;
		}
		if (interval->number > lifetimes->number)
			lifetimes->number = interval->number;
	}
}

int lifetimes_add(struct lifetimes *lifetimes, const struct store_part *part, struct group_reader *reader)
{
	int r = 0;

	follow_run(lifetimes, part);
	for (uint32_t i = 0; i < part->n_groups && r == 0; i++) {
		const struct store_group *group = &part->groups[i];
		struct columns columns;

		if (strcmp(group->table->name, "procs") != 0)
			continue;
		r = begin_group(lifetimes, group, reader, &columns);
		if (r == 0)
			r = decode(lifetimes, reader, &columns);
		if (r == 0)
			r = add_procs(lifetimes, group_reader_block(reader), &columns);
	}
	/* Which rows were whose is not known of all: nothing can be said of any. */
	if (lifetimes->has_lost_identity) {
		memset(lifetimes->slots, 0, lifetimes->n_slots * sizeof(*lifetimes->slots));
		lifetimes->n_used = 0;
	}
	for (uint32_t i = 0; i < part->n_groups && r == 0; i++) {
		const struct store_group *group = &part->groups[i];
		struct columns columns;

		if (strcmp(group->table->name, "exits") != 0 || !lifetimes->n_used)
			continue;
		r = begin_group(lifetimes, group, reader, &columns);
		if (r == 0)
			r = end_lives(lifetimes, group, reader);
	}
	return r;
}
