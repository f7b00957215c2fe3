// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit export`: rows of a store into files for other tools. A table is read from the store in one pass:
 *
 *   store → query → a file (or standard output), or the files of a dataset
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/dataset.h"
#include "cmd/export_dataset.h"
#include "cmd/export_file.h"
#include "cmd/export_read.h"
#include "cmd/options.h"
#include "cmd/atomic_output.h"
#include "cmd/report.h"
#include "cmd/stop.h"
#include "store/store_schema.h"

enum export_option {
	TO,
	TABLE,
	STORE,
	SINCE,
	UNTIL,
	FOR,
	WHERE,
	TRACK,
	DATASET,
	FOLLOW,
	EVERY,
	TIMES,
	COMPRESSION,
	FORCE,
	JOBS
};

static const struct option_spec specs[] = {
	[TO] = {"to", "parquet|csv|jsonl|perfetto", "in which format"},
	[TABLE] = {"table", "TABLE",
		   "exits (the default for a file) or another of `obit schema`; a,b or all in a dataset"},
	[STORE] = OPTION_STORE,
	[SINCE] = OPTION_SINCE,
	[UNTIL] = OPTION_UNTIL,
	[FOR] = OPTION_FOR,
	[WHERE] = {"where", "EXPR", "only rows for which it holds, as in `obit dump`"},
	[TRACK] = {"track", "cgroup|parent",
		   "perfetto: a process is a slice on the track of its cgroup (the default) or parent"},
	[DATASET] = {"dataset", NULL, "parquet: OUT is a directory of TABLE/host=HOST/date=DATE/RUN-SEGMENT.parquet"},
	[FOLLOW] = {"follow", NULL, "keep a dataset current, until a signal ends it"},
	[EVERY] = {"every", "5m", "with --follow: how often what is new is added", "5m"},
	[TIMES] = {"times", "us|ns", "parquet: TIMESTAMP in us and NAME_ns beside it (the default), or in ns alone"},
	[COMPRESSION] = {"compression", "CODEC", "parquet: zstd (the default), gzip or none; zstd:9 is at level 9"},
	[FORCE] = {"force", NULL, "replace the file OUT if it is there"},
	[JOBS] = OPTION_JOBS,
};

static const struct usage usage = {
	"obit export",
	"OUT",
	"Writes the rows of a store as files for other tools. No file appears before all of it is there.",
	specs,
	ARRAY_SIZE(specs),
	"OUT is a file; - is standard output. A name that ends in .gz is compressed by gzip (csv, jsonl, perfetto).\n"
	"\n"
	"With --to parquet, a name that ends in / or --dataset is a dataset: a directory of files by table, host and "
	"date\n"
	"(UTC). Exported to again it gets what is new, of this store or another, and nothing goes: each row is in it\n"
	"once. _obit.jsonl in it says what it holds.\n"
	"\n"
	"In Parquet times are TIMESTAMP in us and UTC, and beside each is NAME_ns, in ns since 1970; numbers are "
	"INT64,\n"
	"absent values null, argv a list; units, kinds and help are in the metadata. A byte that is not UTF-8 is the\n"
	"four characters \\xNN. Fields that only another version of obit knows are exported too.\n"
	"\nexamples:\n"
	"  obit export --since today --to parquet exits.parquet\n"
	"  obit export --to parquet /srv/obit/         # all tables; SELECT * FROM '/srv/obit/exits/*/*/*.parquet'\n"
	"  obit export --since 03:00 --until 03:20 --to perfetto build.json.gz      # open it in ui.perfetto.dev\n"
	"  obit export --table ledger --to csv - | head\n",
	1,
};

static const char *const formats[] = {"parquet", "csv", "jsonl", "perfetto"};
static const enum output_format format_of[] = {OUTPUT_PARQUET, OUTPUT_CSV, OUTPUT_JSONL, OUTPUT_PERFETTO};
static const char *const tracks[] = {"cgroup", "parent"};

struct export
{
	struct options options;
	const char *out;
	uint64_t every_ns;
	struct output_options output_options;
	bool is_dataset, is_direct; /* is_direct: what is written cannot be taken back: a pipe, a device */
	bool is_gzip;
	struct export_question question;
	struct store_schema store_schema;
	struct progress progress;
	struct atomic_output target;
	struct export_file file;
};

