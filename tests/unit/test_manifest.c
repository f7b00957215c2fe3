// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a dataset says that it holds is read back, also when its writer was stopped in a line, and when it has been
 * made shorter; sets of times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/manifest.h"

#define SEGMENTS 3

struct place {
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	snprintf(place->path, sizeof(place->path), "/tmp/obit-manifest-XXXXXX");
	if (!mkdtemp(place->path))
		return -1;
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY);
	*state = place;
	return place->fd < 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	unlinkat(place->fd, MANIFEST_NAME, 0);
	close(place->fd);
	rmdir(place->path);
	free(place);
	return 0;
}

/* Segment `n` with that many rows of a table. */
static struct manifest_segment segment_of(int n, const char *table, uint64_t rows)
{
	char name[32];
	struct manifest_segment segment = {.host = strdup("h"), .boot_id = strdup("b"), .run_real_ns = 7};
	struct manifest_table *of = manifest_segment_add(&segment, table);

	snprintf(name, sizeof(name), "%020d.obit", n);
	segment.segment = strdup(name);
	of->rows = rows;
	of->last_number = rows;
	of->is_complete = rows % 2;
	assert_int_equal(time_ranges_add(&of->ranges, (struct time_range){rows, NO_END}), 0);
	assert_int_equal(manifest_table_add_part(of, "exits/host=h/date=2026-01-02/7-1.parquet"), 0);
	return segment;
}

static void add(struct manifest *manifest, const struct place *place, int n, const char *table, uint64_t rows)
{
	struct manifest_segment segment = segment_of(n, table, rows);

	assert_int_equal(manifest_add(manifest, place->fd, manifest->last_batch + 1, &segment), 0);
	assert_null(segment.tables);
}

static void assert_rows(const struct manifest *manifest, int n, const char *table, uint64_t rows)
{
	struct manifest_segment like = segment_of(n, "x", 0);
	const struct manifest_segment *found = manifest_find(manifest, &like);
	const struct manifest_table *of;

	assert_non_null(found);
	of = manifest_table(found, table);
	assert_non_null(of);
	assert_true(of->rows == rows && of->last_number == rows && of->is_complete == rows % 2);
	assert_true(time_ranges_cover(&of->ranges, (struct time_range){rows, NO_END}));
	assert_false(rows && time_ranges_hold(&of->ranges, rows - 1));
	manifest_segment_done(&like);
}

static int64_t size_of(const struct place *place)
{
	struct stat st;

	assert_int_equal(fstatat(place->fd, MANIFEST_NAME, &st, 0), 0);
	return st.st_size;
}

static void append(const struct place *place, const char *text)
{
	int fd = openat(place->fd, MANIFEST_NAME, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void test_what_was_written_is_read_and_made_shorter(void **state)
{
	const struct place *place = *state;
	struct manifest manifest = {.are_times_ns = true, .where = strdup("pid > 1")};
	size_t line = 0;
	int64_t whole;

	assert_int_equal(manifest_begin(&manifest, place->fd), 0);
	add(&manifest, place, 0, "exits", 5);
	for (uint64_t rows = 1; rows <= 600; rows++) /* most are replaced by the next */
		for (int n = 0; n < SEGMENTS; n++)
			add(&manifest, place, n, "procs", rows);
	manifest_done(&manifest);
	append(place, "{\"batch\":9999,\"host\":\"h");
	whole = size_of(place);
	assert_int_equal(manifest_read(&manifest, place->fd, &line), 0);
	assert_true(size_of(place) < whole);
	assert_true(manifest.are_times_ns && strcmp(manifest.where, "pid > 1") == 0);
	assert_int_equal(manifest.last_batch, 600 * SEGMENTS + 1);
	assert_int_equal(manifest_compact(&manifest, place->fd), 0);
	assert_true(size_of(place) == manifest.bytes && manifest.bytes < whole / 100);
	add(&manifest, place, 1, "exits", 6);
	manifest_done(&manifest);
	assert_int_equal(manifest_read(&manifest, place->fd, &line), 0);
	/* The head, the exits of segment 0, a line of each segment, and one that came after. */
	assert_int_equal(line, 1 + 1 + SEGMENTS + 1);
	assert_int_equal(manifest.n_segments, SEGMENTS);
	for (int n = 0; n < SEGMENTS; n++)
		assert_rows(&manifest, n, "procs", 600);
	assert_rows(&manifest, 0, "exits", 5);
	assert_rows(&manifest, 1, "exits", 6);
	assert_int_equal(manifest.last_batch, 600 * SEGMENTS + 2);
	manifest_done(&manifest);
}

static void test_what_is_none_is_named_by_its_line(void **state)
{
	static const char *const lines[] = {
		"x\n",
		"{}\n",
		"{\"obit_dataset\":2,\"times\":\"us\",\"where\":null}\n",
		"[1]\n",
	};
	static const char head[] = "{\"obit_dataset\":1,\"times\":\"us\",\"where\":null}\n";
	static const char *const segments[] = {
		"{\"batch\":-1,\"host\":\"h\",\"boot_id\":\"b\",\"run\":1,\"segment\":\"s\",\"tables\":{}}\n",
		"{\"batch\":1,\"boot_id\":\"b\",\"run\":1,\"segment\":\"s\",\"tables\":{}}\n",
		"{\"batch\":1,\"host\":\"h\",\"boot_id\":\"b\",\"run\":1,\"segment\":\"s\",\"tables\":{\"exits\":{}}}"
		"\n",
		"{\"batch\":1,\"host\":\"h\",\"boot_id\":\"b\",\"run\":1,\"segment\":\"s\",\"tables\":[]}\n",
	};
	const struct place *place = *state;
	struct manifest manifest;
	size_t line = 0;

	assert_int_equal(manifest_read(&manifest, place->fd, &line), -ENOENT);
	manifest_done(&manifest);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		append(place, lines[i]);
		assert_int_equal(manifest_read(&manifest, place->fd, &line), -EBADMSG);
		assert_int_equal(line, 1);
		manifest_done(&manifest);
		unlinkat(place->fd, MANIFEST_NAME, 0);
	}
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++) {
		append(place, head);
		append(place, segments[i]);
		assert_int_equal(manifest_read(&manifest, place->fd, &line), -EBADMSG);
		assert_int_equal(line, 2);
		manifest_done(&manifest);
		unlinkat(place->fd, MANIFEST_NAME, 0);
	}
}

static void test_ranges_that_touch_are_one(void **state)
{
	struct time_ranges set = {0};
	static const struct time_range ranges[] = {{10, 20}, {30, 40}, {50, 50}, {60, NO_END}, {20, 25}, {5, 7}};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		assert_int_equal(time_ranges_add(&set, ranges[i]), 0);
	assert_int_equal(set.n, 4); /* 5-7 10-25 30-40 60- */
	assert_true(time_ranges_hold(&set, 24) && !time_ranges_hold(&set, 25) && !time_ranges_hold(&set, 50));
	assert_true(time_ranges_cover(&set, (struct time_range){11, 25}));
	assert_false(time_ranges_cover(&set, (struct time_range){11, 26}));
	assert_int_equal(time_ranges_add(&set, (struct time_range){6, 35}), 0);
	assert_int_equal(set.n, 2);
	assert_true(time_ranges_cover(&set, (struct time_range){5, 40}));
	assert_true(time_ranges_hull(&set).since_real_ns == 5 && time_ranges_hull(&set).until_real_ns == NO_END);
	time_ranges_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_written_is_read_and_made_shorter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_none_is_named_by_its_line, set_up, tear_down),
		cmocka_unit_test(test_ranges_that_touch_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
