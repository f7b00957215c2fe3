// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit verify`: reads the whole store and says whether it is intact and whether its ledger balances. The
 * audit itself is query/balance.c; this prints it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/rfc3339.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "query/balance.h"
#include "query/checksums.h"
#include "query/lifetimes.h"

#define STATUS_CANNOT_TELL 2

enum verify_option { STORE, SINCE, UNTIL, FOR, JOBS };

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE, [SINCE] = OPTION_SINCE, [UNTIL] = OPTION_UNTIL,
	[FOR] = OPTION_FOR,	[JOBS] = OPTION_JOBS,
};

static const struct usage usage = {
	"obit verify",
	"",
	"Proves from the store alone that every exit the kernel saw is in it.",
	specs,
	ARRAY_SIZE(specs),
	"In every interval: exits_seen = exits_recorded + exits_rolled_up, and as many rows; opening + forks -\n"
	"exits_seen = closing; opening = the closing before; no interval is missing. And of every process born in\n"
	"a run, the rows of procs add up to its row of exits. A run's last interval may be\n"
	"open (its agent is in it, or was killed in it), and its last segment may end torn: that is said and is\n"
	"no fault.\n"
	"\nexit status: 0 intact and balanced; 1 damaged or unbalanced; 2 cannot tell\n",
	0,
};

static void print_time(uint64_t real_ns)
{
	char text[RFC3339_LEN];

	rfc3339_write(real_ns, text);
	printf("%.23sZ", text);
}

static void print_run_name(const struct balance_run *run)
{
	printf("run ");
	print_time(run->origin.run_real_ns);
	printf(" (boot ");
	report_text(stdout, run->origin.boot_id);
	printf(")");
}

static void print_finding(void *context, const struct balance_finding *finding)
{
	(void)context;
	printf("unbalanced: ");
	print_run_name(finding->run);
	printf(", interval %" PRIu64 " from ", finding->interval);
	print_time(finding->begin_real_ns);
	printf(": %s", finding->what);
	if (*finding->because)
		printf("; in it: %s", finding->because);
	printf("\n");
}

static void print_life(void *context, const struct lifetimes_finding *finding)
{
	uint64_t *n_findings = context;
	uint64_t less = finding->should_be - finding->is;

	printf("unbalanced: process %" PRIu64 " that ended ", finding->pid);
	print_time(finding->exit_real_ns);
	printf(", interval %" PRIu64 ": %s of its %" PRIu64 " rows of procs is %" PRIu64 ", %" PRIu64
	       " %s than in exits, %" PRIu64 "\n",
	       finding->interval, finding->field, finding->rows, finding->is,
	       finding->is > finding->should_be ? -less : less, finding->is > finding->should_be ? "more" : "less",
	       finding->should_be);
	(*n_findings)++;
}

static void print_run(const struct balance_run *run, bool is_range)
{
	print_run_name(run);
	printf(" on ");
	report_text(stdout, run->origin.host);
	printf(": %" PRIu64 " interval%s judged of %" PRIu64 " to %" PRIu64 "; %" PRIu64 " forks; %" PRIu64
	       " exits = %" PRIu64 " recorded + %" PRIu64 " rolled up; %s\n",
	       run->n_judged, run->n_judged == 1 ? "" : "s", run->first_number, run->last.number, run->forks,
	       run->exits_seen, run->exits_recorded, run->exits_rolled_up, run->n_findings ? "unbalanced" : "balanced");
	if (run->first_number > 1 && !is_range)
		printf("  begins with interval %" PRIu64 ": what was before is no longer in the store\n",
		       run->first_number);
	if (run->unobserved)
		printf("  nobody watched before it: the number of live processes changed by %+" PRId64
		       " since the run before closed its ledger last\n",
		       run->unobserved);
	if (!run->last.is_closed)
		printf("  interval %" PRIu64 " is open, with %" PRIu64 " rows of exits: its agent is still in it, was "
		       "stopped in it%s\n",
		       run->last.number, run->last.exits_rows, is_range ? ", or --until cuts it" : "");
}

/* 0, or what the reader or memory failed with. */
static int read_all(struct store_reader *reader, const struct store_select *select, unsigned jobs,
		    struct balance *balance, struct lifetimes *lifetimes)
{
	struct group_reader *groups = group_reader_new(store_reader_note_damage, reader);
	struct checksums *checksums = checksums_new(reader, jobs);
	const struct store_part *part;
	int r = groups && checksums ? 0 : -ENOMEM;

