// SPDX-License-Identifier: BSD-2-Clause
/*
 * Segment by segment, table by table: store → query → dataset.
 */
#include "cmd/export_dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/report.h"

#define WAIT_MS 200 /* so long it takes at most until a signal is seen */

struct adding {
	const struct export_question *question;
	const struct table *const *tables;
	size_t n_tables;
	struct dataset *dataset;
	struct time_range range;
	bool is_again; /* what is damaged has been said */
};

static bool is_stopped(const struct adding *adding)
{
	return adding->question->is_stopped && *adding->question->is_stopped;
}

static int add_table(const struct adding *adding, const struct scanned_segment *segment, const struct table *table)
{
	struct export_question question = *adding->question;
	struct row_sink sink = {.take = dataset_row, .context = adding->dataset};
	struct time_range range;
	int r = dataset_begin_table(adding->dataset, table, adding->range, &range);

	question.segment = segment->name.text;
	question.since_real_ns = range.since_real_ns;
	question.until_real_ns = range.until_real_ns == NO_END ? 0 : range.until_real_ns;
	if (r == 0)
		r = export_read(&question, table, &sink);
	return r < 0 ? r : dataset_end_table(adding->dataset);
}

static int add_segment(const struct adding *adding, const struct scanned_segment *segment)
{
	bool is_begun = false;
	int r = 0;

	for (size_t i = 0; i < adding->n_tables && r == 0; i++) {
		const struct table *table = adding->tables[i];

		if (!dataset_wants(adding->dataset, segment, table->name, adding->range))
			continue;
		if (!is_begun)
			r = dataset_begin(adding->dataset, segment);
		is_begun = true;
		if (r == 0)
			r = add_table(adding, segment, table);
	}
	if (is_begun && r == 0)
		return dataset_end(adding->dataset);
	if (is_begun)
		dataset_drop(adding->dataset);
	return r;
}

/* Of one whose header cannot be read nobody knows what it would be. */
static void report_unreadable(const struct adding *adding, const struct scanned_segment *segment)
{
	if (!adding->is_again && !segment->has_origin && segment->state == SEGMENT_DAMAGED)
		fprintf(stderr, "%s: store: %s: cannot be read: %s\n", adding->question->command, segment->name.text,
			segment->what);
}

/* All segments that there are now. */
static int add_new(const struct adding *adding)
{
	const struct export_question *question = adding->question;
	struct scanned_segment segment;
	struct segment_scan *scan;
	int r = segment_scan_open(question->dir, &scan);

	if (r < 0) {
		report_store_error(question->command, question->dir, r);
		return -EINVAL;
	}
	progress_restart(question->progress);
	while (!is_stopped(adding) && (r = segment_scan_next(scan, &segment)) > 0) {
		report_unreadable(adding, &segment);
		r = add_segment(adding, &segment);
		if (r < 0)
			break;
	}
	segment_scan_close(scan);
	return r == 0 && is_stopped(adding) ? -EINTR : r;
}

/* On a terminal, since the last time. */
static void say_added(const struct adding *adding, uint64_t *segments, uint64_t *rows)
{
	uint64_t n_segments, n_rows;

	dataset_added(adding->dataset, &n_segments, &n_rows);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s: %" PRIu64 " rows of %" PRIu64 " segments are new or were written again\n",
			adding->question->command, n_rows - *rows, n_segments - *segments);
	*segments = n_segments;
	*rows = n_rows;
}

static void wait_until(const struct adding *adding, uint64_t mono_ns)
{
	while (!is_stopped(adding) && clock_read_ns(CLOCK_MONOTONIC) < mono_ns)
		poll(NULL, 0, WAIT_MS);
}

int export_to_dataset(const struct export_question *question, const struct table *const *tables, size_t n_tables,
		      struct dataset *dataset, uint64_t every_ns)
{
	uint64_t until = question->until_real_ns, segments = 0, rows = 0;
	struct adding adding = {
		.question = question,
		.tables = tables,
		.n_tables = n_tables,
		.dataset = dataset,
		.range = {question->since_real_ns, until ? until : NO_END},
	};
	int r;

	do {
		r = add_new(&adding);
		adding.is_again = true;
		if (r == 0)
			say_added(&adding, &segments, &rows);
		if (r == 0)
			wait_until(&adding, clock_read_ns(CLOCK_MONOTONIC) + every_ns);
	} while (r == 0 && every_ns && !is_stopped(&adding));
	return r == 0 && every_ns ? -EINTR : r;
}
