// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes the store of a made-up day, to measure with: short-lived commands as a busy build host has them, with
 * values that vary as real ones do, and a few live processes an interval. The same bytes every time.
 *
 * usage: write_day DIR [INTERVALS [EXITS_PER_INTERVAL [PROCS_PER_INTERVAL [HOST]]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/block.h"
#include "store/writer.h"

#define INTERVAL_NS 5000000000ull
#define BEGIN_NS    1767312000000000000ull /* 2026-01-02T00:00:00Z */
#define MAX_ROWS    4096
#define ARENA	    (2u << 20)

static uint64_t state = 20261124; /* the seed */

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled"). */
static uint64_t model(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545F4914F6CDD1DULL >> 11) % below;
}

/* Most are small and a few are large: below 2^(bits), each length as likely. */
static uint64_t skewed(unsigned bits)
{
	return model(1ull << (1 + model(bits)));
}

static void set_text(struct block *block, uint32_t row, uint32_t field, const char *text)
{
	block_set_text(block, row, field, text, strlen(text));
}

static const char *const commands[] = {"cc1",  "as",  "ld", "sh",  "make",    "sed",
				       "grep", "cat", "rm", "git", "python3", "awk"};

static void fill_exit(struct block *block, uint64_t begin_ns, uint64_t serial)
{
	uint32_t row = (uint32_t)block_add_row(block);
	const char *command = commands[model(sizeof(commands) / sizeof(commands[0]))];
	uint64_t end = begin_ns + model(INTERVAL_NS), wall = 500000 + skewed(32), user = wall / 3, system = wall / 9;
	char text[256], argv[512];
	int len;

	for (uint32_t i = 0; i < N_EXITS_FIELDS; i++)
		if (block->numbers[i] && block->table->fields[i].kind != KIND_LABEL)
			block_set_number(block, row, i, skewed(12));
	block_set_number(block, row, EXITS_exit_time, end);
	block_set_number(block, row, EXITS_start_time, end - wall);
	block_set_number(block, row, EXITS_wall_ns, wall);
	block_set_number(block, row, EXITS_pid, 1000 + serial % 4000000);
	block_set_number(block, row, EXITS_nspid, 1000 + serial % 4000000);
	block_set_number(block, row, EXITS_ppid, 900 + serial / 12 % 4000000);
	block_set_number(block, row, EXITS_pgid, 900 + serial / 12 % 4000000);
	block_set_number(block, row, EXITS_sid, 900 + model(20));
	block_set_number(block, row, EXITS_uid, 1000);
	block_set_number(block, row, EXITS_gid, 1000);
	block_set_number(block, row, EXITS_threads, 1);
	block_set_number(block, row, EXITS_cpu_ns, user + system);
	block_set_number(block, row, EXITS_user_ns, user);
	block_set_number(block, row, EXITS_system_ns, system);
	block_set_number(block, row, EXITS_max_rss_bytes, 4096 * (300 + skewed(14)));
	block_set_number(block, row, EXITS_core_dumped, 0);
	block_set_number(block, row, EXITS_oom_killed, 0);
	if (model(200) == 0) {
		block_set_number(block, row, EXITS_exit_signal, 9);
		block_set_number(block, row, EXITS_killer_pid, 1 + model(3));
		block_set_number(block, row, EXITS_killer_uid, 0);
		set_text(block, row, EXITS_killer_comm, "timeout");
	} else {
		block_set_number(block, row, EXITS_exit_code, model(20) == 0);
	}
	block->nulls[EXITS_block_ns][row] = 1;
	set_text(block, row, EXITS_comm, command);
	sprintf(text, "/usr/bin/%s", command);
	set_text(block, row, EXITS_exe, text);
	len = sprintf(argv, "%s%c-O2%c-o%cobj/%" PRIu64 ".o%csrc/%" PRIu64 ".c", command, 0, 0, 0, model(3000), 0,
		      serial) +
	      1;
	block_set_text(block, row, EXITS_argv, argv, (size_t)len);
	sprintf(text, "/system.slice/ci-%" PRIu64 ".service", model(40));
	set_text(block, row, EXITS_cgroup, text);
	block_set_number(block, row, EXITS_cgroup_id, 5000 + model(40));
	set_text(block, row, EXITS_witness, "switch");
	set_text(block, row, EXITS_flags, "");
}

/* Live processes, with whatever fields the table has. */
static void fill_any(struct block *block, uint64_t end_ns, uint64_t nth)
{
	uint32_t row = (uint32_t)block_add_row(block);
	char text[64];

	for (uint32_t i = 0; i < block->table->n_fields; i++) {
		const struct field *field = &block->table->fields[i];

		if (field->type == FIELD_STRING) {
			sprintf(text, "%s-%" PRIu64, field->name, nth);
			set_text(block, row, i, text);
		} else if (field->unit == UNIT_TIME) {
			block_set_number(block, row, i, end_ns - (i ? (nth + 1) << 40 : 0));
		} else if (!field_is_text(field)) {
			block_set_number(block, row, i, field->kind == KIND_LABEL ? 1000 + nth : skewed(24));
		}
	}
}

static uint64_t number_or(int argc, char **argv, int at, uint64_t otherwise)
{
	return argc > at ? strtoull(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	enum { EXITS, PROCS, LEDGER, N_BLOCKS };
	uint64_t intervals = number_or(argc, argv, 2, 17280), exits = number_or(argc, argv, 3, 250);
	uint64_t procs = number_or(argc, argv, 4, 25), serial = 0;
	struct store_options options = {.dir = argc > 1 ? argv[1] : "", .is_sealing = true};
	struct origin origin = {.boot_id = "b",
				.kernel = "k",
				.agent = "a",
				.run_real_ns = BEGIN_NS,
				.real_minus_boot_ns = (int64_t)(BEGIN_NS - 86400000000000ull),
				.interval_ns = INTERVAL_NS};
	const char *host = argc > 5 ? argv[5] : "made-up";
	struct block *blocks[N_BLOCKS] = {block_new(table_by_id(TABLE_EXITS), MAX_ROWS, ARENA),
					  block_new(table_by_id(TABLE_PROCS), MAX_ROWS, ARENA),
					  block_new(table_by_id(TABLE_LEDGER), 1, 64)};
	struct store_writer *writer;

	snprintf(origin.host, sizeof(origin.host), "%s", host);
	if (argc < 2 || exits > MAX_ROWS || procs > MAX_ROWS ||
	    store_writer_open(&options, &origin, &writer, NULL) < 0) {
		fprintf(stderr, "usage: write_day DIR [INTERVALS [EXITS_PER_INTERVAL [PROCS_PER_INTERVAL [HOST]]]]\n");
		return 2;
	}
	for (uint64_t number = 1; number <= intervals; number++) {
		uint64_t begin = BEGIN_NS + (number - 1) * INTERVAL_NS;
		struct interval interval = {number, begin, begin + INTERVAL_NS, 1};

		for (int i = 0; i < N_BLOCKS; i++)
			block_clear(blocks[i]);
		for (uint64_t i = 0; i < exits; i++)
			fill_exit(blocks[EXITS], begin, serial++);
		for (uint64_t i = 0; i < procs; i++)
			fill_any(blocks[PROCS], interval.end_real_ns, i);
		fill_any(blocks[LEDGER], interval.end_real_ns, 0);
		if (store_writer_append(writer, &interval, blocks, N_BLOCKS) < 0)
			return 1;
	}
	return store_writer_close(writer) < 0;
}