	while (r == 0 && (r = store_reader_next(reader, &part)) > 0) {
		r = checksums_add(checksums, part);
		if (r == 0)
			r = balance_add(balance, part, select, groups);
		if (r == 0)
			r = lifetimes_add(lifetimes, part, groups);
	}
	if (r == 0)
		r = checksums_finish(checksums);
	checksums_free(checksums);
	group_reader_free(groups);
	return r;
}

/* The verdict, one line. */
static int conclude(const struct balance *balance, uint64_t n_findings, uint64_t n_lifetimes,
		    struct report_skipped skipped, bool is_range)
{
	size_t n_runs;
	const struct balance_run *runs = balance_runs(balance, &n_runs);
	uint64_t n_judged = 0, exits = 0;

	for (size_t i = 0; i < n_runs; i++) {
		print_run(&runs[i], is_range);
		n_judged += runs[i].n_judged;
		n_findings += runs[i].n_findings;
		exits += runs[i].exits_seen;
	}
	if (skipped.n_damaged || n_findings) {
		printf("verdict: ");
		if (skipped.n_damaged)
			printf("damaged in %zu place%s", skipped.n_damaged, skipped.n_damaged == 1 ? "" : "s");
		if (n_findings)
			printf("%sunbalanced, %" PRIu64 " finding%s", skipped.n_damaged ? "; " : "", n_findings,
			       n_findings == 1 ? "" : "s");
		printf("\n");
		return STATUS_FAILED;
	}
	if (!n_judged) {
		printf("verdict: cannot tell: there is no complete interval%s\n", is_range ? " in that time" : "");
		return STATUS_CANNOT_TELL;
	}
	printf("verdict: intact and balanced%s: %zu run%s, %" PRIu64 " interval%s, %" PRIu64 " exit%s",
	       skipped.n_torn ? " up to a torn tail" : "", n_runs, n_runs == 1 ? "" : "s", n_judged,
	       n_judged == 1 ? "" : "s", exits, exits == 1 ? "" : "s");
	if (n_lifetimes)
		printf(", %" PRIu64 " li%s in procs", n_lifetimes, n_lifetimes == 1 ? "fe" : "ves");
	printf("\n");
	return STATUS_OK;
}

static int verify(const char *dir, uint64_t since_real_ns, uint64_t until_real_ns, unsigned jobs)
{
	struct store_select select = {since_real_ns, until_real_ns, NULL, NULL};
	struct balance_sink sink = {print_finding, NULL};
	struct store_reader *reader = NULL;
	uint64_t n_unbalanced = 0;
	struct lifetimes_sink lifetimes_sink = {print_life, &n_unbalanced};
	struct balance *balance = balance_new(since_real_ns, &sink);
	struct lifetimes *lifetimes = lifetimes_new(&lifetimes_sink);
	int r = balance && lifetimes ? store_reader_open(dir, &select, &reader) : -ENOMEM;
	int status = STATUS_CANNOT_TELL;

	if (r == 0)
		r = read_all(reader, &select, jobs, balance, lifetimes);
	if (r < 0) {
		report_store_error(usage.command, dir, r);
		goto out;
	}
	status = conclude(balance, n_unbalanced, lifetimes_judged(lifetimes), report_skipped(stdout, "store: ", reader),
			  since_real_ns || until_real_ns);
	if (fflush(stdout) != 0 && errno != EPIPE) {
		fprintf(stderr, "%s: cannot write: %s\n", usage.command, strerror(errno));
		status = STATUS_CANNOT_TELL;
	}
out:
	balance_free(balance);
	lifetimes_free(lifetimes);
	store_reader_close(reader);
	return status;
}

int cmd_verify(int argc, char **argv)
{
	struct options options;
	uint64_t since_real_ns, until_real_ns;
	unsigned jobs;
	int r = options_parse(&usage, argc, argv, &options);

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options_range(&usage,
			  &(struct options_times){options.values[SINCE], options.values[UNTIL], options.values[FOR]},
			  options_now_real_ns(), &since_real_ns, &until_real_ns) < 0 ||
	    options_jobs(&usage, options.values[JOBS], &jobs) < 0)
		return STATUS_USAGE;
	return verify(options_store(options.values[STORE]), since_real_ns, until_real_ns, jobs);
}
