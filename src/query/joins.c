// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading names in.
 */
#include "query/joins_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fnv.h"
#include "model/limits.h"

static int reserve_text(struct joins *joins);

int joins_open(const char *dir, uint64_t since_real_ns, uint64_t until_real_ns, unsigned keys, struct joins **ret)
{
	struct store_select select = {
		.since_real_ns = since_real_ns > ROSTER_REACH_NS ? since_real_ns - ROSTER_REACH_NS : 0,
		.until_real_ns = until_real_ns,
	};
	struct joins *joins = calloc(1, sizeof(*joins));
	int r = joins ? 0 : -ENOMEM;

	if (r == 0) {
		joins->keys = keys;
		buffer_add(&joins->programs, &(struct program){0}, sizeof(struct program));
		buffer_add(&joins->containers, &(struct container_names){0}, sizeof(struct container_names));
		r = reserve_text(joins);
	}
	if (r == 0) {
		joins->texts[0] = (struct span){0};
		r = store_reader_open(dir, &select, &joins->store);
	}
	if (r == 0) {
		store_reader_follow(joins->store);
		joins->reader = group_reader_new(store_reader_note_damage, joins->store);
		r = joins->reader && !joins->programs.error && !joins->containers.error ? 0 : -ENOMEM;
	}
	if (r < 0) {
		joins_close(joins);
		return r;
	}
	*ret = joins;
	return 0;
}

void joins_close(struct joins *joins)
{
	if (!joins)
		return;
	group_reader_free(joins->reader);
	store_reader_close(joins->store);
	buffer_done(&joins->bytes);
	buffer_done(&joins->programs);
	buffer_done(&joins->containers);
	free(joins->texts);
	free(joins->same_hash);
	map_done(&joins->by_hash);
	map_done(&joins->processes);
	map_done(&joins->users);
	map_done(&joins->groups);
	map_done(&joins->by_container);
	map_done(&joins->uids);
	map_done(&joins->gids);
	free(joins);
}

struct store_reader *joins_reader(struct joins *joins)
{
	return joins->store;
}

/* --- texts ------------------------------------------------------------------------------------------------------ */
static struct map_key key_of_text(const char *data, size_t len)
{
	return (struct map_key){fnv_hash(data, len), len};
}

uint32_t joins_find_text(const struct joins *joins, const char *data, size_t len)
{
	const uint32_t *first = map_find(&joins->by_hash, key_of_text(data, len));
	uint32_t text = first ? *first : 0;

	while (text && len && memcmp(joins->bytes.data + joins->texts[text].offset, data, len) != 0)
		text = joins->same_hash[text];
	return text;
}

static int reserve_text(struct joins *joins)
{
	uint32_t capacity = joins->texts_capacity * 2 + 256;
	struct span *texts;
	uint32_t *same;

	if (joins->n_texts + 1 < joins->texts_capacity)
		return 0;
	texts = realloc(joins->texts, capacity * sizeof(*texts));
	if (texts)
		joins->texts = texts;
	same = texts ? realloc(joins->same_hash, capacity * sizeof(*same)) : NULL;
	if (!same)
		return -ENOMEM;
	joins->same_hash = same;
	joins->texts_capacity = capacity;
	return 0;
}

