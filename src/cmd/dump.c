// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit dump`: rows of a table, from the store through query and output to standard output.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/quantity.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "cmd/stop.h"
#include "query/grouping.h"
#include "query/at_snapshot.h"
#include "query/joins.h"
#include "query/query.h"
#include "query/scan.h"
#include "query/tail.h"
#include "store/store_schema.h"
#include "store/reader.h"

enum dump_option {
	STORE,
	SINCE,
	UNTIL,
	FOR,
	AT,
	THREADS,
	WHERE,
	GROUP_BY,
	MAX_GROUPS,
	FIELDS,
	SORT,
	LIMIT,
	TAIL,
	HAVING,
	FORMAT,
	FOLLOW,
	WIDE,
	JOBS
};

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE,
	[SINCE] = OPTION_SINCE,
	[UNTIL] = OPTION_UNTIL,
	[FOR] = OPTION_FOR,
	[AT] = {"at", "T", "procs alone: all processes alive at that time, the busiest first, idle ones too"},
	[THREADS] = {"threads", NULL,
		     "with procs --at: the threads that ran then, where `obit record --threads` kept them"},
	[WHERE] = {"where", "EXPR", "only rows for which it holds: 'cpu_ns > 1s and comm ~ \"^cc\"'; see below"},
	[GROUP_BY] = {"group-by", "a,b/STEP", "one row for each value of these: count, sums and maxima; see below"},
	[MAX_GROUPS] = {"max-groups", "N", "give up when there are more groups, each takes memory; default 1000000"},
	[FIELDS] = {"fields", "a,b,c", "these fields in this order, or all; default: a few in a table, else all"},
	[SORT] = {"sort", "[-]FIELD", "by this field, with - the largest first; nulls come last"},
	[LIMIT] = {"limit", "N", "at most N rows"},
	[TAIL] = {"tail", "N", "the newest N rows"},
	[HAVING] = {"having", "EXPR", "only groups for which it holds: 'count > 10 and p99(wall_ns) > 1s'"},
	[FORMAT] = {"format", "table|csv|tsv|jsonl", "default table, human-readable"},
	[FOLLOW] = {"follow", NULL, "go on with what comes, interval by interval, until SIGINT; from now, or --since"},
	[WIDE] = {"wide", NULL, "all columns of a table in one line, however wide the terminal"},
	[JOBS] = OPTION_JOBS,
};

static const struct usage usage = {
	"obit dump",
	"TABLE",
	"Prints rows of a table. `obit schema` lists the tables; `obit schema TABLE` lists its fields; with --store, "
	"also what another obit wrote there.",
	specs,
	ARRAY_SIZE(specs),
	"EXPR compares fields with values: = != < <= > >=, ~ !~ (regular expression), in (a, b), is null,\n"
	"and, or, not, parentheses. Values take units: 1.5s, 200ms, 2GiB, KILL, -10m, today. A comparison with\n"
	"null is false. Damage in the store is skipped and named on stderr.\n"
	"\nIn --fields, +GROUP adds fields that belong together to the usual ones: --fields +io. `obit schema TABLE`\n"
	"lists the groups: of exits +identity, +cpu, +waits, +memory, +io and +end.\n"
	"\nWith --group-by, --fields may ask for count, sum(f), avg(f), min(f), max(f), first(f), last(f), count(f),\n"
	"where f is not null, and pN(f), the N-th percentile within 0.4 %; a field alone is its sum, or its maximum\n"
	"where that is what it stands for. f/STEP groups by f rounded down: exit_time/1h (of UTC), pid/1000.\n"
	"Without --group-by such fields are computed over all rows together. --sort may name what is not shown.\n"
	"\nexamples:\n"
	"  obit dump exits --since -10m --sort -cpu_ns --limit 20\n"
	"  obit dump exits --group-by comm --sort -cpu_ns --limit 20\n"
	"  obit dump exits --fields +io,+waits --where 'run_delay_ns > 1s'\n"
	"  obit dump runq --group-by time/1h --fields 'count, p99(delay_ns)'\n"
	"  obit dump exits --follow --where 'exit_code != 0' --fields exit_time,comm,exit_code,argv\n"
	"  obit dump procs --at 03:12 --limit 20\n"
	"  obit dump threads --since -1m --group-by pid,tid,comm --sort -run_delay_ns --limit 20\n"
	"  obit dump exits --where 'oom_killed or exit_signal in (KILL, SEGV)' --format jsonl | jq .comm\n",
	1,
};

