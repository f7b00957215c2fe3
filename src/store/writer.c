// SPDX-License-Identifier: BSD-2-Clause
/*
 * The writer: chunks into the running log, a new one when it is large or old enough, and then its sealing; room for it,
 * and another start where the directory is not the one it was.
 *
 * A chunk is encoded and compressed once, into memory, and then written; when the write fails the bytes wait
 * there and the next call for the same chunk only writes again. So zstd's window need never be turned back. Only for
 * another directory the chunk is encoded once more, to a new segment.
 */
#include "store/writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "store/block_part.h"
#include "store/directory.h"
#include "store/segment_format.h"
#include "store/store_dir.h"
#include "store/retention.h"
#include "store/segment_writer.h"
#include "store/writer_inside.h"

#define DEFAULT_LEVEL (-1) /* a log is short-lived: half the CPU of 1 for 7 % more bytes */
#define FULL_MARGIN_BYTES                                                                                              \
	65536 /* what a full disk must have more than the chunk: blocks, and the file system's own                     \
	       */

#define SECOND_NS	   UINT64_C(1000000000)
#define LONGEST_SILENCE_NS (3600 * SECOND_NS) /* between two intervals, without a jump of the clock */
#define DOUBT_NS	   (600 * SECOND_NS)
#define RETRY_FIRST_NS	   (10 * SECOND_NS) /* of sealing */
#define RETRY_LAST_NS	   (3600 * SECOND_NS)

#define VALUE_MAX_BYTES	 9	/* 8 planes and a bit for nulls; of a text its number, and its length */
#define CHUNK_HEAD_BYTES 65536u /* what is neither value nor text: heads and lengths of columns, and the chunk's */

struct store_writer {
	struct store_dir store_dir;
	struct retention retention;
	uint64_t segment_bytes, segment_age_ns;
	int level, fsync_each_interval;
	struct origin origin;
	const struct file_calls *calls;

	int fd; /* of the running segment; -1: the next chunk begins one */
	struct segment_name name;
	struct segment_writer segment;
	uint64_t begun_real_ns;	 /* its first interval */
	uint64_t sealed_bytes;	 /* of the segments before the running one */
	bool has_encoded;	 /* a chunk waits in the segment, the last call's if that failed */
	struct interval encoded; /* ... of this interval */
	uint32_t checksum;	 /* ... of what the failed call was given */
	uint32_t parts, n_done;	 /* of a chunk that no file takes as a whole: in how many it goes; 0: it does not */
	bool end_is_asked;	 /* the log ends with the next interval */
	bool end_is_next;	 /* ... which is encoded */
	bool is_sealing;
	struct sealer sealer;
	uint64_t retry_mono_ns, retry_wait_ns; /* of sealing, after an error; 0: none */
	int sync_error;	       /* the first that fsync() reported; the rows are written, so it is reported at close */
	uint64_t last_real_ns; /* end of the last interval; at first, of the last one in the store */
	bool is_clock_doubted;
	uint64_t doubted_real_ns; /* when it jumped last, by its new time */
	uint64_t evicted_full, clock_jumps, restarts;
	uint64_t n_sealed, sealed_rows, seal_errors, seal_memory_bytes, seal_cpu_ns;
	int seal_error;
};

void store_writer_set_calls(struct store_writer *writer, const struct file_calls *calls)
{
	writer->calls = calls;
	writer->segment.frames.calls = calls;
}

static bool is_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT;
}

/* Room on a full disk for what waits. How many segments went. */
static int make_room(struct store_writer *writer)
{
	int n = retention_free(&writer->retention, writer->store_dir.dir_fd,
			       writer->segment.frames.waiting.len + FULL_MARGIN_BYTES);

	if (n > 0)
		writer->evicted_full += (uint64_t)n;
	return n > 0 ? n : 0;
}

