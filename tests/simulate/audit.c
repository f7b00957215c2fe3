// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store read back with the reader that everybody uses: exactly the chunks that were written and not lost
 * with a torn end, in order, each field of each row; and the audit of the balance, which must find fault with
 * those intervals whose invariant does not hold, and with no other.
 */
#include <inttypes.h>
#include <string.h>

#include "query/balance.h"
#include "tests/chunks.h"
#include "simulate.h"

#define MAX_CHUNKS_OF_INTERVAL 4096

struct audit {
	struct history *history;
	size_t first; /* of history->written, that has not been read */
	uint64_t n_read, n_broken, n_findings;
	char first_finding[240];
};

static void take(void *context, const struct balance_finding *finding)
{
	struct audit *audit = context;

	if (!audit->n_findings++)
		snprintf(audit->first_finding, sizeof(audit->first_finding), "interval %" PRIu64 ": %s",
			 finding->interval, finding->what);
}

/*
 * A chunk of a log is one that was written; of a sealed segment it is all that this has of an interval: some that were
 * written one after the other, from the first that has not been read.
 */
static void match(struct audit *audit, const struct store_chunk *chunk, int is_log)
{
	struct history *history = audit->history;
	uint64_t digest = blocks_digest(chunk->blocks, chunk->n_blocks), sum = 0;
	size_t n = 0, found[MAX_CHUNKS_OF_INTERVAL];
	int run = 0;

	while (audit->first < history->n_written && history->written[audit->first].is_read)
		audit->first++;
	for (size_t i = audit->first; i < history->n_written; i++) {
		struct written *written = &history->written[i];

		if (written->is_read || written->number != chunk->interval.number)
			continue;
		/* Another run: what there was of the one before is not it. */
		if (n == MAX_CHUNKS_OF_INTERVAL || is_log || written->run != run)
			n = sum = 0;
		run = written->run;
		sum += written->digest;
		found[n++] = i;
		if (sum != digest)
			continue;
		for (size_t k = 0; k < n; k++) {
			history->written[found[k]].is_read = 1;
			audit->n_broken += (uint64_t)history->written[found[k]].is_broken;
		}
		return;
	}
	history_fail(history, "the store has rows of interval %" PRIu64 "%s that were never written so",
		     chunk->interval.number, chunk->interval.is_last_chunk ? " (ended)" : "");
}

static void check_damage(struct simulation *simulation, struct store_reader *reader, int allowed)
{
	size_t n;
	const struct store_damage *damage = store_reader_damage(reader, &n);

	/* Where a power cut leaves rubbish instead of a header, nobody can say what that file was. */
	if (simulation->disk.n_headless)
		allowed |= AUDIT_TORN | AUDIT_DAMAGED;
	for (size_t i = 0; i < n; i++)
		if (!(damage[i].is_torn_tail ? allowed & (AUDIT_TORN | AUDIT_DAMAGED) : allowed & AUDIT_DAMAGED))
			history_fail(&simulation->history, "%s: %" PRIu64 " bytes at %" PRIu64 " skipped: %s",
				     damage[i].segment, damage[i].bytes, damage[i].offset, damage[i].what);
}

/* Is a chunk lost that others of its run come after? Then the ledger has more to say. */
static int has_gap(const struct history *history)
{
	int is_lost = 0, run = 0;

	for (size_t i = 0; i < history->n_written; i++) {
		const struct written *written = &history->written[i];

		is_lost = (written->run == run && is_lost) || written->is_lost;
		run = written->run;
		if (is_lost && !written->is_lost && !written->is_pending)
			return 1;
	}
	return 0;
}

