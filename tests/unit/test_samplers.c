// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the samplers make of the texts of /proc and of cgroup files: whole, cut off at every byte, and not
 * what they should be; and of counters that wrap, fall, come and go, in files made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "sampler_fixture.h"

#include "sample/sample_cgroups.h"
#include "sample/sample_disks.h"
#include "sample/sample_nics.h"
#include "sample/sample_system.h"
#include "sample/samplers.h"

#define MS		       UINT64_C(1000000)
#define KNOWN(readings, field) ((readings).known >> (field)&1)

static const char stat_text[] = "cpu  100 2 30 400 5 6 7 8 20 1\n"
				"cpu0 50 1 15 200 2 3 3 4 10 0\n"
				"cpu2 50 1 15 200 3 3 4 4 10 1\n"
				"intr 12345 0 0 7\n"
				"ctxt 1001\nbtime 1700000000\nprocesses 77\nprocs_running 3\nprocs_blocked 1\n"
				"softirq 9 1 2\n";
static const char meminfo_text[] = "MemTotal:       1000 kB\nMemFree:         200 kB\nMemAvailable:    300 kB\n"
				   "Buffers:          10 kB\nCached:          400 kB\nSwapCached:        9 kB\n"
				   "SwapTotal:        50 kB\nSwapFree:         40 kB\nDirty:             7 kB\n"
				   "AnonPages:       123 kB\nShmem:            11 kB\nSlab:             66 kB\n"
				   "HugePages_Total:   0\n";
static const char vmstat_text[] = "nr_free_pages 12\npgpgin 10\npgpgout 20\npswpin 1\npswpout 2\n"
				  "pgfault 1000\npgmajfault 10\noom_kill 4\n";
static const char pressure_text[] = "some avg10=0.00 avg60=1.50 avg300=0.00 total=123456\n"
				    "full avg10=0.00 avg60=0.00 avg300=0.00 total=789\n";
static const char io_stat_text[] = "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n"
				   "8:16 rbytes=1000 wbytes=2000 rios=10 wios=20 dbytes=5 dios=6\n";
static const char disk_text[] = " 259       0 nvme0n1 10 11 12 13 20 21 22 23 3 31 32 40 41 42 43 50 51\n";
static const char net_text[] = "Inter-|   Receive                   |  Transmit\n"
			       " face |bytes    packets errs drop fifo frame |bytes    packets errs\n"
			       "    lo:    6534      58    1    2    0     0          0         0"
			       "     6535      59    3    4    0     0       0          0\n"
			       "eth0:1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n";

static struct proc_text text_of(const char *string)
{
	return proc_text(string, strlen(string));
}

static void test_stat_is_read(void **state)
{
	struct readings f = {0};

	(void)state;
	system_read_stat(text_of(stat_text), 10 * MS, &f);
	assert_int_equal(f.values[SYSTEM_cpus], 2);
	assert_int_equal(f.values[SYSTEM_user_ns], 1000 * MS);
	assert_int_equal(f.values[SYSTEM_steal_ns], 80 * MS);
	assert_int_equal(f.values[SYSTEM_guest_ns], 210 * MS);
	assert_int_equal(f.values[SYSTEM_context_switches], 1001);
	assert_int_equal(f.values[SYSTEM_forks], 77);
	assert_int_equal(f.values[SYSTEM_running], 3);
	assert_int_equal(f.values[SYSTEM_blocked], 1);

	/* A kernel with fewer columns. */
	f = (struct readings){0};
	system_read_stat(text_of("cpu  1 2 3 4\n"), 10 * MS, &f);
	assert_int_equal(f.known, READING_BIT(SYSTEM_user_ns) | READING_BIT(SYSTEM_nice_ns) |
					  READING_BIT(SYSTEM_system_ns) | READING_BIT(SYSTEM_idle_ns));
}

static void test_memory_and_paging_are_read(void **state)
{
	struct readings f = {0};

	(void)state;
	system_read_meminfo(text_of(meminfo_text), &f);
	system_read_vmstat(text_of(vmstat_text), &f);
	readings_read_pressure(text_of(pressure_text), SYSTEM_io_some_ns, SYSTEM_io_full_ns, &f);
	assert_int_equal(f.values[SYSTEM_memory_total_bytes], 1000 * 1024);
	assert_int_equal(f.values[SYSTEM_cached_bytes], 400 * 1024);
	assert_int_equal(f.values[SYSTEM_swap_free_bytes], 40 * 1024);
	assert_int_equal(f.values[SYSTEM_slab_bytes], 66 * 1024);
	assert_int_equal(f.values[SYSTEM_pgpgout_bytes], 20 * 1024);
	assert_int_equal(f.values[SYSTEM_pswpin_pages], 1);
	assert_int_equal(f.values[SYSTEM_oom_kills], 4);
	assert_int_equal(f.values[SYSTEM_io_some_ns], 123456000);
	assert_int_equal(f.values[SYSTEM_io_full_ns], 789000);
}

