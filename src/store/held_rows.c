// SPDX-License-Identifier: BSD-2-Clause
/*
 *   bytes   u32 where each column begins, from the first one on, and where the last one ends | the columns | the next
 * section
 */
#include "store/held_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES (256u << 10)

void held_rows_done(struct held_rows *held)
{
	sink_done(&held->bytes);
	free(held->sections);
	held->sections = NULL;
	held->n_sections = held->capacity = held->rows = 0;
}

void held_rows_clear(struct held_rows *held)
{
	sink_done(&held->bytes); /* what one table has had, another gets next */
	held->n_sections = 0;
	held->rows = 0;
}

size_t held_rows_bytes(const struct held_rows *held)
{
	return held->bytes.len + held->n_sections * sizeof(*held->sections);
}

/* In steps: twice what is there would be half of all memory for nothing. */
static int make_room(struct sink *sink, size_t bytes)
{
	size_t capacity = sink->len + bytes + STEP_BYTES;
	void *data;

	if (bytes <= sink->capacity - sink->len)
		return 0;
	data = realloc(sink->data, capacity);
	if (!data)
		return -ENOMEM;
	sink->data = data;
	sink->capacity = capacity;
	return 0;
}

int held_rows_add(struct held_rows *held, struct source section, uint32_t rows, uint32_t interval)
{
	struct section opened;
	size_t at = held->bytes.len, bytes = section.left + (held->table->n_fields + 1) * 4ull;
	uint32_t begin = 0;
	int r = section_open(&section, held->table, rows, &opened);

	if (r < 0)
		return r;
	if (held->n_sections == held->capacity) {
		uint32_t capacity = held->capacity * 2 + 64;
		void *sections = realloc(held->sections, capacity * sizeof(*held->sections));

		if (!sections)
			return -ENOMEM;
		held->sections = sections;
		held->capacity = capacity;
	}
	if (make_room(&held->bytes, bytes) < 0)
		return -ENOMEM;
	put_u32(&held->bytes, 0);
	for (uint32_t i = 0; i < opened.n_columns; i++)
		put_u32(&held->bytes, begin += (uint32_t)opened.bytes[i]);
	for (uint32_t i = 0; i < opened.n_columns; i++)
		put_bytes(&held->bytes, opened.columns[i], opened.bytes[i]);
	held->sections[held->n_sections++] = (struct held_section){at, rows, interval};
	held->rows += rows;
	return 0;
}

static struct source column_of(const struct held_rows *held, const struct held_section *section, uint32_t field)
{
	size_t columns = section->at + (held->table->n_fields + 1) * 4ull;
	struct source begins = {held->bytes.data + section->at + field * 4ull, 8, 0};
	uint32_t begin = get_u32(&begins), end = get_u32(&begins);

	return (struct source){held->bytes.data + columns + begin, end - begin, 0};
}

/* From the section's own entries to those of the group. */
static void number_texts(struct column_texts *texts, const struct column_entries *entries, uint64_t *numbers,
			 const uint8_t *nulls, uint32_t rows, uint32_t *numbers_of)
{
	uint32_t base = (uint32_t)(entries->bytes - texts->base);

	for (uint32_t i = 0; i < entries->n; i++)
		numbers_of[i] = column_texts_intern(
			texts, (struct span){base + entries->entries[i].offset, entries->entries[i].len});
	for (uint32_t row = 0; row < rows; row++)
		numbers[row] = nulls[row] ? 0 : numbers_of[numbers[row]];
}

int held_rows_column(const struct held_rows *held, uint32_t field, uint64_t *numbers, uint8_t *nulls,
		     struct column_texts *texts)
{
	const struct field *of = &held->table->fields[field];
	uint32_t *numbers_of = NULL, most = 0;
	int r = 0;

	for (uint32_t i = 0; i < held->n_sections; i++)
		most = held->sections[i].rows > most ? held->sections[i].rows : most;
	if (field_is_text(of)) {
		numbers_of = malloc(most * sizeof(*numbers_of));
		r = numbers_of ? column_texts_begin(texts, held->bytes.data, held->rows) : -ENOMEM;
	}
	for (uint32_t i = 0, at = 0; i < held->n_sections && r == 0; at += held->sections[i++].rows) {
		struct column_rows rows = {.n = held->sections[i].rows};
		struct source from = column_of(held, &held->sections[i], field);
		struct column_entries entries = {0};

		r = column_get(&from, of, &rows, numbers + at, nulls + at, &entries);
		/* More texts than rows: no writer of ours. */
		if (r == 0 && entries.n > rows.n)
			r = -EBADMSG;
		if (r == 0 && entries.n)
			number_texts(texts, &entries, numbers + at, nulls + at, rows.n, numbers_of);
		free(entries.entries);
	}
	free(numbers_of);
	return r;
}

void held_rows_intervals(const struct held_rows *held, uint64_t *ret)
{
	for (uint32_t i = 0; i < held->n_sections; i++)
		for (uint32_t row = 0; row < held->sections[i].rows; row++)
			*ret++ = held->sections[i].interval;
}
