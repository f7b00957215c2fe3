// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit top`: an interval on one screen, as text.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "cmd/stop.h"
#include "query/grouping.h"
#include "query/query.h"
#include "view/view.h"

enum top_option { STORE, AT, BY, WHERE, SORT, LIMIT, BATCH, FORMAT };

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE,
	[AT] = {"at", "T", "the interval of that time, as --since takes it; default: the latest that has ended"},
	[BY] = {"by", "WHAT", "a row for each process, program, user, cgroup or container", "process"},
	[WHERE] = {"where", "EXPR", "only processes for which it holds, as in `obit dump`: exits = 1 or user = www"},
	[SORT] = {"sort", "[-]FIELD", "by which column", "-cpu"},
	[LIMIT] = {"limit", "N", "rows of a screen; default 20, in other formats all"},
	[BATCH] = {"batch", "N", "so many screens: of this interval and those that follow", "1"},
	[FORMAT] = {"format", "table|csv|tsv|jsonl", "table; the others have rows alone, with all their fields",
		    "table"},
};

static const struct usage usage = {
	"obit top",
	"",
	"Shows an interval on one screen: the host, who was there, and who ended in it and how.",
	specs,
	ARRAY_SIZE(specs),
	"Live processes, those that were born and ended between two looks, and roll-ups are all in it: the exits of a\n"
	"screen are the ledger's, and its CPU time is that of the interval. state X: it ended.\n"
	"\nexamples:\n"
	"  obit top\n"
	"  obit top --at 03:12 --by container\n"
	"  obit top --at -10m --where 'exit_signal is not null' --batch 5\n",
	0,
};

/* What rows are of, and what they show. */
static const struct by {
	const char *name, *group_by, *fields;
} kinds[] = {
	{"process", NULL,
	 "pid,comm,user,cpu_percent_hundredths,cpu_ns,run_delay_ns,rss_bytes,read_bytes,write_bytes,state,exit_code,"
	 "exit_signal,killer_comm,container,argv"},
	{"program", "comm", ""},
	{"user", "user", ""},
	{"cgroup", "cgroup", ""},
	{"container", "container", ""},
};

#define GROUP_FIELDS "count,exits,cpu_ns,run_delay_ns,sum(rss_bytes),read_bytes,write_bytes"

struct top {
	struct options options;
	const char *dir;
	const struct by *by;
	enum output_format format;
	struct output *output; /* of rows alone, over all screens */
	uint64_t now_real_ns, at_real_ns, limit, n_screens;
	const volatile sig_atomic_t *is_stopped;
	struct stream stream;
	struct view view;
};

static int take_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	return output_row(context, block, row, columns);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */
/* A screen has a table of its own; other formats go on from screen to screen. */
static int open_output(struct top *top, const struct selection *selection)
{
	struct output_options options;

	if (top->output)
		return 0;
	options_output(top->format, &top->stream, top->now_real_ns, &options);
	options.may_leave_out = true;
	if (getenv("COLUMNS"))
		options.width = options_terminal_width();
	return output_open(&options, selection->fields, selection->n_shown, &top->output);
}

static int close_output(struct top *top)
{
	int r = output_close(top->output);

	top->output = NULL;
	return r;
}

/* Rows that hold, sorted and cut, to the output: of the block, and without one of the groups. */
static int print_rows(struct top *top, const struct selection *selection, struct expression *expression,
		      const struct block *rows, struct grouping *groups)
{
	struct query_options options = {.selection = selection, .expression = expression, .limit = top->limit};
	struct query *query;
	int r = open_output(top, selection);

	if (r < 0)
		return r;
	options.sink = (struct row_sink){.take = take_row, .context = top->output};
	query = query_new(&options);
	r = query ? 0 : -ENOMEM;
	if (r == 0 && rows)
		r = query_block(query, rows);
	while (r == 0 && groups && (r = grouping_next(groups, &rows)) > 0)
		r = query_block(query, rows);
	if (r == 0)
		r = query_finish(query);
	query_free(query);
	if (r >= 0)
		r = top->format == OUTPUT_TABLE ? close_output(top) : output_flush(top->output);
	return r;
}

