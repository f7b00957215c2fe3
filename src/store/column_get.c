// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes to columns. The bytes may be hostile: every length is held against what is left, and every reference against
 * what is there, before it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/column.h"

/* What stands before a column's numbers. */
struct column_head {
	struct column_choice choice;
	bool has_nulls;
	uint64_t base, factor;
};

static int get_head(struct source *from, struct column_head *ret)
{
	uint8_t head = get_u8(from);
	struct column_choice *choice = &ret->choice;

	*ret = (struct column_head){.factor = 1};
	choice->packing = head & PACKING_MASK;
	choice->prediction = head >> PREDICTION_SHIFT & PREDICTION_MASK;
	if (from->failed || choice->packing > PACK_NULLS || choice->prediction > PREDICT_INTERVAL_END)
		return -EBADMSG;
	if (choice->packing == PACK_NULLS)
		return head == PACK_NULLS ? 0 : -EBADMSG;
	choice->has_factor = head & COLUMN_HAS_FACTOR;
	ret->has_nulls = head & COLUMN_HAS_NULLS;
	if (choice->prediction == PREDICT_COLUMNS) {
		choice->minuend = get_u8(from);
		choice->subtrahend = get_u8(from);
	}
	if (choice->prediction == PREDICT_NOTHING || choice->prediction == PREDICT_ROW)
		ret->base = get_varint(from);
	if (choice->has_factor)
		ret->factor = get_varint(from);
	return from->failed ? -EBADMSG : 0;
}

int column_needs(const void *data, size_t len, struct column_choice *ret)
{
	struct source from = {data, len, 0};
	struct column_head head;
	int r = get_head(&from, &head);

	if (r == 0)
		*ret = head.choice;
	return r;
}

static int get_texts(struct source *from, struct column_entries *ret)
{
	uint64_t n = get_varint(from), bytes = get_varint(from), used = 0;
	struct span *entries;

	if (from->failed || n > GROUP_MAX_ROWS || n > from->left || bytes > from->left)
		return -EBADMSG;
	entries = malloc(n * sizeof(*entries) + 1);
	if (!entries)
		return -ENOMEM;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t len = get_varint(from);

		if (len > bytes - used) {
			free(entries);
			return -EBADMSG;
		}
		entries[i] = (struct span){(uint32_t)used, (uint32_t)len};
		used += len;
	}
	ret->entries = entries;
	ret->n = (uint32_t)n;
	ret->bytes = (const char *)get_bytes(from, bytes);
	ret->n_bytes = (uint32_t)bytes;
	return from->failed || used != bytes ? -EBADMSG : 0;
}

/* How many rows are not null; -EBADMSG. */
static int get_nulls(struct source *from, uint32_t rows, bool has_nulls, uint8_t *nulls)
{
	const unsigned char *bits;
	uint32_t n = rows;

	if (!has_nulls) {
		memset(nulls, 0, rows);
		return (int)rows;
	}
	bits = get_bytes(from, (rows + 7) / 8);
	if (!bits)
		return -EBADMSG;
	for (uint32_t row = 0; row < rows; row++) {
		nulls[row] = bits[row / 8] >> (row % 8) & 1;
		n -= nulls[row];
	}
	return (int)n;
}

static int get_planes(struct source *from, uint32_t n, uint64_t *ret)
{
	unsigned width = get_u8(from);
	const unsigned char *planes;

	if (!width || width > 8)
		return -EBADMSG;
	planes = get_bytes(from, (size_t)n * width);
	if (!planes)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++)
		ret[i] = planes[i];
	for (unsigned plane = 1; plane < width; plane++) {
		planes += n;
		for (uint32_t i = 0; i < n; i++)
			ret[i] |= (uint64_t)planes[i] << (8 * plane);
	}
	return 0;
}

/* Up to 56 bits from bit `at` on: there are 8 bytes from its byte on. */
static uint64_t bits_at(const unsigned char *data, uint64_t at, unsigned count)
{
	uint64_t word;

	memcpy(&word, data + at / 8, sizeof(word));
	return word >> (at % 8) & (UINT64_MAX >> (64 - count));
}

/* The same of the last bytes. */
static uint64_t last_bits_at(const unsigned char *data, uint64_t at, unsigned count)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value |= (uint64_t)(data[(at + i) / 8] >> ((at + i) % 8) & 1) << i;
	return value;
}