/* A name later than every other: clocks step. */
static int create_file(struct store_writer *writer, uint64_t real_ns)
{
	struct segment_name *names;
	size_t n;
	int r = directory_list(writer->store_dir.dir_fd, &names, &n);

	if (r < 0)
		return r;
	if (n && strtoull(names[n - 1].text, NULL, 10) >= real_ns)
		real_ns = strtoull(names[n - 1].text, NULL, 10) + 1;
	free(names);
	directory_name(&writer->name, real_ns);
	r = store_dir_create(&writer->store_dir, writer->name.text);
	if (r < 0)
		return r;
	writer->fd = r;
	return 0;
}

/* The header waits in memory and goes out with the first chunk. */
static int begin_segment(struct store_writer *writer, uint64_t real_ns)
{
	size_t n;
	const struct table *const *tables = tables_all(&n);
	int r = create_file(writer, real_ns);

	if (r < 0)
		return r;
	writer->begun_real_ns = 0;
	r = segment_writer_begin(&writer->segment, writer->fd, writer->calls, writer->level, &writer->origin, tables,
				 n);
	if (r == 0)
		r = retention_scan(&writer->retention, writer->store_dir.dir_fd, writer->name.text);
	if (r < 0) {
		close(writer->fd);
		writer->fd = -1;
		unlinkat(writer->store_dir.dir_fd, writer->name.text, 0);
	}
	return r;
}

/* Writes what waits, and makes room for it. */
static int write_waiting(struct store_writer *writer, uint64_t now_real_ns)
{
	int r = retention_fit(&writer->retention, writer->store_dir.dir_fd, segment_writer_bytes(&writer->segment),
			      now_real_ns);

	if (r == 0)
		r = segment_writer_commit(&writer->segment);
	/* Once: a reader may hold what was removed, and then it frees nothing yet. */
	if (is_full(r) && make_room(writer))
		r = segment_writer_commit(&writer->segment);
	return r;
}

/* A segment is begun that readers see from the first instant. */
static int take_directory(struct store_writer *writer, uint64_t real_ns)
{
	int r = begin_segment(writer, real_ns);

	/* The header of a full disk: what it needs is made room for, as for any chunk. */
	if (is_full(r) && make_room(writer))
		r = begin_segment(writer, real_ns);
	return r == 0 ? write_waiting(writer, 0) : r;
}

int store_writer_open(const struct store_options *options, const struct origin *origin, struct store_writer **ret,
		      int *ret_holder)
{
	return store_writer_open_with(options, origin, &file_calls_real, ret, ret_holder);
}

int store_writer_open_with(const struct store_options *options, const struct origin *origin,
			   const struct file_calls *calls, struct store_writer **ret, int *ret_holder)
{
	struct store_writer *writer = calloc(1, sizeof(*writer));
	struct rlimit size;
	int holder = 0, r;

	if (!writer)
		return -ENOMEM;
	writer->fd = -1;
	writer->retention.max_bytes = options->retain_bytes;
	writer->retention.max_age_ns = options->retain_age_ns;
	writer->segment_bytes = retention_segment_bytes(
		&writer->retention, options->segment_bytes ? options->segment_bytes : SEGMENT_BYTES);
	/* A segment grows by an interval at a time, and then by its index. */
	if (getrlimit(RLIMIT_FSIZE, &size) == 0 && size.rlim_cur != RLIM_INFINITY &&
	    writer->segment_bytes > size.rlim_cur / 2)
		writer->segment_bytes = size.rlim_cur / 2;
	writer->segment_age_ns = retention_segment_age_ns(&writer->retention);
	writer->level = options->level ? options->level : DEFAULT_LEVEL;
	writer->fsync_each_interval = options->fsync_each_interval;
	writer->is_sealing = options->is_sealing;
	sealer_init(&writer->sealer);
	writer->origin = *origin;
	writer->calls = calls;
	r = store_dir_open(&writer->store_dir, options->dir, 1, &holder);
	if (r == 0)
		r = take_directory(writer, origin->run_real_ns);
	if (r == 0 && writer->retention.n)
		writer->last_real_ns = writer->retention.segments[writer->retention.n - 1].end_real_ns;
	if (r < 0) {
		if (ret_holder)
			*ret_holder = holder;
		store_writer_close(writer);
		return r;
	}
	*ret = writer;
	return 0;
}

