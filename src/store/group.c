// SPDX-License-Identifier: BSD-2-Clause
/*
 * A block whose columns come one by one. All that have not come point at the same nulls.
 */
#include "store/group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct group_column {
	bool is_there;
	uint32_t capacity;
	uint64_t *numbers; /* of a text its span, see struct block */
	uint8_t *nulls;
	uint32_t *entry_numbers; /* of texts */
	uint32_t entry_numbers_capacity;
	struct span *entries;
};

struct group_reader {
	group_damage damage;
	void *ctx;
	const struct store_group *group;
	struct column_scratch scratch;
	struct group_column columns[TABLE_MAX_FIELDS];
	uint64_t *zeros, *scratch_numbers, *intervals, *ends;
	uint8_t *ones, *interval_nulls;
	uint32_t capacity; /* rows */
	bool has_intervals, has_ends;
	struct group_computed computed;
	int intervals_error;

	struct block block; /* its arrays are these */
	uint64_t *numbers[TABLE_MAX_FIELDS];
	struct span *texts[TABLE_MAX_FIELDS];
	uint8_t *nulls[TABLE_MAX_FIELDS];
	struct block_dictionary dictionaries[TABLE_MAX_FIELDS];
};

bool store_group_stats(const struct store_group *group, uint32_t field, struct column_stats *ret)
{
	const struct column_entry *entry;

	if (!group->file)
		return false;
	if (field + 1 >= group->entry->n_columns)
		return false;
	entry = &group->file->directory.columns[group->entry->first_column + field];
	*ret = (struct column_stats){entry->nulls, entry->least, entry->greatest};
	return true;
}

struct group_reader *group_reader_new(group_damage damage, void *ctx)
{
	struct group_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->damage = damage;
	reader->ctx = ctx;
	reader->block.numbers = reader->numbers;
	reader->block.texts = reader->texts;
	reader->block.nulls = reader->nulls;
	reader->block.dictionaries = reader->dictionaries;
	/* Also an empty text points somewhere. */
	reader->block.arena = malloc(1);
	if (reader->block.arena)
		return reader;
	group_reader_free(reader);
	return NULL;
}

/* What has room for each row of a group. */
static void free_rows(struct group_reader *reader)
{
	free(reader->zeros);
	free(reader->scratch_numbers);
	free(reader->intervals);
	free(reader->ends);
	free(reader->ones);
	free(reader->interval_nulls);
}

void group_reader_free(struct group_reader *reader)
{
	if (!reader)
		return;
	for (int i = 0; i < TABLE_MAX_FIELDS; i++) {
		free(reader->columns[i].numbers);
		free(reader->columns[i].nulls);
		free(reader->columns[i].entry_numbers);
		free(reader->columns[i].entries);
	}
	column_scratch_done(&reader->scratch);
	free_rows(reader);
	free(reader->block.arena);
	free(reader);
}

static int reserve(struct group_reader *reader, uint32_t rows)
{
	if (rows <= reader->capacity)
		return 0;
	free_rows(reader);
	reader->zeros = calloc(rows, sizeof(uint64_t));
	reader->scratch_numbers = malloc(rows * sizeof(uint64_t));
	reader->intervals = malloc(rows * sizeof(uint64_t));
	reader->ends = malloc(rows * sizeof(uint64_t));
	reader->ones = malloc(rows);
	reader->interval_nulls = malloc(rows);
	reader->capacity = 0;
	if (!reader->zeros || !reader->scratch_numbers || !reader->intervals || !reader->ends || !reader->ones ||
	    !reader->interval_nulls)
		return -ENOMEM;
	memset(reader->ones, 1, rows);
	reader->capacity = rows;
	return 0;
}

static void set_absent(struct group_reader *reader, uint32_t field)
{
	bool is_text = field_is_text(&reader->block.table->fields[field]);

	reader->numbers[field] = is_text ? NULL : reader->zeros;
	reader->texts[field] = is_text ? (struct span *)(void *)reader->zeros : NULL;
	reader->nulls[field] = reader->ones;
	reader->dictionaries[field] = (struct block_dictionary){0};
}

int group_reader_begin(struct group_reader *reader, const struct store_group *group)
{
	int r = reserve(reader, group->rows);

	if (r < 0)
		return r;
	reader->group = group;
	reader->has_intervals = reader->has_ends = false;
	reader->block.table = group->table;
	reader->block.rows = reader->block.capacity = group->rows;
	reader->block.arena_used = 0;
	for (uint32_t field = 0; field < group->table->n_fields; field++) {
		reader->columns[field].is_there = false;
		set_absent(reader, field);
	}
	return 0;
}

