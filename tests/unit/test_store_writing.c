// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writing when it goes wrong: calls that fail at every point, writers that are killed, and what the next
 * writer makes of what they left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store_fixture.h"
#include "store_craft.h"
#include "store/seal.h"
#include "store/writer_inside.h"

#define SEED UINT64_C(20260102)

/* How a call fails. */
enum fault {
	WRITE_FAILS,
	WRITE_IS_SHORT_THEN_FAILS,
	WRITE_IS_SHORT_THEN_ALL_FAILS, /* what was written cannot be taken back either */
	WRITE_GIVES_ZERO,
	WRITE_IS_SHORT, /* these two are no errors */
	WRITE_IS_INTERRUPTED,
	FSYNC_FAILS,
	N_FAULTS
};

static struct {
	enum fault fault;
	int at, times; /* the first write (or fsync) that fails, and how often */
	int writes, fsyncs;
	int truncates_fail;
} plan;

static struct records written;
static struct reading reading;

static ssize_t planned_write(int fd, const void *data, size_t len)
{
	int call = plan.writes++;

	plan.truncates_fail = plan.fault == WRITE_IS_SHORT_THEN_ALL_FAILS;
	if (plan.fault == FSYNC_FAILS || call < plan.at || plan.times == 0)
		return write(fd, data, len);
	switch (plan.fault) {
	case WRITE_IS_SHORT_THEN_FAILS:
	case WRITE_IS_SHORT_THEN_ALL_FAILS:
		if ((call - plan.at) % 2 == 0)
			return write(fd, data, len > 1 ? len / 2 : 1);
		break;
	case WRITE_GIVES_ZERO:
		plan.times--;
		return 0;
	case WRITE_IS_SHORT:
		plan.times--;
		return write(fd, data, 1);
	case WRITE_IS_INTERRUPTED:
		plan.times--;
		errno = EINTR;
		return -1;
	default:
		break;
	}
	plan.times--;
	errno = ENOSPC;
	return -1;
}

static int planned_ftruncate(int fd, off_t len)
{
	if (!plan.truncates_fail)
		return ftruncate(fd, len);
	errno = EIO;
	return -1;
}

static int planned_fsync(int fd)
{
	(void)fd;
	if (plan.fault != FSYNC_FAILS || plan.fsyncs++ < plan.at || plan.times == 0)
		return 0;
	plan.times--;
	errno = EIO;
	return -1;
}

static const struct file_calls planned = {planned_write, planned_ftruncate, planned_fsync};

static void plan_fault(enum fault fault, int at, int times)
{
	memset(&plan, 0, sizeof(plan));
	plan.fault = fault;
	plan.at = at;
	plan.times = times;
}

static void add_size(int dir_fd, const char *name, void *context)
{
	struct stat st;

	if (!strstr(name, ".obit"))
		return;
	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	*(uint64_t *)context += (uint64_t)st.st_size;
}

static uint64_t size_of_segments(const struct fixture *fixture)
{
	uint64_t size = 0;

	each_file(fixture->dir, add_size, &size);
	return size;
}

static int error_of(enum fault fault)
{
	return fault == WRITE_GIVES_ZERO ? -EIO : -ENOSPC;
}

/* Appends until it works; meanwhile readers see what is whole, and no damage. The number of failures. */
static int append_at_last(struct fixture *fixture, struct store_writer *writer, uint64_t number, int is_last)
{
	struct interval interval = interval_of(1, number, is_last);
	struct record record = fill_chunk(fixture, &interval, 6, interval.begin_real_ns + written.n);
	int failures = 0, r;

	while ((r = store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS)) < 0) {
		assert_int_equal(r, error_of(plan.fault));
		assert_true(failures++ < 10);
		read_store(fixture, NULL, &reading);
		assert_reads(&reading, &written, written.n);
		assert_int_equal(reading.n_damage, 0);
	}
	assert_int_equal(r, 0);
	add_record(&written, record);
	return failures;
}

/* Five intervals of two chunks, several segments. What close() said; *ret_failures: appends that failed. */
static int write_with_faults(struct fixture *fixture, int *ret_failures)
{
	struct store_options options = {.dir = fixture->dir, .segment_bytes = 24000, .fsync_each_interval = 1};
	struct origin origin = origin_of(1);
	struct store_writer *writer;

	empty_store(fixture);
	written.n = 0;
	*ret_failures = 0;
	assert_int_equal(store_writer_open(&options, &origin, &writer, NULL), 0);
	store_writer_set_calls(writer, &planned);
	for (uint64_t number = 1; number <= 5; number++)
		for (int is_last = 0; is_last < 2; is_last++)
			*ret_failures += append_at_last(fixture, writer, number, is_last);
	assert_int_equal(store_writer_bytes(writer), size_of_segments(fixture));
	return store_writer_close(writer);
}

