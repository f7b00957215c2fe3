// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sorting rows. The rows lie in a block, by slot; `slots` is the heap (with a limit) or a plain list. A
 * replaced row's text stays behind in the arena until that is full; then the live rows move to a new block.
 */
#define _GNU_SOURCE /* qsort_r */
#include "query/order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS  256
#define FIRST_ARENA 65536
#define BATCH_ROWS  256

struct order {
	const struct table *table;
	uint32_t key;
	bool is_descending;
	uint64_t limit;
	struct block *rows;
	uint32_t *slots;     /* [n] of rows */
	uint64_t *sequences; /* [slot]: when the row came */
	uint32_t n, size;    /* used of, and room in, the two arrays */
	uint64_t live_bytes; /* text of the rows in slots */
	uint64_t next_sequence;
	bool is_tail;
	int *identity; /* columns of `rows` for a sink */
};

/* What a row is sorted by, also of one that is not kept yet. */
struct sort_key {
	bool is_null;
	uint64_t number;
	const char *text;
	size_t len;
	uint64_t sequence;
};

struct order *order_new(const struct table *table, uint32_t key, bool is_descending, uint64_t limit)
{
	struct order *order = calloc(1, sizeof(*order));

	if (!order)
		return NULL;
	order->table = table;
	order->key = key;
	order->is_descending = is_descending;
	order->limit = limit;
	order->rows = block_new(table, FIRST_ROWS, FIRST_ARENA);
	order->slots = calloc(FIRST_ROWS, sizeof(*order->slots));
	order->sequences = calloc(FIRST_ROWS, sizeof(*order->sequences));
	order->identity = calloc(table->n_fields, sizeof(*order->identity));
	order->size = FIRST_ROWS;
	if (!order->rows || !order->slots || !order->sequences || !order->identity) {
		order_free(order);
		return NULL;
	}
	for (uint32_t i = 0; i < table->n_fields; i++)
		order->identity[i] = (int)i;
	return order;
}

struct order *order_new_tail(const struct table *table, uint32_t key, uint64_t limit)
{
	struct order *order = order_new(table, key, true, limit);

	if (order)
		order->is_tail = true;
	return order;
}

void order_free(struct order *order)
{
	if (!order)
		return;
	block_free(order->rows);
	free(order->slots);
	free(order->sequences);
	free(order->identity);
	free(order);
}

static struct sort_key key_of(const struct order *order, const struct block *block, uint32_t row, int column,
			      uint64_t sequence)
{
	struct sort_key key = {.is_null = 1, .sequence = sequence};

	if (column < 0 || block_is_null(block, row, (uint32_t)column))
		return key;
	key.is_null = 0;
	if (field_is_text(&order->table->fields[order->key]))
		key.text = block_text(block, row, (uint32_t)column, &key.len);
	else
		key.number = block_number(block, row, (uint32_t)column);
	return key;
}

static int compare_values(const struct order *order, const struct sort_key *a, const struct sort_key *b)
{
	const struct field *field = &order->table->fields[order->key];
	size_t common = a->len < b->len ? a->len : b->len;
	int r;

	if (field->type == FIELD_I64)
		return ((int64_t)a->number > (int64_t)b->number) - ((int64_t)a->number < (int64_t)b->number);
	if (!field_is_text(field))
		return (a->number > b->number) - (a->number < b->number);
	r = common ? memcmp(a->text, b->text, common) : 0;
	return r ? r : (a->len > b->len) - (a->len < b->len);
}

/* Below 0: a comes before b. Never 0 for two rows. */
static int compare_keys(const struct order *order, const struct sort_key *a, const struct sort_key *b)
{
	int r;

	if (a->is_null != b->is_null)
		return a->is_null - b->is_null;
	r = a->is_null ? 0 : compare_values(order, a, b);
	if (r)
		return order->is_descending ? -r : r;
	r = (a->sequence > b->sequence) - (a->sequence < b->sequence);
	return order->is_tail ? -r : r;
}

static int compare_slots(const struct order *order, uint32_t a, uint32_t b)
{
	struct sort_key key_a = key_of(order, order->rows, a, (int)order->key, order->sequences[a]);
	struct sort_key key_b = key_of(order, order->rows, b, (int)order->key, order->sequences[b]);

	return compare_keys(order, &key_a, &key_b);
}

/* For sorting at the end: the keys lie together, which is several times faster than looking into the columns. */
struct keyed_slot {
	struct sort_key key;
	uint32_t slot;
};

