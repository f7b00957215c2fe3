// SPDX-License-Identifier: BSD-2-Clause
/*
 * Groups in the order in which they were met, found by a hash of their keys' bytes:
 *
 *   slots   open addressing, power of two, at most half full ──▶ groups   [n_groups], in order
 *   keys    the bytes of all keys, one behind the other      ◀── group->key
 *
 * A group is one allocation, with an aggregate for each term behind the keys.
 */
#include "query/grouping.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/fnv.h"
#include "query/aggregate.h"

#define SLOTS_FIRST 1024
#define BATCH_ROWS  1024

struct group {
	uint64_t hash;
	size_t key, key_len;	       /* in `keys` */
	struct aggregate aggregates[]; /* of term n_keys and on */
};

struct grouping {
	struct terms terms;
	struct selection wanted;
	int columns[TABLE_MAX_FIELDS]; /* of each term among the wanted; -1: none */
	int weight;		       /* ... of the field of kind WEIGHT; -1: rows count as one */
	int time;		       /* ... of the time, where first and last need it; -1 */
	struct field fields[TABLE_MAX_FIELDS];
	struct table table; /* of the result */

	struct buffer keys;
	struct group **groups; /* in order */
	size_t n_groups, max_groups;
	struct group **slots;
	size_t n_slots;	   /* a power of two */
	struct buffer key; /* of the row at hand */

	/* Where there is one key: the group of the value met last, and of a block's texts those met in it. */
	bool has_last;
	uint64_t last_number;
	struct group *last;
	struct group **by_entry; /* [n_by_entry] */
	uint32_t n_by_entry, by_entry_capacity;

	uint32_t overflowed; /* term that passed 64 bits */
	struct block *batch; /* of the result */
	size_t n_delivered;
};

static const struct field *field_of(const struct grouping *grouping, uint32_t term)
{
	int field = grouping->terms.terms[term].field;

	return field < 0 ? NULL : &grouping->wanted.source->fields[field];
}

/* --- what is asked for ------------------------------------------------------------------------------------------ */
static int want(struct grouping *grouping, const struct field *field)
{
	struct selection *wanted = &grouping->wanted;

	for (uint32_t i = 0; i < wanted->n_shown; i++)
		if (strcmp(wanted->fields[i].name, field->name) == 0)
			return (int)i;
	wanted->fields[wanted->n_shown] = *field;
	return (int)wanted->n_shown++;
}

/* The columns of `source` that the terms need. A table has fewer fields than a selection has room for. */
static void describe_wanted(struct grouping *grouping, const struct table *source)
{
	int time = selection_time_field(source), is_by_time = 0;

	grouping->wanted = (struct selection){.source = source, .sort_column = -1};
	grouping->weight = -1;
	for (uint32_t i = 0; i < grouping->terms.n; i++) {
		const struct term *term = &grouping->terms.terms[i];

		grouping->columns[i] = term->field < 0 ? -1 : want(grouping, &source->fields[term->field]);
		is_by_time |= term->kind == TERM_FIRST || term->kind == TERM_LAST;
	}
	for (uint32_t i = 0; i < source->n_fields; i++)
		if (source->fields[i].kind == KIND_WEIGHT)
			grouping->weight = want(grouping, &source->fields[i]);
	grouping->time = is_by_time && time >= 0 ? want(grouping, &source->fields[time]) : -1;
	grouping->wanted.columns = (struct table){
		source->name, source->help, source->id, grouping->wanted.n_shown, grouping->wanted.fields,
	};
}

static void describe_result(struct grouping *grouping, const struct table *source)
{
	for (uint32_t i = 0; i < grouping->terms.n; i++)
		grouping->fields[i] = aggregate_field(&grouping->terms.terms[i], field_of(grouping, i));
	grouping->table = (struct table){
		source->name, source->help, source->id, grouping->terms.n, grouping->fields,
	};
}

static int find_group(struct grouping *grouping, struct group **ret);