static void test_a_write_that_fails_at_any_point_is_made_good_by_the_next_try(void **state)
{
	struct fixture *fixture = *state;
	int failures, writes, in_append = 0;
	uint64_t size;

	plan_fault(WRITE_FAILS, 0, 0);
	assert_int_equal(write_with_faults(fixture, &failures), 0);
	writes = plan.writes;
	size = size_of_segments(fixture);
	assert_true(writes >= 10 && count_segments(fixture) >= 2);
	for (int fault = WRITE_FAILS; fault <= WRITE_IS_INTERRUPTED; fault++)
		for (int times = 1; times <= 3; times += 2)
			for (int at = 0; at < writes; at++) {
				int r, is_error = fault < WRITE_IS_SHORT;

				plan_fault((enum fault)fault, at, times);
				r = write_with_faults(fixture, &failures);
				/* Closing tries once only: its error is reported, and the rows are there all the same.
				 */
				if (r != 0)
					assert_true(at == writes - 1 && is_error && r == error_of(plan.fault));
				else
					assert_true(!is_error == (failures == 0));
				in_append += failures;
				read_store(fixture, NULL, &reading);
				assert_reads(&reading, &written, written.n);
				if (r == 0) {
					assert_int_equal(reading.n_damage, 0);
					assert_int_equal(size_of_segments(fixture), size);
				}
			}
	assert_true(in_append > 4 * 4 * (writes - 2));
	assert_int_equal(store_writer_close(open_writer(fixture, 2, 0)), 0);
	assert_zstd_accepts(fixture);
}

static void test_an_fsync_that_fails_is_reported_when_the_writer_closes(void **state)
{
	struct fixture *fixture = *state;
	int failures, fsyncs;

	plan_fault(FSYNC_FAILS, 0, 0);
	assert_int_equal(write_with_faults(fixture, &failures), 0);
	fsyncs = plan.fsyncs;
	assert_true(fsyncs >= 5);
	for (int at = 0; at < fsyncs; at++) {
		plan_fault(FSYNC_FAILS, at, 1);
		assert_int_equal(write_with_faults(fixture, &failures), -EIO);
		assert_int_equal(failures, 0);
		read_store(fixture, NULL, &reading);
		assert_reads(&reading, &written, written.n);
		assert_int_equal(reading.n_damage, 0);
	}
}

static void test_an_fsync_that_fails_is_reported_when_the_last_chunk_has_sealed_the_segment(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 1);

	written.n = 0;
	plan_fault(FSYNC_FAILS, 0, 1);
	store_writer_set_calls(writer, &planned);
	append(fixture, writer, interval_of(1, 1, 1), 5, &written);
	assert_int_equal(plan.fsyncs, 1);
	assert_int_equal(store_writer_close(writer), -EIO);
}

static void test_closing_writes_what_the_last_try_could_not(void **state)
{
	struct fixture *fixture = *state;
	struct interval interval = interval_of(1, 1, 1);
	uint64_t size = 0;

	for (uint64_t segment_bytes = 1; segment_bytes <= 1u << 20; segment_bytes <<= 20)
		for (int fails = 0; fails < 2; fails++) {
			struct store_writer *writer;

			empty_store(fixture);
			writer = open_writer(fixture, 1, segment_bytes);
			store_writer_set_calls(writer, &planned);
			plan_fault(WRITE_FAILS, 0, fails);
			written.n = 0;
			add_record(&written, fill_chunk(fixture, &interval, 5, 1));
			assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS),
					 fails ? -ENOSPC : 0);
			assert_int_equal(store_writer_close(writer), 0);
			read_store(fixture, NULL, &reading);
			assert_reads(&reading, &written, 1);
			/* One seal, as without the failure. */
			if (fails)
				assert_int_equal(size_of_segments(fixture), size);
			size = size_of_segments(fixture);
		}
}

static void test_a_chunk_given_up_does_not_take_the_place_of_the_next(void **state)
{
	struct fixture *fixture = *state;
	struct store_writer *writer = open_writer(fixture, 1, 0);
	struct interval interval = interval_of(1, 1, 0);

	written.n = 0;
	store_writer_set_calls(writer, &planned);
	/* Of the same interval and length: only their rows say them apart. */
	for (uint64_t i = 0; i < 4; i++) {
		int r;

		plan_fault(WRITE_FAILS, 0, i % 2 == 0);
		add_record(&written, fill_chunk(fixture, &interval, 5, i));
		r = store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS);
		assert_int_equal(r, i % 2 == 0 ? -ENOSPC : 0);
	}
	assert_int_equal(store_writer_close(writer), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 4);
}

