// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a store keeps: its limits by bytes and by age, a full disk, a directory that goes and comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/balance.h"
#include "store/reader.h"
#include "tests/chunks.h"
#include "store/writer_inside.h"

#define S     UINT64_C(1000000000)
#define BEGIN (UINT64_C(1767323045) * S)
#define ROWS  200
#define KIB   UINT64_C(1024)

static char base[] = "/tmp/obit-test-XXXXXX";
static char dir[120];
static struct store_writer *writer;
static struct block *blocks[2];
static uint64_t chance;	  /* texts that do not compress */
static uint64_t ahead_ns; /* the clock is so much ahead */

static uint64_t next_chance(void)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance;
}

static void open_store(const char *name, uint64_t retain_bytes, uint64_t retain_age_ns)
{
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN};
	struct store_options options;

	snprintf(dir, sizeof(dir), "%s/%s", base, name);
	options = (struct store_options){.dir = dir, .retain_bytes = retain_bytes, .retain_age_ns = retain_age_ns};
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
}

static void close_store(void)
{
	assert_int_equal(store_writer_close(writer), 0);
	writer = NULL;
}

/* The last chunk of an interval, about 2 KiB on disk, with a balanced ledger: `early` rows were in the chunk before. */
static int append_last(uint64_t number, uint64_t length_ns, uint64_t early)
{
	static uint64_t was_ahead_ns;
	struct interval interval = {number, BEGIN + (number - 1) * length_ns + was_ahead_ns,
				    BEGIN + number * length_ns + ahead_ns, 1};

	was_ahead_ns = ahead_ns;

	block_clear(blocks[0]);
	block_clear(blocks[1]);
	chance = number * 0x9e3779b97f4a7c15; /* the same for the same interval */
	for (uint32_t i = 0; i < ROWS; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "%014llx", (unsigned long long)next_chance() >> 8);
		block_add_row(blocks[0]);
		block_set_number(blocks[0], i, EXITS_exit_time, interval.begin_real_ns + i);
		block_set_text(blocks[0], i, EXITS_comm, comm, 14);
	}
	block_add_row(blocks[1]);
	block_set_number(blocks[1], 0, LEDGER_time, interval.end_real_ns);
	block_set_number(blocks[1], 0, LEDGER_opening, 50);
	block_set_number(blocks[1], 0, LEDGER_forks, ROWS + early);
	block_set_number(blocks[1], 0, LEDGER_exits_seen, ROWS + early);
	block_set_number(blocks[1], 0, LEDGER_exits_recorded, ROWS + early);
	block_set_number(blocks[1], 0, LEDGER_exits_rolled_up, 0);
	block_set_number(blocks[1], 0, LEDGER_closing, 50);
	return store_writer_append(writer, &interval, blocks, 2);
}

static int append(uint64_t number, uint64_t length_ns)
{
	return append_last(number, length_ns, 0);
}

static uint64_t store_bytes_of(const char *of)
{
	DIR *entries = opendir(of);
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	assert_non_null(entries);
	while ((entry = readdir(entries)))
		if (strstr(entry->d_name, ".obit") && fstatat(dirfd(entries), entry->d_name, &st, 0) == 0)
			bytes += (uint64_t)st.st_size;
	closedir(entries);
	return bytes;
}

static void ignore(void *context, const struct balance_finding *finding)
{
	(void)context, (void)finding;
}

/* Reads it all: no damage, a balanced ledger without a gap, of one run; first and last interval. */
static void audit(uint64_t *ret_first, uint64_t *ret_last)
{
	struct store_select select = {0};
	struct balance_sink sink = {ignore, NULL};
	struct balance *balance = balance_new(0, &sink);
	const struct balance_run *run;
	struct store_reader *reader;
	struct group_reader *groups;
	const struct store_part *part;
	size_t n;

	assert_int_equal(store_reader_open(dir, &select, &reader), 0);
	groups = group_reader_new(store_reader_note_damage, reader);
	while (store_reader_next(reader, &part) > 0)
		assert_int_equal(balance_add(balance, part, &select, groups), 0);
	group_reader_free(groups);
	store_reader_damage(reader, &n);
	assert_int_equal(n, 0);
	run = balance_runs(balance, &n);
	assert_int_equal(n, 1);
	assert_int_equal(run->n_findings, 0);
	*ret_first = run->first_number;
	*ret_last = run->last.number;
	store_reader_close(reader);
	balance_free(balance);
}