static void test_load_is_read_in_hundredths(void **state)
{
	struct readings f = {0};

	(void)state;
	system_read_loadavg(text_of("0.07 12.30 104.56 1/234 5678\n"), &f);
	assert_int_equal(f.values[SYSTEM_load1_hundredths], 7);
	assert_int_equal(f.values[SYSTEM_load5_hundredths], 1230);
	assert_int_equal(f.values[SYSTEM_load15_hundredths], 10456);
	f = (struct readings){0};
	system_read_loadavg(text_of("1.00 -1.00 1.0 1/2 3\n"), &f);
	assert_int_equal(f.known, READING_BIT(SYSTEM_load1_hundredths));
	f = (struct readings){0};
	system_read_loadavg(text_of(".07 x 99999999999999999999.00\n"), &f);
	system_read_loadavg(text_of("0.07 1.00 1.00"), &f);
	assert_int_equal(f.known, 0);
}

static void test_cgroup_files_are_read(void **state)
{
	struct readings f = {0};

	(void)state;
	cgroup_read_cpu_stat(text_of("usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 3\nnr_throttled 2\n"
				     "throttled_usec 1\nnr_bursts 8\n"),
			     &f);
	cgroup_read_memory_events(text_of("low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n"), &f);
	cgroup_read_memory_stat(text_of("anon 10\nfile 20\nkernel 30\nkernel_stack 1\nslab 40\npgfault 50\n"
					"pgmajfault 60\n"),
				&f);
	cgroup_read_io_stat(text_of(io_stat_text), &f);
	cgroup_read_number(text_of("12\n"), CGROUPS_pids, &f);
	cgroup_read_number(text_of("max\n"), CGROUPS_pids_max, &f);
	assert_int_equal(f.values[CGROUPS_cpu_ns], 9000);
	assert_int_equal(f.values[CGROUPS_throttled], 2);
	assert_int_equal(f.values[CGROUPS_throttled_ns], 1000);
	assert_int_equal(f.values[CGROUPS_high_events], 2);
	assert_int_equal(f.values[CGROUPS_oom_events], 4);
	assert_int_equal(f.values[CGROUPS_oom_kills], 5);
	assert_int_equal(f.values[CGROUPS_kernel_bytes], 30);
	assert_int_equal(f.values[CGROUPS_pgmajfault], 60);
	assert_int_equal(f.values[CGROUPS_read_bytes], 1100);
	assert_int_equal(f.values[CGROUPS_writes], 22);
	assert_int_equal(f.values[CGROUPS_pids], 12);
	assert_false(KNOWN(f, CGROUPS_pids_max));
}

static void test_disk_and_nic_lines_are_read(void **state)
{
	struct proc_text all = text_of(disk_text), line;
	struct disk_line disk;
	struct nic_line nic;

	(void)state;
	assert_int_equal(proc_take_line(&all, &line), 1);
	assert_int_equal(disk_read_line(line, &disk), 0);
	assert_int_equal(disk.major, 259);
	assert_true(proc_is(&disk.name, "nvme0n1"));
	assert_int_equal(disk.readings.values[DISKS_read_bytes], 12 * 512);
	assert_int_equal(disk.readings.values[DISKS_write_ns], 23 * MS);
	assert_int_equal(disk.readings.values[DISKS_in_flight], 3);
	assert_int_equal(disk.readings.values[DISKS_busy_ns], 31 * MS);
	assert_int_equal(disk.readings.values[DISKS_discard_bytes], 42 * 512);
	assert_int_equal(disk.readings.values[DISKS_flush_ns], 51 * MS);
	assert_int_equal(disk_read_line(text_of("8 1 sda1 1 2 3 4"), &disk), -EBADMSG);
	/* Before 4.18. */
	assert_int_equal(disk_read_line(text_of("8 0 sda 1 2 3 4 5 6 7 8 9 10 11"), &disk), 0);
	assert_true(KNOWN(disk.readings, DISKS_queue_ns) && !KNOWN(disk.readings, DISKS_discards));

	all = text_of(net_text);
	proc_take_line(&all, &line);
	assert_int_equal(nic_read_line(line, &nic), -EBADMSG);
	proc_take_line(&all, &line);
	assert_int_equal(nic_read_line(line, &nic), -EBADMSG);
	proc_take_line(&all, &line);
	assert_int_equal(nic_read_line(line, &nic), 0);
	assert_true(proc_is(&nic.name, "lo"));
	assert_int_equal(nic.readings.values[NICS_rx_drops], 2);
	assert_int_equal(nic.readings.values[NICS_tx_bytes], 6535);
	proc_take_line(&all, &line);
	assert_int_equal(nic_read_line(line, &nic), 0);
	assert_true(proc_is(&nic.name, "eth0"));
	assert_int_equal(nic.readings.values[NICS_tx_drops], 8);
}

