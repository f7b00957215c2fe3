// SPDX-License-Identifier: BSD-2-Clause
/*
 * Auditing a store. Rows are counted by interval, part by part, until an interval's end brings the ledger's row; then
 * the two are held against each other. Numbers come from disk: sums wrap, and a wrapped sum does not balance.
 */
#include "query/balance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buffer.h"

struct balance {
	struct buffer runs; /* struct balance_run, each */
	uint64_t since_real_ns;
	struct balance_sink sink;
};

/* Fields of the ledger: those of the equations, and behind them what it counts as lost or late itself, which is the
 * first place to look when something does not add up. */
enum { OPENING, FORKS, SEEN, RECORDED, ROLLED_UP, CLOSING, UNOBSERVED, FIRST_LOSS };
static const char *const names[] = {
	[OPENING] = "opening",
	[FORKS] = "forks",
	[SEEN] = "exits_seen",
	[RECORDED] = "exits_recorded",
	[ROLLED_UP] = "exits_rolled_up",
	[CLOSING] = "closing",
	[UNOBSERVED] = "unobserved",
	[FIRST_LOSS] = "missed_runs",
	"malformed",
	"mark_map_full",
	"amendments_late",
	"rollup_map_full",
	"drops_fork",
	"drops_exec",
	"drops_signal",
	"orphan_map_full",
	"crossing_map_full",
	"exits_unseen",
	"processes_full",
};
enum { N_NAMES = ARRAY_SIZE(names) };

/* Of one interval, in one part of the store: rows of exits, sum of rollups.exits, and its rows of the ledger. */
struct tally {
	uint64_t exits_rows, rolled_up;
	uint32_t ledger_rows;
	uint64_t values[N_NAMES]; /* of the last of those; 0 where absent */
	bool has[N_NAMES];
};

struct balance *balance_new(uint64_t since_real_ns, const struct balance_sink *sink)
{
	struct balance *balance = calloc(1, sizeof(*balance));

	if (!balance)
		return NULL;
	balance->since_real_ns = since_real_ns;
	balance->sink = *sink;
	return balance;
}

void balance_free(struct balance *balance)
{
	if (balance)
		buffer_done(&balance->runs);
	free(balance);
}

const struct balance_run *balance_runs(const struct balance *balance, size_t *ret_n)
{
	*ret_n = balance->runs.used / sizeof(struct balance_run);
	return (const struct balance_run *)(const void *)balance->runs.data;
}

static void explain(const struct tally *tally, char *ret, size_t size)
{
	size_t used = 0;

	for (size_t i = FIRST_LOSS; i < N_NAMES && used < size; i++)
		if (tally->values[i])
			used += (size_t)snprintf(ret + used, size - used, "%s%s %" PRIu64, used ? ", " : "", names[i],
						 tally->values[i]);
}

