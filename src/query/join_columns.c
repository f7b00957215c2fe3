// SPDX-License-Identifier: BSD-2-Clause
/*
 * Columns of names, and of what is computed: for a group of rows at once, or for a block.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/joins_inside.h"

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
		keys->last_container = joins_find_text(keys->joins, keys->block->arena + span.offset, span.len);
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

/* What columns that are shown are computed of, which need not be shown themselves. */
static void add_operands(const struct joins_of_table *of, const bool *shown, bool *ret)
{
	const struct joined_table *joined = of->joined;

	memcpy(ret, shown, joined->table.n_fields * sizeof(*ret));
	for (uint32_t field = joined->n_recorded; field < joined->table.n_fields; field++) {
		struct computed_fields fields;

		if (!shown[field] || joined_at(of, field) < N_JOINED_FIELDS)
			continue;
		fields = fields_of(of, computed_at(of, field));
		if (fields.left >= 0)
			ret[fields.left] = true;
		if (fields.right >= 0)
			ret[fields.right] = true;
	}
}

struct block *joins_widen(const struct joins_of_table *of, const struct block *block, uint64_t begin_real_ns,
			  const bool *shown)
{
	const struct joined_table *joined = of->joined;
	struct keys keys = keys_of(of, block);
	uint64_t bytes = block->arena_used + 1;
	bool wanted[TABLE_MAX_FIELDS];
	struct block *wide;
	int r = 0;

	add_operands(of, shown, wanted);
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

int joins_fill(const struct joins_of_table *of, struct block *block, uint64_t begin_real_ns)
{
	const struct joined_table *joined = of->joined;
	struct keys keys = keys_of(of, block);
	uint64_t bytes = block->arena_used;
	int r;

	for (uint32_t row = 0; row < block->rows; row++)
		for (uint32_t field = joined->n_recorded; field < joined->table.n_fields; field++)
			if (field_is_text(&joined->table.fields[field]) && block_is_null(block, row, field))
				bytes += of->joins->texts[look_up(&keys, joined_at(of, field), row)].len;
	r = bytes < UINT32_MAX ? block_reserve(block, block->capacity, (uint32_t)bytes) : -E2BIG;
	keys = keys_of(of, block);
	for (uint32_t row = 0; row < block->rows && r == 0; row++)
		for (uint32_t field = joined->n_recorded; field < joined->table.n_fields && r == 0; field++)
			if (block_is_null(block, row, field))
				r = widen_cell(of, &keys, row, begin_real_ns, block, field);
	return r;
}
