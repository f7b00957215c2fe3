// SPDX-License-Identifier: BSD-2-Clause
/*
 * The widest table is given up first when memory runs short: its group is the largest.
 */
#include "store/columns_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/segment_format.h"

/* Of all tables; what encodes them takes twice as much again, see columns_writer_memory_bytes(). */
#define HELD_BYTES  (5u << 20)
#define LAST_PLACES 8 /* chunks of an interval come soon after each other */

struct columns_writer {
	int fd;
	const struct file_calls *calls;
	const struct origin *origin;
	struct held_rows held[TABLE_MAX_TABLES];
	struct group_encoder *encoder;
	struct group_directory directory;
	struct sink header, out;
	uint32_t place; /* of the interval at hand */
	uint64_t bytes, rows;
	size_t most_memory_bytes;
};

static int write_out(void *context, struct sink *sink)
{
	struct columns_writer *writer = context;
	size_t done = 0;

	while (done < sink->len) {
		ssize_t n = writer->calls->write(writer->fd, sink->data + done, sink->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	writer->bytes += done;
	sink->len = 0;
	return 0;
}

struct columns_writer *columns_writer_new(int fd, const struct file_calls *calls, const struct origin *origin,
					  const struct table *const *tables, uint32_t n_tables)
{
	struct columns_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return NULL;
	writer->fd = fd;
	writer->calls = calls;
	writer->encoder = group_encoder_new();
	header_put(&writer->header, origin, tables, n_tables);
	columns_begin_put(&writer->out);
	for (uint32_t i = 0; i < n_tables; i++) {
		writer->held[i].table = tables[i];
		writer->directory.header.tables[i] = *tables[i];
	}
	writer->directory.header.n_tables = n_tables;
	if (writer->encoder && !writer->header.failed && !writer->out.failed)
		return writer;
	columns_writer_free(writer);
	return NULL;
}

void columns_writer_free(struct columns_writer *writer)
{
	if (!writer)
		return;
	for (int i = 0; i < TABLE_MAX_TABLES; i++)
		held_rows_done(&writer->held[i]);
	group_encoder_free(writer->encoder);
	group_directory_done(&writer->directory);
	sink_done(&writer->header);
	sink_done(&writer->out);
	free(writer);
}

int columns_writer_interval(struct columns_writer *writer, const struct interval *interval)
{
	struct group_directory *directory = &writer->directory;
	uint32_t n = directory->n_intervals, first = n > LAST_PLACES ? n - LAST_PLACES : 0;

	for (writer->place = n; writer->place-- > first;)
		if (directory->intervals[writer->place].number == interval->number)
			break;
	if (writer->place < first || writer->place == UINT32_MAX) {
		struct interval *added = n < SEGMENT_MAX_INTERVALS ? group_directory_add_interval(directory) : NULL;

		if (!added)
			return n < SEGMENT_MAX_INTERVALS ? -ENOMEM : -E2BIG;
		*added = *interval;
		writer->place = n;
		return 0;
	}
	if (interval->is_last_chunk) {
		uint64_t begin = directory->intervals[writer->place].begin_real_ns;

		directory->intervals[writer->place] = *interval;
		/* A reader takes the earliest that was said. */
		if (begin < interval->begin_real_ns)
			directory->intervals[writer->place].begin_real_ns = begin;
	}
	return 0;
}

uint32_t columns_writer_place(const struct columns_writer *writer)
{
	return writer->place;
}

void columns_writer_at(struct columns_writer *writer, uint32_t place)
{
	writer->place = place;
}

static int put_group(struct columns_writer *writer, uint32_t table)
{
	struct held_rows *held = &writer->held[table];
	const struct group_sink sink = {write_out, writer};
	size_t memory = 0;
	int r = writer->out.len ? write_out(writer, &writer->out) : 0;

	if (r == 0)
		r = group_encoder_put(writer->encoder, held, table, writer->bytes, &sink, &writer->directory);

	for (uint32_t i = 0; i < writer->directory.header.n_tables; i++)
		memory += writer->held[i].bytes.capacity + writer->held[i].capacity * sizeof(struct held_section);
	memory += group_encoder_bytes(writer->encoder) + writer->out.capacity + writer->header.capacity +
		  writer->directory.intervals_capacity * sizeof(struct interval) +
		  writer->directory.columns_capacity * sizeof(struct column_entry);
	if (memory > writer->most_memory_bytes)
		writer->most_memory_bytes = memory;
	if (r < 0)
		return r;
	writer->rows += held->rows;
	held_rows_clear(held);
	return 0;
}

/* The table that holds most. */
static uint32_t largest(const struct columns_writer *writer, size_t *ret_all_bytes)
{
	uint32_t found = 0;

	*ret_all_bytes = 0;
	for (uint32_t i = 0; i < writer->directory.header.n_tables; i++) {
		*ret_all_bytes += held_rows_bytes(&writer->held[i]);
		if (held_rows_bytes(&writer->held[i]) > held_rows_bytes(&writer->held[found]))
			found = i;
	}
	return found;
}

int columns_writer_put(struct columns_writer *writer, uint32_t table, struct source section, uint32_t rows)
{
	struct held_rows *held = &writer->held[table];
	size_t all_bytes;
	uint32_t most = largest(writer, &all_bytes);
	int r = 0;

	if (held->rows && held->rows + rows > GROUP_ROWS)
		r = put_group(writer, table);
	else if (all_bytes && all_bytes + section.left > HELD_BYTES)
		r = put_group(writer, most);
	return r < 0 ? r : held_rows_add(held, section, rows, writer->place);
}

int columns_writer_finish(struct columns_writer *writer)
{
	int r = 0;

	for (uint32_t i = 0; i < writer->directory.header.n_tables && r == 0; i++)
		if (writer->held[i].rows)
			r = put_group(writer, i);
	if (r == 0)
		r = group_directory_put(&writer->out, writer->bytes + writer->out.len, &writer->header,
					&writer->directory);
	return r < 0 ? r : write_out(writer, &writer->out);
}

uint64_t columns_writer_bytes(const struct columns_writer *writer)
{
	return writer->bytes;
}

size_t columns_writer_memory_bytes(const struct columns_writer *writer)
{
	return writer->most_memory_bytes;
}

uint64_t columns_writer_rows(const struct columns_writer *writer)
{
	return writer->rows;
}
