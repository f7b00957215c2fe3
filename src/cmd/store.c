// SPDX-License-Identifier: BSD-2-Clause
/*
 * `obit store`: the segments of a store, as rows of a table of their own.
 */
#include <errno.h>
#include <inttypes.h>
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
#include "model/block.h"
#include "store/segment_scan.h"

enum store_option { STORE, FORMAT };

static const struct option_spec specs[] = {
	[STORE] = OPTION_STORE,
	[FORMAT] = {"format", "table|csv|tsv|jsonl", "default table, human-readable"},
};

static const struct usage usage = {
	"obit store",
	"",
	"Lists the segments of a store: of what time, with how many rows, how large, and how they are.",
	specs,
	ARRAY_SIZE(specs),
	"state: sealed, as columns; writing, a log, by an agent that runs; log, one that has ended and waits to be\n"
	"       sealed; torn, a log whose agent was stopped in it: all that was whole counts; damaged: `obit verify`\n"
	"       says where. Below a table: how many wait to be sealed\n\n"
	"raw_bytes is the size before compression. A run is named by boot_id and run_time, the beginning of its\n"
	"agent. A table says less than csv, tsv and jsonl.\n",
	0,
};

/* The tables' columns, one for the rows of each, stand behind ROWS. */
enum column {
	FIRST_TIME,
	LAST_TIME,
	STATE,
	BYTES,
	RAW_BYTES,
	HOST,
	RUN_TIME,
	SEGMENT, /* up to here also human-readable */
	BOOT_ID,
	FIRST_INTERVAL,
	LAST_INTERVAL,
	UNREAD_BYTES,
	DAMAGE,
	ROWS,
};

