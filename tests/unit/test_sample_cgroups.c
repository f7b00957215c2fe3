// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tree of cgroups as it is sampled, over files made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "model/limits.h"
#include "sample/sample_cgroups.h"
#include "sampler_fixture.h"

static struct block *cgroup_rows;
static struct sample_cgroups *cgroups;

static int find_row(const char *name)
{
	for (uint32_t i = 0; i < cgroup_rows->rows; i++)
		if (is_text(cgroup_rows, i, CGROUPS_cgroup, name))
			return (int)i;
	return -1;
}

static int take_cgroups(void)
{
	block_clear(cgroup_rows);
	return sample_cgroups_take(cgroups, 1, cgroup_rows);
}

static void test_cgroups_are_reported_when_they_moved(void **state)
{
	char mount[256];

	(void)state;
	snprintf(mount, sizeof(mount), "%s", in_dir("cgroup"));
	cgroup_rows = chunk_block_new(CHUNK_CGROUPS);
	mkdir(mount, 0700);
	mkdir(in_dir("cgroup/a"), 0700);
	mkdir(in_dir("cgroup/a/b"), 0700);
	mkdir(in_dir("cgroup/idle"), 0700);
	put("cgroup/cgroup.controllers", "cpu io memory pids\n");
	put("cgroup/cpu.stat", "usage_usec 100\n");
	put("cgroup/a/cpu.stat", "usage_usec 50\n");
	put("cgroup/a/memory.events", "oom_kill 1\n");
	put("cgroup/a/pids.max", "max\n");
	put("cgroup/a/b/cpu.stat", "usage_usec 20\n");
	put("cgroup/idle/cpu.stat", "usage_usec 30\n");
	cgroups = sample_cgroups_new(&buffer, mount);
	assert_int_equal(take_cgroups(), 0);
	assert_int_equal(cgroup_rows->rows, 0); /* the first reading */
	assert_int_equal(take_cgroups(), 0);
	assert_int_equal(cgroup_rows->rows, 0); /* nothing moved */

	put("cgroup/cpu.stat", "usage_usec 110\n");
	put("cgroup/a/cpu.stat", "usage_usec 60\n");
	put("cgroup/a/memory.events", "oom_kill 3\n");
	assert_int_equal(take_cgroups(), 0);
	assert_int_equal(cgroup_rows->rows, 2);
	assert_int_equal(find_row("/"), 0);
	assert_int_equal(find_row("/a"), 1);
	assert_int_equal(cell(cgroup_rows, 1, CGROUPS_cpu_ns), 10000);
	assert_int_equal(cell(cgroup_rows, 1, CGROUPS_oom_kills), 2);
	assert_int_equal(cell(cgroup_rows, 1, CGROUPS_appeared), 0);
	assert_true(block_is_null(cgroup_rows, 1, CGROUPS_pids_max));
	assert_true(block_is_null(cgroup_rows, 1, CGROUPS_read_bytes));

	/* One is made two deep, and one is removed; what did not move is not reported. */
	mkdir(in_dir("cgroup/a/new"), 0700);
	put("cgroup/a/new/cpu.stat", "usage_usec 4\n");
	put("cgroup/a/new/io.stat", "8:0 rbytes=5 wbytes=6 rios=7 wios=8\n");
	unlink(in_dir("cgroup/idle/cpu.stat"));
	rmdir(in_dir("cgroup/idle"));
	put("cgroup/cpu.stat", "usage_usec 114\n");
	put("cgroup/a/cpu.stat", "usage_usec 64\n");
	assert_int_equal(take_cgroups(), 0);
	assert_int_equal(cgroup_rows->rows, 3);
	assert_int_equal(find_row("/a/new"), 2);
	assert_int_equal(cell(cgroup_rows, 2, CGROUPS_cpu_ns), 4000);
	assert_int_equal(cell(cgroup_rows, 2, CGROUPS_write_bytes), 6);
	assert_int_equal(cell(cgroup_rows, 2, CGROUPS_appeared), 1);
	assert_true(block_is_null(cgroup_rows, 2, CGROUPS_oom_kills));

	/* Another group by the name of one that was: it is another. */
	unlink(in_dir("cgroup/a/new/cpu.stat"));
	unlink(in_dir("cgroup/a/new/io.stat"));
	rmdir(in_dir("cgroup/a/new"));
	mkdir(in_dir("cgroup/between"), 0700); /* takes the inode that is free again */
	put("cgroup/cpu.stat", "usage_usec 115\n");
	put("cgroup/a/cpu.stat", "usage_usec 65\n");
	put("cgroup/between/cpu.stat", "usage_usec 1\n");
	assert_int_equal(take_cgroups(), 0);
	assert_int_equal(find_row("/a/new"), -1);
	assert_true(find_row("/between") > 0);
	mkdir(in_dir("cgroup/a/new"), 0700);
	put("cgroup/a/new/cpu.stat", "usage_usec 3\n");
	put("cgroup/cpu.stat", "usage_usec 118\n");
	put("cgroup/a/cpu.stat", "usage_usec 68\n");
	assert_int_equal(take_cgroups(), 0);
	assert_int_equal(cell(cgroup_rows, (uint32_t)find_row("/a/new"), CGROUPS_cpu_ns), 3000);
	sample_cgroups_free(cgroups);
	block_free(cgroup_rows);
}