static void test_cap_holds_after_every_append_and_the_oldest_go_first(void **state)
{
	uint64_t first, last, before = 1;
	struct store_counts counts;

	(void)state;
	open_store("cap", 512 * KIB, 0);
	for (uint64_t number = 1; number <= 600; number++) {
		assert_int_equal(append(number, S), 0);
		store_writer_counts(writer, &counts);
		assert_true(store_bytes_of(dir) <= 512 * KIB);
		assert_int_equal(counts.kept_bytes, store_bytes_of(dir));
		if (number % 100)
			continue;
		audit(&first, &last);
		assert_true(first >= before);
		assert_int_equal(last, number);
		before = first;
	}
	assert_true(first > 300);
	assert_true(counts.evicted > 10);
	assert_true(store_bytes_of(dir) > 512 * KIB / 16 * 14);
	close_store();
	assert_true(store_bytes_of(dir) <= 512 * KIB);
}

static void test_smaller_cap_holds_from_the_start(void **state)
{
	uint64_t first, last;

	(void)state;
	open_store("cap", 128 * KIB, 0);
	assert_true(store_bytes_of(dir) <= 128 * KIB);
	assert_int_equal(append(601, S), 0);
	audit(&first, &last);
	assert_int_equal(last, 601);
	close_store();
}

static void test_interval_larger_than_the_cap_is_kept_alone(void **state)
{
	uint64_t first, last;

	(void)state;
	open_store("tiny", 1 * KIB, 0);
	for (uint64_t number = 1; number <= 5; number++)
		assert_int_equal(append(number, S), 0);
	audit(&first, &last);
	assert_int_equal(first, 5);
	close_store();
}

static void test_age_removes_what_ended_before_it(void **state)
{
	uint64_t first, last;

	(void)state;
	open_store("age", 1024 * KIB * KIB, 160 * S);
	for (uint64_t number = 1; number <= 400; number++) {
		assert_int_equal(append(number, S), 0);
		audit(&first, &last);
		/* The oldest segment goes as a whole: when its last interval, at most 10 s after its first, is too old.
		 */
		assert_true(number - first <= 171);
		assert_true(number <= 160 || number - first >= 159);
	}
	close_store();
}

static void test_a_wrong_clock_removes_nothing_for_its_age(void **state)
{
	struct store_counts counts;

	(void)state;
	open_store("clock", 1024 * KIB * KIB, 700 * S);
	for (uint64_t number = 1; number <= 1400; number++) {
		ahead_ns = number > 300 && number <= 303 ? 365 * 86400 * S : 0;
		assert_int_equal(append(number, S), 0);
		store_writer_counts(writer, &counts);
		/* At 701 the first would go; ten minutes after the clock came back at 304 are over at 903. */
		assert_true(number > 903 || counts.evicted == 0);
		assert_true(number < 950 || counts.evicted > 0);
	}
	assert_int_equal(counts.clock_jumps, 1);
	close_store();
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static void write_target(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "%s/target", base);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
}

static void assert_untouched(const char *path)
{
	char text[16] = "";
	struct stat st;
	int fd = open(path, O_RDONLY);

	assert_int_equal(read(fd, text, sizeof(text)), 6);
	assert_string_equal(text, "secret");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(fd);
}

/* As somebody may who could write to the directory once. */
static void test_planted_files_lead_nowhere(void **state)
{
	struct store_options options = {.dir = dir};
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN};
	char target[200], path[300];
	uint64_t first, last;
	struct stat st;

	(void)state;
	write_target(target, sizeof(target));
	snprintf(dir, sizeof(dir), "%s/planted", base);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(link(target, path), 0);
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -ELOOP);
	assert_int_equal(unlink(path), 0);
	/* A torn log, whose sealing takes the name that a link has. */
	open_store("planted", 0, 0);
	for (uint64_t number = 1; number <= 3; number++)
		assert_int_equal(append(number, S), 0);
	close_store();
	snprintf(path, sizeof(path), "%s/00000000000000000005.obit", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/00000000000000000006.obit", dir);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof(path), "%s/18446744073709551615.obit", dir);
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 022, 0);
	audit(&first, &last);
	assert_int_equal(last, 3);
	snprintf(path, sizeof(path), "%s/%020llu.obit", dir, (unsigned long long)BEGIN);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	snprintf(path, sizeof(path), "%s/.sealing", dir);
	assert_int_equal(symlink(target, path), 0);
	options.is_sealing = true;
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	close_store();
	assert_int_equal(inode_of(path), 0);
	assert_untouched(target);
}