static int ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int report_error(const char *what)
{
	fprintf(stderr, "%s: %s\n", usage.command, what);
	return -EINVAL;
}

/* What kind of thing is OUT? */
static int look_at_out(struct export *export)
{
	enum output_format format = export->output_options.format;
	int is_stdout = strcmp(export->out, "-") == 0, is_slash = ends_with(export->out, "/");
	struct stat st;
	int exists = !is_stdout && stat(export->out, &st) == 0;

	export->is_dataset = export->options.values[DATASET] || is_slash ||
			     (exists && S_ISDIR(st.st_mode) && format == OUTPUT_PARQUET);
	if (export->is_dataset && (is_stdout || format != OUTPUT_PARQUET))
		return report_error("a dataset is a directory of Parquet files: --to parquet OUT/");
	if (export->is_dataset && export->options.values[FORCE])
		return report_error("--force is for a file: a dataset grows, and what it holds stays");
	if (!export->is_dataset && (export->options.values[FOLLOW] || export->options.is_given[EVERY]))
		return report_error("--follow keeps a dataset current: --to parquet OUT/");
	if (exists && S_ISDIR(st.st_mode) && !export->is_dataset) {
		fprintf(stderr, "%s: %s: is a directory; name a file in it\n", usage.command, export->out);
		return -EINVAL;
	}
	export->is_direct = is_stdout || (exists && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
	export->is_gzip = ends_with(export->out, ".gz");
	if (export->is_gzip && format == OUTPUT_PARQUET)
		return report_error("Parquet is compressed inside; leave the .gz away");
	if (is_stdout && isatty(STDOUT_FILENO) && format == OUTPUT_PARQUET)
		return report_error("Parquet is not for a terminal; name a file, or send it through a pipe");
	return 0;
}

static int read_compression(const char *given, struct compression *ret)
{
	static const char *const names[] = {
		[COMPRESSION_ZSTD] = "zstd", [COMPRESSION_GZIP] = "gzip", [COMPRESSION_NONE] = "none"};
	static const int most[] = {[COMPRESSION_ZSTD] = 19, [COMPRESSION_GZIP] = 9, [COMPRESSION_NONE] = 0};
	static const int usual[] = {[COMPRESSION_ZSTD] = 1, [COMPRESSION_GZIP] = 6, [COMPRESSION_NONE] = 0};
	const char *colon = given ? strchr(given, ':') : NULL;
	char name[16], *end = NULL;
	int kind;

	snprintf(name, sizeof(name), "%.*s", colon ? (int)(colon - given) : (int)sizeof(name) - 1,
		 given ? given : "zstd");
	kind = options_choose(&usage, "compression", name, names, ARRAY_SIZE(names));
	if (kind < 0)
		return kind;
	*ret = (struct compression){(enum compression_kind)kind, usual[kind]};
	if (!colon)
		return 0;
	ret->level = (int)strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end || ret->level < 1 || ret->level > most[kind]) {
		fprintf(stderr, "%s: --compression %s: %s\n", usage.command, name,
			most[kind] == 19  ? "levels are 1 to 19"
			: most[kind] == 9 ? "levels are 1 to 9"
					  : "it has no levels");
		return -EINVAL;
	}
	return 0;
}

/* How Parquet is to have it. */
static int choose_types(struct export *export)
{
	static const char *const units[] = {"us", "ns"};
	const char *const *values = export->options.values;
	int unit = 0;

	if (export->output_options.format != OUTPUT_PARQUET && (values[TIMES] || values[COMPRESSION]))
		return report_error("--times and --compression are for --to parquet");
	if (values[TIMES])
		unit = options_choose(&usage, "unit of times", values[TIMES], units, ARRAY_SIZE(units));
	if (unit < 0)
		return unit;
	export->output_options.are_times_ns = unit == 1;
	return read_compression(values[COMPRESSION], &export->output_options.compression);
}

