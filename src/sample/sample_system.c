// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole host. Its counters live as long as the kernel, so that one which is smaller than before has not
 * begun anew: idle and iowait step back by a tick now and then, more when a CPU goes (proc(5)).
 */
#include "sample/sample_system.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"

enum { STAT, LOADAVG, MEMINFO, VMSTAT, CPU_PRESSURE, MEMORY_PRESSURE, IO_PRESSURE, N_FILES };

struct sample_system {
	struct proc_buffer *buffer; /* not owned */
	struct proc_file files[N_FILES];
	uint64_t tick_ns;
	uint64_t before_boot_ns; /* 0: there was no reading */
	struct readings now, before;
};

_Static_assert((unsigned)N_SYSTEM_FIELDS <= READINGS_MAX, "a reading for each field");

struct sample_system *sample_system_new(struct proc_buffer *buffer)
{
	static const struct proc_file files[N_FILES] = {
		[STAT] = PROC_FILE("/proc/stat", "CPU time, context switches and forks in `system`"),
		[LOADAVG] = PROC_FILE("/proc/loadavg", "load average in `system`"),
		[MEMINFO] = PROC_FILE("/proc/meminfo", "memory in `system`"),
		[VMSTAT] = PROC_FILE("/proc/vmstat", "paging in `system`"),
		[CPU_PRESSURE] = PROC_FILE("/proc/pressure/cpu", "CPU pressure in `system`"),
		[MEMORY_PRESSURE] = PROC_FILE("/proc/pressure/memory", "memory pressure in `system`"),
		[IO_PRESSURE] = PROC_FILE("/proc/pressure/io", "I/O pressure in `system`"),
	};
	struct sample_system *sampler = calloc(1, sizeof(*sampler));

	if (!sampler)
		return NULL;
	for (int i = 0; i < N_FILES; i++)
		sampler->files[i] = files[i];
	sampler->buffer = buffer;
	sampler->tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
	return sampler;
}

void sample_system_free(struct sample_system *sampler)
{
	if (!sampler)
		return;
	for (int i = 0; i < N_FILES; i++)
		proc_file_close(&sampler->files[i]);
	free(sampler);
}

/* "user nice system idle iowait irq softirq steal guest guest_nice": older kernels end earlier. */
static void read_cpu(struct proc_text line, uint64_t tick_ns, struct readings *ret)
{
	static const uint32_t fields[] = {
		SYSTEM_user_ns, SYSTEM_nice_ns,	   SYSTEM_system_ns, SYSTEM_idle_ns,  SYSTEM_iowait_ns,
		SYSTEM_irq_ns,	SYSTEM_softirq_ns, SYSTEM_steal_ns,  SYSTEM_guest_ns,
	};
	uint64_t ticks;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!proc_take_number(&line, &ticks))
			return;
		readings_set_scaled(ret, fields[i], ticks, tick_ns);
	}
	if (proc_take_number(&line, &ticks))
		readings_set_scaled(ret, SYSTEM_guest_ns, ret->values[SYSTEM_guest_ns] / tick_ns + ticks, tick_ns);
}

void system_read_stat(struct proc_text text, uint64_t tick_ns, struct readings *ret)
{
	static const struct reading_key keys[] = {
		{"ctxt", SYSTEM_context_switches, 1},
		{"processes", SYSTEM_forks, 1},
		{"procs_running", SYSTEM_running, 1},
		{"procs_blocked", SYSTEM_blocked, 1},
	};
	struct proc_text rest = text, line, word, number;
	uint64_t cpu, cpus = 0;

	/* CPUs come first. */
	while (proc_take_line(&rest, &line) && proc_take_word(&line, &word) && proc_after(&word, "cpu", &number)) {
		if (number.at == number.end)
			read_cpu(line, tick_ns, ret);
		else
			cpus += (uint64_t)proc_number(&number, &cpu);
	}
	if (cpus)
		readings_set(ret, SYSTEM_cpus, cpus);
	readings_read_keys(text, keys, ARRAY_SIZE(keys), ret);
}

/* "1.23" */
static int take_hundredths(struct proc_text *line, uint64_t *ret)
{
	struct proc_text word, whole, part;
	uint64_t ones, hundredths;

	if (!proc_take_word(line, &word) || word.end - word.at < 4 || word.end[-3] != '.')
		return 0;
	whole = (struct proc_text){word.at, word.end - 3};
	part = (struct proc_text){word.end - 2, word.end};
	if (!proc_number(&whole, &ones) || !proc_number(&part, &hundredths) || ones > UINT32_MAX)
		return 0;
	*ret = ones * 100 + hundredths;
	return 1;
}