const struct block *group_reader_block(const struct group_reader *reader)
{
	return &reader->block;
}

bool group_reader_is_damaged(const struct group_reader *reader, uint32_t field)
{
	return reader->columns[field].is_there && reader->nulls[field] == reader->ones;
}

static const struct column_entry *entry_of(const struct group_reader *reader, uint32_t column)
{
	return &reader->group->file->directory.columns[reader->group->entry->first_column + column];
}

/* A damaged column is reported once, and is null. */
static int give_up(struct group_reader *reader, uint32_t column)
{
	const struct store_group *group = reader->group;
	uint64_t offset = 0, bytes = group->section ? group->section->bytes[column] : 0;
	const struct field *field =
		group->file && column == group->entry->n_columns - 1 ? &interval_field : &group->table->fields[column];
	char what[128];

	if (group->file) {
		offset = entry_of(reader, column)->offset;
		bytes = entry_of(reader, column)->bytes;
	}
	snprintf(what, sizeof(what), "%s of %u rows of %s", field->name, (unsigned)group->rows, group->table->name);
	reader->damage(reader->ctx, group, offset, bytes ? bytes : 1, what);
	return 0;
}

static int reserve_column(struct group_reader *reader, uint32_t field)
{
	struct group_column *column = &reader->columns[field];
	bool is_text = field_is_text(&reader->block.table->fields[field]);
	uint32_t rows = reader->group->rows;

	if (rows > column->capacity) {
		free(column->numbers);
		free(column->nulls);
		column->numbers = malloc(rows * sizeof(*column->numbers));
		column->nulls = malloc(rows);
		column->capacity = column->numbers && column->nulls ? rows : 0;
		if (!column->capacity)
			return -ENOMEM;
	}
	if (is_text && rows > column->entry_numbers_capacity) {
		free(column->entry_numbers);
		column->entry_numbers = malloc(rows * sizeof(*column->entry_numbers));
		column->entry_numbers_capacity = column->entry_numbers ? rows : 0;
		if (!column->entry_numbers)
			return -ENOMEM;
	}
	return 0;
}

/* The texts into the block's arena, and of each row where they are. */
static int place_texts(struct group_reader *reader, uint32_t field, struct column_entries *entries)
{
	struct group_column *column = &reader->columns[field];
	struct block *block = &reader->block;
	uint32_t at = block->arena_used;
	struct span *spans = (struct span *)(void *)column->numbers;

	if (entries->n_bytes > block->arena_size - at) {
		uint64_t size = ((uint64_t)at + entries->n_bytes) * 5 / 4 + 4096;
		char *arena = size > UINT32_MAX ? NULL : realloc(block->arena, size);

		if (!arena)
			return -ENOMEM;
		block->arena = arena;
		block->arena_size = (uint32_t)size;
	}
	if (entries->n_bytes)
		memcpy(block->arena + at, entries->bytes, entries->n_bytes);
	block->arena_used += entries->n_bytes;
	for (uint32_t i = 0; i < entries->n; i++)
		entries->entries[i].offset += at;
	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t number = reader->scratch_numbers[row];

		column->entry_numbers[row] = (uint32_t)number;
		spans[row] = column->nulls[row] ? (struct span){0, 0} : entries->entries[number];
	}
	free(column->entries);
	column->entries = entries->entries;
	entries->entries = NULL;
	reader->dictionaries[field] = (struct block_dictionary){column->entry_numbers, column->entries, entries->n};
	return 0;
}

/* Of a column that is not stored: one value for all rows, or null. */
static void fill(struct group_reader *reader, const struct column_entry *entry, uint64_t *numbers, uint8_t *nulls)
{
	bool is_null = entry->nulls == reader->group->rows;

	memset(nulls, is_null, reader->group->rows);
	for (uint32_t row = 0; row < reader->group->rows; row++)
		numbers[row] = is_null ? 0 : entry->least;
}

static int compute_ends(struct group_reader *reader)
{
	const struct store_group *group = reader->group;
	const uint64_t *places;
	int r = group_reader_intervals(reader, &places);

	if (r < 0 || reader->has_ends)
		return r;
	for (uint32_t row = 0; row < group->rows; row++) {
		const struct interval *interval = &group->intervals[places ? places[row] : 0];

		reader->ends[row] = interval->is_last_chunk ? interval->end_real_ns : interval->begin_real_ns;
	}
	reader->has_ends = true;
	return 0;
}