int grouping_new(const struct table *source, const struct terms_text *text, uint64_t max_groups, struct grouping **ret,
		 char *error, size_t size)
{
	struct grouping *grouping = calloc(1, sizeof(*grouping));
	struct group *only;
	int r = -ENOMEM;

	if (!grouping)
		return r;
	grouping->max_groups = max_groups ? max_groups : GROUPING_MAX_GROUPS;
	grouping->n_slots = SLOTS_FIRST;
	grouping->slots = calloc(grouping->n_slots, sizeof(*grouping->slots));
	if (grouping->slots)
		r = terms_read(source, text, &grouping->terms, error, size);
	if (r == 0) {
		describe_wanted(grouping, source);
		describe_result(grouping, source);
		/* Of no rows at all there is something to say too: that they are none. */
		if (grouping->terms.n_keys == 0)
			r = find_group(grouping, &only);
	}
	if (r < 0)
		grouping_free(grouping);
	else
		*ret = grouping;
	return r;
}

void grouping_free(struct grouping *grouping)
{
	uint32_t n_keys;

	if (!grouping)
		return;
	n_keys = grouping->terms.n_keys;
	for (size_t i = 0; i < grouping->n_groups; i++) {
		for (uint32_t k = n_keys; k < grouping->terms.n; k++)
			aggregate_done(&grouping->groups[i]->aggregates[k - n_keys], &grouping->terms.terms[k],
				       field_of(grouping, k));
		free(grouping->groups[i]);
	}
	free(grouping->groups);
	free(grouping->slots);
	free(grouping->by_entry);
	buffer_done(&grouping->keys);
	buffer_done(&grouping->key);
	block_free(grouping->batch);
	free(grouping);
}

const struct selection *grouping_wanted(const struct grouping *grouping)
{
	return &grouping->wanted;
}

const char *grouping_overflowed(const struct grouping *grouping)
{
	return grouping->terms.terms[grouping->overflowed].name;
}

void grouping_select(const struct grouping *grouping, struct selection *ret)
{
	*ret = (struct selection){
		.source = &grouping->table,
		.n_shown = grouping->terms.n_shown,
		.sort_column = grouping->terms.sort,
		.is_descending = grouping->terms.is_descending,
	};
	memcpy(ret->fields, grouping->fields, grouping->terms.n * sizeof(ret->fields[0]));
	ret->columns = grouping->table;
	ret->columns.fields = ret->fields;
}

/* --- which group ------------------------------------------------------------------------------------------------ */
static bool is_null(const struct block *block, uint32_t row, int column)
{
	return column < 0 || block_is_null(block, row, (uint32_t)column);
}

static uint64_t round_down(const struct field *field, uint64_t value, uint64_t step)
{
	int64_t left;

	if (!step)
		return value;
	if (field->type != FIELD_I64)
		return value - value % step;
	left = (int64_t)value % (int64_t)step;
	return value - (uint64_t)(left < 0 ? left + (int64_t)step : left);
}

/* A key's bytes: 0 for null; else 1 and the number, or 2, the length and the text. */
static int make_key(struct grouping *grouping, const struct block *block, uint32_t row, const int *columns)
{
	struct buffer *key = &grouping->key;

	key->used = 0;
	for (uint32_t i = 0; i < grouping->terms.n_keys; i++) {
		const struct field *field = &grouping->fields[i];
		int column = columns[grouping->columns[i]];
		char kind = (char)(is_null(block, row, column) ? 0 : 1 + field_is_text(field));

		buffer_add(key, &kind, 1);
		if (kind == 1) {
			uint64_t number = round_down(field, block_number(block, row, (uint32_t)column),
						     grouping->terms.terms[i].step);

			buffer_add(key, &number, sizeof(number));
		} else if (kind == 2) {
			size_t len;
			const char *text = block_text(block, row, (uint32_t)column, &len);

			buffer_add(key, &len, sizeof(len));
			buffer_add(key, text, len);
		}
	}
	return key->error;
}

/* Finished as splitmix64 does. */
static uint64_t hash_of(const struct buffer *key)
{
	uint64_t hash = fnv_hash(key->data, key->used);

	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 27);
}

static struct group **slot_for(struct grouping *grouping, uint64_t hash, const struct buffer *key)
{
	size_t i = hash & (grouping->n_slots - 1);

	for (; grouping->slots[i]; i = (i + 1) & (grouping->n_slots - 1)) {
		const struct group *group = grouping->slots[i];

		if (group->hash == hash && group->key_len == key->used &&
		    (!key->used || memcmp(grouping->keys.data + group->key, key->data, key->used) == 0))
			break;
	}
	return &grouping->slots[i];
}