static void test_without_cgroups_the_table_stays_empty(void **state)
{
	(void)state;
	cgroup_rows = chunk_block_new(CHUNK_CGROUPS);
	cgroups = sample_cgroups_new(&buffer, "");
	assert_int_equal(take_cgroups(), -ENOENT);
	assert_int_equal(cgroup_rows->rows, 0);
	sample_cgroups_free(cgroups);
	block_free(cgroup_rows);
}

/* More rows than there is room for: those left out are reported next time, and nothing is counted twice. */
static void test_what_finds_no_room_is_reported_later(void **state)
{
	char mount[256], name[64], text[64];
	uint64_t sum = 0;
	int n;

	(void)state;
	snprintf(mount, sizeof(mount), "%s", in_dir("many"));
	cgroup_rows = chunk_block_new(CHUNK_CGROUPS);
	n = (int)cgroup_rows->capacity + 100;
	mkdir(mount, 0700);
	put("many/cpu.stat", "usage_usec 1\n");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "many/%d", i);
			mkdir(in_dir(name), 0700);
			snprintf(name, sizeof(name), "many/%d/cpu.stat", i);
			snprintf(text, sizeof(text), "usage_usec %d\n", 5 + round * 2);
			put(name, text);
		}
		if (round == 0) {
			cgroups = sample_cgroups_new(&buffer, mount);
			assert_int_equal(take_cgroups(), 0);
		}
	}
	put("many/cpu.stat", "usage_usec 9\n");
	for (int pass = 0; pass < 3; pass++) {
		assert_int_equal(take_cgroups(), 0);
		for (uint32_t i = 0; i < cgroup_rows->rows; i++)
			if ((int)i != find_row("/"))
				sum += cell(cgroup_rows, i, CGROUPS_cpu_ns);
	}
	assert_int_equal(cgroup_rows->rows, 0);
	assert_int_equal(sum, n * 2000);
	sample_cgroups_free(cgroups);
	block_free(cgroup_rows);
}

static void make_group(const char *name, int usage)
{
	char file[600], text[64];

	mkdir(in_dir(name), 0700);
	snprintf(file, sizeof(file), "%s/cpu.stat", name);
	snprintf(text, sizeof(text), "usage_usec %d\n", usage);
	put(file, text);
}

/* Rows whose group's path begins so. */
static int count_rows(const char *prefix)
{
	int n = 0;

	for (uint32_t i = 0; i < cgroup_rows->rows; i++) {
		size_t len;
		const char *text = block_text(cgroup_rows, i, CGROUPS_cgroup, &len);

		n += len > strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0;
	}
	return n;
}

/* One branch has more groups than there is room for, before and after another's come: those are reported all the same.
 */
static void test_places_are_shared_out(void **state)
{
	char name[256];
	int few = 0, many = 0;

	(void)state;
	cgroup_rows = chunk_block_new(CHUNK_CGROUPS);
	make_group("share", 1);
	make_group("share/many", 1);
	make_group("share/few", 1);
	for (int i = 0; i < SAMPLED_CGROUPS + 100; i++) {
		snprintf(name, sizeof(name), "share/many/%d", i);
		make_group(name, 1);
	}
	snprintf(name, sizeof(name), "%s", in_dir("share"));
	cgroups = sample_cgroups_new(&buffer, name);
	assert_int_equal(take_cgroups(), 0);
	for (int round = 2; round < 8; round++) {
		make_group("share", round);
		make_group("share/few", round);
		make_group("share/many", round);
		for (int i = 0; i < 50; i++) {
			snprintf(name, sizeof(name), "share/few/%d", i);
			make_group(name, round);
		}
		assert_int_equal(take_cgroups(), 0);
		few = count_rows("/few/");
	}
	assert_int_equal(few, 50);
	/* Nobody took more places than were needed. */
	for (int i = 0; i < SAMPLED_CGROUPS + 100; i++) {
		snprintf(name, sizeof(name), "share/many/%d", i);
		make_group(name, 3);
	}
	make_group("share", 9);
	make_group("share/many", 9);
	do {
		assert_int_equal(take_cgroups(), 0);
		many += count_rows("/many/");
	} while (count_rows("/many/"));
	/* Less the root, the two branches, and fifty. */
	assert_int_equal(many, SAMPLED_CGROUPS - 3 - 50);
	sample_cgroups_free(cgroups);
	block_free(cgroup_rows);
}

/* To open a file far down the kernel goes all the way: a chain of groups must not cost the agent its interval. */
static void test_what_is_deep_shows_above(void **state)
{
	char name[256] = "deep";
	int depth;

	(void)state;
	cgroup_rows = chunk_block_new(CHUNK_CGROUPS);
	make_group("deep", 1);
	snprintf(name, sizeof(name), "%s", in_dir("deep"));
	cgroups = sample_cgroups_new(&buffer, name);
	for (int round = 1; round < 3; round++) {
		snprintf(name, sizeof(name), "deep");
		make_group(name, round);
		for (depth = 1; depth <= 40; depth++) {
			strcat(name, "/d");
			make_group(name, round);
		}
		assert_int_equal(take_cgroups(), 0);
	}
	assert_int_equal(cgroup_rows->rows, 33);
	sample_cgroups_free(cgroups);
	block_free(cgroup_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroups_are_reported_when_they_moved),
		cmocka_unit_test(test_without_cgroups_the_table_stays_empty),
		cmocka_unit_test(test_what_finds_no_room_is_reported_later),
		cmocka_unit_test(test_places_are_shared_out),
		cmocka_unit_test(test_what_is_deep_shows_above),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
