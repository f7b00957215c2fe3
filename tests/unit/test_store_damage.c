// SPDX-License-Identifier: BSD-2-Clause
/*
 * Segments cut at every byte and changed at every byte: the reader gives what is intact, to the value, and
 * says where it could not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "store_craft.h"

#define SEED	   UINT64_C(20260102)
#define MAX_FRAMES 4

/* A segment as bytes, and where its parts end. */
struct sample {
	unsigned char *bytes;
	size_t len;
	uint64_t header_end;
	struct records records;
	struct {
		uint64_t begin, end; /* end: with its checksum; the file's end where it has none */
		size_t first, n;     /* chunks */
	} frames[MAX_FRAMES];
	size_t n_frames;
};

static struct reading reading;
static size_t n_harmless; /* changes after which the same rows were read */

static void sample_load(struct sample *sample, const struct fixture *fixture)
{
	char path[160];
	struct stat st;
	int fd;

	last_segment(fixture, path, sizeof(path));
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	sample->len = (size_t)st.st_size;
	sample->bytes = malloc(sample->len);
	assert_non_null(sample->bytes);
	assert_int_equal(read(fd, sample->bytes, sample->len), sample->len);
	close(fd);
}

/* Puts the bytes back as the store's only segment; the fd of the file. */
static int sample_store(const struct sample *sample, const struct fixture *fixture)
{
	char path[128];
	int fd;

	empty_store(fixture);
	snprintf(path, sizeof(path), "%s/%020d.obit", fixture->dir, 7);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, sample->bytes, sample->len), sample->len);
	return fd;
}

/* Three frames of two chunks, the last one without an end; so many chunks to an interval. */
static void make_sample(struct sample *sample, struct fixture *fixture, uint64_t chunks)
{
	const struct table tables[] = {*table_by_id(TABLE_EXITS), *table_by_id(TABLE_ROLLUPS),
				       *table_by_id(TABLE_LEDGER)};
	const struct craft_format format = {.version = FORMAT_VERSION, .tables = tables, .n_tables = 3};
	struct origin origin = origin_of(1);
	struct sink header = {0};
	struct craft craft;

	*sample = (struct sample){.n_frames = 3};
	craft_header(&header, &origin, &format);
	sample->header_end = header.len;
	craft_open(&craft, fixture, BEGIN, &header);
	for (uint64_t i = 0; i < 6; i++) {
		struct interval interval = interval_of(1, i / chunks + 1, i % chunks == chunks - 1);
		struct record record = fill_chunk(fixture, &interval, 2, i);
		size_t frame = i / 2;

		if (i % 2 == 0) {
			sample->frames[frame].begin = craft.frames.committed;
			sample->frames[frame].first = i;
			sample->frames[frame].n = 2;
		}
		record.end = craft_chunk(&craft, &interval, fixture->blocks, N_BLOCKS);
		add_record(&sample->records, record);
		if (i % 2 && i < 5)
			craft_end_frame(&craft);
		sample->frames[frame].end = craft.frames.committed;
	}
	craft_close(&craft);
	sample_load(sample, fixture);
}

/* The last place up to the cut where nothing is begun and not ended. */
static uint64_t last_end(const struct sample *sample, uint64_t cut)
{
	uint64_t end = 0;

	if (cut >= sample->header_end)
		end = sample->header_end;
	for (size_t i = 0; i < sample->records.n; i++)
		if (sample->records.list[i].end <= cut)
			end = sample->records.list[i].end;
	for (size_t i = 0; i < sample->n_frames; i++)
		if (sample->frames[i].end <= cut && sample->frames[i].end > end)
			end = sample->frames[i].end;
	return cut == sample->len ? cut : end;
}

static size_t chunks_before(const struct sample *sample, uint64_t offset)
{
	size_t n = 0;

	while (n < sample->records.n && sample->records.list[n].end <= offset)
		n++;
	return n;
}

static void assert_reads_up_to_the_cut(const struct sample *sample, const struct fixture *fixture, uint64_t cut)
{
	uint64_t end = last_end(sample, cut);

	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &sample->records, chunks_before(sample, cut));
	if (end == cut) {
		assert_int_equal(reading.n_damage, 0);
		return;
	}
	assert_int_equal(reading.n_damage, 1);
	assert_int_equal(reading.damage[0].offset, end);
	assert_int_equal(reading.damage[0].bytes, cut - end);
	assert_int_equal(reading.damage[0].is_torn_tail, 1);
	assert_true(reading.damage[0].what[0]);
}

static void test_a_log_cut_anywhere_gives_all_before_the_cut(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	int fd;

	make_sample(&sample, fixture, 3);
	fd = sample_store(&sample, fixture);
	for (uint64_t cut = sample.len + 1; cut-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		assert_reads_up_to_the_cut(&sample, fixture, cut);
	}
	close(fd);
	free(sample.bytes);
}

static void test_a_segment_cut_anywhere_is_sealed_by_the_next_writer(void **state)
{
	struct fixture *fixture = *state;
	uint64_t random = SEED;
	struct sample sample;

	print_message("seed %llu\n", (unsigned long long)SEED);
	make_sample(&sample, fixture, 1);
	for (uint64_t cut = sample.header_end; cut < sample.len; cut += 1 + (random = mix(random)) % 100) {
		size_t n = chunks_before(&sample, cut);
		int fd = sample_store(&sample, fixture);

		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		close(fd);
		assert_int_equal(store_writer_close(open_sealing_writer(fixture, 2, 0)), 0);
		assert_int_equal(count_segments(fixture), 2);
		read_store(fixture, NULL, &reading);
		assert_reads(&reading, &sample.records, n);
		assert_int_equal(reading.n_damage, 0);
	}
	assert_zstd_accepts(fixture);
	free(sample.bytes);
}