static int grow(struct grouping *grouping)
{
	size_t n = grouping->n_slots * 2;
	struct group **slots = calloc(n, sizeof(*slots));
	struct group **groups = realloc(grouping->groups, n * sizeof(*groups));

	if (groups)
		grouping->groups = groups;
	if (!slots || !groups) {
		free(slots);
		return -ENOMEM;
	}
	free(grouping->slots);
	grouping->slots = slots;
	grouping->n_slots = n;
	for (size_t i = 0; i < grouping->n_groups; i++) {
		size_t at = groups[i]->hash & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = groups[i];
	}
	return 0;
}

static int add_group(struct grouping *grouping, uint64_t hash, struct group **ret)
{
	size_t n_aggregates = grouping->terms.n - grouping->terms.n_keys;
	struct group *group;

	if (grouping->n_groups == grouping->max_groups)
		return -E2BIG;
	if ((!grouping->groups || grouping->n_groups * 2 >= grouping->n_slots) && grow(grouping) < 0)
		return -ENOMEM;
	group = calloc(1, sizeof(*group) + n_aggregates * sizeof(group->aggregates[0]));
	if (!group)
		return -ENOMEM;
	group->hash = hash;
	group->key = grouping->keys.used;
	group->key_len = grouping->key.used;
	buffer_add(&grouping->keys, grouping->key.data, grouping->key.used);
	*slot_for(grouping, hash, &grouping->key) = group;
	grouping->groups[grouping->n_groups++] = group;
	*ret = group;
	return grouping->keys.error;
}

static int find_group(struct grouping *grouping, struct group **ret)
{
	uint64_t hash = hash_of(&grouping->key);
	struct group *group = *slot_for(grouping, hash, &grouping->key);

	if (!group)
		return add_group(grouping, hash, ret);
	*ret = group;
	return 0;
}

/* Whatever was known of a block's texts. */
static void begin_block(void *context)
{
	struct grouping *grouping = context;

	grouping->n_by_entry = 0;
}

/* The place of the row's text among those of its block; NULL: it must be looked for. */
static struct group **place_by_entry(struct grouping *grouping, const struct block_dictionary *dictionary, uint32_t row)
{
	uint32_t n = dictionary->n_entries;

	if (!grouping->n_by_entry) {
		if (n > grouping->by_entry_capacity) {
			free(grouping->by_entry);
			grouping->by_entry = malloc(n * sizeof(*grouping->by_entry));
			grouping->by_entry_capacity = grouping->by_entry ? n : 0;
			if (!grouping->by_entry)
				return NULL;
		}
		memset(grouping->by_entry, 0, n * sizeof(*grouping->by_entry));
		grouping->n_by_entry = n;
	}
	return &grouping->by_entry[dictionary->numbers[row]];
}

static int look_up(struct grouping *grouping, const struct block *block, uint32_t row, const int *columns,
		   struct group **ret)
{
	int r = make_key(grouping, block, row, columns);

	return r < 0 ? r : find_group(grouping, ret);
}

/* The row's group. Of a single key most rows have a value that was met just before, or in this block. */
static int group_of(struct grouping *grouping, const struct block *block, uint32_t row, const int *columns,
		    struct group **ret)
{
	int column = grouping->terms.n_keys == 1 ? columns[grouping->columns[0]] : -1, r;
	struct group **place;
	uint64_t number;

	if (column < 0 || block_is_null(block, row, (uint32_t)column))
		return look_up(grouping, block, row, columns, ret);
	if (field_is_text(&grouping->fields[0])) {
		if (!block->dictionaries || !block->dictionaries[column].numbers)
			return look_up(grouping, block, row, columns, ret);
		place = place_by_entry(grouping, &block->dictionaries[column], row);
		if (!place)
			return -ENOMEM;
		r = *place ? 0 : look_up(grouping, block, row, columns, place);
		*ret = *place;
		return r;
	}
	number = round_down(&grouping->fields[0], block_number(block, row, (uint32_t)column),
			    grouping->terms.terms[0].step);
	if (!grouping->has_last || number != grouping->last_number) {
		r = look_up(grouping, block, row, columns, &grouping->last);
		grouping->has_last = r == 0;
		grouping->last_number = number;
		if (r < 0)
			return r;
	}
	*ret = grouping->last;
	return 0;
}