static void test_a_directory_that_is_refused_stays_as_it_was(void **state)
{
	struct store_options options = {.dir = dir};
	struct origin origin = {.host = "h", .boot_id = "b", .run_real_ns = BEGIN};
	struct stat before, after;
	char path[200];
	int fd;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/foreign", base);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	snprintf(path, sizeof(path), "%s/letter.txt", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	assert_int_equal(stat(dir, &before), 0);
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), -EMEDIUMTYPE);
	assert_int_equal(stat(dir, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_gid, before.st_gid);
}

static void test_quiet_store_is_sealed_every_hour(void **state)
{
	struct store_counts counts;
	DIR *entries;
	int n = 0;

	(void)state;
	open_store("quiet", 1024 * KIB * KIB, 0);
	for (uint64_t number = 1; number <= 30; number++)
		assert_int_equal(append(number, 600 * S), 0);
	store_writer_counts(writer, &counts);
	assert_int_equal(counts.evicted, 0);
	entries = opendir(dir);
	for (struct dirent *entry; (entry = readdir(entries));)
		n += strstr(entry->d_name, ".obit") != NULL;
	closedir(entries);
	assert_int_equal(n, 5);
	close_store();
}

/* A disk with so much room for the store. */
static uint64_t disk_bytes;

static ssize_t write_to_disk(int fd, const void *data, size_t len)
{
	uint64_t used = store_bytes_of(dir), room = used < disk_bytes ? disk_bytes - used : 0;

	if (!room) {
		errno = ENOSPC;
		return -1;
	}
	return write(fd, data, len < room ? len : room);
}

static const struct file_calls full_disk = {write_to_disk, ftruncate, fsync};

static void test_full_disk_costs_the_oldest(void **state)
{
	uint64_t first, last;
	struct store_counts counts;

	(void)state;
	open_store("full", 1024 * KIB, 0);
	store_writer_set_calls(writer, &full_disk);
	disk_bytes = 600 * KIB;
	/* The last of them is inside a segment. */
	for (uint64_t number = 1; number <= 605; number++)
		assert_int_equal(append(number, S), 0);
	store_writer_counts(writer, &counts);
	assert_true(counts.evicted_full > 0);
	assert_int_equal(counts.evicted_full, counts.evicted);
	audit(&first, &last);
	assert_int_equal(last, 605);
	assert_true(first > 1 && first < 550);
	/* Somebody else takes all of the disk: when nothing is left to remove it is an error, and no loss. */
	disk_bytes = 0;
	for (int i = 0; i < 50; i++)
		assert_int_equal(append(606, S), -ENOSPC);
	audit(&first, &last);
	assert_int_equal(last, 605);
	disk_bytes = 600 * KIB;
	for (uint64_t number = 606; number <= 615; number++)
		assert_int_equal(append(number, S), 0);
	audit(&first, &last);
	assert_int_equal(last, 615);
	close_store();
}

static void test_nothing_is_removed_without_a_limit(void **state)
{
	struct store_counts counts;
	uint64_t first, last;
	int r = 0;

	(void)state;
	open_store("all", 0, 0);
	store_writer_set_calls(writer, &full_disk);
	disk_bytes = 100 * KIB;
	for (uint64_t number = 1; number <= 300 && r == 0; number++)
		r = append(number, S);
	assert_int_equal(r, -ENOSPC);
	store_writer_counts(writer, &counts);
	assert_int_equal(counts.evicted, 0);
	audit(&first, &last);
	assert_int_equal(first, 1);
	disk_bytes = 1000 * KIB;
	close_store();
}