/* Everything that can be wrong with the command line, before the store is touched. */
static int prepare(struct export *export)
{
	const char *const *values = export->options.values;
	struct export_question *question = &export->question;
	int format, track = 0;

	if (!values[TO])
		return report_error("say what to make: --to parquet, csv, jsonl or perfetto");
	format = options_choose(&usage, "format", values[TO], formats, ARRAY_SIZE(formats));
	if (values[TRACK])
		track = options_choose(&usage, "track", values[TRACK], tracks, ARRAY_SIZE(tracks));
	if (format < 0 || track < 0)
		return -EINVAL;
	if (export->options.n_operands == 0)
		return report_error("name the file to make, or - for standard output");
	export->out = export->options.operands[0];
	question->command = usage.command;
	question->dir = options_store(values[STORE]);
	question->where = values[WHERE];
	question->now_real_ns = options_now_real_ns();
	/* A parent's end closes its track: the ends of its children must have come before. */
	question->is_by_time = format_of[format] == OUTPUT_PERFETTO;
	question->progress = &export->progress;
	export->output_options.format = format_of[format];
	export->output_options.track = (enum output_track)track;
	if (values[TRACK] && format_of[format] != OUTPUT_PERFETTO)
		return report_error("--track is for --to perfetto");
	if (choose_types(export) < 0)
		return -EINVAL;
	if (values[TABLE] && format_of[format] == OUTPUT_PERFETTO && strcmp(values[TABLE], "exits") != 0)
		return report_error("a trace shows the rows of exits; leave --table away");
	if (options_range(&usage, &(struct options_times){values[SINCE], values[UNTIL], values[FOR]},
			  question->now_real_ns, &question->since_real_ns, &question->until_real_ns) < 0)
		return -EINVAL;
	if (options_jobs(&usage, values[JOBS], &question->jobs) < 0 ||
	    options_duration(&usage, "every", options_value(&usage, &export->options, EVERY), NS_PER_S,
			     86400 * NS_PER_S, &export->every_ns) < 0)
		return -EINVAL;
	return look_at_out(export);
}

static int take_row(void *context, const struct block *block, uint32_t row, const int *columns)
{
	struct export *export = context;

	return output_row(export->file.output, block, row, columns);
}

static void explain_failure(const struct export *export, int r)
{
	if (r == -EINTR)
		fprintf(stderr, "%s: stopped; nothing was made at %s\n", usage.command, export->out);
	else if (export->file.stream && export->file.stream->error)
		fprintf(stderr, "%s: cannot write %s: %s\n", usage.command, export->out,
			strerror(-export->file.stream->error));
	else if (r != -EINVAL) /* which has been said */
		fprintf(stderr, "%s: %s\n", usage.command, strerror(-r));
}

static void note_beyond(uint64_t n)
{
	if (n)
		fprintf(stderr, "%s: %" PRIu64 " numbers are above 2^63 - 1, which INT64 ends at: they are null\n",
			usage.command, n);
}

/* One table into a descriptor. 0, also when nobody reads it any more; negative after saying what is wrong. */
static int write_file(struct export *export, const struct table *table, int fd)
{
	const struct origin *origin = export->store_schema.has_origin ? &export->store_schema.first : NULL;
	struct row_sink sink = {.take = take_row, .context = export};
	int r, close_r;

	export->output_options.table = table;
	export->output_options.origin_real_ns = origin ? (uint64_t)origin->real_minus_boot_ns : 0;
	r = export_file_open(&export->file, fd, export->is_gzip, &export->output_options, table);
	if (r == 0)
		r = export_read(&export->question, table, &sink);
	close_r = export_file_close(&export->file);
	if (close_r == -EPIPE)
		return 0;
	note_beyond(export->file.n_beyond);
	r = r < 0 ? r : close_r;
	if (r < 0)
		explain_failure(export, r);
	return r;
}

static int export_file(struct export *export, const struct table *table)
{
	int r = atomic_output_choose(&export->target, usage.command, export->out, ATOMIC_FILE,
				     export->options.values[FORCE] != NULL);

	if (r == 0)
		r = atomic_output_make(&export->target);
	if (r == 0)
		r = write_file(export, table, export->target.fd);
	return r < 0 ? r : atomic_output_keep(&export->target);
}

