// SPDX-License-Identifier: BSD-2-Clause
/*
 * Groups in the order in which they were met, found by a hash of their keys' bytes.
 */
#include "query/grouping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/histogram.h"
#include "query/terms.h"

#define SLOTS_FIRST 1024

/* What is known of one term in one group. */
struct cell {
	uint64_t number; /* sum, least, largest, first or last */
	uint64_t n;	 /* values that were not null, by weight */
	union {
		struct histogram *histogram;
		struct {
			char *data;
			size_t len;
		} text;
	};
};

struct group {
	uint64_t hash;
	size_t key, key_len; /* in `keys` */
	struct cell cells[];
};

struct grouping {
	struct terms terms;
	struct selection wanted;
	int columns[TABLE_MAX_FIELDS]; /* of each term among the wanted; -1: none */
	int weight;		       /* ... of the field of kind WEIGHT; -1: rows count as one */
	struct field fields[TABLE_MAX_FIELDS];
	struct table table;

	struct buffer keys;
	struct group **groups; /* in order */
	size_t n_groups, max_groups;
	struct group **slots;
	size_t n_slots; /* a power of two */
	struct buffer key; /* of the row at hand */
};

static int is_text_cell(const struct grouping *grouping, uint32_t term)
{
	enum term_kind kind = grouping->terms.terms[term].kind;

	return (kind == TERM_FIRST || kind == TERM_LAST) && field_is_text(&grouping->fields[term]);
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

static void describe(struct grouping *grouping, const struct table *source)
{
	grouping->wanted = (struct selection){.source = source, .sort_column = -1};
	grouping->weight = -1;
	for (uint32_t i = 0; i < grouping->terms.n; i++) {
		const struct term *term = &grouping->terms.terms[i];
		struct field *field = &grouping->fields[i];

		*field = (struct field){.type = FIELD_U64, .kind = KIND_SUM, .help = "rows in the group"};
		if (term->field >= 0)
			*field = source->fields[term->field];
		grouping->columns[i] = term->field < 0 ? -1 : want(grouping, field);
		field->name = term->name;
		/* The sum of truths is a number. */
		if (field->type == FIELD_BOOL && term->kind == TERM_SUM)
			field->type = FIELD_U64;
	}
	for (uint32_t i = 0; i < source->n_fields; i++)
		if (source->fields[i].kind == KIND_WEIGHT)
			grouping->weight = want(grouping, &source->fields[i]);
	grouping->wanted.columns = (struct table){
		.name = source->name,
		.help = source->help,
		.id = source->id,
		.n_fields = grouping->wanted.n_shown,
		.fields = grouping->wanted.fields,
	};
	grouping->table = (struct table){
		.name = source->name,
		.help = source->help,
		.id = source->id,
		.n_fields = grouping->terms.n,
		.fields = grouping->fields,
	};
}

int grouping_new(const struct table *source, const char *group_by, const char *fields, int is_for_people,
		 struct grouping **ret, char *complaint, size_t size)
{
	struct grouping *grouping = calloc(1, sizeof(*grouping));
	int r = -ENOMEM;

	*complaint = 0;
	if (!grouping)
		return r;
	grouping->n_slots = SLOTS_FIRST;
	grouping->slots = calloc(grouping->n_slots, sizeof(*grouping->slots));
	if (grouping->slots)
		r = terms_read(source, group_by, fields, is_for_people, &grouping->terms, complaint, size);
	if (r < 0) {
		grouping_free(grouping);
		return r;
	}
	describe(grouping, source);
	*ret = grouping;
	return 0;
}

void grouping_free(struct grouping *grouping)
{
	if (!grouping)
		return;
	for (size_t i = 0; i < grouping->n_groups; i++) {
		for (uint32_t k = 0; k < grouping->terms.n; k++)
			if (grouping->terms.terms[k].kind == TERM_QUANTILE)
				histogram_free(grouping->groups[i]->cells[k].histogram);
			else if (is_text_cell(grouping, k))
				free(grouping->groups[i]->cells[k].text.data);
		free(grouping->groups[i]);
	}
	free(grouping->groups);
	free(grouping->slots);
	buffer_done(&grouping->keys);
	buffer_done(&grouping->key);
	free(grouping);
}

const struct selection *grouping_wanted(const struct grouping *grouping)
{
	return &grouping->wanted;
}

const struct table *grouping_table(const struct grouping *grouping)
{
	return &grouping->table;
}

/* --- which group ------------------------------------------------------------------------------------------------ */
static int is_null(const struct block *block, uint32_t row, int column)
{
	return column < 0 || block_is_null(block, row, (uint32_t)column);
}

/* A key's bytes: 0 for null; else 1 and the number, or 2, the length and the text. */
static int make_key(struct grouping *grouping, const struct block *block, uint32_t row, const int *columns)
{
	struct buffer *key = &grouping->key;

	key->used = 0;
	for (uint32_t i = 0; i < grouping->terms.n_keys; i++) {
		const struct term *term = &grouping->terms.terms[i];
		int column = columns[grouping->columns[i]];
		char kind = (char)(is_null(block, row, column) ? 0 : 1 + field_is_text(&grouping->fields[i]));

		buffer_add(key, &kind, 1);
		if (kind == 1) {
			uint64_t number = block_number(block, row, (uint32_t)column);

			number -= term->step ? number % term->step : 0;
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

/* FNV-1a, 64 bits (Fowler, Noll, Vo), finished as splitmix64 does. */
static uint64_t hash_of(const struct buffer *key)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < key->used; i++)
		hash = (hash ^ (unsigned char)key->data[i]) * 0x100000001b3ULL;
	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 27);
}

static struct group **slot_for(struct grouping *grouping, uint64_t hash, const void *key, size_t len)
{
	size_t i = hash & (grouping->n_slots - 1);

	for (; grouping->slots[i]; i = (i + 1) & (grouping->n_slots - 1)) {
		const struct group *group = grouping->slots[i];

		if (group->hash == hash && group->key_len == len &&
		    memcmp(grouping->keys.data + group->key, key, len) == 0)
			break;
	}
	return &grouping->slots[i];
}

static int grow(struct grouping *grouping)
{
	struct group **slots = calloc(grouping->n_slots * 2, sizeof(*slots));
	struct group **groups = realloc(grouping->groups, grouping->n_slots * 2 * sizeof(*groups));

	if (groups)
		grouping->groups = groups;
	if (!slots || !groups) {
		free(slots);
		return -ENOMEM;
	}
	free(grouping->slots);
	grouping->slots = slots;
	grouping->n_slots *= 2;
	for (size_t i = 0; i < grouping->n_groups; i++) {
		size_t at = groups[i]->hash & (grouping->n_slots - 1);

		while (slots[at])
			at = (at + 1) & (grouping->n_slots - 1);
		slots[at] = groups[i];
	}
	return 0;
}

static int find_group(struct grouping *grouping, struct group **ret)
{
	const struct buffer *key = &grouping->key;
	uint64_t hash = hash_of(key);
	struct group **slot = slot_for(grouping, hash, key->data, key->used);

	if (!*slot) {
		if (grouping->n_groups == GROUPING_MAX_GROUPS)
			return -E2BIG;
		if (!grouping->groups || grouping->n_groups * 2 >= grouping->n_slots) {
			if (grow(grouping) < 0)
				return -ENOMEM;
			slot = slot_for(grouping, hash, key->data, key->used);
		}
		*slot = calloc(1, sizeof(**slot) + grouping->terms.n * sizeof((*slot)->cells[0]));
		if (!*slot)
			return -ENOMEM;
		(*slot)->hash = hash;
		(*slot)->key = grouping->keys.used;
		(*slot)->key_len = key->used;
		buffer_add(&grouping->keys, key->data, key->used);
		grouping->groups[grouping->n_groups++] = *slot;
	}
	*ret = *slot;
	return grouping->keys.error;
}

/* --- what is told of it ----------------------------------------------------------------------------------------- */
static int take_text(struct cell *cell, enum term_kind kind, const struct block *block, uint32_t row, uint32_t column)
{
	size_t len;
	const char *text = block_text(block, row, column, &len);
	char *copy;

	if (kind == TERM_FIRST && cell->n)
		return 0;
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	free(cell->text.data);
	cell->text.data = copy;
	cell->text.len = len;
	cell->n = 1;
	return 0;
}

static int is_less(const struct field *field, uint64_t a, uint64_t b)
{
	return field->type == FIELD_I64 ? (int64_t)a < (int64_t)b : a < b;
}

static int take_number(struct cell *cell, const struct term *term, const struct field *field, uint64_t value,
		       uint64_t weight)
{
	int is_first = !cell->n;

	cell->n += weight;
	switch (term->kind) {
	case TERM_SUM:
	case TERM_AVG:
		/* A weight is what it counts: it is not to be taken by itself. */
		cell->number += field->kind == KIND_WEIGHT ? value : value * weight;
		break;
	case TERM_MIN:
		if (is_first || is_less(field, value, cell->number))
			cell->number = value;
		break;
	case TERM_MAX:
		if (is_first || is_less(field, cell->number, value))
			cell->number = value;
		break;
	case TERM_FIRST:
		if (is_first)
			cell->number = value;
		break;
	case TERM_LAST:
		cell->number = value;
		break;
	case TERM_QUANTILE:
		if (!cell->histogram)
			cell->histogram = histogram_new();
		return cell->histogram ? histogram_add(cell->histogram, value, weight) : -ENOMEM;
	case TERM_KEY:
	case TERM_COUNT:
		break;
	}
	return 0;
}

static int take_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct grouping *grouping = context;
	uint64_t weight = 1;
	struct group *group = NULL;
	int r = make_key(grouping, block, row, columns);

	if (r == 0)
		r = find_group(grouping, &group);
	if (grouping->weight >= 0)
		weight = is_null(block, row, columns[grouping->weight])
				 ? 0
				 : block_number(block, row, (uint32_t)columns[grouping->weight]);
	for (uint32_t i = grouping->terms.n_keys; i < grouping->terms.n && r == 0; i++) {
		const struct term *term = &grouping->terms.terms[i];
		int column = term->kind == TERM_COUNT ? -1 : columns[grouping->columns[i]];

		if (term->kind == TERM_COUNT)
			group->cells[i].n += weight;
		else if (is_null(block, row, column))
			continue;
		else if (is_text_cell(grouping, i))
			r = take_text(&group->cells[i], term->kind, block, row, (uint32_t)column);
		else
			r = take_number(&group->cells[i], term, &grouping->fields[i],
					block_number(block, row, (uint32_t)column), weight);
	}
	return r;
}