/* What the column is predicted from, decoded first: it uses the same scratch. */
static int prepare(struct group_reader *reader, uint32_t field, const struct column_choice *needs,
		   struct column_rows *rows)
{
	const struct table *table = reader->block.table;
	int r;

	if (needs->prediction == PREDICT_INTERVAL_END) {
		r = compute_ends(reader);
		rows->interval_ends = reader->ends;
		return r;
	}
	if (needs->prediction != PREDICT_COLUMNS)
		return 0;
	/* Those before it only: there is no way round to itself. */
	if (needs->minuend >= field || field_is_text(&table->fields[needs->minuend]) ||
	    (needs->subtrahend != NO_COLUMN &&
	     (needs->subtrahend >= field || field_is_text(&table->fields[needs->subtrahend]))))
		return -EBADMSG;
	r = group_reader_column(reader, needs->minuend);
	if (r == 0 && needs->subtrahend != NO_COLUMN)
		r = group_reader_column(reader, needs->subtrahend);
	/* Where that is damaged, this says nothing. */
	if (r == 0 && (reader->nulls[needs->minuend] == reader->ones ||
		       (needs->subtrahend != NO_COLUMN && reader->nulls[needs->subtrahend] == reader->ones)))
		return -EBADMSG;
	rows->numbers = (const uint64_t *const *)reader->numbers;
	return r;
}

static struct column_choice needs_of(const struct column_entry *entry)
{
	return (struct column_choice){
		.prediction = entry->head >> PREDICTION_SHIFT & PREDICTION_MASK,
		.minuend = entry->minuend,
		.subtrahend = entry->subtrahend,
	};
}

/* The bytes of a column and what they need; *ret_bytes->data is NULL where nothing is stored. */
static int find_bytes(struct group_reader *reader, uint32_t field, struct column_rows *rows, struct source *ret_bytes)
{
	const struct store_group *group = reader->group;
	struct column_choice needs;
	int r;

	*ret_bytes = (struct source){0};
	if (group->section) {
		*ret_bytes = (struct source){group->section->columns[field], group->section->bytes[field], 0};
		r = column_needs(ret_bytes->data, ret_bytes->left, &needs);
		return r < 0 ? r : prepare(reader, field, &needs, rows);
	}
	if (!entry_of(reader, field)->bytes)
		return 0;
	needs = needs_of(entry_of(reader, field));
	r = prepare(reader, field, &needs, rows);
	if (r == 0)
		r = columns_file_read(group->file, entry_of(reader, field), &reader->scratch);
	if (r == 0)
		*ret_bytes = (struct source){reader->scratch.raw.data, reader->scratch.raw.len, 0};
	/* The head must be what the directory says, or something would be missing. */
	if (r == 0 && (!ret_bytes->left || *ret_bytes->data != entry_of(reader, field)->head))
		return -EBADMSG;
	return r;
}

static int decode(struct group_reader *reader, uint32_t field)
{
	const struct field *of = &reader->block.table->fields[field];
	struct group_column *column = &reader->columns[field];
	struct column_rows rows = {.n = reader->group->rows};
	struct column_entries entries = {0};
	bool is_text = field_is_text(of);
	struct source from;
	int r = find_bytes(reader, field, &rows, &from);

	if (r == 0)
		r = reserve_column(reader, field);
	if (r < 0)
		return r;
	if (!from.data) {
		/* Of texts only all nulls are not stored. */
		if (is_text && entry_of(reader, field)->nulls < rows.n)
			return -EBADMSG;
		fill(reader, entry_of(reader, field), column->numbers, column->nulls);
	} else {
		r = column_get(&from, of, &rows, is_text ? reader->scratch_numbers : column->numbers, column->nulls,
			       &entries);
	}
	if (r == 0 && is_text && from.data)
		r = place_texts(reader, field, &entries);
	free(entries.entries);
	if (r < 0)
		return r;
	reader->nulls[field] = column->nulls;
	if (is_text)
		reader->texts[field] = (struct span *)(void *)column->numbers;
	else
		reader->numbers[field] = column->numbers;
	return 0;
}

void group_reader_set_computed(struct group_reader *reader, const struct group_computed *computed)
{
	reader->computed = *computed;
}

