// SPDX-License-Identifier: BSD-2-Clause
/*
 * Slots are a ring: this thread fills them in the order of the store and empties them in the same, threads decode what
 * is between.
 *
 *   EMPTY ──▶ FULL     this thread's: a group to be decoded
 *   FULL ──▶ TAKEN     a thread's that decodes it
 *   TAKEN ──▶ READY    the same thread's
 *   READY ──▶ EMPTY    this thread's: its rows have been handed over
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "query/scan.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "query/filter.h"

enum slot_state { SLOT_EMPTY, SLOT_FULL, SLOT_TAKEN, SLOT_READY };

/* What decodes groups. */
struct decoder {
	struct filter *filter; /* NULL: every row of the time is wanted */
	uint8_t *is_wanted;    /* [row] */
	uint32_t capacity;
};

struct slot {
	enum slot_state state;
	const struct store_part *part; /* held */
	struct store_group group;
	uint64_t bytes; /* that it takes decoded, about */
	struct group_reader *reader;
	struct joined_table joined; /* of the group's table */
	struct joins_of_table of;
	uint32_t *rows; /* that are wanted, by interval */
	uint32_t n_rows, capacity;
	int error;
};

struct scan {
	struct scan_options options;
	uint64_t n_parts;

	const struct store_part *part; /* being dispatched; NULL: the next one is to be read */
	uint32_t next_group;
	bool is_at_end;

	pthread_mutex_t lock;
	pthread_cond_t has_work, has_result;
	struct slot *slots;
	unsigned n_slots, first, n_used; /* the ring's */
	/* Of slots that are empty: what was used last is used first, so that no more are made than are needed at once.
	 */
	struct group_reader *idle[SCAN_MAX_JOBS + 1];
	unsigned n_idle;
	uint64_t bytes_used;
	bool is_ending;
	pthread_t threads[SCAN_MAX_JOBS];
	struct decoder decoders[SCAN_MAX_JOBS];
	unsigned n_threads;
	struct decoder own;
	struct joined_table judged; /* of the group that is being judged */
};

unsigned scan_default_jobs(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > SCAN_MAX_JOBS ? SCAN_MAX_JOBS : (unsigned)n;
}

struct scan *scan_new(const struct scan_options *options)
{
	struct scan *scan = calloc(1, sizeof(*scan));

	if (!scan)
		return NULL;
	scan->options = *options;
	if (scan->options.jobs > SCAN_MAX_JOBS)
		scan->options.jobs = SCAN_MAX_JOBS;
	pthread_mutex_init(&scan->lock, NULL);
	pthread_cond_init(&scan->has_work, NULL);
	pthread_cond_init(&scan->has_result, NULL);
	scan->n_slots = scan->options.jobs > 1 ? scan->options.jobs + 1 : 1;
	scan->slots = calloc(scan->n_slots, sizeof(*scan->slots));
	if (!scan->slots) {
		scan_free(scan);
		return NULL;
	}
	return scan;
}

static void decoder_done(struct decoder *decoder)
{
	filter_free(decoder->filter);
	free(decoder->is_wanted);
}

void scan_free(struct scan *scan)
{
	if (!scan)
		return;
	pthread_mutex_lock(&scan->lock);
	scan->is_ending = true;
	pthread_cond_broadcast(&scan->has_work);
	pthread_mutex_unlock(&scan->lock);
	for (unsigned i = 0; i < scan->n_threads; i++) {
		pthread_join(scan->threads[i], NULL);
		decoder_done(&scan->decoders[i]);
	}
	decoder_done(&scan->own);
	for (unsigned i = 0; i < scan->n_slots && scan->slots; i++) {
		store_part_release(scan->slots[i].part);
		group_reader_free(scan->slots[i].reader);
		free(scan->slots[i].rows);
	}
	for (unsigned i = 0; i < scan->n_idle; i++)
		group_reader_free(scan->idle[i]);
	if (scan->part)
		store_part_release(scan->part);
	pthread_mutex_destroy(&scan->lock);
	pthread_cond_destroy(&scan->has_work);
	pthread_cond_destroy(&scan->has_result);
	free(scan->slots);
	free(scan);
}

uint64_t scan_parts(const struct scan *scan)
{
	return scan->n_parts;
}