static void find(struct balance *balance, struct balance_run *run, uint64_t interval, uint64_t begin_real_ns,
		 const struct tally *tally, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void find(struct balance *balance, struct balance_run *run, uint64_t interval, uint64_t begin_real_ns,
		 const struct tally *tally, const char *format, ...)
{
	struct balance_finding finding = {.run = run, .interval = interval, .begin_real_ns = begin_real_ns};
	va_list args;

	va_start(args, format);
	vsnprintf(finding.what, sizeof(finding.what), format, args);
	va_end(args);
	if (tally)
		explain(tally, finding.because, sizeof(finding.because));
	run->n_findings++;
	balance->sink.take(balance->sink.context, &finding);
}

/* Both sides of an equation of the balance. */
static void expect(struct balance *balance, struct balance_run *run, const struct tally *tally, const char *left,
		   uint64_t is, const char *right, uint64_t should_be)
{
	/* A count that wrapped is below 0, and said so. */
	int64_t more = (int64_t)(is - should_be);
	uint64_t difference = more < 0 ? should_be - is : is - should_be;

	if (is != should_be)
		find(balance, run, run->last.number, run->last.begin_real_ns, tally,
		     "%s is %" PRId64 ", %" PRIu64 " %s than %s, %" PRId64, left, (int64_t)is, difference,
		     more > 0 ? "more" : "less", right, (int64_t)should_be);
}

static void judge(struct balance *balance, struct balance_run *run, const struct tally *tally)
{
	const struct balance_interval *before = &run->before;
	struct balance_interval *interval = &run->last;
	const uint64_t *values = tally->values;

	interval->closing = values[CLOSING];
	interval->has_closing = true;
	for (int i = OPENING; i <= CLOSING; i++) {
		if (tally->has[i])
			continue;
		interval->has_closing = false;
		find(balance, run, interval->number, interval->begin_real_ns, NULL, "its ledger row has no %s",
		     names[i]);
		return;
	}
	if (interval->is_partial)
		return;
	expect(balance, run, tally, "exits_seen", values[SEEN], "exits_recorded + exits_rolled_up",
	       values[RECORDED] + values[ROLLED_UP]);
	expect(balance, run, tally, "the number of rows in exits", interval->exits_rows, "exits_recorded",
	       values[RECORDED]);
	expect(balance, run, tally, "the sum of rollups.exits", interval->rolled_up, "exits_rolled_up",
	       values[ROLLED_UP]);
	expect(balance, run, tally, "opening + forks - exits_seen", values[OPENING] + values[FORKS] - values[SEEN],
	       "closing", values[CLOSING]);
	if (before->has_closing && before->number + 1 == interval->number)
		expect(balance, run, tally, "opening", values[OPENING], "the closing of the interval before",
		       before->closing);
	if (interval->number == 1)
		run->unobserved = (int64_t)values[UNOBSERVED];
	run->n_judged++;
	run->forks += values[FORKS];
	run->exits_seen += values[SEEN];
	run->exits_recorded += values[RECORDED];
	run->exits_rolled_up += values[ROLLED_UP];
}

static void close_interval(struct balance *balance, struct balance_run *run, const struct interval *interval,
			   const struct tally *tally)
{
	run->last.is_closed = 1;
	run->last.end_real_ns = interval->end_real_ns;
	if (tally->ledger_rows == 1)
		judge(balance, run, tally);
	else
		find(balance, run, run->last.number, run->last.begin_real_ns, NULL,
		     "it has %u ledger rows instead of 1", (unsigned)tally->ledger_rows);
}

static struct balance_run *find_run(struct balance *balance, const struct origin *origin, const struct interval *first)
{
	struct balance_run fresh = {.origin = *origin};
	struct balance_run *runs = (struct balance_run *)(void *)balance->runs.data;
	size_t n = balance->runs.used / sizeof(*runs);

	/* Backwards: nearly always it is the last. */
	for (size_t i = n; i-- > 0;)
		if (runs[i].origin.run_real_ns == origin->run_real_ns &&
		    strcmp(runs[i].origin.boot_id, origin->boot_id) == 0)
			return &runs[i];
	fresh.first_number = first->number;
	fresh.first_begin_real_ns = first->begin_real_ns;
	buffer_add(&balance->runs, &fresh, sizeof(fresh));
	return balance->runs.error ? NULL : (struct balance_run *)(void *)balance->runs.data + n;
}

/* The chunk's interval is not the one that was being read: was that complete, and is this the next? */
static void begin_interval(struct balance *balance, struct balance_run *run, const struct interval *interval)
{
	const struct balance_interval before = run->last;
	uint64_t number = interval->number;

	if (before.number && !before.is_closed && !before.is_partial)
		find(balance, run, before.number, before.begin_real_ns, NULL,
		     "it has no last chunk, yet interval %" PRIu64 " follows", number);
	if (before.number && number < before.number)
		find(balance, run, number, interval->begin_real_ns, NULL, "it comes after interval %" PRIu64,
		     before.number);
	else if (before.number && number > before.number + 1)
		find(balance, run, before.number + 1, before.end_real_ns, NULL,
		     "%" PRIu64 " interval%s missing before interval %" PRIu64, number - before.number - 1,
		     number - before.number == 2 ? " is" : "s are", number);
	run->before = before;
	run->last = (struct balance_interval){
		.number = number,
		.begin_real_ns = interval->begin_real_ns,
		.is_partial = interval->begin_real_ns < balance->since_real_ns,
	};
	if (run->early.number == number) {
		run->last.exits_rows = run->early.exits_rows;
		run->last.rolled_up = run->early.rolled_up;
	}
	if (run->early.number <= number)
		run->early = (struct balance_interval){0};
}

/* The interval is closed, and chunks of the next one have been read already. */
static void go_on_early(struct balance *balance, struct balance_run *run)
{
	if (run->early.number != run->last.number + 1)
		return;
	run->before = run->last;
	run->last = run->early;
	run->last.begin_real_ns = run->before.end_real_ns;
	run->last.is_partial = run->last.begin_real_ns < balance->since_real_ns;
	run->early = (struct balance_interval){0};
}

/*
 * What the chunk is counted to. Between an interval's boundary and its last chunk the next one has begun, and when
 * it fills a chunk in that time the chunk is written first.
 */
static struct balance_interval *interval_of(struct balance *balance, struct balance_run *run,
					    const struct interval *interval)
{
	struct balance_interval *last = &run->last;

	if (last->number && !interval->is_last_chunk && interval->number == last->number + (last->is_closed ? 2 : 1)) {
		run->early.number = interval->number;
		return &run->early;
	}
	/* Of a run's first chunk nobody can know before the next one comes. */
	if (!run->before.number && !last->is_closed && interval->number + 1 == last->number) {
		run->early = *last;
		run->first_number = interval->number;
		*last = (struct balance_interval){
			.number = interval->number,
			.begin_real_ns = interval->begin_real_ns,
			.is_partial = interval->begin_real_ns < balance->since_real_ns,
		};
		return last;
	}
	if (run->last.number != interval->number)
		begin_interval(balance, run, interval);
	else if (run->last.is_closed)
		find(balance, run, run->last.number, run->last.begin_real_ns, NULL,
		     "it has a chunk behind its last one");
	return &run->last;
}

static int add_tally(struct balance *balance, struct balance_run *run, const struct interval *interval,
		     const struct tally *tally)
{
	struct balance_interval *counted = interval_of(balance, run, interval);

	counted->exits_rows += tally->exits_rows;
	counted->rolled_up += tally->rolled_up;
	if (interval->is_last_chunk) {
		close_interval(balance, run, interval, tally);
		go_on_early(balance, run);
	}
	return 0;
}

static bool is_number(const struct table *table, int field)
{
	return field >= 0 && !field_is_text(&table->fields[field]);
}

static void take_ledger_row(struct tally *tally, const struct block *block, uint32_t row, const int *fields)
{
	tally->ledger_rows++;
	for (int i = 0; i < N_NAMES; i++) {
		tally->has[i] = fields[i] >= 0 && !block_is_null(block, row, (uint32_t)fields[i]);
		tally->values[i] = tally->has[i] ? block_number(block, row, (uint32_t)fields[i]) : 0;
	}
}

/* Rows of the group to the tallies of their intervals. */
static int count_group(const struct store_group *group, struct group_reader *reader, struct tally *tallies)
{
	bool is_exits = strcmp(group->table->name, "exits") == 0,
	     is_rollups = strcmp(group->table->name, "rollups") == 0;
	bool is_ledger = strcmp(group->table->name, "ledger") == 0;
	int exits = table_field(group->table, "exits"), fields[N_NAMES], r;
	const struct block *block = group_reader_block(reader);
	const uint64_t *places;

	if (!is_exits && !is_rollups && !is_ledger)
		return 0;
	r = group_reader_begin(reader, group);
	if (r == 0)
		r = group_reader_intervals(reader, &places);
	if (r < 0)
		return r == -EBADMSG ? 0 : r; /* they count nowhere, which will show */
	if (is_rollups && is_number(group->table, exits))
		r = group_reader_column(reader, (uint32_t)exits);
	for (int i = 0; i < N_NAMES && is_ledger && r == 0; i++) {
		fields[i] = table_field(group->table, names[i]);
		if (!is_number(group->table, fields[i]))
			fields[i] = -1;
		else
			r = group_reader_column(reader, (uint32_t)fields[i]);
	}
	for (uint32_t row = 0; row < group->rows && r == 0; row++) {
		struct tally *tally = &tallies[places ? places[row] : 0];

		tally->exits_rows += is_exits;
		if (is_rollups && is_number(group->table, exits))
			tally->rolled_up += block_number(block, row, (uint32_t)exits);
		if (is_ledger)
			take_ledger_row(tally, block, row, fields);
	}
	return r;
}

/* A sealed segment has its intervals as they began in its log: the next one may have begun before this one ended. */
struct place {
	uint64_t number;
	uint32_t place;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

int balance_add(struct balance *balance, const struct store_part *part, const struct store_select *select,
		struct group_reader *reader)
{
	struct tally *tallies = calloc(part->n_intervals, sizeof(*tallies));
	struct place *order = calloc(part->n_intervals, sizeof(*order));
	struct balance_run *run = NULL;
	int r = tallies && order ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < part->n_groups && r == 0; i++)
		r = count_group(&part->groups[i], reader, tallies);
	for (uint32_t i = 0; i < part->n_intervals && r == 0; i++)
		order[i] = (struct place){part->intervals[i].number, i};
	if (r == 0)
		qsort(order, part->n_intervals, sizeof(*order), compare_places);
	for (uint32_t i = 0; i < part->n_intervals && r == 0; i++) {
		const struct interval *interval = &part->intervals[order[i].place];

		if (!store_select_takes(select, interval))
			continue;
		if (!run)
			run = find_run(balance, part->origin, interval);
		r = run ? add_tally(balance, run, interval, &tallies[order[i].place]) : -ENOMEM;
	}
	free(tallies);
	free(order);
	return r;
}