static int compare_for_qsort(const void *a, const void *b, void *order)
{
	const struct keyed_slot *slot_a = a, *slot_b = b;

	return compare_keys(order, &slot_a->key, &slot_b->key);
}

static int sort_slots(struct order *order)
{
	struct keyed_slot *keyed = calloc(order->n ? order->n : 1, sizeof(*keyed));

	if (!keyed)
		return -ENOMEM;
	for (uint32_t i = 0; i < order->n; i++) {
		uint32_t slot = order->slots[i];

		keyed[i].key = key_of(order, order->rows, slot, (int)order->key, order->sequences[slot]);
		keyed[i].slot = slot;
	}
	qsort_r(keyed, order->n, sizeof(*keyed), compare_for_qsort, order);
	for (uint32_t i = 0; i < order->n; i++)
		order->slots[i] = keyed[i].slot;
	free(keyed);
	return 0;
}

static void swap_slots(uint32_t *a, uint32_t *b)
{
	uint32_t kept = *a;

	*a = *b;
	*b = kept;
}

/* The row that comes last is on top. */
static void sift_up(struct order *order, uint32_t at)
{
	for (; at > 0; at = (at - 1) / 2) {
		uint32_t parent = (at - 1) / 2;

		if (compare_slots(order, order->slots[at], order->slots[parent]) < 0)
			break;
		swap_slots(&order->slots[at], &order->slots[parent]);
	}
}

static void sift_down(struct order *order)
{
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < order->n) {
		if (child + 1 < order->n && compare_slots(order, order->slots[child + 1], order->slots[child]) > 0)
			child++;
		if (compare_slots(order, order->slots[child], order->slots[at]) < 0)
			break;
		swap_slots(&order->slots[at], &order->slots[child]);
		at = child;
	}
}

static uint64_t text_bytes(const struct order *order, const struct block *block, uint32_t row, const int *columns)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < order->table->n_fields; i++)
		if (columns[i] >= 0 && field_is_text(&order->table->fields[i]) &&
		    !block_is_null(block, row, (uint32_t)columns[i]))
			sum += block->texts[columns[i]][row].len;
	return sum;
}

/* Into a slot that is all null; there is room for the text. */
static void copy_row(struct block *to, uint32_t to_row, const struct block *from, uint32_t from_row, const int *columns)
{
	for (uint32_t i = 0; i < to->table->n_fields; i++) {
		size_t len;
		const char *text;

		to->nulls[i][to_row] = 1;
		if (columns[i] < 0 || block_is_null(from, from_row, (uint32_t)columns[i]))
			continue;
		if (field_is_text(&to->table->fields[i])) {
			text = block_text(from, from_row, (uint32_t)columns[i], &len);
			block_set_text(to, to_row, i, text, len);
		} else {
			block_set_number(to, to_row, i, block_number(from, from_row, (uint32_t)columns[i]));
		}
	}
}

/* Moves the rows in slots[first..n) to a block of their own; the others are forgotten. */
static int move_rows(struct order *order, uint32_t first, uint64_t arena_size)
{
	uint32_t kept = order->n - first;
	struct block *rows = block_new(order->table, order->size, (uint32_t)arena_size);
	uint64_t *sequences = calloc(order->size, sizeof(*sequences));

	if (!rows || !sequences) {
		block_free(rows);
		free(sequences);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < kept; i++) {
		uint32_t slot = order->slots[first + i];

		copy_row(rows, (uint32_t)block_add_row(rows), order->rows, slot, order->identity);
		sequences[i] = order->sequences[slot];
		order->slots[i] = i;
	}
	block_free(order->rows);
	free(order->sequences);
	order->rows = rows;
	order->sequences = sequences;
	order->n = kept;
	order->live_bytes = rows->arena_used;
	return 0;
}

/* Room for one more row and `bytes` of text beyond what is used. */
static int make_room(struct order *order, uint64_t bytes)
{
	const struct block *rows = order->rows;
	uint32_t size = order->size;
	uint64_t arena_size = rows->arena_size, needed = order->live_bytes + bytes;
	int r;

	if (order->n == size) {
		uint32_t *slots;
		uint64_t *sequences;

		if (size > UINT32_MAX / 4)
			return -E2BIG;
		r = block_reserve(order->rows, size * 2, 0);
		if (r < 0)
			return r;
		slots = realloc(order->slots, 2 * (size_t)size * sizeof(*slots));
		if (!slots)
			return -ENOMEM;
		order->slots = slots;
		sequences = realloc(order->sequences, 2 * (size_t)size * sizeof(*sequences));
		if (!sequences)
			return -ENOMEM;
		order->sequences = sequences;
		order->size = size * 2;
	}
	if (bytes <= rows->arena_size - rows->arena_used)
		return 0;
	if (needed > INT32_MAX)
		return -E2BIG;
	while (arena_size < 2 * needed && arena_size < INT32_MAX)
		arena_size *= 2;
	if (arena_size > INT32_MAX)
		arena_size = INT32_MAX;
	return move_rows(order, 0, arena_size);
}