static const struct field fixed[] = {
	[FIRST_TIME] = {"first_time", FIELD_U64, UNIT_TIME, KIND_LABEL, ""},
	[LAST_TIME] = {"last_time", FIELD_U64, UNIT_TIME, KIND_LABEL, ""},
	[STATE] = {"state", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[BYTES] = {"bytes", FIELD_U64, UNIT_BYTES, KIND_SUM, ""},
	[RAW_BYTES] = {"raw_bytes", FIELD_U64, UNIT_BYTES, KIND_SUM, ""},
	[HOST] = {"host", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[RUN_TIME] = {"run_time", FIELD_U64, UNIT_TIME, KIND_LABEL, ""},
	[SEGMENT] = {"segment", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[BOOT_ID] = {"boot_id", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
	[FIRST_INTERVAL] = {"first_interval", FIELD_U64, UNIT_NONE, KIND_LABEL, ""},
	[LAST_INTERVAL] = {"last_interval", FIELD_U64, UNIT_NONE, KIND_LABEL, ""},
	[UNREAD_BYTES] = {"unread_bytes", FIELD_U64, UNIT_BYTES, KIND_SUM, ""},
	[DAMAGE] = {"damage", FIELD_STRING, UNIT_NONE, KIND_LABEL, ""},
};

/* What is printed: the columns in their order, and where each is in a row. */
struct listing {
	struct field fields[ROWS + TABLE_MAX_TABLES];
	struct table table;
	struct field shown[ROWS + TABLE_MAX_TABLES];
	int columns[ROWS + TABLE_MAX_TABLES];
	uint32_t n_shown;
	uint64_t n_segments, bytes, raw_bytes, n_logs, logs_bytes;
};

static void show(struct listing *listing, uint32_t column)
{
	listing->shown[listing->n_shown] = listing->fields[column];
	listing->columns[listing->n_shown++] = (int)column;
}

static void choose_columns(struct listing *listing, bool is_human_readable)
{
	size_t n;
	const struct table *const *tables = tables_all(&n);

	memcpy(listing->fields, fixed, sizeof(fixed));
	for (size_t i = 0; i < n; i++)
		listing->fields[ROWS + i] = (struct field){tables[i]->name, FIELD_U64, UNIT_NONE, KIND_SUM, ""};
	listing->table = (struct table){"segments", "", 0, (uint32_t)(ROWS + n), listing->fields};
	for (uint32_t i = 0; i < ROWS; i++) {
		if (!is_human_readable || i <= SEGMENT)
			show(listing, i);
		/* Rows beside bytes. */
		for (uint32_t k = 0; i == STATE && k < n; k++)
			show(listing, ROWS + k);
	}
}

static int set_text(struct block *block, uint32_t column, const char *text)
{
	return block_set_text(block, 0, column, text, strlen(text));
}

static int fill(struct block *block, const struct scanned_segment *segment)
{
	size_t n;
	const struct table *const *tables = tables_all(&n);
	int r;

	block_clear(block);
	block_add_row(block);
	r = set_text(block, SEGMENT, segment->name.text);
	if (r == 0)
		r = set_text(block, STATE, segment_state_name(segment->state));
	if (r == 0 && segment->has_origin)
		r = set_text(block, HOST, segment->origin.host);
	if (r == 0 && segment->has_origin)
		r = set_text(block, BOOT_ID, segment->origin.boot_id);
	if (r == 0 && *segment->what)
		r = set_text(block, DAMAGE, segment->what);
	if (segment->has_origin)
		block_set_number(block, 0, RUN_TIME, segment->origin.run_real_ns);
	block_set_number(block, 0, BYTES, segment->bytes);
	block_set_number(block, 0, RAW_BYTES, segment->raw_bytes);
	block_set_number(block, 0, UNREAD_BYTES, segment->unread_bytes);
	for (size_t i = 0; i < n; i++)
		block_set_number(block, 0, (uint32_t)(ROWS + i), segment->rows[tables[i]->id]);
	if (!segment->intervals)
		return r;
	block_set_number(block, 0, FIRST_TIME, segment->first_real_ns);
	block_set_number(block, 0, LAST_TIME, segment->last_real_ns);
	block_set_number(block, 0, FIRST_INTERVAL, segment->first_number);
	block_set_number(block, 0, LAST_INTERVAL, segment->last_number);
	return r;
}

static int print_segments(struct listing *listing, struct segment_scan *scan, struct output *output)
{
	struct block *block = block_new(&listing->table, 1, 4096);
	struct scanned_segment segment;
	int r = block ? 0 : -ENOMEM;

	while (r == 0 && (r = segment_scan_next(scan, &segment)) > 0) {
		listing->n_segments++;
		listing->bytes += segment.bytes;
		listing->raw_bytes += segment.raw_bytes;
		if (segment.state == SEGMENT_LOG || segment.state == SEGMENT_TORN) {
			listing->n_logs++;
			listing->logs_bytes += segment.bytes;
		}
		r = fill(block, &segment);
		if (r == 0)
			r = output_row(output, block, 0, listing->columns);
	}
	block_free(block);
	return r;
}

static void print_sum(const struct listing *listing)
{
	char bytes[QUANTITY_TEXT_BYTES], raw[QUANTITY_TEXT_BYTES];

	quantity_write_bytes(listing->bytes, bytes);
	quantity_write_bytes(listing->raw_bytes, raw);
	printf("%" PRIu64 " segment%s, %s on disk, %s of rows before compression\n", listing->n_segments,
	       listing->n_segments == 1 ? "" : "s", bytes, raw);
	quantity_write_bytes(listing->logs_bytes, bytes);
	if (listing->n_logs)
		printf("%" PRIu64 " log%s, %s, to be sealed\n", listing->n_logs, listing->n_logs == 1 ? "" : "s",
		       bytes);
}

static int list(const char *dir, enum output_format format)
{
	static struct listing listing;
	static struct stream stream;
	struct output_options output_options;
	struct segment_scan *scan = NULL;
	struct output *output = NULL;
	int r = segment_scan_open(dir, &scan), close_r;

	if (r < 0) {
		report_store_error(usage.command, dir, r);
		return STATUS_FAILED;
	}
	listing = (struct listing){0};
	choose_columns(&listing, format == OUTPUT_TABLE);
	stream_init(&stream, STDOUT_FILENO);
	options_output(format, &stream, options_now_real_ns(), &output_options);
	r = output_open(&output_options, listing.shown, listing.n_shown, &output);
	if (r == 0)
		r = print_segments(&listing, scan, output);
	close_r = output_close(output);
	if (r == 0)
		r = close_r;
	segment_scan_close(scan);
	if (r == 0 && format == OUTPUT_TABLE) {
		print_sum(&listing);
		if (fflush(stdout) != 0)
			r = -errno;
	}
	if (r == 0 || r == -EPIPE || stream.error == -EPIPE)
		return STATUS_OK;
	if (stream.error)
		fprintf(stderr, "%s: cannot write: %s\n", usage.command, strerror(-stream.error));
	else
		report_store_error(usage.command, dir, r);
	return STATUS_FAILED;
}

int cmd_store(int argc, char **argv)
{
	struct options options;
	enum output_format format;
	int r = options_parse(&usage, argc, argv, &options);

	if (r)
		return r > 0 ? STATUS_OK : STATUS_USAGE;
	if (options_format(&usage, options.values[FORMAT], &format) < 0)
		return STATUS_USAGE;
	return list(options_store(options.values[STORE]), format);
}