struct row_sink grouping_sink(struct grouping *grouping)
{
	return (struct row_sink){take_row, grouping};
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

static int put_cell(const struct grouping *grouping, const struct group *group, struct block *block, uint32_t row,
		    uint32_t i)
{
	const struct term *term = &grouping->terms.terms[i];
	const struct cell *cell = &group->cells[i];

	if (term->kind == TERM_COUNT)
		block_set_number(block, row, i, cell->n);
	else if (!cell->n)
		return 0;
	else if (is_text_cell(grouping, i))
		return block_set_text(block, row, i, cell->text.data, cell->text.len);
	else if (term->kind == TERM_QUANTILE)
		block_set_number(block, row, i, histogram_quantile(cell->histogram, term->share));
	else
		block_set_number(block, row, i, term->kind == TERM_AVG ? cell->number / cell->n : cell->number);
	return 0;
}

struct block *grouping_rows(struct grouping *grouping)
{
	struct block *block;
	uint64_t bytes = grouping->keys.used + 1;
	int r = 0;

	for (size_t i = 0; i < grouping->n_groups; i++)
		for (uint32_t k = grouping->terms.n_keys; k < grouping->terms.n; k++)
			bytes += is_text_cell(grouping, k) ? grouping->groups[i]->cells[k].text.len : 0;
	if (bytes > UINT32_MAX)
		return NULL;
	block = block_new(&grouping->table, (uint32_t)grouping->n_groups + 1, (uint32_t)bytes);
	for (size_t i = 0; block && i < grouping->n_groups && r >= 0; i++) {
		uint32_t row = (uint32_t)block_add_row(block);

		r = put_keys(grouping, grouping->groups[i], block, row);
		for (uint32_t k = grouping->terms.n_keys; k < grouping->terms.n && r == 0; k++)
			r = put_cell(grouping, grouping->groups[i], block, row, k);
	}
	if (r < 0) {
		block_free(block);
		return NULL;
	}
	return block;
}
