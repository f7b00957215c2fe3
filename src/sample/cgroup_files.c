// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the files of a cgroup say (Documentation/admin-guide/cgroup-v2.rst).
 */
#include "base/clock.h"
#include "sample/sample_cgroups.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

void cgroup_read_cpu_stat(struct proc_text text, struct readings *ret)
{
	static const struct reading_key keys[] = {
		{"usage_usec", CGROUPS_cpu_ns, NS_PER_US},     {"user_usec", CGROUPS_user_ns, NS_PER_US},
		{"system_usec", CGROUPS_system_ns, NS_PER_US}, {"nr_periods", CGROUPS_periods, 1},
		{"nr_throttled", CGROUPS_throttled, 1},	       {"throttled_usec", CGROUPS_throttled_ns, NS_PER_US},
	};

	readings_read_keys(text, keys, N(keys), ret);
}

void cgroup_read_memory_events(struct proc_text text, struct readings *ret)
{
	static const struct reading_key keys[] = {
		{"high", CGROUPS_high_events, 1},
		{"max", CGROUPS_max_events, 1},
		{"oom", CGROUPS_oom_events, 1},
		{"oom_kill", CGROUPS_oom_kills, 1},
	};

	readings_read_keys(text, keys, N(keys), ret);
}

void cgroup_read_memory_stat(struct proc_text text, struct readings *ret)
{
	static const struct reading_key keys[] = {
		{"anon", CGROUPS_anon_bytes, 1}, {"file", CGROUPS_file_bytes, 1}, {"kernel", CGROUPS_kernel_bytes, 1},
		{"slab", CGROUPS_slab_bytes, 1}, {"pgfault", CGROUPS_pgfault, 1}, {"pgmajfault", CGROUPS_pgmajfault, 1},
	};

	readings_read_keys(text, keys, N(keys), ret);
}

void cgroup_read_io_stat(struct proc_text text, struct readings *ret)
{
	static const struct {
		const char *prefix;
		uint32_t field;
	} keys[] = {
		{"rbytes=", CGROUPS_read_bytes},
		{"wbytes=", CGROUPS_write_bytes},
		{"rios=", CGROUPS_reads},
		{"wios=", CGROUPS_writes},
	};
	struct proc_text line, word, number;
	uint64_t sums[N(keys)] = {0}, value;

	while (proc_take_line(&text, &line))
		while (proc_take_word(&line, &word))
			for (size_t i = 0; i < N(keys); i++)
				if (proc_after(&word, keys[i].prefix, &number) && proc_number(&number, &value))
					sums[i] += value;
	/* An empty file is a group without I/O. */
	for (size_t i = 0; i < N(keys); i++)
		readings_set(ret, keys[i].field, sums[i]);
}

void cgroup_read_number(struct proc_text text, uint32_t field, struct readings *ret)
{
	struct proc_text line;
	uint64_t value;

	if (proc_take_line(&text, &line) && proc_take_number(&line, &value))
		readings_set(ret, field, value);
}