static void test_directory_that_comes_back_is_gone_on_in(void **state)
{
	struct store_counts counts;
	char script[300], other[sizeof(dir)];
	uint64_t first, last;

	(void)state;
	open_store("gone", 1024 * KIB, 0);
	for (uint64_t number = 1; number <= 3; number++)
		assert_int_equal(append(number, S), 0);
	/* Removed: an error until there is one again, and then nothing twice and nothing missing from then on. */
	snprintf(script, sizeof(script), "rm -r %s", dir);
	assert_int_equal(system(script), 0);
	assert_int_equal(append(4, S), -ENOENT);
	assert_int_equal(append(4, S), -ENOENT);
	assert_int_equal(mkdir(dir, 0750), 0);
	assert_int_equal(append(4, S), 0);
	assert_int_equal(append(5, S), 0);
	audit(&first, &last);
	assert_int_equal(first, 4);
	assert_int_equal(last, 5);
	/* Moved away and back: the same segment goes on. */
	snprintf(other, sizeof(other), "%s/moved", base);
	assert_int_equal(rename(dir, other), 0);
	assert_int_equal(append(6, S), -ENOENT);
	assert_int_equal(rename(other, dir), 0);
	assert_int_equal(append(6, S), 0);
	/* Moved for good: what was written there is whole. */
	assert_int_equal(rename(dir, other), 0);
	assert_int_equal(append(7, S), -ENOENT);
	assert_int_equal(mkdir(dir, 0750), 0);
	assert_int_equal(append(7, S), 0);
	audit(&first, &last);
	assert_int_equal(first, 7);
	/* Only its files are removed. */
	snprintf(script, sizeof(script), "rm %s/*.obit", dir);
	assert_int_equal(system(script), 0);
	assert_int_equal(append(8, S), 0);
	audit(&first, &last);
	assert_int_equal(first, 8);
	store_writer_counts(writer, &counts);
	assert_int_equal(counts.restarts, 3);
	close_store();
	snprintf(dir, sizeof(dir), "%s", other);
	audit(&first, &last);
	assert_int_equal(first, 4);
	assert_int_equal(last, 6);
}

static void test_chunk_that_waited_for_the_disk_goes_to_the_new_directory(void **state)
{
	char script[300];
	uint64_t first, last;

	(void)state;
	open_store("waited", 1024 * KIB, 0);
	assert_int_equal(append(1, S), 0);
	store_writer_set_calls(writer, &full_disk);
	disk_bytes = 0;
	assert_int_equal(append(2, S), -ENOSPC);
	disk_bytes = 1024 * KIB;
	snprintf(script, sizeof(script), "rm -r %s && mkdir %s", dir, dir);
	assert_int_equal(system(script), 0);
	assert_int_equal(append(2, S), 0);
	assert_int_equal(append(3, S), 0);
	audit(&first, &last);
	assert_int_equal(first, 2);
	assert_int_equal(last, 3);
	close_store();
}

static void test_segment_is_not_sealed_while_the_next_interval_is_in_it(void **state)
{
	uint64_t first, last;

	(void)state;
	open_store("early", 512 * KIB, 0);
	for (uint64_t number = 1; number <= 600; number++) {
		struct interval early = {number + 1, BEGIN + number * S, 0, 0};

		/* Every second interval has begun before the one before it ends. */
		block_clear(blocks[0]);
		block_clear(blocks[1]);
		for (uint32_t i = 0; i < 10; i++)
			block_add_row(blocks[0]);
		if (number % 2)
			assert_int_equal(store_writer_append(writer, &early, blocks, 2), 0);
		assert_int_equal(append_last(number, S, number % 2 ? 0 : 10), 0);
		if (number > 200)
			audit(&first, &last);
	}
	assert_true(first > 300);
	close_store();
}

static int set_up(void **state)
{
	(void)state;
	blocks[0] = block_new(table_by_id(TABLE_EXITS), ROWS, ROWS * 16);
	blocks[1] = block_new(table_by_id(TABLE_LEDGER), 1, 1);
	return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	char script[100];

	(void)state;
	block_free(blocks[0]);
	block_free(blocks[1]);
	snprintf(script, sizeof(script), "rm -rf %s", base);
	return system(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cap_holds_after_every_append_and_the_oldest_go_first),
		cmocka_unit_test(test_smaller_cap_holds_from_the_start),
		cmocka_unit_test(test_interval_larger_than_the_cap_is_kept_alone),
		cmocka_unit_test(test_age_removes_what_ended_before_it),
		cmocka_unit_test(test_a_wrong_clock_removes_nothing_for_its_age),
		cmocka_unit_test(test_planted_files_lead_nowhere),
		cmocka_unit_test(test_a_directory_that_is_refused_stays_as_it_was),
		cmocka_unit_test(test_quiet_store_is_sealed_every_hour),
		cmocka_unit_test(test_full_disk_costs_the_oldest),
		cmocka_unit_test(test_nothing_is_removed_without_a_limit),
		cmocka_unit_test(test_directory_that_comes_back_is_gone_on_in),
		cmocka_unit_test(test_chunk_that_waited_for_the_disk_goes_to_the_new_directory),
		cmocka_unit_test(test_segment_is_not_sealed_while_the_next_interval_is_in_it),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