int group_reader_put(struct group_reader *reader, uint32_t field, const uint32_t *numbers, const void *bytes,
		     const struct span *texts, uint32_t n_texts)
{
	struct group_column *column = &reader->columns[field];
	struct column_entries entries = {.n = n_texts, .bytes = bytes};
	int r = reserve_column(reader, field);

	entries.entries = malloc((n_texts + 1ull) * sizeof(*entries.entries));
	if (r < 0 || !entries.entries) {
		free(entries.entries);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n_texts; i++) {
		entries.entries[i] = texts[i];
		if (texts[i].offset + texts[i].len > entries.n_bytes)
			entries.n_bytes = texts[i].offset + texts[i].len;
	}
	for (uint32_t row = 0; row < reader->group->rows; row++) {
		column->nulls[row] = numbers[row] == NO_TEXT;
		reader->scratch_numbers[row] = column->nulls[row] ? 0 : numbers[row];
	}
	r = place_texts(reader, field, &entries);
	free(entries.entries);
	reader->nulls[field] = column->nulls;
	reader->texts[field] = (struct span *)(void *)column->numbers;
	return r;
}

int group_reader_put_numbers(struct group_reader *reader, uint32_t field, const uint64_t *numbers, const uint8_t *nulls)
{
	struct group_column *column = &reader->columns[field];
	uint32_t rows = reader->group->rows;

	if (reserve_column(reader, field) < 0)
		return -ENOMEM;
	memcpy(column->numbers, numbers, rows * sizeof(*numbers));
	memcpy(column->nulls, nulls, rows);
	reader->numbers[field] = column->numbers;
	reader->nulls[field] = column->nulls;
	return 0;
}

const struct store_group *group_reader_group(const struct group_reader *reader)
{
	return reader->group;
}

int group_reader_column(struct group_reader *reader, uint32_t field)
{
	int r;

	if (reader->columns[field].is_there)
		return 0;
	if (reader->computed.compute && field >= reader->computed.first) {
		r = reader->computed.compute(reader->computed.ctx, reader, field);
		reader->columns[field].is_there = r == 0;
		return r;
	}
	r = decode(reader, field);
	/* Also one that could not be: it is not tried again. */
	reader->columns[field].is_there = r == 0 || r == -EBADMSG;
	if (r == -EBADMSG)
		r = give_up(reader, field);
	return r;
}

int group_reader_columns(struct group_reader *reader, const bool *wanted)
{
	int r = 0;

	for (uint32_t field = 0; field < reader->block.table->n_fields && r == 0; field++)
		if (!wanted || wanted[field])
			r = group_reader_column(reader, field);
	return r;
}

static int decode_intervals(struct group_reader *reader)
{
	const struct store_group *group = reader->group;
	const struct column_entry *entry = entry_of(reader, group->entry->n_columns - 1);
	struct column_rows rows = {.n = group->rows};
	struct column_entries entries = {0};
	struct source from;
	int r;

	if (!entry->bytes) {
		fill(reader, entry, reader->intervals, reader->interval_nulls);
		r = entry->nulls ? -EBADMSG : 0;
	} else {
		r = columns_file_read(group->file, entry, &reader->scratch);
		from = (struct source){reader->scratch.raw.data, reader->scratch.raw.len, 0};
		if (r == 0)
			r = column_get(&from, &interval_field, &rows, reader->intervals, reader->interval_nulls,
				       &entries);
		if (r == 0 && memchr(reader->interval_nulls, 1, group->rows))
			r = -EBADMSG;
	}
	for (uint32_t row = 0; row < group->rows && r == 0; row++)
		if (reader->intervals[row] < group->first_interval || reader->intervals[row] > group->last_interval)
			r = -EBADMSG;
	if (r == -EBADMSG)
		give_up(reader, group->entry->n_columns - 1);
	return r;
}

int group_reader_intervals(struct group_reader *reader, const uint64_t **ret)
{
	*ret = NULL;
	if (reader->group->section)
		return 0;
	if (!reader->has_intervals) {
		reader->intervals_error = decode_intervals(reader);
		reader->has_intervals = true;
	}
	*ret = reader->intervals;
	return reader->intervals_error;
}

int group_reader_check(struct group_reader *reader, const struct store_group *group)
{
	int r = 0;

	reader->group = group;
	for (uint32_t column = 0; group->file && column < group->entry->n_columns && r == 0; column++) {
		if (!entry_of(reader, column)->bytes)
			continue;
		r = columns_file_check(group->file, entry_of(reader, column), &reader->scratch);
		if (r == -EBADMSG)
			r = give_up(reader, column);
	}
	return r;
}