static void sync_file(struct store_writer *writer)
{
	if (writer->calls->fsync(writer->fd) < 0 && !writer->sync_error)
		writer->sync_error = -errno;
}

/* The next one is begun by the chunk that needs it. */
static void leave_segment(struct store_writer *writer)
{
	writer->sealed_bytes += writer->segment.frames.committed;
	writer->segment.frames.committed = 0;
	close(writer->fd);
	writer->fd = -1;
	writer->has_encoded = false;
	writer->end_is_next = writer->end_is_asked = false;
}

void store_writer_set_host(struct store_writer *writer, const char *host)
{
	snprintf(writer->origin.host, sizeof(writer->origin.host), "%s", host);
}

void store_writer_end_segment(struct store_writer *writer)
{
	writer->end_is_asked = true;
}

/* Gives up the running segment where it is no longer in the store. A chunk that waits is encoded once more. */
static void abandon_segment(struct store_writer *writer)
{
	if (writer->fd < 0)
		return;
	/* Moved away, not removed: it can still become whole. If not, readers know how to take it. */
	if (!writer->has_encoded && segment_writer_end(&writer->segment) == 0)
		(void)segment_writer_commit(&writer->segment);
	leave_segment(writer);
}

/* Is all still where readers look for it? If the directory is another one, takes it as it would at the start. */
static int stay_in_place(struct store_writer *writer)
{
	struct store_dir store_dir;
	struct stat st;
	int holder, r = store_dir_check(&writer->store_dir);

	if (r < 0)
		return r;
	if (r == 0) {
		if (writer->fd >= 0 && fstat(writer->fd, &st) == 0 && st.st_nlink == 0) {
			abandon_segment(writer);
			writer->restarts++;
		}
		return 0;
	}
	r = store_dir_open(&store_dir, writer->store_dir.path, 0, &holder);
	if (r < 0)
		return r;
	abandon_segment(writer);
	store_dir_close(&writer->store_dir);
	writer->store_dir = store_dir;
	writer->restarts++;
	return retention_scan(&writer->retention, writer->store_dir.dir_fd, NULL);
}

/*
 * At the end of an interval, so that what is removed are whole intervals; not while the next one has begun in
 * this segment, unless that goes on and on.
 */
static bool is_time_to_end(const struct store_writer *writer, const struct interval *interval)
{
	const struct segment_writer *segment = &writer->segment;
	uint64_t bytes = segment_writer_bytes(&writer->segment);

	if (!interval->is_last_chunk)
		return 0;
	if (segment->last_number > interval->number)
		return bytes / 2 >= writer->segment_bytes;
	if (writer->end_is_asked || segment->last_number - segment->first_number + 1 >= SEGMENT_MAX_INTERVALS / 2)
		return 1;
	return bytes >= writer->segment_bytes ||
	       (interval->end_real_ns > writer->begun_real_ns &&
		interval->end_real_ns - writer->begun_real_ns >= writer->segment_age_ns);
}

static int encode(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
		  size_t n_blocks)
{
	int r = 0;

	if (writer->fd < 0)
		r = begin_segment(writer, interval->begin_real_ns);
	if (is_full(r) && make_room(writer))
		r = begin_segment(writer, interval->begin_real_ns);
	if (r == 0)
		r = segment_writer_put(&writer->segment, interval, blocks, n_blocks);
	if (r < 0)
		return r;
	if (!writer->begun_real_ns)
		writer->begun_real_ns = interval->begin_real_ns;
	writer->end_is_next = is_time_to_end(writer, interval);
	if (writer->end_is_next)
		r = segment_writer_end(&writer->segment);
	writer->encoded = *interval;
	writer->has_encoded = r == 0;
	return r;
}