int order_add(struct order *order, const struct block *block, uint32_t row, const int *columns)
{
	struct sort_key key = key_of(order, block, row, columns[order->key], order->next_sequence);
	int is_full = order->limit && order->n == order->limit;
	uint64_t bytes;
	uint32_t slot;
	int r;

	if (is_full) {
		uint32_t top = order->slots[0];
		struct sort_key last = key_of(order, order->rows, top, (int)order->key, order->sequences[top]);

		order->next_sequence++;
		if (compare_keys(order, &key, &last) > 0)
			return 0;
		order->next_sequence--;
	}
	bytes = text_bytes(order, block, row, columns);
	r = make_room(order, bytes);
	if (r < 0)
		return r;
	if (is_full) {
		slot = order->slots[0];
		order->live_bytes -= text_bytes(order, order->rows, slot, order->identity);
	} else {
		slot = (uint32_t)block_add_row(order->rows);
		order->slots[order->n++] = slot;
	}
	copy_row(order->rows, slot, block, row, columns);
	order->sequences[slot] = order->next_sequence++;
	order->live_bytes += bytes;
	if (is_full)
		sift_down(order);
	else if (order->limit)
		sift_up(order, order->n - 1);
	return 0;
}

/*
 * Copies some rows in their order, column after column: sorted rows lie scattered, and the waits for memory
 * overlap when they do not depend on each other. Texts stay where they are: the batch borrows the arena.
 */
static void gather(const struct order *order, const uint32_t *slots, uint32_t n, struct block *batch)
{
	const struct block *rows = order->rows;

	block_clear(batch);
	for (uint32_t row = 0; row < n; row++)
		block_add_row(batch);
	for (uint32_t i = 0; i < order->table->n_fields; i++) {
		for (uint32_t row = 0; row < n; row++)
			batch->nulls[i][row] = rows->nulls[i][slots[row]];
		for (uint32_t row = 0; row < n && rows->texts[i]; row++)
			batch->texts[i][row] = rows->texts[i][slots[row]];
		for (uint32_t row = 0; row < n && rows->numbers[i]; row++)
			batch->numbers[i][row] = rows->numbers[i][slots[row]];
	}
}

static uint32_t count_below(const struct order *order, uint64_t below)
{
	uint32_t n = 0;

	while (n < order->n && !block_is_null(order->rows, order->slots[n], order->key) &&
	       block_number(order->rows, order->slots[n], order->key) < below)
		n++;
	return n;
}

/* The first n slots, in batches. */
static int deliver_slots(const struct order *order, uint32_t n, const struct row_sink *sink)
{
	struct block *batch = block_new(order->table, BATCH_ROWS, 1);
	char *own_arena;
	int r = 0;

	if (!batch)
		return -ENOMEM;
	own_arena = batch->arena;
	batch->arena = order->rows->arena;
	for (uint32_t first = 0; first < n && r == 0; first += BATCH_ROWS) {
		uint32_t n_batch = n - first < BATCH_ROWS ? n - first : BATCH_ROWS;

		gather(order, order->slots + first, n_batch, batch);
		for (uint32_t row = 0; row < n_batch && r == 0; row++)
			r = sink->take(sink->context, batch, row, order->identity);
	}
	batch->arena = own_arena;
	block_free(batch);
	return r;
}

int order_deliver(struct order *order, const uint64_t *below, const struct row_sink *sink)
{
	int r = sort_slots(order);
	uint32_t n;

	if (r < 0)
		return r;
	for (uint32_t i = 0; order->is_tail && i < order->n / 2; i++) {
		uint32_t slot = order->slots[i];

		order->slots[i] = order->slots[order->n - 1 - i];
		order->slots[order->n - 1 - i] = slot;
	}
	n = below ? count_below(order, *below) : order->n;
	r = n ? deliver_slots(order, n, sink) : 0;
	if (r)
		return r;
	if (n < order->n)
		return n ? move_rows(order, n, order->rows->arena_size) : 0;
	block_clear(order->rows);
	order->n = 0;
	order->live_bytes = 0;
	return 0;
}