static void test_a_segment_without_a_whole_header_goes_unless_frames_follow(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;

	make_sample(&sample, fixture, 3);
	for (uint64_t cut = 0; cut < sample.header_end; cut += 1 + cut / 8) {
		int fd = sample_store(&sample, fixture);

		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		close(fd);
		assert_int_equal(store_writer_close(open_sealing_writer(fixture, 2, 0)), 0);
		assert_int_equal(count_segments(fixture), 1);
		read_store(fixture, NULL, &reading);
		assert_int_equal(reading.n_damage, 0);
	}
	/* The header's length has changed: it seems to be longer than the file. */
	sample.bytes[6] |= 0x0f;
	close(sample_store(&sample, fixture));
	assert_int_equal(store_writer_close(open_sealing_writer(fixture, 2, 0)), 0);
	assert_int_equal(count_segments(fixture), 2);
	read_store(fixture, NULL, &reading);
	assert_int_equal(reading.n_damage, 1);
	assert_int_equal(reading.damage[0].bytes, sample.len);
	free(sample.bytes);
}

/* Which frame the byte is in; n_frames: none. */
static size_t frame_at(const struct sample *sample, uint64_t offset)
{
	size_t i = 0;

	while (i < sample->n_frames && !(offset >= sample->frames[i].begin && offset < sample->frames[i].end))
		i++;
	return i;
}

static int is_in_damage(uint64_t offset)
{
	for (size_t i = 0; i < reading.n_damage; i++)
		if (offset >= reading.damage[i].offset && offset - reading.damage[i].offset < reading.damage[i].bytes)
			return 1;
	return 0;
}

/*
 * What must be there after a change of the byte at `offset`: all chunks before it, and those of other frames.
 * What is there besides them must be right as well, and in order.
 */
static void assert_intact_chunks(const struct sample *sample, uint64_t offset)
{
	size_t frame = frame_at(sample, offset), at = 0;
	const struct records *records = &sample->records, *got = &reading.records;

	for (size_t i = 0; i < records->n; i++) {
		int is_hit = frame < sample->n_frames && i >= sample->frames[frame].first &&
			     i < sample->frames[frame].first + sample->frames[frame].n && records->list[i].end > offset;

		if (at < got->n && got->list[at].digest == records->list[i].digest)
			at++;
		else if (offset >= sample->header_end && !is_hit)
			fail_msg("byte %llu changed: chunk %zu is missing", (unsigned long long)offset, i);
		else if (!is_in_damage(records->list[i].end - 1))
			fail_msg("byte %llu changed: chunk %zu is missing in silence", (unsigned long long)offset, i);
	}
	if (at != got->n)
		fail_msg("byte %llu changed: a chunk that was never written", (unsigned long long)offset);
}

static int is_frame_header(const struct sample *sample, uint64_t offset)
{
	size_t frame = frame_at(sample, offset);

	return frame < sample->n_frames && offset < sample->frames[frame].begin + 8;
}

static void assert_reads_around(const struct sample *sample, const struct fixture *fixture, int fd, uint64_t offset,
				uint8_t mask)
{
	uint8_t byte = sample->bytes[offset] ^ mask;
	size_t frame = frame_at(sample, offset);
	uint64_t from;

	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	read_store(fixture, NULL, &reading);
	assert_int_equal(pwrite(fd, &sample->bytes[offset], 1, (off_t)offset), 1);
	assert_intact_chunks(sample, offset);
	/* Other compressed bytes can stand for the same rows, which zstd's checksum confirms. */
	if (!reading.n_damage && frame < sample->n_frames) {
		assert_reads(&reading, &sample->records, sample->records.n);
		n_harmless++;
		return;
	}
	if (reading.n_damage != 1)
		fail_msg("byte %llu changed by 0x%02x: %zu damages are reported", (unsigned long long)offset, mask,
			 reading.n_damage);
	from = reading.damage[0].offset;
	/* Damage of a frame's header can come to light at its end. */
	if (!is_in_damage(offset) && (frame == sample->n_frames || from < offset || from >= sample->frames[frame].end))
		fail_msg("byte %llu changed by 0x%02x: damage is reported at %llu", (unsigned long long)offset, mask,
			 (unsigned long long)from);
}

static void test_a_log_changed_anywhere_says_so_and_gives_the_rest(void **state)
{
	struct fixture *fixture = *state;
	uint64_t random = SEED;
	struct sample sample;
	int fd;

	print_message("seed %llu\n", (unsigned long long)SEED);
	n_harmless = 0;
	make_sample(&sample, fixture, 3);
	fd = sample_store(&sample, fixture);
	for (uint64_t offset = 0; offset < sample.len; offset++) {
		random = mix(random);
		assert_reads_around(&sample, fixture, fd, offset, (uint8_t)(random % 255 + 1));
		/* Where a number stands, each of its bits. */
		for (int bit = 0; bit < 8; bit++)
			if (offset < 16 || offset >= sample.frames[sample.n_frames - 1].end ||
			    is_frame_header(&sample, offset))
				assert_reads_around(&sample, fixture, fd, offset, (uint8_t)(1 << bit));
	}
	print_message("%zu changes made no difference\n", n_harmless);
	assert_true(n_harmless * 100 < sample.len - sample.header_end);
	close(fd);
	free(sample.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_log_cut_anywhere_gives_all_before_the_cut),
		TEST(test_a_segment_cut_anywhere_is_sealed_by_the_next_writer),
		TEST(test_a_segment_without_a_whole_header_goes_unless_frames_follow),
		TEST(test_a_log_changed_anywhere_says_so_and_gives_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