static int get_lengths(struct source *from, uint32_t n, uint64_t *ret)
{
	const unsigned char *classes = get_bytes(from, n), *bits;
	uint64_t n_bits = 0, bytes = get_varint(from), at = 0;

	if (from->failed)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++)
		n_bits += length_plain_bits(classes[i]);
	if (bytes != (n_bits + 7) / 8)
		return -EBADMSG;
	bits = get_bytes(from, bytes);
	if (!bits)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++) {
		unsigned count = length_plain_bits(classes[i]);

		ret[i] = length_top(classes[i]);
		if (!count)
			continue;
		if (count <= 56 && at / 8 + 8 <= bytes)
			ret[i] |= bits_at(bits, at, count);
		else
			ret[i] |= last_bits_at(bits, at, count);
		at += count;
	}
	return 0;
}

static int get_rest(struct source *from, enum packing packing, uint32_t n, uint64_t *ret)
{
	uint64_t constant;

	if (packing == PACK_PLANES)
		return get_planes(from, n, ret);
	if (packing == PACK_LENGTHS)
		return get_lengths(from, n, ret);
	constant = get_varint(from);
	for (uint32_t i = 0; i < n; i++)
		ret[i] = constant;
	return from->failed ? -EBADMSG : 0;
}

/* To the rows that they belong to, from the end on: no number moves forwards. */
static void spread(uint64_t *numbers, const uint8_t *nulls, uint32_t rows, uint32_t n)
{
	for (uint32_t row = rows; row-- > 0;) {
		uint64_t number = n ? numbers[n - !nulls[row]] : 0;

		n -= !nulls[row];
		numbers[row] = nulls[row] ? 0 : number;
	}
}

static int check_columns(const struct column_choice *choice, const struct column_rows *rows)
{
	if (choice->prediction == PREDICT_INTERVAL_END)
		return rows->interval_ends ? 0 : -EBADMSG;
	if (choice->prediction != PREDICT_COLUMNS)
		return 0;
	if (!rows->numbers || !rows->numbers[choice->minuend])
		return -EBADMSG;
	return choice->subtrahend == NO_COLUMN || rows->numbers[choice->subtrahend] ? 0 : -EBADMSG;
}

/* From the numbers to the values, where rows are not null. */
static void predict(const struct column_head *head, const struct column_rows *rows, uint64_t *numbers,
		    const uint8_t *nulls)
{
	const uint64_t *by = NULL, *less = NULL;
	uint64_t factor = head->factor, before = head->base;

	switch (head->choice.prediction) {
	case PREDICT_NOTHING:
		for (uint32_t row = 0; row < rows->n; row++)
			numbers[row] = numbers[row] * factor + head->base;
		break;
	case PREDICT_ROW:
		for (uint32_t row = 0; row < rows->n; row++) {
			if (!nulls[row])
				before += unzigzag(numbers[row]) * factor;
			numbers[row] = before;
		}
		break;
	case PREDICT_INTERVAL_END:
		by = rows->interval_ends;
		break;
	case PREDICT_COLUMNS:
		by = rows->numbers[head->choice.minuend];
		if (head->choice.subtrahend != NO_COLUMN)
			less = rows->numbers[head->choice.subtrahend];
		break;
	}
	for (uint32_t row = 0; by && row < rows->n; row++)
		numbers[row] = by[row] - (less ? less[row] : 0) + unzigzag(numbers[row]) * factor;
	for (uint32_t row = 0; head->has_nulls && row < rows->n; row++)
		numbers[row] = nulls[row] ? 0 : numbers[row];
}

static int check_entries(const struct column_entries *entries, const uint64_t *numbers, const uint8_t *nulls,
			 uint32_t rows)
{
	for (uint32_t row = 0; row < rows; row++)
		if (!nulls[row] && numbers[row] >= entries->n)
			return -EBADMSG;
	return 0;
}

int column_get(struct source *from, const struct field *field, const struct column_rows *rows, uint64_t *numbers,
	       uint8_t *nulls, struct column_entries *ret)
{
	struct column_head head;
	int r = get_head(from, &head), n = 0;

	if (r == 0 && head.choice.packing == PACK_NULLS) {
		memset(nulls, 1, rows->n);
		memset(numbers, 0, rows->n * sizeof(*numbers));
		return from->left ? -EBADMSG : 0;
	}
	if (r == 0)
		r = check_columns(&head.choice, rows);
	if (r == 0 && field_is_text(field))
		r = get_texts(from, ret);
	if (r == 0)
		r = n = get_nulls(from, rows->n, head.has_nulls, nulls);
	if (r >= 0)
		r = get_rest(from, head.choice.packing, (uint32_t)n, numbers);
	if (r < 0)
		return r;
	if (head.has_nulls)
		spread(numbers, nulls, rows->n, (uint32_t)n);
	predict(&head, rows, numbers, nulls);
	if (field_is_text(field))
		r = check_entries(ret, numbers, nulls, rows->n);
	return from->left ? -EBADMSG : r;
}
