// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is copied is sealed, whatever it was: rows go into groups again, those of the wanted intervals alone. The
 * tables are those of the segment that is read, so that fields which this obit does not know are copied too.
 */
#include "store/extraction.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/limits.h"
#include "store/columns_writer.h"
#include "store/directory.h"

/*
 * An interval's first chunk may say that it began a little earlier than its last one does; and one that never
 * ended is longer than was asked for when its agent is held up.
 */
#define SLACK_NS (60 * 1000000000ull)

struct copy {
	struct extract *extract;
	int dir_fd, fd;
	char name[sizeof(struct segment_name)]; /* of the segment that is being written */
	struct columns_writer *writer;		/* of it; NULL: none is */
	struct header header;			/* of it */
	struct group_reader *reader;
	struct section_writer sections;
	struct block *blocks[TABLE_MAX_TABLES]; /* rows of an interval, made when first needed */
	uint32_t *places;			/* of the part's intervals: in the writer; UINT32_MAX: not wanted */
};

void extract_done(struct extract *extract)
{
	free(extract->runs);
	*extract = (struct extract){0};
}

struct store_select extract_select(const struct extract *extract, enum extract_pass pass)
{
	static const char *const tables[] = {"ledger", "roster", NULL};
	uint64_t since = extract->since_real_ns, until = extract->until_real_ns;

	if (until && until < UINT64_MAX - SLACK_NS)
		until += SLACK_NS;
	if (pass == EXTRACT_CONTEXT) {
		until = since + SLACK_NS;
		since = since > ROSTER_REACH_NS ? since - ROSTER_REACH_NS : 0;
	} else if (pass == EXTRACT_COPY && extract->from_real_ns) {
		since = extract->from_real_ns;
	}
	return (struct store_select){.since_real_ns = since, .until_real_ns = until, .table = tables[pass]};
}

static struct extract_run *find_run(const struct extract *extract, const struct origin *origin)
{
	for (size_t i = extract->n_runs; i-- > 0;)
		if (extract->runs[i].run_real_ns == origin->run_real_ns &&
		    strcmp(extract->runs[i].boot_id, origin->boot_id) == 0)
			return &extract->runs[i];
	return NULL;
}

static struct extract_run *add_run(struct extract *extract, const struct origin *origin)
{
	struct extract_run *run = realloc(extract->runs, (extract->n_runs + 1) * sizeof(*extract->runs));

	if (!run)
		return NULL;
	extract->runs = run;
	run += extract->n_runs++;
	*run = (struct extract_run){.run_real_ns = origin->run_real_ns};
	memcpy(run->boot_id, origin->boot_id, sizeof(run->boot_id));
	return run;
}

static void want(struct extract_run *run, uint64_t number)
{
	if (!run->is_wanted || number < run->first)
		run->first = number;
	if (!run->is_wanted || number > run->last)
		run->last = number;
	run->is_wanted = 1;
}

static int look_at(struct extract *extract, const struct origin *origin, const struct interval *interval)
{
	struct extract_run *run = find_run(extract, origin);
	bool is_before_end = !extract->until_real_ns || interval->begin_real_ns < extract->until_real_ns;

	if (!run)
		run = add_run(extract, origin);
	if (!run)
		return -ENOMEM;
	if (interval->is_last_chunk && interval->number > run->closed)
		run->closed = interval->number;
	if (!interval->is_last_chunk && is_before_end && interval->number > run->open) {
		run->open = interval->number;
		run->open_until_real_ns = interval->begin_real_ns + 2 * origin->interval_ns + SLACK_NS;
	}
	if (interval->is_last_chunk && is_before_end && interval->end_real_ns >= extract->since_real_ns)
		want(run, interval->number);
	return 0;
}