/* --- one group -------------------------------------------------------------------------------------------------- */
/* Rows of the time asked for, of a column that is decoded only where the group reaches beyond it. */
static int choose_by_time(const struct query *query, struct slot *slot, uint8_t *is_wanted)
{
	const struct block *block = group_reader_block(slot->reader);
	uint64_t since, until;
	int field = query_time_field(query, slot->group.table, &since, &until), r;

	memset(is_wanted, 1, slot->group.rows);
	if ((!since && !until) || query_is_inside(query, &slot->group))
		return 0;
	if (field < 0) {
		memset(is_wanted, 0, slot->group.rows);
		return 0;
	}
	r = group_reader_column(slot->reader, (uint32_t)field);
	for (uint32_t row = 0; row < block->rows && r == 0; row++) {
		uint64_t real_ns = block->numbers[field][row];

		is_wanted[row] = !block->nulls[field][row] && real_ns >= since && (!until || real_ns < until);
	}
	return r;
}

static int reserve(struct slot *slot, struct decoder *decoder, uint32_t rows)
{
	if (rows > decoder->capacity) {
		free(decoder->is_wanted);
		decoder->is_wanted = malloc(rows);
		decoder->capacity = decoder->is_wanted ? rows : 0;
	}
	if (rows > slot->capacity) {
		free(slot->rows);
		slot->rows = malloc(rows * sizeof(*slot->rows));
		slot->capacity = slot->rows ? rows : 0;
	}
	return decoder->is_wanted && slot->rows ? 0 : -ENOMEM;
}

