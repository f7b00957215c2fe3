// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows are encoded anew: a frame names texts that came earlier in it, so it cannot be cut in the middle. The
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

#include "store/directory.h"
#include "store/segment_writer.h"

#define LEVEL 3
/*
 * An interval's first chunk may say that it began a little earlier than its last one does; and one that never
 * ended is longer than was asked for when its agent is held up.
 */
#define SLACK_NS (60 * 1000000000ull)

struct copy {
	struct extract *extract;
	int dir_fd, fd;
	char name[sizeof(struct segment_name)]; /* of the segment that is being written */
	struct segment_writer writer;
	uint64_t last_number;
};

void extract_done(struct extract *extract)
{
	free(extract->runs);
	*extract = (struct extract){0};
}

struct store_select extract_select(const struct extract *extract, bool is_plan)
{
	uint64_t until = extract->until_real_ns;

	return (struct store_select){
		.since_real_ns = extract->since_real_ns,
		.until_real_ns = until && until < UINT64_MAX - SLACK_NS ? until + SLACK_NS : until,
		.table = is_plan ? "ledger" : NULL,
	};
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

int extract_plan(struct extract *extract, struct store_reader *reader)
{
	struct store_chunk chunk;
	int r, n_wanted = 0;

	while ((r = store_reader_next(reader, &chunk)) > 0) {
		const struct interval *interval = &chunk.interval;
		struct extract_run *run = find_run(extract, chunk.origin);
		int is_before_end = !extract->until_real_ns || interval->begin_real_ns < extract->until_real_ns;

		if (!run)
			run = add_run(extract, chunk.origin);
		if (!run)
			return -ENOMEM;
		if (interval->is_last_chunk && interval->number > run->closed)
			run->closed = interval->number;
		if (!interval->is_last_chunk && is_before_end && interval->number > run->open) {
			run->open = interval->number;
			run->open_until_real_ns = interval->begin_real_ns + 2 * chunk.origin->interval_ns + SLACK_NS;
		}
		if (interval->is_last_chunk && is_before_end && interval->end_real_ns >= extract->since_real_ns)
			want(run, interval->number);
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

static int end_segment(struct copy *copy)
{
	int r = 0;

	if (copy->fd < 0)
		return 0;
	r = segment_writer_seal(&copy->writer);
	if (r == 0)
		r = segment_writer_commit(&copy->writer);
	if (r == 0 && fsync(copy->fd) < 0)
		r = -errno;
	copy->extract->bytes += segment_writer_bytes(&copy->writer);
	close(copy->fd);
	copy->fd = -1;
	return r;
}

static int begin_segment(struct copy *copy, const struct store_chunk *chunk)
{
	const struct table *tables[TABLE_MAX_TABLES];
	int r = end_segment(copy);

	if (r < 0)
		return r;
	snprintf(copy->name, sizeof(copy->name), "%s", chunk->segment);
	copy->fd = openat(copy->dir_fd, copy->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (copy->fd < 0)
		return -errno;
	for (uint32_t i = 0; i < chunk->n_tables; i++)
		tables[i] = &chunk->tables[i];
	copy->extract->n_segments++;
	return segment_writer_begin(&copy->writer, copy->fd, &file_calls_real, LEVEL, chunk->origin, tables,
				    chunk->n_tables);
}

static int copy_chunk(struct copy *copy, const struct store_chunk *chunk)
{
	const struct extract_run *run = find_run(copy->extract, chunk->origin);
	uint64_t number = chunk->interval.number;
	int r = 0;

	if (!run || !run->is_wanted || number < run->first || number > run->last)
		return 0;
	if (copy->fd < 0 || strcmp(copy->name, chunk->segment) != 0)
		r = begin_segment(copy, chunk);
	if (r == 0)
		r = segment_writer_put(&copy->writer, &chunk->interval, chunk->blocks, chunk->n_blocks);
	if (r == 0)
		r = segment_writer_commit(&copy->writer);
	copy->extract->n_intervals += chunk->interval.is_last_chunk;
	return r;
}

int extract_copy(struct extract *extract, struct store_reader *reader, int dir_fd, const volatile sig_atomic_t *stop)
{
	struct copy copy = {.extract = extract, .dir_fd = dir_fd, .fd = -1};
	struct store_chunk chunk;
	int r, end_r;

	while ((r = store_reader_next(reader, &chunk)) > 0) {
		r = *stop ? -EINTR : copy_chunk(&copy, &chunk);
		if (r < 0)
			break;
	}
	end_r = end_segment(&copy);
	segment_writer_done(&copy.writer);
	if (r == 0)
		r = end_r;
	if (r == 0 && fsync(dir_fd) < 0)
		r = -errno;
	return r;
}