static void read_all(struct proc_text text, struct readings *f)
{
	struct proc_text rest = text, line;
	struct disk_line disk;
	struct nic_line nic;

	system_read_stat(text, 10 * MS, f);
	system_read_loadavg(text, f);
	system_read_meminfo(text, f);
	system_read_vmstat(text, f);
	readings_read_pressure(text, SYSTEM_io_some_ns, SYSTEM_io_full_ns, f);
	while (proc_take_line(&rest, &line)) {
		disk_read_line(line, &disk);
		nic_read_line(line, &nic);
	}
}

/* What is known from the beginning of a text is what the whole text says. */
static void test_text_cut_off_anywhere_is_not_misread(void **state)
{
	static const char *const texts[] = {stat_text, meminfo_text, vmstat_text, pressure_text, disk_text, net_text};
	size_t last = sizeof(texts) / sizeof(texts[0]);

	(void)state;
	for (size_t t = 0; t < last; t++) {
		size_t len = strlen(texts[t]);
		struct readings whole = {0};

		read_all(text_of(texts[t]), &whole);
		for (size_t cut = 0; cut < len; cut++) {
			char *copy = malloc(cut + 1); /* of its very size: a sanitizer sees what reads beyond */
			struct readings part = {0};

			memcpy(copy, texts[t], cut);
			read_all(proc_text(copy, cut), &part);
			free(copy);
			assert_int_equal(part.known & ~whole.known, 0);
			for (uint32_t i = 0; i < READINGS_MAX; i++)
				if (KNOWN(part, i) && i != SYSTEM_cpus)
					assert_int_equal(part.values[i], whole.values[i]);
		}
	}
}

static void test_garbage_is_not_believed(void **state)
{
	static const char *const garbage[] = {
		"cpu -1 x 99999999999999999999 \n",
		"cpu",
		"\n\n\n",
		"ctxt\nctxt \nctxt 1x\nctxt 0x10\n",
		"MemTotal: 18446744073709551615 kB\n",
		"some total=\nsome total=abc\nfull total=99999999999999999999\n",
		"pgpgin\t-5\n",
		":::\n : 1 2\n",
		"cpu0\ncpux 1\n",
	};
	unsigned seed = 20261;

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct readings f = {0};

		read_all(text_of(garbage[i]), &f);
		f.known &= ~READING_BIT(SYSTEM_cpus);
		if (f.known)
			print_message("believed: %s", garbage[i]);
		assert_int_equal(f.known, 0);
	}
	print_message("seed %u\n", seed);
	for (int round = 0; round < 20000; round++) {
		static const char some[] = "cpu0123456789 .:=\n\ttotalsomefullctxt\0\xff";
		char noise[64];
		struct readings f = {0};

		for (size_t i = 0; i < sizeof(noise); i++) {
			seed = seed * 1103515245 + 12345;
			noise[i] = some[(seed >> 16) % (sizeof(some) - 1)];
		}
		read_all(proc_text(noise, sizeof(noise)), &f);
		cgroup_read_io_stat(proc_text(noise, sizeof(noise)), &f);
	}
}

/* --- rows ------------------------------------------------------------------------------------------------ */