#define ROWS_UNASKED 1000 /* more are announced on a terminal */

#define FOLLOW_PERIOD_MS 100 /* an interval is at least as long */

struct dump {
	struct options options;
	const char *dir;
	struct store_schema store_schema;
	const struct table *table;    /* of it, with what can be joined */
	const struct table *recorded; /* without */
	struct joined_table joined;
	struct computed_list computed;	  /* columns that --fields and --group-by define */
	char *texts[2];			  /* of those, without the definitions */
	struct joins *joins;		  /* NULL: no name is wanted */
	struct joins *accounts;		  /* of the numbers that names in --where have; NULL: there are none */
	uint64_t now_real_ns, at_real_ns; /* at: 0 without --at */
	uint64_t limit;			  /* of what is printed; 0: none */
	struct selection selection;	  /* of what is printed */
	struct grouping *grouping;	  /* NULL without --group-by */
	struct expression *expression, *having;
	struct query_options query_options;
	struct query *query;
	struct store_reader *reader;
	struct output *output;
	struct stream stream;
	struct scan *scan;
	unsigned jobs;
	uint64_t n_parts, n_rows;		 /* read; printed */
	const volatile sig_atomic_t *is_stopped; /* of --follow; NULL without */
};

static int take_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct dump *dump = context;

	dump->n_rows++;
	return output_row(dump->output, block, row, columns);
}

/* With what can be joined. */
static void use_table(struct dump *dump)
{
	dump->recorded = dump->table;
	joined_table_init(&dump->joined, dump->recorded, NULL);
	dump->table = &dump->joined.table;
}

static int choose_table(struct dump *dump)
{
	const char *names[TABLE_MAX_TABLES];
	uint32_t n;
	int chosen;

	/* Whoever reads the rows reports a store that cannot be read. */
	if (store_schema_read(dump->dir, &dump->store_schema) == -ENOMEM) {
		fprintf(stderr, "%s: out of memory\n", usage.command);
		return -ENOMEM;
	}
	n = dump->store_schema.n_tables;
	for (uint32_t i = 0; i < n; i++)
		names[i] = dump->store_schema.tables[i].name;
	if (dump->options.n_operands == 0) {
		fprintf(stderr, "%s: name a table: %s\n", usage.command, tables_list());
		return -EINVAL;
	}
	chosen = options_choose(&usage, "table", dump->options.operands[0], names, n);
	if (chosen < 0)
		return chosen;
	dump->table = &dump->store_schema.tables[chosen];
	if (!dump->options.values[THREADS]) {
		use_table(dump);
		return 0;
	}
	if (dump->table->id != TABLE_PROCS || !dump->options.values[AT]) {
		fprintf(stderr, "%s: --threads: is for `procs --at T`; of a stretch of time: obit dump threads\n",
			usage.command);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < n; i++)
		if (dump->store_schema.tables[i].id == TABLE_THREADS)
			dump->table = &dump->store_schema.tables[i];
	use_table(dump);
	return 0;
}

/* The names of the store are read when one is asked for. */
static bool find_account(void *context, bool is_group, const char *name, size_t len, uint64_t *ret)
{
	struct dump *dump = context;
	const struct query_options *query = &dump->query_options;
	uint64_t since = dump->at_real_ns ? dump->at_real_ns : query->since_real_ns;

	if (!dump->accounts && (joins_open(dump->dir, since, query->until_real_ns,
					   1u << JOINED_USER | 1u << JOINED_GROUP, &dump->accounts) < 0 ||
				joins_read(dump->accounts) < 0))
		return false;
	return is_group ? joins_gid(dump->accounts, name, len, ret) : joins_uid(dump->accounts, name, len, ret);
}

static int compile(struct dump *dump, enum dump_option option, const struct table *table, struct expression **ret)
{
	const char *text = dump->options.values[option], *name = specs[option].name;
	struct literal_context literals = {dump->now_real_ns, find_account, dump};
	struct expression_error error;
	char message[1024];
	int r;

	if (!text)
		return 0;
	r = expression_compile(text, table, &literals, ret, &error);
	if (r == -EINVAL) {
		expression_error_write(&error, text, message, sizeof(message));
		fprintf(stderr, "%s: --%s: %s\n", usage.command, name, message);
	} else if (r < 0) {
		fprintf(stderr, "%s: --%s: %s\n", usage.command, name, strerror(-r));
	}
	return r;
}

