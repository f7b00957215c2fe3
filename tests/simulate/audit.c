// SPDX-License-Identifier: BSD-2-Clause
/*
 * The store read back with the reader that everybody uses: exactly the chunks that were written and not lost
 * with a torn end, in order, each field of each row; and the audit of the balance, which must find fault with
 * those intervals whose invariant does not hold, and with no other.
 */
#include <inttypes.h>
#include <string.h>

#include "query/balance.h"
#include "simulate.h"

struct audit {
	struct history *history;
	size_t next; /* of history->written */
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

/* Passes by what was lost and what may be there or not. */
static void match(struct audit *audit, const struct store_chunk *chunk)
{
	struct history *history = audit->history;
	uint64_t digest = blocks_digest(&chunk->interval, chunk->blocks, chunk->n_blocks);

	while (audit->next < history->n_written) {
		struct written *written = &history->written[audit->next++];

		if (written->digest == digest && written->number == chunk->interval.number) {
			/* Of what was not synced all may be there but the seal behind it. */
			written->is_lost = 0;
			audit->n_broken += (uint64_t)written->is_broken;
			return;
		}
		if (!written->is_lost && !written->is_pending) {
			history_fail(history,
				     "chunk %zu of the store should be of run %d, interval %" PRIu64
				     "%s; read is interval %" PRIu64 "%s with other rows",
				     audit->next - 1, written->run, written->number, written->is_last ? " (last)" : "",
				     chunk->interval.number, chunk->interval.is_last_chunk ? " (last)" : "");
			return;
		}
	}
	history_fail(history, "the store has a chunk of interval %" PRIu64 " that was never written",
		     chunk->interval.number);
}

static void check_damage(struct simulation *simulation, const struct store_reader *reader, int allowed)
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

	for (; audit->next < history->n_written; audit->next++) {
		const struct written *written = &history->written[audit->next];

		if (!written->is_lost && !written->is_pending)
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
	struct store_reader *reader;
	struct store_chunk chunk;
	uint64_t n = 0, wanted = 0;
	int r = store_reader_open(simulation->dir, &select, &reader);

	if (r < 0)
		return;
	while ((r = store_reader_next(reader, &chunk)) > 0)
		n++;
	store_reader_close(reader);
	for (size_t i = 0; i < history->n_written; i++)
		wanted +=
			!history->written[i].is_lost && !history->written[i].is_pending && end_of(history, i) >= since;
	if (n < wanted)
		history_fail(history, "since %" PRIu64 " there are %" PRIu64 " chunks to be read, not %" PRIu64, since,
			     wanted, n);
}

void audit_store(struct simulation *simulation, int allowed)
{
	struct audit audit = {.history = &simulation->history};
	struct balance_sink sink = {take, &audit};
	struct balance *balance = balance_new(0, &sink);
	struct store_select select = {0};
	struct store_reader *reader = NULL;
	struct store_chunk chunk;
	int r = store_reader_open(simulation->dir, &select, &reader);

	if (!balance || r < 0) {
		history_fail(&simulation->history, "the store cannot be opened for reading: %s", strerror(-r));
		balance_free(balance);
		return;
	}
	while (!simulation->history.failure[0] && (r = store_reader_next(reader, &chunk)) > 0) {
		audit.n_read++;
		match(&audit, &chunk);
		balance_add(balance, &chunk);
	}
	if (r < 0)
		history_fail(&simulation->history, "the store cannot be read on: %s", strerror(-r));
	check_damage(simulation, reader, allowed);
	finish(&audit);
	store_reader_close(reader);
	balance_free(balance);
	if (!simulation->history.failure[0] && chance_is(&simulation->disk.chance, 200))
		audit_since(simulation);
}
