// SPDX-License-Identifier: BSD-2-Clause
/*
 * Columns to bytes. What is chosen is the caller's: any choice that can be made is read back the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/column.h"

void column_texts_done(struct column_texts *texts)
{
	free(texts->entries);
	free(texts->slots);
	*texts = (struct column_texts){0};
}

int column_texts_begin(struct column_texts *texts, const void *base, uint32_t most_entries)
{
	uint32_t n_slots = 16;

	while (n_slots < most_entries * 2)
		n_slots *= 2;
	if (most_entries > texts->capacity || n_slots > texts->slots_capacity) {
		column_texts_done(texts);
		texts->entries = malloc(most_entries * sizeof(*texts->entries));
		texts->slots = malloc(n_slots * sizeof(*texts->slots));
		if (!texts->entries || !texts->slots) {
			column_texts_done(texts);
			return -ENOMEM;
		}
		texts->capacity = most_entries;
		texts->slots_capacity = n_slots;
	}
	/* As few as these rows need: all of them are cleared. */
	texts->n_slots = n_slots;
	memset(texts->slots, 0, n_slots * sizeof(*texts->slots));
	texts->base = base;
	texts->n = 0;
	return 0;
}

/* Eight bytes at a time (multiply and fold): paths of cgroups are long, and every row has one. */
static uint32_t hash_of(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint64_t hash = len, word;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
		hash ^= hash >> 32;
	}
	word = 0;
	for (unsigned shift = 0; i < len; i++, shift += 8)
		word |= (uint64_t)bytes[i] << shift;
	hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
	hash ^= hash >> 32;
	return (uint32_t)(hash ^ (hash >> 16));
}

uint32_t column_texts_intern(struct column_texts *texts, struct span text)
{
	const char *data = texts->base + text.offset;
	uint32_t mask = texts->n_slots - 1, slot = hash_of(data, text.len) & mask;

	for (; texts->slots[slot]; slot = (slot + 1) & mask) {
		struct span entry = texts->entries[texts->slots[slot] - 1];

		if (entry.len == text.len && (!text.len || memcmp(texts->base + entry.offset, data, text.len) == 0))
			return texts->slots[slot] - 1;
	}
	texts->entries[texts->n] = text;
	texts->slots[slot] = ++texts->n;
	return texts->n - 1;
}

static void cut(struct column_cuts *cuts, const struct sink *sink)
{
	if (cuts && cuts->n < sizeof(cuts->at) / sizeof(cuts->at[0]))
		cuts->at[cuts->n++] = sink->len;
}

static uint64_t least_of(const struct field *field, const uint64_t *values, uint32_t n)
{
	uint64_t least = values[0];
	int64_t signed_least = (int64_t)values[0];

	if (field->type == FIELD_I64) {
		for (uint32_t i = 1; i < n; i++)
			signed_least = (int64_t)values[i] < signed_least ? (int64_t)values[i] : signed_least;
		return (uint64_t)signed_least;
	}
	for (uint32_t i = 1; i < n; i++)
		least = values[i] < least ? values[i] : least;
	return least;
}

/* The values of a row predicted from other columns. */
static uint64_t by_columns(const struct column_rows *rows, const struct column_choice *choice, uint32_t row)
{
	uint64_t value = rows->numbers[choice->minuend][row];

	return choice->subtrahend == NO_COLUMN ? value : value - rows->numbers[choice->subtrahend][row];
}

/* What the values are beyond their prediction, for those that are not null, in `ret`: how many. */
static uint32_t column_rest(const struct field *field, const struct column_rows *rows, const uint64_t *numbers,
			    const uint8_t *nulls, const struct column_choice *choice, uint64_t *ret, uint64_t *ret_base)
{
	uint64_t base = 0, before;
	uint32_t n = 0;

	switch (choice->prediction) {
	case PREDICT_NOTHING:
	case PREDICT_ROW:
		if (!nulls) {
			memcpy(ret, numbers, rows->n * sizeof(*ret));
			n = rows->n;
		}
		for (uint32_t row = 0; nulls && row < rows->n; row++) {
			ret[n] = numbers[row];
			n += !nulls[row];
		}
		if (!n)
			break;
		base = choice->prediction == PREDICT_ROW ? ret[0] : least_of(field, ret, n);
		if (choice->prediction == PREDICT_NOTHING) {
			for (uint32_t i = 0; i < n; i++)
				ret[i] -= base;
			break;
		}
		before = base;
		for (uint32_t i = 0; i < n; i++) {
			uint64_t value = ret[i];

			ret[i] = zigzag(value - before);
			before = value;
		}
		break;
	case PREDICT_COLUMNS:
		for (uint32_t row = 0; row < rows->n; row++) {
			ret[n] = zigzag(numbers[row] - by_columns(rows, choice, row));
			n += !nulls || !nulls[row];
		}
		break;
	case PREDICT_INTERVAL_END:
		for (uint32_t row = 0; row < rows->n; row++) {
			ret[n] = zigzag(numbers[row] - rows->interval_ends[row]);
			n += !nulls || !nulls[row];
		}
		break;
	}
	*ret_base = base;
	return n;
}