/* The time that ages are counted from: 0, none is, while the clock may be wrong. */
static uint64_t age_time(struct store_writer *writer, const struct interval *interval)
{
	uint64_t now = interval->end_real_ns, before = writer->last_real_ns;

	if (!interval->is_last_chunk)
		return 0;
	writer->last_real_ns = now;
	if (before && (now > before ? now - before : before - now) > LONGEST_SILENCE_NS) {
		writer->clock_jumps += !writer->is_clock_doubted;
		writer->is_clock_doubted = 1;
		writer->doubted_real_ns = now;
	}
	if (writer->is_clock_doubted && now - writer->doubted_real_ns < DOUBT_NS)
		return 0;
	writer->is_clock_doubted = 0;
	return now;
}

/* The columns of a log are there, or are not to be had: the log's name is theirs only if it is still the log's. */
static void collect_sealed(struct store_writer *writer)
{
	struct retention *retention = &writer->retention;
	struct retention_segment *segment;
	struct seal_result result;
	struct segment_name name;
	int r;

	if (!sealer_collect(&writer->sealer, &name, &result, &r))
		return;
	retention->reserved_bytes = 0;
	writer->seal_cpu_ns += result.cpu_ns;
	segment = retention_find(retention, &name);
	/* Retention has removed it, or the directory is another one, which has not got what was written. */
	if (!segment ||
	    (r == 0 && faccessat(writer->store_dir.dir_fd, SEALING_NAME, F_OK, 0) < 0 && !result.is_empty)) {
		seal_drop(writer->store_dir.dir_fd);
		return;
	}
	if (r == 0)
		r = seal_replace(writer->store_dir.dir_fd, &name, &result);
	if (r == -EINTR)
		return;
	writer->seal_error = r == -EBADMSG || r == -EPROTONOSUPPORT || r == -EALREADY ? 0 : r;
	if (!writer->seal_error && r < 0) {
		segment->is_foreign = true;
		return;
	}
	if (r < 0) {
		seal_drop(writer->store_dir.dir_fd);
		writer->seal_errors++;
		writer->retry_wait_ns = writer->retry_wait_ns ? writer->retry_wait_ns * 2 : RETRY_FIRST_NS;
		if (writer->retry_wait_ns > RETRY_LAST_NS)
			writer->retry_wait_ns = RETRY_LAST_NS;
		writer->retry_mono_ns = clock_read_ns(CLOCK_MONOTONIC) + writer->retry_wait_ns;
		return;
	}
	writer->retry_wait_ns = writer->retry_mono_ns = 0;
	writer->n_sealed++;
	writer->sealed_rows += result.rows;
	if (result.memory_bytes > writer->seal_memory_bytes)
		writer->seal_memory_bytes = result.memory_bytes;
	retention->bytes = retention->bytes - segment->bytes + result.bytes;
	segment->bytes = result.bytes;
	segment->is_sealed = true;
	if (result.is_empty)
		(void)retention_scan(retention, writer->store_dir.dir_fd, writer->fd < 0 ? NULL : writer->name.text);
}

/* Is there a log to be sealed, and nothing that is at it or that keeps it from it? Then it is next. */
static bool assign_sealing(struct store_writer *writer)
{
	struct retention_segment *segment;

	if (!writer->is_sealing || atomic_load_explicit(&writer->sealer.state, memory_order_relaxed) != SEALER_IDLE)
		return false;
	segment = retention_next_log(&writer->retention);
	if (!segment || (writer->retry_mono_ns && clock_read_ns(CLOCK_MONOTONIC) < writer->retry_mono_ns))
		return false;
	/* The columns need room beside the log, and what must go for it goes: it may be the log itself. */
	writer->retention.reserved_bytes = segment->bytes;
	(void)retention_fit(&writer->retention, writer->store_dir.dir_fd, segment_writer_bytes(&writer->segment), 0);
	segment = retention_next_log(&writer->retention);
	if (segment && sealer_assign(&writer->sealer, writer->store_dir.dir_fd, &segment->name, writer->calls) == 0)
		return true;
	writer->retention.reserved_bytes = 0;
	return false;
}

struct sealer *store_writer_sealer(struct store_writer *writer)
{
	return &writer->sealer;
}