static void test_a_fall_is_a_restart_or_nothing(void **state)
{
	struct block *system = chunk_block_new(CHUNK_SYSTEM), *nics = chunk_block_new(CHUNK_NICS);
	struct delta_rule steady = {.table = system->table, .resets = SYSTEM_resets};
	struct delta_rule restarts = {.table = nics->table, .resets = NICS_resets, .restarts = 1};
	struct readings before = {0}, now = {0};

	(void)state;
	block_add_row(system);
	readings_set(&before, SYSTEM_idle_ns, 100);
	readings_set(&now, SYSTEM_idle_ns, 90);
	readings_set(&before, SYSTEM_user_ns, 100);
	readings_set(&now, SYSTEM_user_ns, 150);
	readings_set(&now, SYSTEM_forks, 7); /* could not be read before */
	readings_set(&before, SYSTEM_running, 9);
	readings_set(&now, SYSTEM_running, 4);
	delta_write(&steady, &now, &before, system, 0);
	assert_int_equal(cell(system, 0, SYSTEM_idle_ns), 0);
	assert_int_equal(cell(system, 0, SYSTEM_user_ns), 50);
	assert_int_equal(cell(system, 0, SYSTEM_running), 4);
	assert_int_equal(cell(system, 0, SYSTEM_resets), 1);
	assert_true(block_is_null(system, 0, SYSTEM_forks));

	before = now = (struct readings){0};
	block_add_row(nics);
	readings_set(&before, NICS_rx_bytes, 4000000000);
	readings_set(&now, NICS_rx_bytes, 1000);
	readings_set(&before, NICS_rx_packets, 5);
	readings_set(&now, NICS_rx_packets, 8);
	delta_write(&restarts, &now, &before, nics, 0);
	assert_int_equal(cell(nics, 0, NICS_rx_bytes), 1000);
	assert_int_equal(cell(nics, 0, NICS_rx_packets), 3);
	assert_int_equal(cell(nics, 0, NICS_resets), 1);
	block_free(system);
	block_free(nics);
}

/* --- samplers over files made by hand -------------------------------------------------------------------- */

static void test_disks_come_wrap_restart_and_go(void **state)
{
	struct block *rows = chunk_block_new(CHUNK_DISKS);
	char diskstats[256], sys_block[256];
	struct sample_disks *disks;

	(void)state;
	snprintf(diskstats, sizeof(diskstats), "%s", in_dir("diskstats"));
	snprintf(sys_block, sizeof(sys_block), "%s", in_dir("block"));
	mkdir(sys_block, 0700);
	mkdir(in_dir("block/sda"), 0700);
	mkdir(in_dir("block/sdb"), 0700);
	mkdir(in_dir("block/cciss!c0d0"), 0700);
	mkdir(in_dir("block/loop0"), 0700);
	disks = sample_disks_new(&buffer, diskstats, sys_block);
	assert_int_equal(sample_disks_take(disks, 1, rows), -ENOENT);

	put("diskstats", "8 0 sda 10 0 100 4294967290 0 0 0 0 0 0 0\n8 1 sda1 1 0 1 1 0 0 0 0 0 0 0\n"
			 "7 0 loop0 1 0 1 1 0 0 0 0 0 0 0\n");
	assert_int_equal(sample_disks_take(disks, 1, rows), 0);
	assert_int_equal(rows->rows, 0); /* the first reading */

	/* ms turn over at 32 bits; sdb is plugged in, and so is one in a folder of /dev. */
	put("diskstats", "8 0 sda 12 0 108 4 0 0 0 0 0 0 0\n8 1 sda1 2 0 2 2 0 0 0 0 0 0 0\n"
			 "7 0 loop0 2 0 2 2 0 0 0 0 0 0 0\n8 16 sdb 7 0 7 7 0 0 0 0 0 0 0\n"
			 "104 0 cciss/c0d0 1 0 1 1 0 0 0 0 0 0 0\n");
	assert_int_equal(sample_disks_take(disks, 2, rows), 0);
	assert_int_equal(rows->rows, 3);
	assert_true(is_text(rows, 0, DISKS_disk, "sda"));
	assert_int_equal(cell(rows, 0, DISKS_time), 2);
	assert_int_equal(cell(rows, 0, DISKS_reads), 2);
	assert_int_equal(cell(rows, 0, DISKS_read_bytes), 8 * 512);
	assert_int_equal(cell(rows, 0, DISKS_read_ns), 10 * MS);
	assert_int_equal(cell(rows, 0, DISKS_resets), 0);
	assert_int_equal(cell(rows, 0, DISKS_appeared), 0);
	assert_true(is_text(rows, 1, DISKS_disk, "sdb"));
	assert_int_equal(cell(rows, 1, DISKS_reads), 7);
	assert_int_equal(cell(rows, 1, DISKS_appeared), 1);
	assert_true(is_text(rows, 2, DISKS_disk, "cciss/c0d0"));

	/* Another disk in the place of sda; sdb is out; the third has not moved, but something hangs. */
	block_clear(rows);
	put("diskstats", "8 0 sda 3 0 24 2 0 0 0 0 0 0 0\n104 0 cciss/c0d0 1 0 1 1 0 0 0 0 2 0 0\n");
	assert_int_equal(sample_disks_take(disks, 3, rows), 0);
	assert_int_equal(rows->rows, 2);
	assert_int_equal(cell(rows, 0, DISKS_reads), 3);
	assert_int_equal(cell(rows, 0, DISKS_read_ns), 2 * MS);
	assert_int_equal(cell(rows, 0, DISKS_resets), 3);
	assert_int_equal(cell(rows, 1, DISKS_in_flight), 2);

	/* sdb is back with fresh counters; nothing else happened. */
	block_clear(rows);
	put("diskstats", "8 0 sda 3 0 24 2 0 0 0 0 0 0 0\n8 16 sdb 9 0 9 9 0 0 0 0 0 0 0\n");
	assert_int_equal(sample_disks_take(disks, 4, rows), 0);
	assert_int_equal(rows->rows, 1);
	assert_int_equal(cell(rows, 0, DISKS_reads), 9);
	assert_int_equal(cell(rows, 0, DISKS_appeared), 1);
	sample_disks_free(disks);
	block_free(rows);
}