/* Of zigzag numbers: that of what they stand for. 1 where there is none. */
static uint64_t common_factor(const uint64_t *rest, uint32_t n, bool is_zigzag)
{
	uint64_t factor = 0;

	for (uint32_t i = 0; i < n && factor != 1; i++) {
		uint64_t a = rest[i], b = factor;

		if (is_zigzag)
			a = a & 1 ? (a >> 1) + 1 : a >> 1;
		while (b) {
			uint64_t left = a % b;

			a = b;
			b = left;
		}
		factor = a;
	}
	return factor ? factor : 1;
}

static void divide(uint64_t *rest, uint32_t n, uint64_t factor, bool is_zigzag)
{
	for (uint32_t i = 0; i < n; i++)
		rest[i] =
			is_zigzag ? zigzag((uint64_t)((int64_t)unzigzag(rest[i]) / (int64_t)factor)) : rest[i] / factor;
}

static void put_nulls(struct sink *sink, const uint8_t *nulls, uint32_t n)
{
	unsigned char *room = sink_room(sink, n / 8 + 1);
	uint32_t row = 0;

	if (!room)
		return;
	for (; row + 8 <= n; row += 8) {
		unsigned byte = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			byte |= (unsigned)(nulls[row + bit] != 0) << bit;
		*room++ = (unsigned char)byte;
	}
	if (row < n) {
		*room = 0;
		for (unsigned bit = 0; row < n; row++, bit++)
			*room |= (unsigned char)((nulls[row] != 0) << bit);
	}
	sink->len += (n + 7) / 8;
}

static void put_planes(struct sink *sink, const uint64_t *rest, uint32_t n, uint64_t all_bits, struct column_cuts *cuts)
{
	unsigned width = all_bits ? (64 - (unsigned)__builtin_clzll(all_bits) + 7) / 8 : 1;

	put_u8(sink, (uint8_t)width);
	for (unsigned plane = 0; plane < width; plane++) {
		unsigned char *room = sink_room(sink, n);

		if (!room)
			return;
		for (uint32_t i = 0; i < n; i++)
			room[i] = (unsigned char)(rest[i] >> (8 * plane));
		sink->len += n;
		cut(cuts, sink);
	}
}

/* Bits on their way, the low ones first. */
struct bits {
	unsigned char *to;
	uint64_t held;
	unsigned n_held; /* below 32 */
};

static void put_bits(struct bits *bits, uint64_t value, unsigned count)
{
	while (count) {
		unsigned step = count < 32 ? count : 32;

		bits->held |= (value & ((UINT64_C(1) << step) - 1)) << bits->n_held;
		bits->n_held += step;
		value >>= step;
		count -= step;
		for (; bits->n_held >= 8; bits->n_held -= 8) {
			*bits->to++ = (unsigned char)bits->held;
			bits->held >>= 8;
		}
	}
}

/* Its length in bits, and the two bits below the highest, which is 1; the rest as plain bits. */
static void put_lengths(struct sink *sink, const uint64_t *rest, uint32_t n, struct column_cuts *cuts)
{
	unsigned char *classes = sink_room(sink, n);
	struct bits bits = {0};
	uint64_t n_bits = 0;

	if (!classes)
		return;
	for (uint32_t i = 0; i < n; i++) {
		classes[i] = length_class(rest[i]);
		n_bits += length_plain_bits(classes[i]);
	}
	sink->len += n;
	cut(cuts, sink);
	put_varint(sink, (n_bits + 7) / 8);
	bits.to = sink_room(sink, n_bits / 8 + 1);
	if (!bits.to)
		return;
	for (uint32_t i = 0; i < n; i++)
		put_bits(&bits, rest[i], length_plain_bits(length_class(rest[i])));
	if (bits.n_held)
		*bits.to = (unsigned char)bits.held;
	sink->len += (n_bits + 7) / 8;
	cut(cuts, sink);
}