/* At the end: what there is to be sealed is sealed by this thread, once. */
static void seal_all(struct store_writer *writer)
{
	/* What the other thread had left undone is still assigned. */
	atomic_store_explicit(&writer->sealer.stop, false, memory_order_relaxed);
	writer->retry_mono_ns = 0;
	do {
		sealer_work(&writer->sealer);
		collect_sealed(writer);
	} while (!writer->seal_error && assign_sealing(writer));
}

/* Writes the chunk that is encoded. */
static int commit(struct store_writer *writer)
{
	const struct interval *interval = &writer->encoded;
	int r = write_waiting(writer, age_time(writer, interval));

	if (r < 0)
		return r;
	writer->has_encoded = 0;
	if (writer->end_is_next) {
		struct retention_segment *ended;

		sync_file(writer);
		leave_segment(writer);
		/* For the count; before the next one is written it is looked at again, with its errors. */
		(void)retention_scan(&writer->retention, writer->store_dir.dir_fd, NULL);
		ended = retention_find(&writer->retention, &writer->name);
		if (ended)
			ended->end_real_ns = writer->last_real_ns;
	} else if (writer->fsync_each_interval && interval->is_last_chunk) {
		sync_file(writer);
	}
	collect_sealed(writer);
	assign_sealing(writer);
	return 0;
}

/* Is every reader sure to take it? By the longest that its columns can become: they are not encoded yet. */
static int fits_chunk(struct block *const *blocks, size_t n_blocks)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n_blocks; i++) {
		if (blocks[i]->rows > GROUP_MAX_ROWS)
			return 0;
		bytes += (uint64_t)blocks[i]->rows * blocks[i]->table->n_fields * VALUE_MAX_BYTES +
			 blocks[i]->arena_used;
	}
	return bytes <= CHUNK_MAX_BYTES - CHUNK_HEAD_BYTES;
}

/* To distinguish the call made again from another one. */
static uint32_t checksum_of(const struct interval *interval, struct block *const *blocks, size_t n_blocks)
{
	const uint64_t head[] = {interval->number, interval->begin_real_ns, interval->end_real_ns,
				 (uint64_t)interval->is_last_chunk};
	uLong crc = crc32(0, (const void *)head, sizeof(head));

	for (size_t i = 0; i < n_blocks; i++) {
		const struct block *block = blocks[i];

		for (uint32_t field = 0; field < block->table->n_fields; field++) {
			int is_text = field_is_text(&block->table->fields[field]);
			void *column = is_text ? (void *)block->texts[field] : (void *)block->numbers[field];

			crc = crc32(crc, column, block->rows * 8);
			crc = crc32(crc, block->nulls[field], block->rows);
		}
		crc = crc32(crc, (const void *)block->arena, block->arena_used);
	}
	return (uint32_t)crc;
}

/* A segment that no chunk fits into is not there. */
static void drop_fresh_segment(struct store_writer *writer)
{
	unlinkat(writer->store_dir.dir_fd, writer->name.text, 0);
	leave_segment(writer);
}

/* One chunk into the running log, or into a new one where that may not grow. */
static int write_chunk(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
		       size_t n_blocks)
{
	int r = writer->has_encoded ? 0 : encode(writer, interval, blocks, n_blocks);

	if (r == 0)
		r = commit(writer);
	if (r == -EFBIG && writer->segment.frames.committed) {
		leave_segment(writer);
		r = encode(writer, interval, blocks, n_blocks);
		if (r == 0)
			r = commit(writer);
	}
	return r;
}

/* A chunk that is too long for any file goes in parts, the last of which ends its interval. After an error it goes on
 * with the part that is missing. */
