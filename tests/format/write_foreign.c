// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes a store as a later version of obit may: exits has a field more, and there is a table that is not known here.
 *
 * usage: write_foreign DIR
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/segment_writer.h"

#define BEGIN_NS   1700000000000000000ull
#define UNKNOWN_ID (TABLE_MAX_TABLES - 1)

static const struct field exits_fields[] = {
	{"exit_time", FIELD_U64, UNIT_TIME, KIND_LABEL, "when"},
	{"pid", FIELD_U64, UNIT_NONE, KIND_LABEL, "who"},
	{"tomorrow_bytes", FIELD_U64, UNIT_BYTES, KIND_SUM, "what only a later version counts"},
};

static const struct field tomorrow_fields[] = {
	{"time", FIELD_U64, UNIT_TIME, KIND_LABEL, "when"},
	{"value", FIELD_I64, UNIT_NONE, KIND_GAUGE, "how much"},
	{"names", FIELD_STRINGS, UNIT_NONE, KIND_LABEL, "of whom"},
	{"../no name", FIELD_U64, UNIT_NONE, KIND_GAUGE, "what no version would write"},
};

static const struct table exits = {"exits", "every process that ended", TABLE_EXITS, 3, exits_fields};
static const struct table tomorrow = {"tomorrow", "what only a later version has", UNKNOWN_ID, 4, tomorrow_fields};

int main(int argc, char **argv)
{
	const struct table *tables[] = {&exits, &tomorrow};
	struct block *blocks[] = {block_new(&exits, 1, 64), block_new(&tomorrow, 1, 64)};
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN_NS, .interval_ns = 1000000000};
	struct interval interval = {1, BEGIN_NS, BEGIN_NS + 1000000000, 1};
	struct segment_writer writer = {0};
	char path[4096];
	int fd;

	if (argc < 2 || mkdir(argv[1], 0750) < 0)
		return 2;
	snprintf(path, sizeof(path), "%s/0%llu.obit", argv[1], BEGIN_NS);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);
	block_add_row(blocks[0]);
	block_set_number(blocks[0], 0, 0, BEGIN_NS);
	block_set_number(blocks[0], 0, 1, 1);
	block_set_number(blocks[0], 0, 2, 4096);
	block_add_row(blocks[1]);
	block_set_number(blocks[1], 0, 0, BEGIN_NS);
	block_set_number(blocks[1], 0, 1, 7);
	block_set_text(blocks[1], 0, 2, "a\0b", 4);
	if (segment_writer_begin(&writer, fd, &file_calls_real, 3, &origin, tables, 2) < 0 ||
	    segment_writer_put(&writer, &interval, blocks, 2) < 0 || segment_writer_end(&writer) < 0 ||
	    segment_writer_commit(&writer) < 0)
		return 1;
	segment_writer_done(&writer);
	return close(fd) < 0;
}