static void put_header(struct sink *sink, const struct origin *origin)
{
	size_t n;
	const struct table *const *tables = tables_all(&n);

	header_put(sink, origin, tables, n);
}

/* A segment as a killed writer leaves it: three chunks and the beginning of a fourth. */
static void make_torn(struct fixture *fixture, struct segment_name *ret)
{
	struct origin origin = origin_of(1);
	struct sink header = {0};
	struct craft craft;

	empty_store(fixture);
	written.n = 0;
	put_header(&header, &origin);
	craft_open(&craft, fixture, BEGIN, &header);
	for (uint64_t number = 1; number <= 4; number++) {
		struct interval interval = interval_of(1, number, 1);
		struct record record = fill_chunk(fixture, &interval, 5, number);

		record.end = craft_chunk(&craft, &interval, fixture->blocks, N_BLOCKS);
		add_record(&written, record);
	}
	written.n = 3;
	assert_int_equal(ftruncate(craft.fd, (off_t)written.list[3].end - 1), 0);
	craft_close(&craft);
	directory_name(ret, BEGIN);
}

static int seal_with_faults(int dir_fd, const struct segment_name *name)
{
	struct seal_result result;
	int r = seal_write(dir_fd, name, &planned, NULL, &result);

	return r < 0 ? r : seal_replace(dir_fd, name, &result);
}

static void test_sealing_a_torn_segment_fails_without_harm(void **state)
{
	struct fixture *fixture = *state;
	struct segment_name name;
	int dir_fd, writes, r;

	make_torn(fixture, &name);
	dir_fd = open(fixture->dir, O_RDONLY | O_DIRECTORY);
	assert_true(dir_fd >= 0);
	plan_fault(WRITE_FAILS, 0, 0);
	assert_int_equal(seal_with_faults(dir_fd, &name), 0);
	writes = plan.writes;
	for (int fault = WRITE_FAILS; fault < N_FAULTS; fault++)
		for (int at = 0; at < (fault == FSYNC_FAILS ? 1 : writes); at++) {
			make_torn(fixture, &name);
			plan_fault((enum fault)fault, at, 1);
			r = seal_with_faults(dir_fd, &name);
			if (fault == WRITE_IS_SHORT || fault == WRITE_IS_INTERRUPTED)
				assert_int_equal(r, 0);
			else
				assert_int_equal(r, fault == FSYNC_FAILS ? -EIO : error_of(plan.fault));
			assert_int_equal(faccessat(dir_fd, SEALING_NAME, F_OK, 0), -1);
			read_store(fixture, NULL, &reading);
			assert_reads(&reading, &written, 3);
			assert_int_equal(reading.n_damage, r < 0);
		}
	close(dir_fd);
}

static void test_a_sealed_remnant_keeps_its_owner_and_mode(void **state)
{
	struct fixture *fixture = *state;
	struct segment_name name;
	struct stat st;
	char path[128];

	make_torn(fixture, &name);
	last_segment(fixture, path, sizeof(path));
	assert_int_equal(chmod(path, 0644), 0);
	if (getuid() == 0)
		assert_int_equal(chown(path, 1234, 4321), 0);
	else
		print_message("SKIPPED in part: only root can give a file away\n");
	assert_int_equal(store_writer_close(open_sealing_writer(fixture, 2, 0)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	if (getuid() == 0) {
		assert_int_equal(st.st_uid, 1234);
		assert_int_equal(st.st_gid, 4321);
	}
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 3);
	assert_int_equal(reading.n_damage, 0);
}

static void test_a_chunk_without_a_head_does_not_keep_the_next_writer_out(void **state)
{
	static const unsigned char empty[CHUNK_PREFIX]; /* no bytes, and their right checksum */
	struct fixture *fixture = *state;
	struct origin origin = origin_of(1);
	struct sink header = {0};
	struct craft craft;

	written.n = 0;
	put_header(&header, &origin);
	craft_open(&craft, fixture, BEGIN, &header);
	for (uint64_t number = 1; number <= 2; number++) {
		struct interval interval = interval_of(1, number, 1);

		add_record(&written, fill_chunk(fixture, &interval, 5, number));
		craft_chunk(&craft, &interval, fixture->blocks, N_BLOCKS);
		craft_bytes(&craft, empty, sizeof(empty));
		craft_end_frame(&craft);
	}
	craft_close(&craft);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 2);
	assert_true(reading.n_damage > 0);
	assert_int_equal(store_writer_close(open_writer(fixture, 2, 0)), 0);
	read_store(fixture, NULL, &reading);
	assert_reads(&reading, &written, 2);
}

/* A killed writer should be caught within a write, too. */
static ssize_t slow_write(int fd, const void *data, size_t len)
{
	return write(fd, data, len > 400 ? len / 2 : len);
}

static const struct file_calls slow = {slow_write, ftruncate, planned_fsync};