static int write_parts(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
		       size_t n_blocks)
{
	int r = 0;

	while (r == 0 && writer->n_done < writer->parts) {
		bool is_last = writer->n_done + 1 == writer->parts;
		struct block_part *part = block_part_new(blocks, n_blocks, writer->n_done, writer->parts);
		struct interval of = *interval;

		if (!part)
			return -ENOMEM;
		if (!is_last) {
			of.is_last_chunk = false;
			of.end_real_ns = 0;
		}
		if (is_last || block_part_rows(part))
			r = write_chunk(writer, &of, block_part_blocks(part), n_blocks);
		writer->n_done += r == 0;
		if (r == -EFBIG && !writer->segment.frames.committed && block_part_rows(part) > 1) {
			drop_fresh_segment(writer);
			writer->parts *= 2;
			writer->n_done *= 2;
			r = 0;
		}
		block_part_free(part);
	}
	if (r == 0)
		writer->parts = writer->n_done = 0;
	return r;
}

int store_writer_append(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
			size_t n_blocks)
{
	uint32_t checksum = 0;
	bool is_other;
	int r;

	if (!fits_chunk(blocks, n_blocks))
		return -E2BIG;
	r = stay_in_place(writer);
	if (r < 0)
		return r;
	if (writer->has_encoded || writer->parts)
		checksum = checksum_of(interval, blocks, n_blocks);
	/* Another chunk than the one that failed: that one has been given up, but its bytes come first. */
	is_other = writer->checksum != checksum;
	if (writer->has_encoded && is_other)
		r = commit(writer);
	if (r < 0)
		return r;
	if (is_other)
		writer->parts = writer->n_done = 0;
	if (!writer->parts) {
		r = write_chunk(writer, interval, blocks, n_blocks);
		if (r == -EFBIG && !writer->segment.frames.committed) {
			drop_fresh_segment(writer);
			writer->parts = 2;
		}
	}
	if (writer->parts)
		r = write_parts(writer, interval, blocks, n_blocks);
	if (r < 0)
		writer->checksum = checksum_of(interval, blocks, n_blocks);
	return r;
}

uint64_t store_writer_bytes(const struct store_writer *writer)
{
	return writer->sealed_bytes + writer->segment.frames.committed;
}

void store_writer_counts(const struct store_writer *writer, struct store_counts *ret)
{
	const struct retention *retention = &writer->retention;

	*ret = (struct store_counts){
		.kept_bytes = retention->bytes + writer->segment.frames.committed,
		.evicted = retention->n_evicted,
		.evicted_bytes = retention->evicted_bytes,
		.evicted_full = writer->evicted_full,
		.was_open_to_others = writer->store_dir.was_open_to_others,
		.clock_jumps = writer->clock_jumps,
		.restarts = writer->restarts,
		.sealed = writer->n_sealed,
		.sealed_rows = writer->sealed_rows,
		.seal_errors = writer->seal_errors,
		.seal_error = writer->seal_error,
		.seal_memory_bytes = writer->seal_memory_bytes,
		.seal_cpu_ns = writer->seal_cpu_ns,
	};
	for (size_t i = 0; i < retention->n; i++) {
		ret->logs += !retention->segments[i].is_sealed;
		ret->logs_bytes += retention->segments[i].is_sealed ? 0 : retention->segments[i].bytes;
	}
}

int store_writer_close(struct store_writer *writer)
{
	int r = 0;

	if (!writer)
		return 0;
	if (writer->fd >= 0 && writer->segment.frames.zstd) {
		/* What the last call could not write goes out now, or is lost with the writer's error. */
		if (!(writer->has_encoded && writer->end_is_next))
			r = segment_writer_end(&writer->segment);
		if (r == 0)
			r = write_waiting(writer, 0);
		sync_file(writer);
		close(writer->fd);
		writer->fd = -1;
	}
	if (r == 0)
		r = writer->sync_error;
	if (writer->is_sealing && writer->store_dir.path && store_dir_check(&writer->store_dir) == 0 &&
	    retention_scan(&writer->retention, writer->store_dir.dir_fd, NULL) == 0)
		seal_all(writer);
	sealer_done(&writer->sealer);
	store_dir_close(&writer->store_dir);
	retention_done(&writer->retention);
	segment_writer_done(&writer->segment);
	free(writer);
	return r;
}