/* --- what is computed of it -----------------------------------------------------------------------------------------
 */
/* The number in a column of the wanted. */
static uint64_t number_at(const struct block *block, uint32_t row, int column)
{
	return is_null(block, row, column) ? 0 : block_number(block, row, (uint32_t)column);
}

static int take_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct grouping *grouping = context;
	struct observation observation = {.block = block, .row = row, .weight = 1};
	uint32_t n_keys = grouping->terms.n_keys;
	struct group *group = NULL;
	int r = group_of(grouping, block, row, columns, &group);

	if (grouping->weight >= 0)
		observation.weight = number_at(block, row, columns[grouping->weight]);
	if (grouping->time >= 0)
		observation.real_ns = number_at(block, row, columns[grouping->time]);
	for (uint32_t i = n_keys; i < grouping->terms.n && r == 0; i++) {
		struct aggregate *aggregate = &group->aggregates[i - n_keys];
		int column = grouping->columns[i] < 0 ? -1 : columns[grouping->columns[i]];

		if (grouping->terms.terms[i].duplicate != (int)i)
			continue;
		grouping->overflowed = i;
		if (grouping->columns[i] < 0) {
			r = aggregate_count(aggregate, observation.weight);
		} else if (!is_null(block, row, column)) {
			observation.column = (uint32_t)column;
			r = aggregate_add(aggregate, &grouping->terms.terms[i], field_of(grouping, i), &observation);
		}
	}
	return r;
}

struct row_sink grouping_sink(struct grouping *grouping)
{
	return (struct row_sink){.take = take_row, .begin = begin_block, .context = grouping};
}

/* --- the result ------------------------------------------------------------------------------------------------- */
static int put_keys(const struct grouping *grouping, const struct group *group, struct block *block, uint32_t row)
{
	const char *at = grouping->keys.data + group->key;
	int r = 0;

	for (uint32_t i = 0; i < grouping->terms.n_keys && r == 0; i++) {
		char kind = *at++;
		uint64_t number;
		size_t len;

		if (kind == 1) {
			memcpy(&number, at, sizeof(number));
			at += sizeof(number);
			block_set_number(block, row, i, number);
		} else if (kind == 2) {
			memcpy(&len, at, sizeof(len));
			at += sizeof(len);
			r = block_set_text(block, row, i, at, len);
			at += len;
		}
	}
	return r;
}

static int put_group(struct grouping *grouping, struct group *group, struct block *block)
{
	int row = block_add_row(block);
	int r = row < 0 ? row : put_keys(grouping, group, block, (uint32_t)row);

	for (uint32_t k = grouping->terms.n_keys; k < grouping->terms.n && r == 0; k++)
		r = aggregate_put(
			&group->aggregates[(uint32_t)grouping->terms.terms[k].duplicate - grouping->terms.n_keys],
			&grouping->terms.terms[k], field_of(grouping, k), block, (uint32_t)row, k);
	return r;
}

static uint64_t text_bytes(const struct grouping *grouping, const struct group *group)
{
	uint64_t bytes = group->key_len;

	for (uint32_t k = grouping->terms.n_keys; k < grouping->terms.n; k++)
		bytes += aggregate_text_len(&group->aggregates[k - grouping->terms.n_keys], &grouping->terms.terms[k],
					    field_of(grouping, k));
	return bytes;
}

int grouping_next(struct grouping *grouping, const struct block **ret)
{
	size_t first = grouping->n_delivered, last = first + BATCH_ROWS;
	uint64_t bytes = 1;
	int r = 0;

	if (last > grouping->n_groups)
		last = grouping->n_groups;
	for (size_t i = first; i < last; i++)
		bytes += text_bytes(grouping, grouping->groups[i]);
	if (bytes > UINT32_MAX)
		return -E2BIG;
	if (!grouping->batch)
		grouping->batch = block_new(&grouping->table, BATCH_ROWS, (uint32_t)bytes);
	if (!grouping->batch)
		return -ENOMEM;
	block_clear(grouping->batch);
	r = block_reserve(grouping->batch, BATCH_ROWS, (uint32_t)bytes);
	for (size_t i = first; i < last && r == 0; i++)
		r = put_group(grouping, grouping->groups[i], grouping->batch);
	grouping->n_delivered = last;
	*ret = grouping->batch;
	return r < 0 ? r : first < last;
}