/* To standard output, or into what is neither file nor directory. */
static int export_directly(struct export *export, const struct table *table)
{
	int is_stdout = strcmp(export->out, "-") == 0, r;
	int fd = is_stdout ? STDOUT_FILENO : open(export->out, O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "%s: %s: %s\n", usage.command, export->out, strerror(errno));
		return -EINVAL;
	}
	r = write_file(export, table, fd);
	if (!is_stdout)
		close(fd);
	return r;
}

static int export_dataset(struct export *export, const struct table *const *tables, size_t n)
{
	struct dataset_options options = {
		.command = usage.command,
		.dir = export->out,
		.where = export->question.where,
		.output = export->output_options,
	};
	struct dataset *dataset = NULL;
	int r = dataset_open(&options, &dataset);
	uint64_t every_ns = export->options.values[FOLLOW] ? export->every_ns : 0;

	if (r == 0)
		r = export_to_dataset(&export->question, tables, n, dataset, every_ns);
	if (r == -EINTR && !every_ns)
		fprintf(stderr, "%s: stopped; what is at %s is whole, and the next export goes on from there\n",
			usage.command, export->out);
	else if (r < 0 && r != -EINVAL && r != -EINTR)
		fprintf(stderr, "%s: %s\n", usage.command, strerror(-r));
	if (dataset)
		note_beyond(dataset_beyond(dataset));
	dataset_close(dataset);
	return r == -EINTR && every_ns ? 0 : r;
}

/* The tables named, which may be ones that only the store knows. Their number, or -EINVAL after saying what is wrong.
 */
static int choose_tables(struct export *export, const struct table **ret)
{
	const char *list = export->options.values[TABLE], *names[TABLE_MAX_TABLES];
	const struct store_schema *store_schema = &export->store_schema;
	int n = 0;

	for (uint32_t i = 0; i < store_schema->n_tables; i++)
		names[i] = store_schema->tables[i].name;
	if (!list)
		list = export->is_dataset ? "all" : "exits";
	if (strcmp(list, "all") == 0) {
		for (uint32_t i = 0; i < store_schema->n_tables; i++)
			ret[n++] = &store_schema->tables[i];
	} else {
		char copy[1024], *rest = copy, *name;

		snprintf(copy, sizeof(copy), "%s", list);
		while ((name = strsep(&rest, ",")) && n < TABLE_MAX_TABLES) {
			int chosen = options_choose(&usage, "table", name, names, store_schema->n_tables),
			    is_chosen = 0;

			if (chosen < 0)
				return chosen;
			/* Named twice it is written once. */
			for (int i = 0; i < n; i++)
				is_chosen |= ret[i] == &store_schema->tables[chosen];
			if (!is_chosen)
				ret[n++] = &store_schema->tables[chosen];
		}
	}
	if (n > 1 && !export->is_dataset)
		return report_error("a file holds one table: --table TABLE; several are a dataset: OUT/");
	return n;
}

static int run(struct export *export)
{
	const struct table *tables[TABLE_MAX_TABLES];
	int n, r = store_schema_read(export->question.dir, &export->store_schema);

	if (r < 0) {
		report_store_error(usage.command, export->question.dir, r);
		return r;
	}
	n = choose_tables(export, tables);
	if (n < 0)
		return n;
	progress_init(&export->progress, export->store_schema.n_segments);
	if (export->is_direct)
		return export_directly(export, tables[0]);
	export->question.is_stopped = stop_on_signals();
	r = export->is_dataset ? export_dataset(export, tables, (size_t)n) : export_file(export, tables[0]);
	atomic_output_done(&export->target);
	return r;
}

int cmd_export(int argc, char **argv)
{
	struct export *export = calloc(1, sizeof(*export));
	int status, r;

	if (!export) {
		fprintf(stderr, "%s: out of memory\n", usage.command);
		return STATUS_FAILED;
	}
	r = options_parse(&usage, argc, argv, &export->options);
	if (r)
		status = r > 0 ? STATUS_OK : STATUS_USAGE;
	else if (prepare(export) < 0)
		status = STATUS_USAGE;
	else
		status = run(export) < 0 ? STATUS_FAILED : STATUS_OK;
	store_schema_done(&export->store_schema);
	free(export);
	return status;
}