void system_read_loadavg(struct proc_text text, struct readings *ret)
{
	static const uint32_t fields[] = {SYSTEM_load1_hundredths, SYSTEM_load5_hundredths, SYSTEM_load15_hundredths};
	struct proc_text line;
	uint64_t value;

	if (!proc_take_line(&text, &line))
		return;
	for (size_t i = 0; i < 3 && take_hundredths(&line, &value); i++)
		readings_set(ret, fields[i], value);
}

void system_read_meminfo(struct proc_text text, struct readings *ret)
{
	static const struct reading_key keys[] = {
		{"MemTotal:", SYSTEM_memory_total_bytes, 1024},
		{"MemFree:", SYSTEM_memory_free_bytes, 1024},
		{"MemAvailable:", SYSTEM_memory_available_bytes, 1024},
		{"Buffers:", SYSTEM_buffers_bytes, 1024},
		{"Cached:", SYSTEM_cached_bytes, 1024},
		{"Shmem:", SYSTEM_shmem_bytes, 1024},
		{"AnonPages:", SYSTEM_anon_bytes, 1024},
		{"Slab:", SYSTEM_slab_bytes, 1024},
		{"Dirty:", SYSTEM_dirty_bytes, 1024},
		{"SwapTotal:", SYSTEM_swap_total_bytes, 1024},
		{"SwapFree:", SYSTEM_swap_free_bytes, 1024},
	};

	readings_read_keys(text, keys, ARRAY_SIZE(keys), ret);
}

void system_read_vmstat(struct proc_text text, struct readings *ret)
{
	static const struct reading_key keys[] = {
		{"pgpgin", SYSTEM_pgpgin_bytes, 1024}, /* KiB, whatever the page size */
		{"pgpgout", SYSTEM_pgpgout_bytes, 1024}, {"pswpin", SYSTEM_pswpin_pages, 1},
		{"pswpout", SYSTEM_pswpout_pages, 1},	 {"pgfault", SYSTEM_pgfault, 1},
		{"pgmajfault", SYSTEM_pgmajfault, 1},	 {"oom_kill", SYSTEM_oom_kills, 1},
	};

	readings_read_keys(text, keys, ARRAY_SIZE(keys), ret);
}

static void read_text(struct sample_system *sampler, int file, struct proc_text text)
{
	struct readings *now = &sampler->now;

	switch (file) {
	case STAT:
		system_read_stat(text, sampler->tick_ns, now);
		break;
	case LOADAVG:
		system_read_loadavg(text, now);
		break;
	case MEMINFO:
		system_read_meminfo(text, now);
		break;
	case VMSTAT:
		system_read_vmstat(text, now);
		break;
	case CPU_PRESSURE:
		readings_read_pressure(text, SYSTEM_cpu_some_ns, SYSTEM_cpu_full_ns, now);
		break;
	case MEMORY_PRESSURE:
		readings_read_pressure(text, SYSTEM_memory_some_ns, SYSTEM_memory_full_ns, now);
		break;
	case IO_PRESSURE:
		readings_read_pressure(text, SYSTEM_io_some_ns, SYSTEM_io_full_ns, now);
		break;
	}
}

int sample_system_take(struct sample_system *sampler, uint64_t time_ns, struct block *rows)
{
	const struct delta_rule rule = {.table = rows->table, .resets = SYSTEM_resets};
	uint64_t boot_ns = clock_boot_ns();
	int row = block_add_row(rows), result = row < 0 ? row : 0;

	sampler->now.known = 0;
	for (int i = 0; i < N_FILES; i++) {
		struct proc_text text;
		int r = proc_file_read(&sampler->files[i], sampler->buffer, &text);

		if (r == 0 || r == -EFBIG)
			read_text(sampler, i, text);
		if (r < 0 && result == 0 && !proc_is_absence(r))
			result = r;
	}
	if (row >= 0) {
		block_set_number(rows, (uint32_t)row, SYSTEM_time, time_ns);
		if (sampler->before_boot_ns)
			block_set_number(rows, (uint32_t)row, SYSTEM_duration_ns, boot_ns - sampler->before_boot_ns);
		delta_write(&rule, &sampler->now, &sampler->before, rows, (uint32_t)row);
	}
	sampler->before_boot_ns = boot_ns;
	sampler->before = sampler->now;
	return result;
}