#define MAX_TO_KILL 40 /* intervals */

/* Writes interval after interval until it is killed; says each that has been written. */
static void write_until_killed(struct fixture *fixture, uint64_t run, int to)
{
	struct store_writer *writer = open_writer(fixture, run, 30000);

	store_writer_set_calls(writer, &slow);
	for (uint64_t number = 1;; number++) {
		struct interval interval = interval_of(run, number, 1);

		fill_chunk(fixture, &interval, 8, interval.begin_real_ns);
		if (store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS) != 0 ||
		    write(to, &number, sizeof(number)) != sizeof(number))
			_exit(1);
		/* The killer can be late. */
		if (number == MAX_TO_KILL)
			for (;;)
				pause();
	}
}

/* The last interval that the killed writer said it had written. */
static uint64_t kill_a_writer(struct fixture *fixture, uint64_t run, uint64_t random)
{
	uint64_t after = random % 12, number = 0, last;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		write_until_killed(fixture, run, ends[1]);
	close(ends[1]);
	while (number < after)
		assert_int_equal(read(ends[0], &number, sizeof(number)), sizeof(number));
	usleep((useconds_t)(random / 12 % 800));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(ends[0], &last, sizeof(last)) == sizeof(last))
		number = last;
	close(ends[0]);
	return number;
}

static void test_a_killed_writer_loses_the_interval_in_flight_at_the_most(void **state)
{
	struct fixture *fixture = *state;
	uint64_t random = SEED;

	print_message("seed %llu\n", (unsigned long long)SEED);
	written.n = 0;
	for (uint64_t run = 1; run <= 40; run += 2) {
		uint64_t reported = kill_a_writer(fixture, run, random = mix(random)), n;
		struct store_writer *writer = open_sealing_writer(fixture, run + 1, 0);

		read_store(fixture, NULL, &reading);
		n = reading.records.n - written.n;
		assert_true(reading.records.n >= written.n && n >= reported && n <= reported + 1);
		for (uint64_t number = 1; number <= n; number++) {
			struct interval interval = interval_of(run, number, 1);

			add_record(&written, fill_chunk(fixture, &interval, 8, interval.begin_real_ns));
		}
		append(fixture, writer, interval_of(run + 1, 1, 1), 5, &written);
		assert_int_equal(store_writer_close(writer), 0);
		read_store(fixture, NULL, &reading);
		assert_reads(&reading, &written, written.n);
		assert_int_equal(reading.n_damage, 0);
	}
	assert_zstd_accepts(fixture);
}

static void test_a_chunk_that_no_file_takes_goes_in_parts(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit before, small = {50000, RLIM_INFINITY};
	struct interval interval = interval_of(1, 1, 1);
	struct store_writer *writer;
	uint64_t digest = 0, read = 0;
	struct store_select all = {0};
	struct chunks chunks = {0};
	struct store_reader *reader;
	struct store_chunk chunk;
	int n_last = 0;

	fill_chunk(fixture, &interval, 2000, 7);
	for (int i = 0; i < N_BLOCKS; i++)
		digest += digest_block(fixture->blocks[i]);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	writer = open_writer(fixture, 1, 0);
	assert_int_equal(store_writer_append(writer, &interval, fixture->blocks, N_BLOCKS), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(store_writer_close(writer), 0);
	assert_int_equal(store_reader_open(fixture->dir, &all, &reader), 0);
	while (chunks_next(&chunks, reader, &chunk) > 0) {
		for (size_t i = 0; i < chunk.n_blocks; i++)
			read += digest_block(chunk.blocks[i]);
		assert_int_equal(chunk.interval.number, 1);
		assert_int_equal(n_last, 0);
		n_last += chunk.interval.is_last_chunk;
	}
	chunks_done(&chunks);
	store_reader_close(reader);
	assert_int_equal(n_last, 1);
	assert_int_equal(read, digest);
	assert_true(count_segments(fixture) > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_write_that_fails_at_any_point_is_made_good_by_the_next_try),
		TEST(test_an_fsync_that_fails_is_reported_when_the_writer_closes),
		TEST(test_an_fsync_that_fails_is_reported_when_the_last_chunk_has_sealed_the_segment),
		TEST(test_a_chunk_that_no_file_takes_goes_in_parts),
		TEST(test_closing_writes_what_the_last_try_could_not),
		TEST(test_a_chunk_given_up_does_not_take_the_place_of_the_next),
		TEST(test_sealing_a_torn_segment_fails_without_harm),
		TEST(test_a_sealed_remnant_keeps_its_owner_and_mode),
		TEST(test_a_chunk_without_a_head_does_not_keep_the_next_writer_out),
		TEST(test_a_killed_writer_loses_the_interval_in_flight_at_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
