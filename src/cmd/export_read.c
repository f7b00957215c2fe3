// SPDX-License-Identifier: BSD-2-Clause
/*
 * Store to query to sink.
 */
#include "cmd/export_read.h"

#include <errno.h>
#include <string.h>

#include "cmd/report.h"
#include "query/scan.h"

struct reading {
	const struct export_question *question;
	const struct table *table;
	const struct row_sink *sink;
	struct selection selection;
	struct expression *expression;
	struct query *query;
	struct store_reader *reader;
	uint64_t n_rows;
};

static int take_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct reading *reading = context;

	reading->n_rows++;
	return reading->sink->take(reading->sink->context, block, row, columns);
}

static int compile_where(struct reading *reading)
{
	const struct export_question *question = reading->question;
	struct expression_error error;
	char message[1024];
	int r;

	if (!question->where)
		return 0;
	r = expression_compile(question->where, reading->table,
			       &(struct literal_context){question->now_real_ns, NULL, NULL}, &reading->expression,
			       &error);
	if (r == -EINVAL) {
		expression_error_write(&error, question->where, message, sizeof(message));
		fprintf(stderr, "%s: --where, for %s: %s\n", question->command, reading->table->name, message);
	}
	return r;
}

static int begin(struct reading *reading)
{
	const struct export_question *question = reading->question;
	struct store_select select = {question->since_real_ns, question->until_real_ns, reading->table->name,
				      question->segment};
	struct query_options options = {
		.since_real_ns = question->since_real_ns,
		.until_real_ns = question->until_real_ns,
		.selection = &reading->selection,
		.is_by_time = question->is_by_time,
		.sink = {take_row, reading},
	};
	int r = compile_where(reading);

	if (r < 0)
		return r;
	r = store_reader_open(question->dir, &select, &reading->reader);
	if (r < 0) {
		report_store_error(question->command, question->dir, r);
		return -EINVAL;
	}
	selection_init(&reading->selection, reading->table, NULL, 0, NULL);
	options.expression = reading->expression;
	reading->query = query_new(&options);
	return reading->query ? 0 : -ENOMEM;
}

static void begin_part(void *context, const struct store_part *part)
{
	struct reading *reading = context;

	progress_step(reading->question->progress, reading->table->name, part->segment, reading->n_rows);
}

static int read_all(struct reading *reading)
{
	const struct export_question *question = reading->question;
	struct scan_options options = {
		.reader = reading->reader,
		.query = reading->query,
		.jobs = question->jobs,
		.is_stopped = question->is_stopped,
		.begin_part = begin_part,
		.context = reading,
	};
	struct scan *scan = scan_new(&options);
	int r = scan ? 0 : -ENOMEM;

	if (r == 0)
		r = scan_run(scan);
	scan_free(scan);
	if (r == 0 && question->is_stopped && *question->is_stopped)
		return -EINTR;
	return r == 0 ? query_finish(reading->query) : r;
}

int export_read(const struct export_question *question, const struct table *table, const struct row_sink *sink)
{
	struct reading reading = {.question = question, .table = table, .sink = sink};
	int r = begin(&reading);

	if (r == 0)
		r = read_all(&reading);
	progress_done(question->progress);
	if (reading.reader)
		report_skipped(stderr, "obit export: ", reading.reader);
	query_free(reading.query);
	expression_free(reading.expression);
	store_reader_close(reading.reader);
	return r;
}