/* Groups are sorted as suits them; rows leave by interval, as they came. */
static int order_rows(struct slot *slot, const uint8_t *is_wanted)
{
	uint32_t first = slot->group.first_interval, n = slot->group.last_interval - first + 1, *starts;
	const uint64_t *places = NULL;
	int r = group_reader_intervals(slot->reader, &places);
	bool is_ordered = true;

	slot->n_rows = 0;
	/* Damaged, which has been reported: in the order in which they lie. */
	if (r < 0 && r != -EBADMSG)
		return r;
	for (uint32_t row = 1; row < slot->group.rows && places && r == 0 && is_ordered; row++)
		is_ordered = places[row] >= places[row - 1];
	if (!places || r < 0 || is_ordered) {
		for (uint32_t row = 0; row < slot->group.rows; row++) {
			slot->rows[slot->n_rows] = row;
			slot->n_rows += is_wanted[row];
		}
		return 0;
	}
	starts = calloc(n + 1ull, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	for (uint32_t row = 0; row < slot->group.rows; row++)
		starts[places[row] - first + 1] += is_wanted[row];
	for (uint32_t i = 0; i < n; i++)
		starts[i + 1] += starts[i];
	slot->n_rows = starts[n];
	for (uint32_t row = 0; row < slot->group.rows; row++)
		if (is_wanted[row])
			slot->rows[starts[places[row] - first]++] = row;
	free(starts);
	return 0;
}

static int decode(const struct scan *scan, struct slot *slot, struct decoder *decoder)
{
	const struct query *query = scan->options.query;
	const struct expression *expression = query_expression(query);
	bool wanted[TABLE_MAX_FIELDS];
	int r = reserve(slot, decoder, slot->group.rows);

	slot->n_rows = 0;
	if (r == 0 && expression && !decoder->filter) {
		decoder->filter = filter_new(expression);
		r = decoder->filter ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = group_reader_begin(slot->reader, &slot->group);
	if (r == 0)
		r = choose_by_time(query, slot, decoder->is_wanted);
	if (r == 0 && expression && memchr(decoder->is_wanted, 1, slot->group.rows))
		r = filter_rows(decoder->filter, slot->reader, decoder->is_wanted);
	if (r < 0 || !memchr(decoder->is_wanted, 1, slot->group.rows))
		return r;
	query_wanted_fields(query, slot->group.table, wanted);
	r = group_reader_columns(slot->reader, wanted);
	if (r == 0 && query_needs_order(query))
		return order_rows(slot, decoder->is_wanted);
	for (uint32_t row = 0; row < slot->group.rows && r == 0; row++) {
		slot->rows[slot->n_rows] = row;
		slot->n_rows += decoder->is_wanted[row];
	}
	return r;
}

/* Its rows to the query, and with them the news that nothing earlier will come. */
static int deliver(struct scan *scan, struct slot *slot)
{
	const struct store_group *group = &slot->group;
	const struct interval *intervals = group->intervals;
	uint32_t last = group->last_interval;
	int r = slot->error;

	if (r == 0 && scan->options.begin_part)
		scan->options.begin_part(scan->options.context, slot->part);
	if (r == 0)
		r = query_begin_interval(scan->options.query, slot->part->origin->run_real_ns,
					 &intervals[group->first_interval]);
	if (r == 0 && slot->n_rows)
		r = query_rows(scan->options.query, group_reader_block(slot->reader), slot->rows, slot->n_rows);
	if (r == 0 && last > group->first_interval)
		r = query_begin_interval(scan->options.query, slot->part->origin->run_real_ns, &intervals[last]);
	return r;
}

/* --- threads ---------------------------------------------------------------------------------------------------- */
static struct slot *take_full(struct scan *scan)
{
	for (unsigned i = 0; i < scan->n_used; i++) {
		struct slot *slot = &scan->slots[(scan->first + i) % scan->n_slots];

		if (slot->state == SLOT_FULL)
			return slot;
	}
	return NULL;
}

struct thread_start {
	struct scan *scan;
	struct decoder *decoder;
};

static void *work(void *context)
{
	struct thread_start start = *(struct thread_start *)context;
	struct scan *scan = start.scan;

	free(context);
	pthread_mutex_lock(&scan->lock);
	for (;;) {
		struct slot *slot = scan->is_ending ? NULL : take_full(scan);

		if (scan->is_ending)
			break;
		if (!slot) {
			pthread_cond_wait(&scan->has_work, &scan->lock);
			continue;
		}
		slot->state = SLOT_TAKEN;
		pthread_mutex_unlock(&scan->lock);
		slot->error = decode(scan, slot, start.decoder);
		pthread_mutex_lock(&scan->lock);
		slot->state = SLOT_READY;
		pthread_cond_signal(&scan->has_result);
	}
	pthread_mutex_unlock(&scan->lock);
	return NULL;
}

/* One more, where there is work for it. Without it the others, or this one, do it. */
static void start_thread(struct scan *scan)
{
	struct thread_start *start;

	if (scan->n_threads >= scan->options.jobs || scan->n_used < 2)
		return;
	start = malloc(sizeof(*start));
	if (!start)
		return;
	*start = (struct thread_start){scan, &scan->decoders[scan->n_threads]};
	if (pthread_create(&scan->threads[scan->n_threads], NULL, work, start) == 0)
		scan->n_threads++;
	else
		free(start);
}

/* The oldest slot, decoded, by this thread if nobody is at it. */
static int empty_first(struct scan *scan)
{
	struct slot *slot = &scan->slots[scan->first];
	int r;

	pthread_mutex_lock(&scan->lock);
	if (slot->state == SLOT_FULL) {
		slot->state = SLOT_TAKEN;
		pthread_mutex_unlock(&scan->lock);
		slot->error = decode(scan, slot, &scan->own);
		pthread_mutex_lock(&scan->lock);
		slot->state = SLOT_READY;
	}
	while (slot->state != SLOT_READY)
		pthread_cond_wait(&scan->has_result, &scan->lock);
	pthread_mutex_unlock(&scan->lock);
	r = deliver(scan, slot);
	store_part_release(slot->part);
	slot->part = NULL;
	scan->idle[scan->n_idle++] = slot->reader;
	slot->reader = NULL;
	pthread_mutex_lock(&scan->lock);
	slot->state = SLOT_EMPTY;
	scan->bytes_used -= slot->bytes;
	scan->first = (scan->first + 1) % scan->n_slots;
	scan->n_used--;
	pthread_mutex_unlock(&scan->lock);
	return r;
}

static int empty_all(struct scan *scan)
{
	int r = 0;

	while (scan->n_used && r == 0)
		r = empty_first(scan);
	return r;
}

/* What the group takes when it is decoded, about: numbers, nulls, and of texts the bytes. */
static uint64_t bytes_of(const struct scan *scan, const struct store_group *group)
{
	bool wanted[TABLE_MAX_FIELDS];
	uint64_t bytes = 0;

	query_wanted_fields(scan->options.query, group->table, wanted);
	for (uint32_t field = 0; field < group->table->n_fields; field++) {
		if (!wanted[field])
			continue;
		if (field + 1 >= group->entry->n_columns)
			continue; /* joined: a text of some row before, most often */
		bytes += group->rows * 9ull;
		if (field_is_text(&group->table->fields[field]))
			bytes += group->rows * 4ull +
				 group->file->directory.columns[group->entry->first_column + field].raw_bytes;
	}
	return bytes;
}

/* The group's table gets the columns that its rows are joined with. */
static void join(const struct scan *scan, struct slot *slot)
{
	struct group_computed computed = {0};

	if (scan->options.joins) {
		joined_table_init(&slot->joined, slot->group.table, scan->options.computed);
		slot->of = (struct joins_of_table){scan->options.joins, &slot->joined};
		slot->group.table = &slot->joined.table;
		computed = (struct group_computed){slot->joined.n_recorded, joins_column, &slot->of};
	}
	group_reader_set_computed(slot->reader, &computed);
}

/* Into a slot of its own; empties others first where there is none, or no memory for it. */
static int dispatch(struct scan *scan, const struct store_group *group)
{
	uint64_t bytes = group->file ? bytes_of(scan, group) : 0;
	struct slot *slot;
	int r = 0;

	while (r == 0 &&
	       (scan->n_used == scan->n_slots || (scan->n_used && scan->bytes_used + bytes > SCAN_MEMORY_BYTES)))
		r = empty_first(scan);
	if (r)
		return r;
	slot = &scan->slots[(scan->first + scan->n_used) % scan->n_slots];
	slot->reader = scan->n_idle ? scan->idle[--scan->n_idle]
				    : group_reader_new(store_reader_note_damage, scan->options.reader);
	if (!slot->reader)
		return -ENOMEM;
	slot->group = *group;
	join(scan, slot);
	slot->part = scan->part;
	slot->bytes = bytes;
	store_part_hold(scan->part);
	pthread_mutex_lock(&scan->lock);
	slot->state = SLOT_FULL;
	scan->bytes_used += bytes;
	scan->n_used++;
	pthread_cond_signal(&scan->has_work);
	pthread_mutex_unlock(&scan->lock);
	if (scan->part->is_log || scan->n_slots == 1)
		return empty_all(scan);
	start_thread(scan);
	return 0;
}

static bool is_worth_reading(struct scan *scan, const struct store_group *group)
{
	const struct expression *expression = query_expression(scan->options.query);
	struct store_group judged = *group;

	if (!query_may_reach(scan->options.query, group))
		return false;
	if (expression && scan->options.joins) {
		joined_table_init(&scan->judged, group->table, scan->options.computed);
		judged.table = &scan->judged.table;
	}
	return !expression || filter_may_match(expression, &judged);
}

/* The groups of the part that may have rows. */
static int dispatch_part(struct scan *scan)
{
	const struct store_part *part = scan->part;
	int r = 0;

	for (; scan->next_group < part->n_groups && r == 0; scan->next_group++)
		if (is_worth_reading(scan, &part->groups[scan->next_group]))
			r = dispatch(scan, &part->groups[scan->next_group]);
	/* Whoever follows sees an interval when it ends, not when the next one does. */
	if (r == 0 && scan->options.is_following && part->is_log && part->intervals[0].is_last_chunk)
		r = query_decide_until(scan->options.query, part->intervals[0].end_real_ns + 1);
	return r;
}

int scan_run(struct scan *scan)
{
	const struct store_part *part;
	int r = 0;

	while (!(scan->options.is_stopped && *scan->options.is_stopped) &&
	       (r = store_reader_next(scan->options.reader, &part)) > 0) {
		scan->n_parts++;
		store_part_hold(part);
		scan->part = part;
		scan->next_group = 0;
		r = part->is_log ? empty_all(scan) : 0;
		/* What has been written since the names were read: nobody looks them up now. */
		if (r == 0 && part->is_log && scan->options.joins &&
		    !joins_covers(scan->options.joins, &part->intervals[part->n_intervals - 1]))
			r = joins_read(scan->options.joins);
		if (r == 0)
			r = dispatch_part(scan);
		store_part_release(part);
		scan->part = NULL;
		if (r)
			return r;
	}
	return r < 0 ? r : empty_all(scan);
}