static void test_nics_come_and_go(void **state)
{
	struct block *rows = chunk_block_new(CHUNK_NICS);
	struct sample_nics *nics;
	char net_dev[256];

	(void)state;
	snprintf(net_dev, sizeof(net_dev), "%s", in_dir("net_dev"));
	put("net_dev", net_text);
	nics = sample_nics_new(&buffer, net_dev);
	assert_int_equal(sample_nics_take(nics, 1, rows), 0);
	assert_int_equal(rows->rows, 0);
	put("net_dev", "eth0: 11 3 3 4 0 0 0 0 5 6 7 8 0 0 0 0\nveth1: 9 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
		       "lo: 6534 58 1 2 0 0 0 0 6535 59 3 4 0 0 0 0\n");
	assert_int_equal(sample_nics_take(nics, 2, rows), 0);
	assert_int_equal(rows->rows, 2);
	assert_true(is_text(rows, 0, NICS_nic, "eth0"));
	assert_int_equal(cell(rows, 0, NICS_rx_bytes), 10);
	assert_int_equal(cell(rows, 0, NICS_rx_packets), 1);
	assert_int_equal(cell(rows, 0, NICS_tx_bytes), 0);
	assert_true(is_text(rows, 1, NICS_nic, "veth1"));
	assert_int_equal(cell(rows, 1, NICS_appeared), 1);
	/* A text that ends in a line is read up to it. */
	block_clear(rows);
	put("net_dev", "eth0: 12 3 3 4 0 0 0 0 5 6 7 8 0 0 0 0\nveth1: 10 1 0 0 0");
	assert_int_equal(sample_nics_take(nics, 3, rows), 0);
	assert_int_equal(rows->rows, 1);
	sample_nics_free(nics);
	block_free(rows);
}

/* This machine's own files, and no row twice. */
static void test_the_host_itself(void **state)
{
	struct samplers *samplers = samplers_new();
	struct block *blocks[N_SAMPLES];

	(void)state;
	for (int i = 0; i < N_SAMPLES; i++)
		blocks[i] = chunk_block_new(CHUNK_SAMPLES + i);
	samplers_take(samplers, 1, blocks);
	assert_int_equal(blocks[SAMPLE(SYSTEM)]->rows, 1);
	assert_true(block_is_null(blocks[SAMPLE(SYSTEM)], 0, SYSTEM_user_ns));
	assert_true(cell(blocks[SAMPLE(SYSTEM)], 0, SYSTEM_memory_total_bytes) > 1 << 20);
	samplers_take(samplers, 2, blocks);
	assert_int_equal(blocks[SAMPLE(SYSTEM)]->rows, 1);
	assert_true(cell(blocks[SAMPLE(SYSTEM)], 0, SYSTEM_cpus) >= 1);
	assert_true(cell(blocks[SAMPLE(SYSTEM)], 0, SYSTEM_duration_ns) > 0);
	assert_int_equal(samplers_report(samplers, SAMPLE(SYSTEM)).error, 0);
	assert_int_equal(samplers_report(samplers, SAMPLE(SYSTEM)).runs, 2);
	for (int i = 0; i < N_SAMPLES; i++)
		block_free(blocks[i]);
	samplers_free(samplers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat_is_read),
		cmocka_unit_test(test_memory_and_paging_are_read),
		cmocka_unit_test(test_load_is_read_in_hundredths),
		cmocka_unit_test(test_cgroup_files_are_read),
		cmocka_unit_test(test_disk_and_nic_lines_are_read),
		cmocka_unit_test(test_text_cut_off_anywhere_is_not_misread),
		cmocka_unit_test(test_garbage_is_not_believed),
		cmocka_unit_test(test_a_fall_is_a_restart_or_nothing),
		cmocka_unit_test(test_disks_come_wrap_restart_and_go),
		cmocka_unit_test(test_nics_come_and_go),
		cmocka_unit_test(test_the_host_itself),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