static void put_texts(struct sink *sink, const struct column_texts *texts, struct column_cuts *cuts)
{
	uint64_t bytes = 0;
	unsigned char *room;

	for (uint32_t i = 0; i < texts->n; i++)
		bytes += texts->entries[i].len;
	put_varint(sink, texts->n);
	put_varint(sink, bytes);
	for (uint32_t i = 0; i < texts->n; i++)
		put_varint(sink, texts->entries[i].len);
	cut(cuts, sink);
	room = sink_room(sink, bytes);
	for (uint32_t i = 0; i < texts->n && room; i++) {
		struct span entry = texts->entries[i];

		if (entry.len)
			memcpy(room, texts->base + entry.offset, entry.len);
		room += entry.len;
	}
	sink->len += room ? bytes : 0;
	cut(cuts, sink);
}

/* As column_put() in the cheapest form, of a column without nulls: the numbers are looked at where they are. */
static void put_cheaply(struct sink *sink, const struct field *field, uint32_t n, const uint64_t *numbers,
			const struct column_texts *texts)
{
	uint64_t least = least_of(field, numbers, n), all_bits = 0, other_bits = 0;
	unsigned width;
	unsigned char *room;

	for (uint32_t i = 0; i < n; i++) {
		all_bits |= numbers[i] - least;
		other_bits |= numbers[i] ^ numbers[0];
	}
	put_u8(sink, other_bits ? PACK_PLANES : PACK_CONSTANT);
	put_varint(sink, least);
	if (texts)
		put_texts(sink, texts, NULL);
	if (!other_bits) {
		put_varint(sink, 0);
		return;
	}
	width = (64 - (unsigned)__builtin_clzll(all_bits) + 7) / 8;
	put_u8(sink, (uint8_t)width);
	room = sink_room(sink, (size_t)n * width);
	for (unsigned plane = 0; plane < width && room; plane++)
		for (uint32_t i = 0; i < n; i++)
			*room++ = (unsigned char)((numbers[i] - least) >> (8 * plane));
	sink->len += room ? (size_t)n * width : 0;
}

void column_put(struct sink *sink, const struct field *field, const struct column_rows *rows, const uint64_t *numbers,
		const uint8_t *nulls, const struct column_texts *texts, const struct column_choice *choice,
		uint64_t *rest, struct column_cuts *cuts)
{
	bool is_zigzag = choice->prediction != PREDICT_NOTHING;
	uint64_t base, all_bits = 0, other_bits = 0, factor = 1;
	enum packing packing = choice->packing;
	uint32_t n;

	if (!nulls && !is_zigzag && packing == PACK_PLANES && !choice->has_factor) {
		put_cheaply(sink, field, rows->n, numbers, texts);
		return;
	}
	n = column_rest(field, rows, numbers, nulls, choice, rest, &base);
	if (!n) {
		put_u8(sink, PACK_NULLS);
		return;
	}
	if (choice->has_factor)
		factor = common_factor(rest, n, is_zigzag);
	if (factor > 1)
		divide(rest, n, factor, is_zigzag);
	for (uint32_t i = 0; i < n; i++) {
		all_bits |= rest[i];
		other_bits |= rest[i] ^ rest[0];
	}
	if (!other_bits)
		packing = PACK_CONSTANT;
	else if (packing == PACK_LENGTHS && all_bits >> 63)
		packing = PACK_PLANES;
	put_u8(sink, (uint8_t)(packing | (unsigned)choice->prediction << PREDICTION_SHIFT |
			       (factor > 1 ? COLUMN_HAS_FACTOR : 0) | (n < rows->n ? COLUMN_HAS_NULLS : 0)));
	if (choice->prediction == PREDICT_COLUMNS) {
		put_u8(sink, choice->minuend);
		put_u8(sink, choice->subtrahend);
	}
	if (choice->prediction == PREDICT_NOTHING || choice->prediction == PREDICT_ROW)
		put_varint(sink, base);
	if (factor > 1)
		put_varint(sink, factor);
	if (texts)
		put_texts(sink, texts, cuts);
	if (n < rows->n) {
		put_nulls(sink, nulls, rows->n);
		cut(cuts, sink);
	}
	if (packing == PACK_CONSTANT)
		put_varint(sink, rest[0]);
	else if (packing == PACK_PLANES)
		put_planes(sink, rest, n, all_bits, cuts);
	else
		put_lengths(sink, rest, n, cuts);
}