/* The names of all fields, those that are joined too. */
static void add_all_fields(struct buffer *list, const struct table *table)
{
	for (uint32_t field = 0; field < table->n_fields; field++)
		buffer_add_format(list, "%s%s", field ? "," : "", table->fields[field].name);
	buffer_add_char(list, '\0');
}

static int print_processes(struct top *top, struct expression *expression)
{
	struct selection *selection = malloc(sizeof(*selection));
	const char *sort = options_value(&usage, &top->options, SORT);
	const struct table *table = &top->view.joined.table;
	struct buffer fields = {0};
	int r;

	if (top->format == OUTPUT_TABLE) {
		buffer_add_text(&fields, top->by->fields);
		buffer_add_char(&fields, '\0');
	} else {
		add_all_fields(&fields, table);
	}
	r = selection && !fields.error ? selection_init(selection, table, fields.data, true, sort) : -ENOMEM;
	if (r == -EINVAL)
		fprintf(stderr, "%s: --sort: %s\n", usage.command, selection->error);
	if (r == 0)
		r = print_rows(top, selection, expression, top->view.rows, NULL);
	buffer_done(&fields);
	free(selection);
	return r;
}

/* All rows that hold into groups, then those. */
static int print_groups(struct top *top, struct expression *expression)
{
	struct terms_text text = {top->by->group_by, GROUP_FIELDS, options_value(&usage, &top->options, SORT), true};
	struct selection *selection = calloc(1, sizeof(*selection));
	struct grouping *grouping = NULL;
	struct query *query = NULL;
	char error[256] = "";
	int r = selection ? grouping_new(&top->view.joined.table, &text, 0, &grouping, error, sizeof(error)) : -ENOMEM;

	if (r == -EINVAL)
		fprintf(stderr, "%s: --sort: %s\n", usage.command, error);
	if (r == 0) {
		struct query_options options = {
			.selection = grouping_wanted(grouping),
			.expression = expression,
			.is_grouped = true,
			.sink = grouping_sink(grouping),
		};

		query = query_new(&options);
		r = query ? query_block(query, top->view.rows) : -ENOMEM;
	}
	if (r == 0)
		r = query_finish(query);
	if (r == 0) {
		grouping_select(grouping, selection);
		r = print_rows(top, selection, NULL, NULL, grouping);
	}
	query_free(query);
	grouping_free(grouping);
	free(selection);
	return r;
}

/* --- the screen ------------------------------------------------------------------------------------------------- */
static uint64_t number_of(const struct block *block, uint32_t field)
{
	return block && !block_is_null(block, 0, field) ? block_number(block, 0, field) : 0;
}

static bool is_balanced(const struct block *ledger)
{
	return number_of(ledger, LEDGER_exits_seen) ==
		       number_of(ledger, LEDGER_exits_recorded) + number_of(ledger, LEDGER_exits_rolled_up) &&
	       number_of(ledger, LEDGER_opening) + number_of(ledger, LEDGER_forks) ==
		       number_of(ledger, LEDGER_exits_seen) + number_of(ledger, LEDGER_closing);
}