static void finish(struct audit *audit)
{
	struct history *history = audit->history;

	for (size_t i = 0; i < history->n_written; i++) {
		struct written *written = &history->written[i];

		/* Of what was not synced all may be there but the end behind it. */
		if (written->is_read)
			written->is_lost = 0;
		else if (!written->is_lost && !written->is_pending)
			history_fail(history, "run %d, interval %" PRIu64 " was written and is not in the store",
				     written->run, written->number);
	}
	if (!has_gap(history) && audit->n_findings != audit->n_broken)
		history_fail(history,
			     "the ledger finds %" PRIu64 " faults where %" PRIu64 " intervals do not balance (%s)",
			     audit->n_findings, audit->n_broken, audit->first_finding);
	history->digest = history->digest * 31 + audit->n_read * 7 + audit->n_findings;
}

/* A chunk may hold rows up to its interval's end, which its last chunk says. */
static uint64_t end_of(const struct history *history, size_t i)
{
	const struct written *of = &history->written[i];

	for (; i < history->n_written && history->written[i].run == of->run; i++)
		if (history->written[i].number == of->number && history->written[i].is_last)
			return history->written[i].end_real_ns;
	return UINT64_MAX;
}

/* With a beginning asked for, what reaches into that time must be there; what is not may be. */
static void audit_since(struct simulation *simulation)
{
	struct history *history = &simulation->history;
	uint64_t since = simulation->world.boot_ns + (uint64_t)simulation->world.real_minus_boot_ns -
			 chance_scaled(&simulation->disk.chance, 36);
	struct store_select select = {.since_real_ns = since};
	struct chunks chunks = {0};
	struct store_reader *reader;
	struct store_chunk chunk;
	uint64_t n = 0, wanted = 0;
	int r = store_reader_open(simulation->dir, &select, &reader);

	if (r < 0)
		return;
	while ((r = chunks_next(&chunks, reader, &chunk)) > 0)
		n += chunk.interval.is_last_chunk && chunk.n_blocks && store_select_takes(&select, &chunk.interval);
	chunks_done(&chunks);
	store_reader_close(reader);
	for (size_t i = 0; i < history->n_written; i++)
		wanted += !history->written[i].is_lost && !history->written[i].is_pending &&
			  history->written[i].is_last && end_of(history, i) >= since;
	if (n < wanted)
		history_fail(history, "since %" PRIu64 " there are %" PRIu64 " intervals to be read, not %" PRIu64,
			     since, wanted, n);
}

static void audit_balance(struct simulation *simulation, struct audit *audit)
{
	struct balance_sink sink = {take, audit};
	struct balance *balance = balance_new(0, &sink);
	struct store_select select = {0};
	struct store_reader *reader = NULL;
	struct group_reader *groups = NULL;
	const struct store_part *part;

	if (balance && store_reader_open(simulation->dir, &select, &reader) == 0)
		groups = group_reader_new(store_reader_note_damage, reader);
	while (groups && store_reader_next(reader, &part) > 0)
		balance_add(balance, part, &select, groups);
	group_reader_free(groups);
	store_reader_close(reader);
	balance_free(balance);
}

void audit_store(struct simulation *simulation, int allowed)
{
	struct history *history = &simulation->history;
	struct audit audit = {.history = history};
	struct store_select select = {0};
	struct chunks chunks = {0};
	struct store_reader *reader = NULL;
	struct store_chunk chunk;
	int r = store_reader_open(simulation->dir, &select, &reader);

	if (r < 0) {
		history_fail(history, "the store cannot be opened for reading: %s", strerror(-r));
		return;
	}
	for (size_t i = 0; i < history->n_written; i++)
		history->written[i].is_read = 0;
	while (!history->failure[0] && (r = chunks_next(&chunks, reader, &chunk)) > 0) {
		audit.n_read++;
		match(&audit, &chunk, chunks.part->is_log);
	}
	if (r < 0)
		history_fail(history, "the store cannot be read on: %s", strerror(-r));
	check_damage(simulation, reader, allowed);
	chunks_done(&chunks);
	store_reader_close(reader);
	if (!history->failure[0])
		audit_balance(simulation, &audit);
	if (!history->failure[0])
		finish(&audit);
	if (!history->failure[0] && chance_is(&simulation->disk.chance, 200))
		audit_since(simulation);
}