/* *ret stays as it is when nothing was given. */
static int read_count(const char *option, const char *given, const char *of_what, uint64_t *ret)
{
	uint64_t count;

	if (!given)
		return 0;
	if (quantity_read_count(given, strlen(given), &count) < 0 || count == 0) {
		fprintf(stderr, "%s: --%s %s: expected a number of %s, at least 1\n", usage.command, option, given,
			of_what);
		return -EINVAL;
	}
	*ret = count;
	return 0;
}

static int choose_columns(struct dump *dump, bool is_human_readable)
{
	const char *const *values = dump->options.values;
	const char *sort = dump->at_real_ns && !values[SORT] ? "-cpu_ns" : values[SORT];

	if (selection_init(&dump->selection, dump->table, values[FIELDS], is_human_readable, sort) < 0) {
		fprintf(stderr, "%s: %s\n", usage.command, dump->selection.error);
		return -EINVAL;
	}
	return 0;
}

static int choose_groups(struct dump *dump, bool is_human_readable)
{
	const char *const *values = dump->options.values;
	struct terms_text text = {values[GROUP_BY], values[FIELDS], values[SORT], is_human_readable};
	char error[256] = "out of memory";
	uint64_t max_groups = 0;

	if (read_count("max-groups", values[MAX_GROUPS], "groups", &max_groups) < 0)
		return -EINVAL;
	if (grouping_new(dump->table, &text, max_groups, &dump->grouping, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s: %s\n", usage.command, error);
		return -EINVAL;
	}
	grouping_select(dump->grouping, &dump->selection);
	return 0;
}

/* What never ends cannot be sorted as a whole. */
static int prepare_follow(struct dump *dump)
{
	const char *const *values = dump->options.values;
	const char *excluded = values[SORT]			     ? "sort"
			       : values[GROUP_BY]		     ? "group-by"
			       : values[UNTIL]			     ? "until"
			       : values[AT]			     ? "at"
			       : terms_are_of_groups(values[FIELDS]) ? "fields of groups (count, sum(...))"
								     : NULL;

	if (!values[FOLLOW])
		return 0;
	if (excluded) {
		fprintf(stderr, "%s: --follow goes on until it is stopped: leave --%s away, or --follow\n",
			usage.command, excluded);
		return -EINVAL;
	}
	if (!values[SINCE])
		dump->query_options.since_real_ns = dump->now_real_ns;
	return 0;
}

static int read_at(struct dump *dump)
{
	const char *const *values = dump->options.values;

	if (!values[AT])
		return 0;
	if ((dump->table->id != TABLE_PROCS && !values[THREADS]) || values[SINCE] || values[UNTIL]) {
		fprintf(stderr, "%s: --at: is for the table procs, without --since and --until\n", usage.command);
		return -EINVAL;
	}
	return options_range(&usage, &(struct options_times){values[AT], NULL, NULL}, dump->now_real_ns,
			     &dump->at_real_ns, &dump->query_options.until_real_ns);
}

/* `cpu_ns / wall_ns as share` becomes a field of the table, called share. */
static int read_computed(struct dump *dump, enum dump_option option, int place)
{
	const char *given = dump->options.values[option];
	char error[256];

	if (!given || !strstr(given, " as "))
		return 0;
	dump->texts[place] = strdup(given);
	if (!dump->texts[place])
		return -ENOMEM;
	if (computed_read(dump->table, dump->texts[place], &dump->computed, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s: --%s: %s\n", usage.command, specs[option].name, error);
		return -EINVAL;
	}
	dump->options.values[option] = dump->texts[place];
	joined_table_init(&dump->joined, dump->recorded, &dump->computed);
	return 0;
}

/* Everything that can be wrong with the command line, before the store is read. */
static int prepare(struct dump *dump, enum output_format *ret_format)
{
	const char *const *values = dump->options.values;
	struct query_options *query = &dump->query_options;
	bool is_grouped;

	dump->dir = options_store(values[STORE]);
	dump->now_real_ns = options_now_real_ns();
	if (choose_table(dump) < 0 || options_format(&usage, values[FORMAT], ret_format) < 0 ||
	    options_range(&usage, &(struct options_times){values[SINCE], values[UNTIL], values[FOR]}, dump->now_real_ns,
			  &query->since_real_ns, &query->until_real_ns) < 0 ||
	    read_at(dump) < 0 || prepare_follow(dump) < 0)
		return -EINVAL;
	if (read_computed(dump, FIELDS, 0) < 0 || read_computed(dump, GROUP_BY, 1) < 0)
		return -EINVAL;
	is_grouped = values[GROUP_BY] || terms_are_of_groups(values[FIELDS]);
	query->is_by_time = *ret_format == OUTPUT_TABLE && !is_grouped;
	query->is_grouped = is_grouped;
	if (read_count("limit", values[LIMIT], "rows", &dump->limit) < 0 ||
	    options_jobs(&usage, values[JOBS], &dump->jobs) < 0)
		return -EINVAL;
	if (is_grouped ? choose_groups(dump, *ret_format == OUTPUT_TABLE) < 0
		       : choose_columns(dump, *ret_format == OUTPUT_TABLE) < 0)
		return -EINVAL;
	query->limit = dump->grouping ? 0 : dump->limit;
	query->selection = dump->grouping ? grouping_wanted(dump->grouping) : &dump->selection;
	query->sink =
		dump->grouping ? grouping_sink(dump->grouping) : (struct row_sink){.take = take_row, .context = dump};
	if (read_count("tail", values[TAIL], "rows", &query->tail) < 0)
		return -EINVAL;
	if (values[TAIL] && (is_grouped || values[SORT] || values[LIMIT] || values[FOLLOW] || values[AT])) {
		fprintf(stderr,
			"%s: --tail: is of rows in order of time: leave out --group-by, --sort, --limit, --follow "
			"and --at\n",
			usage.command);
		return -EINVAL;
	}
	if (values[HAVING] && !is_grouped) {
		fprintf(stderr, "%s: --having: is about groups: give --group-by\n", usage.command);
		return -EINVAL;
	}
	if (compile(dump, WHERE, dump->table, &dump->expression) < 0)
		return -EINVAL;
	return is_grouped ? compile(dump, HAVING, &dump->selection.columns, &dump->having) : 0;
}

/* 0: all that is there was read; 1: the limit was reached; negative: what went wrong. */
static int read_rows(struct dump *dump)
{
	struct scan_options options = {
		.reader = dump->reader,
		.query = dump->query,
		.jobs = dump->jobs,
		.joins = dump->joins,
		.computed = &dump->computed,
		.is_stopped = dump->is_stopped,
		.is_following = dump->options.values[FOLLOW] != NULL,
	};
	int r;

	if (!dump->scan)
		dump->scan = scan_new(&options);
	if (!dump->scan)
		return -ENOMEM;
	r = scan_run(dump->scan);
	dump->n_parts = scan_parts(dump->scan);
	return r;
}

/* Until a signal, the limit, or the end of who reads. Returns as read_rows(). */
static int follow(struct dump *dump)
{
	struct pollfd out = {.fd = STDOUT_FILENO};
	int r = 0;

	dump->is_stopped = stop_on_signals();
	store_reader_follow(dump->reader);
	while (r == 0 && !*dump->is_stopped) {
		r = read_rows(dump);
		if (r == 0)
			r = output_flush(dump->output);
		/* A pipe that nobody reads is reported here, also when there is nothing to write. */
		if (r == 0 && poll(&out, 1, FOLLOW_PERIOD_MS) > 0)
			break;
	}
	return r;
}

/* One pass over the store for what a snapshot needs; what is skipped is said. */
static int read_pass(struct dump *dump, struct at_snapshot *snapshot, enum at_pass pass)
{
	struct store_select select = at_snapshot_select(snapshot, pass);
	struct store_reader *reader;
	int r = store_reader_open(dump->dir, &select, &reader);

	if (r < 0)
		return r;
	r = at_snapshot_read(snapshot, pass, reader);
	report_skipped(stderr, "obit dump: ", reader);
	store_reader_close(reader);
	return r;
}

/* Of the table, with those that --where compares. */
static void wanted_fields(const struct dump *dump, bool *ret)
{
	query_wanted_fields(dump->query, dump->table, ret);
	if (dump->expression)
		expression_fields(dump->expression, ret);
}

/* Where a name is wanted that rows do not have themselves. 0, or as joins_open(). */
static int read_names(struct dump *dump)
{
	const struct query_options *query = &dump->query_options;
	uint64_t since = dump->at_real_ns ? dump->at_real_ns : query->since_real_ns;
	bool wanted[TABLE_MAX_FIELDS];
	unsigned keys;
	int r;

	wanted_fields(dump, wanted);
	keys = joined_table_keys(&dump->joined, wanted);
	if (!keys)
		return 0;
	r = joins_open(dump->dir, since, query->until_real_ns, keys, &dump->joins);
	return r < 0 ? r : joins_read(dump->joins);
}

/* As read_rows(). */
static int read_snapshot(struct dump *dump)
{
	struct at_snapshot *snapshot = at_snapshot_new(dump->at_real_ns);
	struct block *rows = NULL;
	int r = snapshot ? 0 : -ENOMEM;

	for (int pass = 0; pass < N_AT_PASSES && r == 0; pass++)
		r = read_pass(dump, snapshot, (enum at_pass)pass);
	dump->n_parts = 1;
	if (r < 0)
		goto out;
	if (at_snapshot_verdict(snapshot) == AT_NOT_RECORDED)
		fprintf(stderr, "%s: nothing was recorded at that time; `obit store` lists what there is\n",
			usage.command);
	if (at_snapshot_verdict(snapshot) == AT_NO_ROSTER)
		fprintf(stderr, "%s: the store begins too late before that time: idle processes are missing\n",
			usage.command);
	rows = at_snapshot_rows(snapshot);
	if (rows && dump->joins) {
		struct block *recorded = rows;
		struct joins_of_table of = {dump->joins, &dump->joined};
		bool wanted[TABLE_MAX_FIELDS];

		wanted_fields(dump, wanted);
		rows = joins_widen(&of, recorded, at_snapshot_begin(snapshot), wanted);
		block_free(recorded);
	}
	r = rows ? query_block(dump->query, rows) : -ENOMEM;
out:
	block_free(rows);
	at_snapshot_free(snapshot);
	return r;
}

/* The threads that ran in the interval of the snapshot: their rows have the time of its end. */
static int find_threads_then(struct dump *dump)
{
	struct at_snapshot *snapshot = at_snapshot_new(dump->at_real_ns);
	uint64_t end_real_ns = 0;
	int r = snapshot ? read_pass(dump, snapshot, AT_INTERVALS) : -ENOMEM;

	if (r == 0)
		end_real_ns = at_snapshot_end(snapshot);
	at_snapshot_free(snapshot);
	dump->query_options.since_real_ns = end_real_ns;
	dump->query_options.until_real_ns = end_real_ns + 1;
	if (r < 0)
		report_store_error(usage.command, dump->dir, r);
	return r;
}

/* What has come together in groups, sorted and cut as asked for. */
static int print_groups(struct dump *dump)
{
	struct query_options options = {
		.selection = &dump->selection,
		.expression = dump->having,
		.limit = dump->limit,
		.sink = {take_row, dump},
	};
	struct query *query = query_new(&options);
	const struct block *rows;
	int r = query ? 0 : -ENOMEM;

	while (r == 0 && (r = grouping_next(dump->grouping, &rows)) > 0)
		r = query_block(query, rows);
	if (r == 0)
		r = query_finish(query);
	query_free(query);
	return r;
}

/* Rows before those that are wanted need not be read. Where that cannot be found out, all are. */
static void find_tail(struct dump *dump)
{
	struct query_options *query = &dump->query_options;
	struct store_select select = {query->since_real_ns, query->until_real_ns, dump->table->name, NULL};
	struct store_reader *reader;
	uint64_t since;

	if (store_reader_open(dump->dir, &select, &reader) < 0)
		return;
	if (tail_since(reader, query->tail, &since) == 0 && since > query->since_real_ns)
		query->since_real_ns = since;
	store_reader_close(reader);
}

/* Who asks for everything on a terminal is warned of how much it is. */
static void say_how_much(const struct dump *dump, bool is_terminal)
{
	static const enum dump_option limits[] = {SINCE, UNTIL, FOR, AT, WHERE, LIMIT, TAIL, FOLLOW, GROUP_BY};
	struct store_select select = {.table = dump->table->name};
	struct store_reader *reader;
	uint64_t rows;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		is_terminal &= !dump->options.values[limits[i]];
	if (!is_terminal || dump->grouping || store_reader_open(dump->dir, &select, &reader) < 0)
		return;
	if (tail_count(reader, &rows) == 0 && rows > ROWS_UNASKED)
		fprintf(stderr,
			"%s: all %" PRIu64 " rows of %s follow; --tail 20, --for 10m or --limit 20 show fewer\n",
			usage.command, rows, dump->table->name);
	store_reader_close(reader);
}

static int open_all(struct dump *dump, enum output_format format)
{
	struct store_select select = {.table = dump->table->name};
	struct output_options output_options;
	int r = 0;

	if (dump->options.values[THREADS])
		r = find_threads_then(dump);
	if (r < 0)
		return r;
	if (dump->query_options.tail && !dump->expression)
		find_tail(dump);
	select.since_real_ns = dump->query_options.since_real_ns;
	select.until_real_ns = dump->query_options.until_real_ns;
	r = store_reader_open(dump->dir, &select, &dump->reader);
	if (r < 0) {
		report_store_error(usage.command, dump->dir, r);
		return r;
	}
	dump->query_options.expression = dump->expression;
	stream_init(&dump->stream, STDOUT_FILENO);
	options_output(format, &dump->stream, dump->now_real_ns, &output_options);
	say_how_much(dump, output_options.is_terminal);
	output_options.may_leave_out = !dump->options.values[FIELDS];
	if (dump->options.values[WIDE])
		output_options.width = 0;
	r = output_open(&output_options, dump->selection.fields, dump->selection.n_shown, &dump->output);
	dump->query = query_new(&dump->query_options);
	if (r < 0 || !dump->query) {
		fprintf(stderr, "%s: out of memory\n", usage.command);
		return -ENOMEM;
	}
	r = read_names(dump);
	if (r < 0)
		report_store_error(usage.command, dump->dir, r);
	return r;
}

static void explain_failure(const struct dump *dump, int r)
{
	const char *max_groups = dump->options.values[MAX_GROUPS];

	if (r == -E2BIG && dump->grouping)
		fprintf(stderr,
			"%s: --group-by: more than %s groups; group by less (exit_time/1h), narrow --since or "
			"--where, or allow more with --max-groups\n",
			usage.command, max_groups ? max_groups : "1000000");
	else if (r == -EOVERFLOW && dump->grouping)
		fprintf(stderr, "%s: %s passes 2^64 in a group: leave it out of --fields, or narrow --where\n",
			usage.command, grouping_overflowed(dump->grouping));
	else if (r == -E2BIG)
		fprintf(stderr, "%s: too many rows to sort at once; add --limit or narrow --since or --where\n",
			usage.command);
	else if (dump->stream.error)
		fprintf(stderr, "%s: cannot write: %s\n", usage.command, strerror(-dump->stream.error));
	else
		report_store_error(usage.command, dump->dir, r);
}

static int run(struct dump *dump, enum output_format format)
{
	int r = open_all(dump, format), close_r;

	if (r < 0)
		return STATUS_FAILED;
	if (dump->at_real_ns && !dump->options.values[THREADS])
		r = read_snapshot(dump);
	else
		r = dump->options.values[FOLLOW] ? follow(dump) : read_rows(dump);
	if (r == 0)
		r = query_finish(dump->query);
	if (r >= 0 && dump->grouping)
		r = print_groups(dump);
	close_r = output_close(dump->output);
	dump->output = NULL;
	if (r >= 0)
		r = close_r;
	report_skipped(stderr, "obit dump: ", dump->reader);
	if (dump->joins)
		report_skipped(stderr, "obit dump: of names: ", joins_reader(dump->joins));
	if (dump->stream.error == -EPIPE)
		return STATUS_OK;
	if (r < 0) {
		explain_failure(dump, r);
		return STATUS_FAILED;
	}
	if (dump->options.values[THREADS] && !dump->n_rows)
		fprintf(stderr, "%s: no threads of that time: are they recorded (obit record --threads)?\n",
			usage.command);
	else if (dump->n_parts == 0 && !dump->options.values[FOLLOW])
		fprintf(stderr, "%s: %s holds nothing%s yet\n", usage.command, dump->dir,
			dump->query_options.since_real_ns || dump->query_options.until_real_ns ? " of that time" : "");
	return STATUS_OK;
}

int cmd_dump(int argc, char **argv)
{
	struct dump *dump = calloc(1, sizeof(*dump));
	enum output_format format;
	int status, r;

	if (!dump) {
		fprintf(stderr, "%s: out of memory\n", usage.command);
		return STATUS_FAILED;
	}
	r = options_parse(&usage, argc, argv, &dump->options);
	if (r)
		status = r > 0 ? STATUS_OK : STATUS_USAGE;
	else if (prepare(dump, &format) < 0)
		status = STATUS_USAGE;
	else
		status = run(dump, format);
	output_close(dump->output);
	scan_free(dump->scan);
	joins_close(dump->joins);
	joins_close(dump->accounts);
	query_free(dump->query);
	store_reader_close(dump->reader);
	expression_free(dump->expression);
	expression_free(dump->having);
	grouping_free(dump->grouping);
	store_schema_done(&dump->store_schema);
	free(dump->texts[0]);
	free(dump->texts[1]);
	free(dump);
	return status;
}