static void print_time(const struct top *top)
{
	const struct view *view = &top->view;
	char length[QUANTITY_TEXT_BYTES], ago[QUANTITY_TEXT_BYTES], date[64];
	time_t end = (time_t)(view->interval.end_real_ns / NS_PER_S);
	struct tm tm;

	localtime_r(&end, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S %Z", &tm);
	quantity_write_ns(view->interval.end_real_ns - view->interval.begin_real_ns, length);
	quantity_write_ns(
		top->now_real_ns > view->interval.end_real_ns ? top->now_real_ns - view->interval.end_real_ns : 0, ago);
	report_text(stdout, view->origin.host);
	printf("  %s, the %s to it, %s ago  ", date, length, ago);
	if (!view->ledger)
		printf("no ledger\n");
	else
		printf("%" PRIu64 " processes, %" PRIu64 " forks, %" PRIu64 " exits  ledger %s\n",
		       number_of(view->ledger, LEDGER_closing), number_of(view->ledger, LEDGER_forks),
		       number_of(view->ledger, LEDGER_exits_seen),
		       is_balanced(view->ledger) ? "balanced" : "UNBALANCED");
}

/* In percent of all CPUs, to a tenth. */
static void print_share(const char *name, uint64_t part, uint64_t whole)
{
	uint64_t tenths = whole ? (part * 1000 + whole / 2) / whole : 0;

	printf(" %s %" PRIu64 ".%" PRIu64 "%%", name, tenths / 10, tenths % 10);
}

static void print_host(const struct view *view)
{
	const struct block *system = view->system;
	uint64_t duration = number_of(system, SYSTEM_duration_ns), idle = number_of(system, SYSTEM_idle_ns),
		 iowait = number_of(system, SYSTEM_iowait_ns),
		 user = number_of(system, SYSTEM_user_ns) + number_of(system, SYSTEM_nice_ns),
		 kernel = number_of(system, SYSTEM_system_ns) + number_of(system, SYSTEM_irq_ns) +
			  number_of(system, SYSTEM_softirq_ns),
		 steal = number_of(system, SYSTEM_steal_ns), all = idle + iowait + user + kernel + steal;
	char total[QUANTITY_TEXT_BYTES], available[QUANTITY_TEXT_BYTES];

	if (!system)
		return;
	printf("cpu  ");
	print_share("user", user, all);
	print_share("system", kernel, all);
	print_share("iowait", iowait, all);
	print_share("steal", steal, all);
	print_share("idle", idle, all);
	quantity_write_bytes(number_of(system, SYSTEM_memory_total_bytes), total);
	quantity_write_bytes(number_of(system, SYSTEM_memory_available_bytes), available);
	printf("   of %" PRIu64 " CPUs   memory %s, available %s\n", number_of(system, SYSTEM_cpus), total, available);
	printf("pressure ");
	print_share("cpu", number_of(system, SYSTEM_cpu_some_ns), duration);
	print_share("memory", number_of(system, SYSTEM_memory_some_ns), duration);
	print_share("io", number_of(system, SYSTEM_io_some_ns), duration);
	printf("   load %" PRIu64 ".%02" PRIu64 "   %" PRIu64 " runnable, %" PRIu64 " blocked\n",
	       number_of(system, SYSTEM_load1_hundredths) / 100, number_of(system, SYSTEM_load1_hundredths) % 100,
	       number_of(system, SYSTEM_running), number_of(system, SYSTEM_blocked));
}

static int compile_where(struct top *top, struct expression **ret)
{
	const char *where = top->options.values[WHERE];
	struct literal_context literals = {.now_real_ns = top->now_real_ns};
	struct expression_error error;
	char message[1024];
	int r = 0;

	if (where)
		r = expression_compile(where, &top->view.joined.table, &literals, ret, &error);
	if (r == -EINVAL) {
		expression_error_write(&error, where, message, sizeof(message));
		fprintf(stderr, "%s: --where: %s\n", usage.command, message);
	}
	return r;
}

static int print_screen(struct top *top)
{
	struct expression *expression = NULL;
	int r = compile_where(top, &expression);

	if (r == 0) {
		if (top->format == OUTPUT_TABLE) {
			print_time(top);
			print_host(&top->view);
			fflush(stdout);
		}
		r = top->by->group_by ? print_groups(top, expression) : print_processes(top, expression);
	}
	expression_free(expression);
	if (top->view.verdict == AT_NO_ROSTER)
		fprintf(stderr, "%s: the store begins too late before that time: idle processes are missing\n",
			usage.command);
	if (top->view.n_damaged)
		fprintf(stderr, "%s: %zu places of the store cannot be read: `obit verify` names them\n", usage.command,
			top->view.n_damaged);
	return r;
}

/* --- one after the other ---------------------------------------------------------------------------------------- */
#define WAIT_MS 100

/* The time to show: what was asked for, or the latest; *ret 0: nothing has been recorded. */
static int find_first(struct top *top, uint64_t *ret)
{
	uint64_t end;
	int r;

	*ret = top->at_real_ns;
	if (top->at_real_ns)
		return 0;
	r = view_latest(top->dir, top->now_real_ns, &end);
	*ret = end ? end - 1 : 0;
	return r;
}

/* Of the interval after this one, which may still be to come, unless no agent works on it. */
static int read_next(struct top *top, uint64_t real_ns)
{
	int r;

	do {
		view_done(&top->view);
		r = view_read(&top->view, top->dir, real_ns);
		if (r < 0 || top->view.verdict != AT_NOT_RECORDED ||
		    real_ns + 3600 * NS_PER_S < clock_read_ns(CLOCK_REALTIME))
			return r;
		poll(NULL, 0, WAIT_MS);
	} while (!*top->is_stopped);
	return 0;
}

static int run(struct top *top)
{
	uint64_t real_ns = 0;
	int r = find_first(top, &real_ns);

	if (r == 0 && real_ns)
		r = view_read(&top->view, top->dir, real_ns);
	if (r < 0) {
		report_store_error(usage.command, top->dir, r);
		return STATUS_FAILED;
	}
	if (top->view.verdict == AT_NOT_RECORDED) {
		fprintf(stderr, "%s: nothing was recorded %s; `obit store` lists what there is\n", usage.command,
			top->at_real_ns ? "at that time" : "in the last hour");
		return STATUS_FAILED;
	}
	for (uint64_t n = 0; r == 0 && top->view.verdict != AT_NOT_RECORDED;) {
		if (n && top->format == OUTPUT_TABLE)
			printf("\n");
		top->now_real_ns = clock_read_ns(CLOCK_REALTIME);
		r = print_screen(top);
		if (r < 0 || ++n == top->n_screens || *top->is_stopped)
			break;
		r = read_next(top, top->view.interval.end_real_ns);
	}
	if (r < 0 && r != -EINVAL && r != -EPIPE)
		fprintf(stderr, "%s: %s\n", usage.command, strerror(-r));
	return r < 0 && r != -EPIPE ? (r == -EINVAL ? STATUS_USAGE : STATUS_FAILED) : STATUS_OK;
}

static int read_number(const struct top *top, enum top_option option, uint64_t *ret)
{
	const char *given = options_value(&usage, &top->options, option);

	if (!given)
		return 0;
	if (quantity_read_count(given, strlen(given), ret) == 0 && *ret)
		return 0;
	fprintf(stderr, "%s: --%s %s: expected a number, 1 or more\n", usage.command, specs[option].name, given);
	return -EINVAL;
}

static int prepare(struct top *top)
{
	const char *names[ARRAY_SIZE(kinds)];
	uint64_t none;
	int kind;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		names[i] = kinds[i].name;
	kind = options_choose(&usage, "kind of row", options_value(&usage, &top->options, BY), names,
			      ARRAY_SIZE(kinds));
	if (kind < 0 || read_number(top, LIMIT, &top->limit) < 0 || read_number(top, BATCH, &top->n_screens) < 0)
		return -EINVAL;
	top->by = &kinds[kind];
	if (options_format(&usage, options_value(&usage, &top->options, FORMAT), &top->format) < 0)
		return -EINVAL;
	if (!top->options.values[LIMIT])
		top->limit = top->format == OUTPUT_TABLE ? 20 : 0;
	top->dir = options_store(top->options.values[STORE]);
	top->now_real_ns = options_now_real_ns();
	return options_range(&usage, &(struct options_times){top->options.values[AT], NULL, NULL}, top->now_real_ns,
			     &top->at_real_ns, &none);
}

int cmd_top(int argc, char **argv)
{
	struct top *top = calloc(1, sizeof(*top));
	int status, r;

	if (!top) {
		fprintf(stderr, "%s: out of memory\n", usage.command);
		return STATUS_FAILED;
	}
	r = options_parse(&usage, argc, argv, &top->options);
	if (r)
		status = r > 0 ? STATUS_OK : STATUS_USAGE;
	else if (prepare(top) < 0)
		status = STATUS_USAGE;
	else {
		stream_init(&top->stream, STDOUT_FILENO);
		top->is_stopped = stop_on_signals();
		status = run(top);
	}
	close_output(top);
	view_done(&top->view);
	free(top);
	return status;
}
