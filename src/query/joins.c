// SPDX-License-Identifier: BSD-2-Clause
/*
 * Texts are numbered from 1, each once; 0 is none. Of a process there is a chain of what it ran, in order of time.
 */
#include "query/joins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/map.h"

#define NO_UID UINT64_MAX

/* What a process ran from a time on. */
struct program {
	uint64_t time_ns, uid;
	uint32_t exe, argv, cgroup, container; /* texts */
	uint32_t next;			       /* the later one; 0: none */
};

struct container_names {
	uint32_t name, runtime, pod, namespace, image; /* texts */
};

struct joins {
	unsigned keys;
	struct store_reader *store;
	struct group_reader *reader;
	uint64_t covered_real_ns; /* the end of the last interval that was read to it */

	struct buffer bytes; /* of all texts */
	struct span *texts;  /* [0] is none */
	uint32_t *same_hash; /* [text]: the next of its hash; 0: none */
	uint32_t n_texts, texts_capacity;
	struct map by_hash;

	struct map processes;			/* the first program of each */
	struct buffer programs, containers;	/* arrays; [0] is none */
	struct map users, groups, by_container; /* texts, texts, places in containers */
	struct map uids, gids;			/* of names */
};

static struct program *program_at(const struct joins *joins, uint32_t i)
{
	return (struct program *)(void *)joins->programs.data + i;
}

static const struct container_names *container_at(const struct joins *joins, uint32_t i)
{
	return (const struct container_names *)(const void *)joins->containers.data + i;
}

static int reserve_text(struct joins *joins);