int extract_plan(struct extract *extract, struct store_reader *reader)
{
	const struct store_part *part;
	int r, n_wanted = 0;

	while ((r = store_reader_next(reader, &part)) > 0) {
		for (uint32_t i = 0; i < part->n_intervals && r >= 0; i++)
			r = look_at(extract, part->origin, &part->intervals[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < extract->n_runs; i++) {
		struct extract_run *run = &extract->runs[i];

		/* The interval that its agent is in, or was killed in. */
		if (run->open > run->closed && run->open_until_real_ns >= extract->since_real_ns)
			want(run, run->open);
		n_wanted += run->is_wanted;
	}
	return r < 0 ? r : n_wanted > 0;
}

/* The last roster before the first interval that is wanted: that interval's own lacks those that ended in it. */
static void find_roster(struct extract *extract, const struct store_part *part, const struct store_group *group,
			const uint64_t *places)
{
	struct extract_run *run = find_run(extract, part->origin);

	for (uint32_t row = 0; row < group->rows && run && run->is_wanted; row++) {
		const struct interval *interval = &part->intervals[places ? places[row] : 0];

		if (interval->number >= run->first || interval->number <= run->roster)
			continue;
		run->roster = interval->number;
		run->roster_real_ns = interval->begin_real_ns;
	}
}

int extract_context(struct extract *extract, struct store_reader *reader)
{
	struct group_reader *groups = group_reader_new(store_reader_note_damage, reader);
	const struct store_part *part;
	int r = groups ? 0 : -ENOMEM;

	while (r == 0 && (r = store_reader_next(reader, &part)) > 0) {
		r = 0;
		for (uint32_t i = 0; i < part->n_groups && r == 0; i++) {
			const uint64_t *places;

			r = group_reader_begin(groups, &part->groups[i]);
			if (r == 0)
				r = group_reader_intervals(groups, &places);
			if (r == 0)
				find_roster(extract, part, &part->groups[i], places);
			r = r == -EBADMSG ? 0 : r;
		}
	}
	group_reader_free(groups);
	extract->from_real_ns = extract->since_real_ns;
	for (size_t i = 0; i < extract->n_runs && r == 0; i++) {
		struct extract_run *run = &extract->runs[i];

		if (!run->roster)
			continue;
		run->first = run->roster;
		if (run->roster_real_ns < extract->from_real_ns)
			extract->from_real_ns = run->roster_real_ns;
	}
	return r;
}

static int end_segment(struct copy *copy)
{
	int r = 0;

	if (!copy->writer)
		return 0;
	r = columns_writer_finish(copy->writer);
	if (r == 0 && fsync(copy->fd) < 0)
		r = -errno;
	copy->extract->bytes += columns_writer_bytes(copy->writer);
	columns_writer_free(copy->writer);
	copy->writer = NULL;
	close(copy->fd);
	copy->fd = -1;
	for (int i = 0; i < TABLE_MAX_TABLES; i++) {
		block_free(copy->blocks[i]);
		copy->blocks[i] = NULL;
	}
	return r;
}

/* A log's header goes with it, and what is written of it goes on. */
static int copy_header(struct copy *copy, const struct store_part *part)
{
	const struct table *tables[TABLE_MAX_TABLES];
	struct sink sink = {0};
	int r;

	for (uint32_t i = 0; i < part->n_tables; i++)
		tables[i] = &part->tables[i];
	header_put(&sink, part->origin, tables, part->n_tables);
	header_done(&copy->header);
	r = sink.failed ? -ENOMEM : header_get(&copy->header, sink.data + 8, sink.len - 8);
	sink_done(&sink);
	return r;
}

static int begin_segment(struct copy *copy, const struct store_part *part)
{
	const struct table *tables[TABLE_MAX_TABLES];
	int r = end_segment(copy);

	if (r == 0)
		r = copy_header(copy, part);
	if (r < 0)
		return r;
	snprintf(copy->name, sizeof(copy->name), "%s", part->segment);
	copy->fd = openat(copy->dir_fd, copy->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (copy->fd < 0)
		return -errno;
	copy->extract->n_segments++;
	for (uint32_t i = 0; i < copy->header.n_tables; i++)
		tables[i] = &copy->header.tables[i];
	copy->writer =
		columns_writer_new(copy->fd, &file_calls_real, &copy->header.origin, tables, copy->header.n_tables);
	return copy->writer ? 0 : -ENOMEM;
}

static bool is_wanted(const struct copy *copy, const struct store_part *part, const struct interval *interval)
{
	const struct extract_run *run = find_run(copy->extract, part->origin);

	return run && run->is_wanted && interval->number >= run->first && interval->number <= run->last;
}

/* Rows of one interval, which lie in the block, to the writer. */
static int put_rows(struct copy *copy, uint32_t table, uint32_t place, struct block *block)
{
	struct sink bytes = {0};
	int r = section_put(&copy->sections, block);

	put_bytes(&bytes, copy->sections.lengths.data, copy->sections.lengths.len);
	put_bytes(&bytes, copy->sections.columns.data, copy->sections.columns.len);
	if (r == 0 && bytes.failed)
		r = -ENOMEM;
	if (r == 0) {
		columns_writer_at(copy->writer, place);
		r = columns_writer_put(copy->writer, table, (struct source){bytes.data, bytes.len, 0}, block->rows);
	}
	sink_done(&bytes);
	block_clear(block);
	return r;
}

struct place_of_row {
	uint32_t place, row;
};

static int compare_places(const void *a, const void *b)
{
	const struct place_of_row *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Of a group the rows of the wanted intervals, one interval after the other. */
static int copy_group(struct copy *copy, const struct store_part *part, const struct store_group *group)
{
	uint32_t table = (uint32_t)(group->table - part->tables), n = 0;
	struct place_of_row *rows = malloc(group->rows * sizeof(*rows));
	struct block **block = &copy->blocks[table];
	const uint64_t *places;
	int r = rows ? group_reader_begin(copy->reader, group) : -ENOMEM;

	if (r == 0)
		r = group_reader_intervals(copy->reader, &places);
	/* Of which intervals they were nobody knows any more: that is reported, and they are lost. */
	if (r == -EBADMSG) {
		free(rows);
		return 0;
	}
	if (r == 0)
		r = group_reader_columns(copy->reader, NULL);
	if (r == 0 && !*block) {
		*block = block_new(&copy->header.tables[table], 256, 65536);
		r = *block ? 0 : -ENOMEM;
	}
	for (uint32_t row = 0; row < group->rows && r == 0; row++) {
		uint32_t place = copy->places[places ? places[row] : 0];

		if (place != UINT32_MAX)
			rows[n++] = (struct place_of_row){place, row};
	}
	if (r == 0 && n)
		qsort(rows, n, sizeof(*rows), compare_places);
	for (uint32_t i = 0; i < n && r == 0; i++) {
		r = block_append_row(*block, group_reader_block(copy->reader), rows[i].row);
		if (r == 0 && (i + 1 == n || rows[i + 1].place != rows[i].place))
			r = put_rows(copy, table, rows[i].place, *block);
	}
	free(rows);
	return r;
}

static int copy_part(struct copy *copy, const struct store_part *part)
{
	bool has_any = false;
	int r = 0;

	free(copy->places);
	copy->places = malloc(part->n_intervals * sizeof(*copy->places));
	if (!copy->places)
		return -ENOMEM;
	for (uint32_t i = 0; i < part->n_intervals; i++)
		has_any |= is_wanted(copy, part, &part->intervals[i]);
	if (!has_any)
		return 0;
	if (!copy->writer || strcmp(copy->name, part->segment) != 0)
		r = begin_segment(copy, part);
	for (uint32_t i = 0; i < part->n_intervals && r == 0; i++) {
		copy->places[i] = UINT32_MAX;
		if (!is_wanted(copy, part, &part->intervals[i]))
			continue;
		r = columns_writer_interval(copy->writer, &part->intervals[i]);
		copy->places[i] = columns_writer_place(copy->writer);
		copy->extract->n_intervals += part->intervals[i].is_last_chunk;
	}
	for (uint32_t i = 0; i < part->n_groups && r == 0; i++)
		r = copy_group(copy, part, &part->groups[i]);
	return r;
}

int extract_copy(struct extract *extract, struct store_reader *reader, int dir_fd, const volatile sig_atomic_t *stop)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	const struct store_part *part;
	int r = -ENOMEM, end_r;

	if (!copy)
		return -ENOMEM;
	copy->extract = extract;
	copy->dir_fd = dir_fd;
	copy->fd = -1;
	copy->reader = group_reader_new(store_reader_note_damage, reader);
	while (copy->reader && (r = store_reader_next(reader, &part)) > 0) {
		r = *stop ? -EINTR : copy_part(copy, part);
		if (r < 0)
			break;
	}
	end_r = end_segment(copy);
	if (r == 0)
		r = end_r;
	if (r == 0 && fsync(dir_fd) < 0)
		r = -errno;
	group_reader_free(copy->reader);
	section_writer_done(&copy->sections);
	free(copy->places);
	header_done(&copy->header);
	free(copy);
	return r;
}
