// SPDX-License-Identifier: BSD-2-Clause
/*
 * Running a question over blocks. The reader of the store is not known here: a command hands the blocks on.
 */
#include "query/query.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct query {
	struct query_options options;
	struct selection by_time; /* of is_by_time: the selection, with the time as its sort column */
	struct order *order;	  /* NULL: rows go straight through */
	uint64_t n_passed;
	uint64_t run_real_ns, interval, interval_begin_real_ns; /* that the last block was of */
	/* Where things are in the table of the last block. */
	int time_field;
	int columns[TABLE_MAX_FIELDS + 1];
};

/* Counts what reaches the sink. The limit of a sorted question holds here too, where it is by time. */
static int pass(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct query *query = context;
	int r = query->options.sink.take(query->options.sink.context, block, row, columns);

	if (r)
		return r;
	return ++query->n_passed == query->options.limit;
}

static int make_order(struct query *query)
{
	struct query_options *options = &query->options;
	const struct selection *selection = options->selection;

	if (selection->sort_column >= 0) {
		options->is_by_time = 0;
		query->order = order_new(&selection->columns, (uint32_t)selection->sort_column,
					 selection->is_descending, options->limit);
	} else {
		/* The selection again, with the time as its last, hidden column. */
		int time_field = selection_time_field(selection->source);
		struct selection *by_time = &query->by_time;

		if (time_field < 0) {
			options->is_by_time = 0;
			return 0;
		}
		*by_time = *selection;
		by_time->columns.fields = by_time->fields;
		by_time->sort_column = (int)by_time->columns.n_fields;
		by_time->fields[by_time->columns.n_fields++] = selection->source->fields[time_field];
		options->selection = by_time;
		if (options->tail)
			options->is_by_time = 0;
		query->order =
			options->tail ? order_new_tail(&by_time->columns, (uint32_t)by_time->sort_column, options->tail)
				      : order_new(&by_time->columns, (uint32_t)by_time->sort_column, 0, 0);
	}
	return query->order ? 0 : -ENOMEM;
}

struct query *query_new(const struct query_options *options)
{
	struct query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->options = *options;
	if ((options->selection->sort_column >= 0 || options->is_by_time || options->tail) && make_order(query) < 0) {
		query_free(query);
		return NULL;
	}
	return query;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	order_free(query->order);
	free(query);
}

/* Fields are found by name once for each block, not for each row. */
static void bind(struct query *query, const struct table *table)
{
	const struct table *source = query->options.selection->source;
	int time_field = selection_time_field(source);

	query->time_field = time_field < 0 ? -1 : table_same_field(table, &source->fields[time_field]);
	selection_map(query->options.selection, table, query->columns);
	if (query->options.expression)
		expression_bind(query->options.expression, table);
}

/* A row whose time is unknown belongs to a range only when the range has no ends. */
static bool is_in_range(const struct query *query, const struct block *block, uint32_t row)
{
	const struct query_options *options = &query->options;
	uint64_t real_ns;

	if (!options->since_real_ns && !options->until_real_ns)
		return 1;
	if (query->time_field < 0 || block_is_null(block, row, (uint32_t)query->time_field))
		return 0;
	real_ns = block_number(block, row, (uint32_t)query->time_field);
	return real_ns >= options->since_real_ns && (!options->until_real_ns || real_ns < options->until_real_ns);
}

static void begin_block(struct query *query)
{
	if (query->options.sink.begin)
		query->options.sink.begin(query->options.sink.context);
}

int query_block(struct query *query, const struct block *block)
{
	int r = 0;

	/* The reader may reuse the memory of a table: the address alone does not say. */
	bind(query, block->table);
	begin_block(query);
	for (uint32_t row = 0; row < block->rows && r == 0; row++) {
		if (!is_in_range(query, block, row))
			continue;
		if (query->options.expression) {
			r = expression_matches(query->options.expression, block, row);
			if (r < 0)
				return r;
			if (!r)
				continue;
		}
		if (query->order)
			r = order_add(query->order, block, row, query->columns);
		else
			r = pass(query, block, row, query->columns);
	}
	return r;
}

int query_rows(struct query *query, const struct block *block, const uint32_t *rows, uint32_t n)
{
	int r = 0;

	bind(query, block->table);
	begin_block(query);
	for (uint32_t i = 0; i < n && r == 0; i++) {
		if (query->order)
			r = order_add(query->order, block, rows[i], query->columns);
		else
			r = pass(query, block, rows[i], query->columns);
	}
	return r;
}

const struct expression *query_expression(const struct query *query)
{
	return query->options.expression;
}

int query_time_field(const struct query *query, const struct table *table, uint64_t *ret_since_real_ns,
		     uint64_t *ret_until_real_ns)
{
	const struct table *source = query->options.selection->source;
	int time_field = selection_time_field(source);

	*ret_since_real_ns = query->options.since_real_ns;
	*ret_until_real_ns = query->options.until_real_ns;
	return time_field < 0 ? -1 : table_same_field(table, &source->fields[time_field]);
}

bool query_may_reach(const struct query *query, const struct store_group *group)
{
	struct column_stats stats;
	uint64_t since, until;
	int field = query_time_field(query, group->table, &since, &until);

	if (!since && !until)
		return true;
	if (field < 0)
		return false;
	if (!store_group_stats(group, (uint32_t)field, &stats))
		return true;
	return stats.nulls < group->rows && stats.greatest >= since && (!until || stats.least < until);
}

bool query_is_inside(const struct query *query, const struct store_group *group)
{
	struct column_stats stats;
	uint64_t since, until;
	int field = query_time_field(query, group->table, &since, &until);

	return field >= 0 && store_group_stats(group, (uint32_t)field, &stats) && !stats.nulls &&
	       stats.least >= since && (!until || stats.greatest < until);
}

void query_wanted_fields(const struct query *query, const struct table *table, bool *ret)
{
	int columns[TABLE_MAX_FIELDS + 1];

	memset(ret, 0, table->n_fields * sizeof(*ret));
	selection_map(query->options.selection, table, columns);
	for (uint32_t i = 0; i < query->options.selection->columns.n_fields; i++)
		if (columns[i] >= 0)
			ret[columns[i]] = true;
}

bool query_needs_order(const struct query *query)
{
	return !query->options.is_grouped;
}

int query_decide_until(struct query *query, uint64_t real_ns)
{
	struct row_sink sink = {.take = pass, .context = query};

	if (!query->options.is_by_time)
		return 0;
	return order_deliver(query->order, &real_ns, &sink);
}

/* Rows of an interval come in any order, so what ended before the interval did begin is complete. */
int query_begin_interval(struct query *query, uint64_t run_real_ns, const struct interval *interval)
{
	int r = 0;

	if (run_real_ns != query->run_real_ns)
		r = query_decide_until(query, UINT64_MAX);
	else if (interval->number != query->interval)
		r = query_decide_until(query, query->interval_begin_real_ns);
	query->run_real_ns = run_real_ns;
	query->interval = interval->number;
	query->interval_begin_real_ns = interval->begin_real_ns;
	return r;
}

int query_finish(struct query *query)
{
	struct row_sink sink = {.take = pass, .context = query};

	return query->order ? order_deliver(query->order, NULL, &sink) : 0;
}
