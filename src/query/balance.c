// SPDX-License-Identifier: BSD-2-Clause
/*
 * Auditing a store. Chunks are added up until an interval's last one brings the ledger's row; then the two
 * are held against each other. Numbers come from disk: sums wrap, and a wrapped sum does not balance.
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

/* What the ledger itself counts as lost or late: the first place to look when something does not add up. */
static const char *const losses[] = {
	"missed_runs", "malformed",    "mark_map_full",	  "amendments_late",   "rollup_map_full", "drops_fork",
	"drops_exec",  "drops_signal", "orphan_map_full", "crossing_map_full", "exits_unseen",	  "processes_full",
};

/* The ledger's row of one interval. */
struct entry {
	const struct block *block;
	uint32_t row;
	const char *missing; /* a field that was asked for and is not there */
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

/* 0 when absent: those callers that must know ask entry->missing. */
static uint64_t amount(struct entry *entry, const char *name)
{
	int field = table_field(entry->block->table, name);

	if (field < 0 || field_is_text(&entry->block->table->fields[field]) ||
	    block_is_null(entry->block, entry->row, (uint32_t)field)) {
		entry->missing = name;
		return 0;
	}
	return block_number(entry->block, entry->row, (uint32_t)field);
}

static void explain(struct entry *entry, char *ret, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(losses) && used < size; i++) {
		uint64_t n = amount(entry, losses[i]);

		if (n)
			used += (size_t)snprintf(ret + used, size - used, "%s%s %" PRIu64, used ? ", " : "", losses[i],
						 n);
	}
}