/* Also where it is known already. 0 or -ENOMEM. */
static int add_text(struct joins *joins, const char *data, size_t len, uint32_t *ret)
{
	uint32_t *first;

	*ret = joins_find_text(joins, data, len);
	if (*ret)
		return 0;
	if (joins->bytes.used + len > INT32_MAX || reserve_text(joins) < 0)
		return -ENOMEM;
	first = map_put(&joins->by_hash, key_of_text(data, len));
	if (!first || buffer_reserve(&joins->bytes, len + 1) < 0)
		return -ENOMEM;
	*ret = ++joins->n_texts;
	joins->texts[*ret] = (struct span){(uint32_t)joins->bytes.used, (uint32_t)len};
	joins->same_hash[*ret] = *first;
	*first = *ret;
	buffer_add(&joins->bytes, data, len);
	return joins->bytes.error;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */
/* What is read of those tables. */
enum source_column {
	TIME,
	PID,
	START,
	UID,
	GID,
	EXE,
	ARGV,
	CGROUP,
	CONTAINER_ID,
	NAME,
	RUNTIME,
	POD,
	NAMESPACE,
	IMAGE,
	N_SOURCE
};

static const struct {
	const char *name;
	bool is_text;
} source_columns[N_SOURCE] = {
	[TIME] = {"time", false},
	[PID] = {"pid", false},
	[START] = {"start_boot_ns", false},
	[UID] = {"uid", false},
	[GID] = {"gid", false},
	[EXE] = {"exe", true},
	[ARGV] = {"argv", true},
	[CGROUP] = {"cgroup", true},
	[CONTAINER_ID] = {"container_id", true},
	[NAME] = {"name", true},
	[RUNTIME] = {"runtime", true},
	[POD] = {"pod", true},
	[NAMESPACE] = {"namespace", true},
	[IMAGE] = {"image", true},
};

/* A group of one of them. */
struct source_group {
	const struct block *block;
	int at[N_SOURCE]; /* fields; -1: it has none */
	struct {
		struct span span;
		uint32_t text;
	} last[N_SOURCE]; /* of the row before: in a sealed segment most have the same */
};

static int text_at(struct joins *joins, struct source_group *from, uint32_t row, enum source_column column,
		   uint32_t *ret)
{
	const struct block *block = from->block;
	int field = from->at[column], r;
	struct span span;

	*ret = 0;
	if (field < 0 || block_is_null(block, row, (uint32_t)field))
		return 0;
	span = block->texts[field][row];
	if (from->last[column].text && span.offset == from->last[column].span.offset &&
	    span.len == from->last[column].span.len) {
		*ret = from->last[column].text;
		return 0;
	}
	r = add_text(joins, block->arena + span.offset, span.len, ret);
	from->last[column].span = span;
	from->last[column].text = *ret;
	return r;
}

static bool number_at(const struct source_group *from, uint32_t row, enum source_column column, uint64_t *ret)
{
	int field = from->at[column];

	*ret = 0;
	if (field < 0 || block_is_null(from->block, row, (uint32_t)field))
		return false;
	*ret = block_number(from->block, row, (uint32_t)field);
	return true;
}

static bool is_same(const struct program *a, const struct program *b)
{
	return a->uid == b->uid && a->exe == b->exe && a->argv == b->argv && a->cgroup == b->cgroup &&
	       a->container == b->container;
}

/* Into its process's chain, by time; nothing where it says what the one before says. */
static int add_program(struct joins *joins, struct map_key process, const struct program *program)
{
	uint32_t *first = map_put(&joins->processes, process), place, before = 0;

	if (!first)
		return -ENOMEM;
	for (uint32_t i = *first; i && program_at(joins, i)->time_ns <= program->time_ns;
	     i = program_at(joins, i)->next)
		before = i;
	if (before && is_same(program_at(joins, before), program))
		return 0;
	place = (uint32_t)(joins->programs.used / sizeof(*program));
	buffer_add(&joins->programs, program, sizeof(*program));
	if (joins->programs.error)
		return -ENOMEM;
	program_at(joins, place)->next = before ? program_at(joins, before)->next : *first;
	if (before)
		program_at(joins, before)->next = place;
	else
		*first = place;
	return 0;
}

static int take_program(struct joins *joins, struct source_group *from, uint32_t row)
{
	struct program program = {0};
	struct map_key process;
	int r;

	if (!number_at(from, row, PID, &process.a) || !number_at(from, row, START, &process.b))
		return 0;
	number_at(from, row, TIME, &program.time_ns);
	if (!number_at(from, row, UID, &program.uid))
		program.uid = NO_UID;
	r = text_at(joins, from, row, EXE, &program.exe);
	if (r == 0)
		r = text_at(joins, from, row, ARGV, &program.argv);
	if (r == 0)
		r = text_at(joins, from, row, CGROUP, &program.cgroup);
	if (r == 0)
		r = text_at(joins, from, row, CONTAINER_ID, &program.container);
	return r < 0 ? r : add_program(joins, process, &program);
}

static int take_account(struct joins *joins, struct source_group *from, uint32_t row, enum source_column id_column,
			struct map *names, struct map *ids)
{
	uint64_t id;
	uint32_t name, *of_id, *of_name;
	int r = text_at(joins, from, row, NAME, &name);

	if (r < 0 || !name || !number_at(from, row, id_column, &id) || id > UINT32_MAX)
		return r;
	of_id = map_put(names, (struct map_key){id, 0});
	if (of_id)
		*of_id = name; /* the latest */
	of_name = of_id ? map_put(ids, (struct map_key){name, 0}) : NULL;
	if (!of_name)
		return -ENOMEM;
	*of_name = (uint32_t)id;
	return 0;
}

static int take_container(struct joins *joins, struct source_group *from, uint32_t row)
{
	struct container_names names;
	uint32_t id, *place;
	int r = text_at(joins, from, row, CONTAINER_ID, &id);

	if (r < 0 || !id)
		return r;
	r = text_at(joins, from, row, NAME, &names.name);
	if (r == 0)
		r = text_at(joins, from, row, RUNTIME, &names.runtime);
	if (r == 0)
		r = text_at(joins, from, row, POD, &names.pod);
	if (r == 0)
		r = text_at(joins, from, row, NAMESPACE, &names.namespace);
	if (r == 0)
		r = text_at(joins, from, row, IMAGE, &names.image);
	place = r == 0 ? map_put(&joins->by_container, (struct map_key){id, 0}) : NULL;
	if (!place)
		return -ENOMEM;
	if (*place) {
		memcpy(joins->containers.data + *place * sizeof(names), &names, sizeof(names));
		return 0;
	}
	*place = (uint32_t)(joins->containers.used / sizeof(names));
	buffer_add(&joins->containers, &names, sizeof(names));
	return joins->containers.error;
}

/* The key that rows of the table are for; N_JOINED_KEYS: none that is wanted. */
static enum joined_key key_of_table(const struct joins *joins, const struct table *table)
{
	static const struct {
		const char *table;
		enum joined_key key;
	} tables[] = {
		{"roster", JOINED_PROCESS}, {"programs", JOINED_PROCESS},     {"users", JOINED_USER},
		{"groups", JOINED_GROUP},   {"containers", JOINED_CONTAINER},
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (strcmp(table->name, tables[i].table) == 0 && joins->keys & 1u << tables[i].key)
			return tables[i].key;
	return N_JOINED_KEYS;
}

static int take_row(struct joins *joins, enum joined_key key, struct source_group *from, uint32_t row)
{
	switch (key) {
	case JOINED_PROCESS:
		return take_program(joins, from, row);
	case JOINED_USER:
		return take_account(joins, from, row, UID, &joins->users, &joins->uids);
	case JOINED_GROUP:
		return take_account(joins, from, row, GID, &joins->groups, &joins->gids);
	default:
		return take_container(joins, from, row);
	}
}

static int take_group(struct joins *joins, const struct store_group *group)
{
	enum joined_key key = key_of_table(joins, group->table);
	struct source_group from = {.block = group_reader_block(joins->reader)};
	int r = key == N_JOINED_KEYS ? 0 : group_reader_begin(joins->reader, group);

	if (key == N_JOINED_KEYS || r < 0)
		return r;
	for (int i = 0; i < N_SOURCE && r == 0; i++) {
		int field = table_field(group->table, source_columns[i].name);

		if (field >= 0 && field_is_text(&group->table->fields[field]) != source_columns[i].is_text)
			field = -1;
		from.at[i] = field;
		if (field >= 0)
			r = group_reader_column(joins->reader, (uint32_t)field);
	}
	for (uint32_t row = 0; row < group->rows && r == 0; row++)
		r = take_row(joins, key, &from, row);
	return r;
}

int joins_read(struct joins *joins)
{
	const struct store_part *part;
	int r;

	if (!(joins->keys & ~(1u << JOINED_INTERVAL)))
		return 0;
	while ((r = store_reader_next(joins->store, &part)) > 0) {
		const struct interval *last = part->n_intervals ? &part->intervals[part->n_intervals - 1] : NULL;

		for (uint32_t i = 0; i < part->n_groups; i++) {
			r = take_group(joins, &part->groups[i]);
			if (r < 0)
				return r;
		}
		if (last && last->is_last_chunk)
			joins->covered_real_ns = last->end_real_ns;
	}
	return r;
}

bool joins_covers(const struct joins *joins, const struct interval *interval)
{
	return interval->is_last_chunk && interval->end_real_ns <= joins->covered_real_ns;
}

static bool find_id(const struct joins *joins, const struct map *ids, const char *name, size_t len, uint64_t *ret)
{
	uint32_t text = joins_find_text(joins, name, len);
	const uint32_t *id = text ? map_find(ids, (struct map_key){text, 0}) : NULL;

	if (id)
		*ret = *id;
	return id != NULL;
}

bool joins_uid(const struct joins *joins, const char *name, size_t len, uint64_t *ret)
{
	return find_id(joins, &joins->uids, name, len, ret);
}

bool joins_gid(const struct joins *joins, const char *name, size_t len, uint64_t *ret)
{
	return find_id(joins, &joins->gids, name, len, ret);
}