int joins_open(const char *dir, uint64_t since_real_ns, uint64_t until_real_ns, unsigned keys, struct joins **ret)
{
	struct store_select select = {
		.since_real_ns = since_real_ns > JOINS_LOOK_BACK_NS ? since_real_ns - JOINS_LOOK_BACK_NS : 0,
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
/* FNV-1a (Fowler, Noll, Vo). */
static struct map_key key_of_text(const char *data, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3u;
	return (struct map_key){hash, len};
}

static uint32_t find_text(const struct joins *joins, const char *data, size_t len)
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

	*ret = find_text(joins, data, len);
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

/* --- looking up ------------------------------------------------------------------------------------------------- */
/* The columns of a block that say who is in a row; -1: it has none. */
struct keys {
	const struct joins *joins;
	const struct block *block;
	int pid, start, time, uid, gid, container, cpu;
	struct map_key last; /* the process of the row before, and its first program */
	uint32_t last_first;
	struct span last_text; /* the container's id of the row before, and its number */
	uint32_t last_container;
};

static int recorded(const struct joined_table *joined, const char *name)
{
	int field = table_field(&joined->table, name);

	return field >= 0 && (uint32_t)field < joined->n_recorded ? field : -1;
}

static struct keys keys_of(const struct joins_of_table *of, const struct block *block)
{
	const struct joined_table *joined = of->joined;

	return (struct keys){
		.joins = of->joins,
		.block = block,
		.pid = recorded(joined, "pid"),
		.start = recorded(joined, "start_boot_ns"),
		.time = recorded(joined, "time"),
		.uid = recorded(joined, "uid"),
		.gid = recorded(joined, "gid"),
		.container = recorded(joined, "container_id"),
		.cpu = recorded(joined, "cpu_ns"),
	};
}

static bool key_at(const struct block *block, uint32_t row, int field, uint64_t *ret)
{
	if (field < 0 || block_is_null(block, row, (uint32_t)field))
		return false;
	*ret = block_number(block, row, (uint32_t)field);
	return true;
}

/* What its process ran when the row was written, or, where that is not known, first. */
static const struct program *program_of(struct keys *keys, uint32_t row)
{
	const struct joins *joins = keys->joins;
	struct map_key process;
	uint64_t time_ns;
	const uint32_t *first;
	uint32_t program;

	if (!key_at(keys->block, row, keys->pid, &process.a) || !key_at(keys->block, row, keys->start, &process.b))
		return program_at(joins, 0);
	/* In a sealed segment most rows are of the process of the one before. */
	if (process.a != keys->last.a || process.b != keys->last.b || !row) {
		first = map_find(&joins->processes, process);
		keys->last = process;
		keys->last_first = first ? *first : 0;
	}
	program = keys->last_first;
	if (program && key_at(keys->block, row, keys->time, &time_ns))
		for (uint32_t next;
		     (next = program_at(joins, program)->next) && program_at(joins, next)->time_ns <= time_ns;)
			program = next;
	return program_at(joins, program);
}

static uint32_t container_id_of(struct keys *keys, uint32_t row)
{
	struct span span;

	if (keys->container < 0)
		return program_of(keys, row)->container;
	if (block_is_null(keys->block, row, (uint32_t)keys->container))
		return 0;
	span = keys->block->texts[keys->container][row];
	if (span.offset != keys->last_text.offset || span.len != keys->last_text.len || !row) {
		keys->last_text = span;
		keys->last_container = find_text(keys->joins, keys->block->arena + span.offset, span.len);
	}
	return keys->last_container;
}

static uint32_t account_of(const struct map *names, uint64_t id)
{
	const uint32_t *name = map_find(names, (struct map_key){id, 0});

	return name ? *name : 0;
}

/* The text of the joined field in the row. */
static uint32_t look_up(struct keys *keys, uint32_t field, uint32_t row)
{
	const struct joins *joins = keys->joins;
	const struct container_names *container = NULL;
	const uint32_t *place;
	uint64_t id;
	uint32_t text;

	if (joined_field_key(field) == JOINED_CONTAINER) {
		text = container_id_of(keys, row);
		place = text ? map_find(&joins->by_container, (struct map_key){text, 0}) : NULL;
		container = container_at(joins, place ? *place : 0);
	}
	switch (field) {
	case JOINED_FIELD_exe:
		return program_of(keys, row)->exe;
	case JOINED_FIELD_argv:
		return program_of(keys, row)->argv;
	case JOINED_FIELD_cgroup:
		return program_of(keys, row)->cgroup;
	case JOINED_FIELD_container_id:
		return program_of(keys, row)->container;
	case JOINED_FIELD_user:
		if (keys->uid < 0)
			return account_of(&joins->users, program_of(keys, row)->uid);
		return key_at(keys->block, row, keys->uid, &id) ? account_of(&joins->users, id) : 0;
	case JOINED_FIELD_group:
		return key_at(keys->block, row, keys->gid, &id) ? account_of(&joins->groups, id) : 0;
	case JOINED_FIELD_container:
		return container->name;
	case JOINED_FIELD_runtime:
		return container->runtime;
	case JOINED_FIELD_pod:
		return container->pod;
	case JOINED_FIELD_namespace:
		return container->namespace;
	case JOINED_FIELD_image:
		return container->image;
	default:
		return 0; /* a number */
	}
}

static int decode_keys(struct group_reader *reader, const struct keys *keys)
{
	const int fields[] = {keys->pid, keys->start, keys->time, keys->uid, keys->gid, keys->container};
	int r = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && r == 0; i++)
		if (fields[i] >= 0)
			r = group_reader_column(reader, (uint32_t)fields[i]);
	return r;
}

static uint32_t joined_at(const struct joins_of_table *of, uint32_t field)
{
	return of->joined->joined[field - of->joined->n_recorded];
}

/* In hundredths of a percent; false: unknown. */
static bool percent_of(const struct keys *keys, uint32_t row, uint64_t begin_real_ns, uint64_t *ret)
{
	uint64_t time_ns, cpu_ns;

	*ret = 0;
	if (!key_at(keys->block, row, keys->time, &time_ns) || !key_at(keys->block, row, keys->cpu, &cpu_ns) ||
	    time_ns <= begin_real_ns)
		return false;
	*ret = (uint64_t)((__uint128_t)cpu_ns * 10000 / (time_ns - begin_real_ns));
	return true;
}

static int compute_percent(struct group_reader *reader, const struct keys *keys, uint32_t field)
{
	const struct store_group *group = group_reader_group(reader);
	uint64_t *numbers = malloc((group->rows + 1ull) * sizeof(*numbers));
	uint8_t *nulls = malloc(group->rows + 1ull);
	const uint64_t *places = NULL;
	int r = numbers && nulls ? group_reader_column(reader, (uint32_t)keys->cpu) : -ENOMEM;

	if (r == 0)
		r = group_reader_intervals(reader, &places);
	for (uint32_t row = 0; row < group->rows && (r == 0 || r == -EBADMSG); row++) {
		/* Damaged, which has been reported: of which interval a row is nobody knows. */
		const struct interval *interval =
			&group->intervals[places && r == 0 ? places[row] : group->first_interval];

		nulls[row] = r < 0 || !percent_of(keys, row, interval->begin_real_ns, &numbers[row]);
		numbers[row] = nulls[row] ? 0 : numbers[row];
	}
	if (r == 0 || r == -EBADMSG)
		r = group_reader_put_numbers(reader, field, numbers, nulls);
	free(numbers);
	free(nulls);
	return r;
}

/* Numbers of all texts to numbers of those of the column, in the order in which they come. */
static uint32_t number_in_column(uint32_t text, uint32_t *places, const struct joins *joins, struct span *texts,
				 uint32_t *n)
{
	if (!text)
		return NO_TEXT;
	if (!places[text]) {
		texts[*n] = joins->texts[text];
		places[text] = ++*n;
	}
	return places[text] - 1;
}

static const struct computed *computed_at(const struct joins_of_table *of, uint32_t field)
{
	return &of->joined->computed->list[joined_at(of, field) - N_JOINED_FIELDS];
}

/* Where its fields are; right -1: a number. */
struct computed_fields {
	int left, right;
};

static struct computed_fields fields_of(const struct joins_of_table *of, const struct computed *computed)
{
	const struct table *table = &of->joined->table;

	return (struct computed_fields){
		.left = table_field(table, computed->left),
		.right = *computed->right ? table_field(table, computed->right) : -1,
	};
}

static bool compute(const struct computed *computed, const struct computed_fields *fields, const struct block *block,
		    uint32_t row, uint64_t *ret)
{
	uint64_t left, right = 0;

	*ret = 0;
	return key_at(block, row, fields->left, &left) &&
	       (fields->right < 0 || key_at(block, row, fields->right, &right)) &&
	       computed_value(computed, left, right, ret);
}

static int compute_numbers(const struct joins_of_table *of, struct group_reader *reader, uint32_t field)
{
	const struct block *block = group_reader_block(reader);
	const struct computed *computed = computed_at(of, field);
	struct computed_fields fields = fields_of(of, computed);
	uint64_t *numbers = malloc((block->rows + 1ull) * sizeof(*numbers));
	uint8_t *nulls = malloc(block->rows + 1ull);
	int r = numbers && nulls ? group_reader_column(reader, (uint32_t)fields.left) : -ENOMEM;

	if (r == 0 && fields.right >= 0)
		r = group_reader_column(reader, (uint32_t)fields.right);
	for (uint32_t row = 0; row < block->rows && r == 0; row++)
		nulls[row] = !compute(computed, &fields, block, row, &numbers[row]);
	if (r == 0)
		r = group_reader_put_numbers(reader, field, numbers, nulls);
	free(numbers);
	free(nulls);
	return r;
}

static int compute_texts(const struct joins_of_table *of, struct group_reader *reader, struct keys *keys,
			 uint32_t field)
{
	const struct joins *joins = of->joins;
	uint32_t rows = keys->block->rows, n = 0;
	uint32_t *numbers = malloc((rows + 1ull) * sizeof(*numbers));
	uint32_t *places = calloc(joins->n_texts + 1ull, sizeof(*places));
	struct span *texts = malloc((joins->n_texts + 1ull) * sizeof(*texts));
	int r = numbers && places && texts ? 0 : -ENOMEM;

	for (uint32_t row = 0; row < rows && r == 0; row++)
		numbers[row] = number_in_column(look_up(keys, joined_at(of, field), row), places, joins, texts, &n);
	if (r == 0)
		r = group_reader_put(reader, field, numbers, joins->bytes.data, texts, n);
	free(numbers);
	free(places);
	free(texts);
	return r;
}

int joins_column(void *of_table, struct group_reader *reader, uint32_t field)
{
	const struct joins_of_table *of = of_table;
	struct keys keys = keys_of(of, group_reader_block(reader));
	int r = decode_keys(reader, &keys);

	if (r < 0)
		return r;
	if (joined_at(of, field) == JOINED_FIELD_cpu_percent_hundredths)
		return compute_percent(reader, &keys, field);
	if (joined_at(of, field) >= N_JOINED_FIELDS)
		return compute_numbers(of, reader, field);
	return compute_texts(of, reader, &keys, field);
}

static int widen_cell(const struct joins_of_table *of, struct keys *keys, uint32_t row, uint64_t begin_real_ns,
		      struct block *to, uint32_t field)
{
	const struct joins *joins = of->joins;
	uint64_t number;
	uint32_t text;

	if (joined_at(of, field) == JOINED_FIELD_cpu_percent_hundredths) {
		if (percent_of(keys, row, begin_real_ns, &number))
			block_set_number(to, row, field, number);
		return 0;
	}
	if (joined_at(of, field) >= N_JOINED_FIELDS) {
		struct computed_fields fields = fields_of(of, computed_at(of, field));

		/* Of the wide row: what it is computed of stands before it. */
		if (compute(computed_at(of, field), &fields, to, row, &number))
			block_set_number(to, row, field, number);
		return 0;
	}
	text = look_up(keys, joined_at(of, field), row);
	return text ? block_set_text(to, row, field, joins->bytes.data + joins->texts[text].offset,
				     joins->texts[text].len)
		    : 0;
}

static int copy_cell(const struct block *from, uint32_t row, struct block *to, uint32_t field)
{
	const char *data;
	size_t len;

	if (block_is_null(from, row, field))
		return 0;
	if (!field_is_text(&to->table->fields[field])) {
		block_set_number(to, row, field, block_number(from, row, field));
		return 0;
	}
	data = block_text(from, row, field, &len);
	return block_set_text(to, row, field, data, len);
}

struct block *joins_widen(const struct joins_of_table *of, const struct block *block, uint64_t begin_real_ns,
			  const bool *wanted)
{
	const struct joined_table *joined = of->joined;
	struct keys keys = keys_of(of, block);
	uint64_t bytes = block->arena_used + 1;
	struct block *wide;
	int r = 0;

	for (uint32_t row = 0; row < block->rows; row++)
		for (uint32_t field = joined->n_recorded; field < joined->table.n_fields; field++)
			if (wanted[field])
				bytes += of->joins->texts[look_up(&keys, joined_at(of, field), row)].len;
	wide = bytes < UINT32_MAX ? block_new(&joined->table, block->rows + 1, (uint32_t)bytes) : NULL;
	for (uint32_t row = 0; wide && row < block->rows && r >= 0; row++) {
		r = block_add_row(wide);
		for (uint32_t field = 0; field < joined->table.n_fields && r >= 0; field++) {
			if (field < joined->n_recorded)
				r = copy_cell(block, row, wide, field);
			else if (wanted[field])
				r = widen_cell(of, &keys, row, begin_real_ns, wide, field);
		}
	}
	if (r >= 0)
		return wide;
	block_free(wide);
	return NULL;
}

static bool find_id(const struct joins *joins, const struct map *ids, const char *name, size_t len, uint64_t *ret)
{
	uint32_t text = find_text(joins, name, len);
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