static void find(struct balance *balance, struct balance_run *run, uint64_t interval, uint64_t begin_real_ns,
		 struct entry *entry, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void find(struct balance *balance, struct balance_run *run, uint64_t interval, uint64_t begin_real_ns,
		 struct entry *entry, const char *format, ...)
{
	struct balance_finding finding = {.run = run, .interval = interval, .begin_real_ns = begin_real_ns};
	va_list args;

	va_start(args, format);
	vsnprintf(finding.what, sizeof(finding.what), format, args);
	va_end(args);
	if (entry)
		explain(entry, finding.because, sizeof(finding.because));
	run->n_findings++;
	balance->sink.take(balance->sink.context, &finding);
}

/* Both sides of an equation of the balance. */
static void expect(struct balance *balance, struct balance_run *run, struct entry *entry, const char *left, uint64_t is,
		   const char *right, uint64_t should_be)
{
	/* A count that wrapped is below 0, and said so. */
	int64_t more = (int64_t)(is - should_be);
	uint64_t difference = more < 0 ? should_be - is : is - should_be;

	if (is != should_be)
		find(balance, run, run->last.number, run->last.begin_real_ns, entry,
		     "%s is %" PRId64 ", %" PRIu64 " %s than %s, %" PRId64, left, (int64_t)is, difference,
		     more > 0 ? "more" : "less", right, (int64_t)should_be);
}

static void judge(struct balance *balance, struct balance_run *run, struct entry *entry)
{
	const struct balance_interval *before = &run->before;
	struct balance_interval *interval = &run->last;
	uint64_t opening = amount(entry, "opening"), forks = amount(entry, "forks");
	uint64_t seen = amount(entry, "exits_seen"), recorded = amount(entry, "exits_recorded");
	uint64_t rolled_up = amount(entry, "exits_rolled_up"), closing = amount(entry, "closing");

	interval->closing = closing;
	interval->has_closing = !entry->missing;
	if (entry->missing) {
		find(balance, run, interval->number, interval->begin_real_ns, NULL, "its ledger row has no %s",
		     entry->missing);
		return;
	}
	if (interval->is_partial)
		return;
	expect(balance, run, entry, "exits_seen", seen, "exits_recorded + exits_rolled_up", recorded + rolled_up);
	expect(balance, run, entry, "the number of rows in exits", interval->exits_rows, "exits_recorded", recorded);
	expect(balance, run, entry, "the sum of rollups.exits", interval->rolled_up, "exits_rolled_up", rolled_up);
	expect(balance, run, entry, "opening + forks - exits_seen", opening + forks - seen, "closing", closing);
	if (before->has_closing && before->number + 1 == interval->number)
		expect(balance, run, entry, "opening", opening, "the closing of the interval before", before->closing);
	if (interval->number == 1)
		run->unobserved = (int64_t)amount(entry, "unobserved");
	run->n_judged++;
	run->forks += forks;
	run->exits_seen += seen;
	run->exits_recorded += recorded;
	run->exits_rolled_up += rolled_up;
}

static void close_interval(struct balance *balance, struct balance_run *run, const struct store_chunk *chunk)
{
	struct entry entry = {0};
	uint32_t n_rows = 0;

	run->last.is_closed = 1;
	run->last.end_real_ns = chunk->interval.end_real_ns;
	for (size_t i = 0; i < chunk->n_blocks; i++)
		if (strcmp(chunk->blocks[i]->table->name, "ledger") == 0) {
			entry.block = chunk->blocks[i];
			n_rows += entry.block->rows;
		}
	if (n_rows == 1)
		judge(balance, run, &entry);
	else
		find(balance, run, run->last.number, run->last.begin_real_ns, NULL,
		     "it has %u ledger rows instead of 1", (unsigned)n_rows);
}

static struct balance_run *find_run(struct balance *balance, const struct store_chunk *chunk)
{
	struct balance_run fresh = {.origin = *chunk->origin};
	struct balance_run *runs = (struct balance_run *)(void *)balance->runs.data;
	size_t n = balance->runs.used / sizeof(*runs);

	/* Backwards: nearly always it is the last. */
	for (size_t i = n; i-- > 0;)
		if (runs[i].origin.run_real_ns == chunk->origin->run_real_ns &&
		    strcmp(runs[i].origin.boot_id, chunk->origin->boot_id) == 0)
			return &runs[i];
	fresh.first_number = chunk->interval.number;
	fresh.first_begin_real_ns = chunk->interval.begin_real_ns;
	buffer_add(&balance->runs, &fresh, sizeof(fresh));
	return balance->runs.error ? NULL : (struct balance_run *)(void *)balance->runs.data + n;
}

/* The chunk's interval is not the one that was being read: was that complete, and is this the next? */
static void begin_interval(struct balance *balance, struct balance_run *run, const struct store_chunk *chunk)
{
	const struct balance_interval before = run->last;
	uint64_t number = chunk->interval.number;

	if (before.number && !before.is_closed && !before.is_partial)
		find(balance, run, before.number, before.begin_real_ns, NULL,
		     "it has no last chunk, yet interval %" PRIu64 " follows", number);
	if (before.number && number < before.number)
		find(balance, run, number, chunk->interval.begin_real_ns, NULL, "it comes after interval %" PRIu64,
		     before.number);
	else if (before.number && number > before.number + 1)
		find(balance, run, before.number + 1, before.end_real_ns, NULL,
		     "%" PRIu64 " interval%s missing before interval %" PRIu64, number - before.number - 1,
		     number - before.number == 2 ? " is" : "s are", number);
	run->before = before;
	run->last = (struct balance_interval){
		.number = number,
		.begin_real_ns = chunk->interval.begin_real_ns,
		.is_partial = chunk->interval.begin_real_ns < balance->since_real_ns,
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
					    const struct store_chunk *chunk)
{
	const struct interval *interval = &chunk->interval;
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
		begin_interval(balance, run, chunk);
	else if (run->last.is_closed)
		find(balance, run, run->last.number, run->last.begin_real_ns, NULL,
		     "it has a chunk behind its last one");
	return &run->last;
}

int balance_add(struct balance *balance, const struct store_chunk *chunk)
{
	struct balance_run *run = find_run(balance, chunk);
	struct balance_interval *interval;

	if (!run)
		return -ENOMEM;
	interval = interval_of(balance, run, chunk);
	for (size_t i = 0; i < chunk->n_blocks; i++) {
		const struct block *block = chunk->blocks[i];
		int is_rollups = strcmp(block->table->name, "rollups") == 0;
		struct entry entry = {.block = block};

		if (strcmp(block->table->name, "exits") == 0)
			interval->exits_rows += block->rows;
		for (; is_rollups && entry.row < block->rows; entry.row++)
			interval->rolled_up += amount(&entry, "exits");
	}
	if (chunk->interval.is_last_chunk) {
		close_interval(balance, run, chunk);
		go_on_early(balance, run);
	}
	return 0;
}
