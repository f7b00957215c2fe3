// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes a store once more with some of its tables or without some of its columns: what is missing in bytes is what
 * they cost. Prints a JSON line.
 *
 * usage: rewrite FROM TO [--only TABLE]... [--without TABLE.FIELD]... [--level ZSTD]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/reader.h"
#include "store/writer.h"
#include "tests/chunks.h"

#define MAX_NAMES 300

struct choice {
	const char *only[MAX_NAMES], *without[MAX_NAMES];
	int n_only, n_without, level;
};

static void read_options(int argc, char **argv, struct choice *choice)
{
	static const struct option names[] = {
		{"only", 1, NULL, 'o'}, {"without", 1, NULL, 'w'}, {"level", 1, NULL, 'l'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'o' && choice->n_only < MAX_NAMES)
			choice->only[choice->n_only++] = optarg;
		else if (c == 'w' && choice->n_without < MAX_NAMES)
			choice->without[choice->n_without++] = optarg;
		else if (c == 'l')
			choice->level = atoi(optarg);
		else
			exit(2);
	}
	if (optind + 2 == argc)
		return;
	fprintf(stderr, "usage: rewrite FROM TO [--only TABLE]... [--without TABLE.FIELD]... [--level ZSTD]\n");
	exit(2);
}

static int is_chosen(const struct choice *choice, const char *table)
{
	for (int i = 0; i < choice->n_only; i++)
		if (strcmp(choice->only[i], table) == 0)
			return 1;
	return !choice->n_only;
}

static void blank(const struct choice *choice, struct block *block)
{
	size_t len = strlen(block->table->name);

	for (int i = 0; i < choice->n_without; i++) {
		const char *name = choice->without[i];
		int field = strncmp(name, block->table->name, len) == 0 && name[len] == '.'
				    ? table_field(block->table, name + len + 1)
				    : -1;

		if (field >= 0)
			memset(block->nulls[field], 1, block->rows);
	}
}

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "rewrite: %s: %s\n", what, strerror(-r));
	exit(1);
}

int main(int argc, char **argv)
{
	static struct choice choice;
	struct store_select select = {0};
	struct store_reader *reader;
	struct store_writer *writer = NULL;
	struct chunks chunks = {0};
	struct store_chunk chunk;
	uint64_t rows = 0, n_chunks = 0, cpu_ns = 0, bytes;
	int r;

	read_options(argc, argv, &choice);
	must(store_reader_open(argv[optind], &select, &reader), argv[optind]);
	while ((r = chunks_next(&chunks, reader, &chunk)) > 0) {
		struct store_options options = {.dir = argv[optind + 1], .level = choice.level};
		struct block *blocks[TABLE_MAX_TABLES];
		uint64_t before;
		size_t n = 0;

		if (!writer)
			must(store_writer_open(&options, chunk.origin, &writer, NULL), options.dir);
		for (size_t i = 0; i < chunk.n_blocks; i++)
			if (is_chosen(&choice, chunk.blocks[i]->table->name)) {
				blank(&choice, chunk.blocks[i]);
				rows += chunk.blocks[i]->rows;
				blocks[n++] = chunk.blocks[i];
			}
		n_chunks++;
		before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		must(store_writer_append(writer, &chunk.interval, blocks, n), options.dir);
		cpu_ns += clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	}
	must(r, argv[optind]);
	if (!writer)
		return 1;
	bytes = store_writer_bytes(writer);
	must(store_writer_close(writer), argv[optind + 1]);
	store_reader_close(reader);
	printf("{\"chunks\": %lu, \"rows\": %lu, \"bytes\": %lu, \"append_cpu_ns\": %lu}\n", n_chunks, rows, bytes,
	       cpu_ns);
	return 0;
}
