// SPDX-License-Identifier: BSD-2-Clause
/*
 * The four, their costs and failures.
 */
#include "sample/samplers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/limits.h"
#include "sample/cgroups.h"
#include "sample/sample_cgroups.h"
#include "sample/sample_disks.h"
#include "sample/sample_nics.h"
#include "sample/sample_system.h"

#define BUFFER_LEAST (64u << 10) /* memory.stat of a kernel of today has 2 KiB, vmstat 4 */

struct samplers {
	struct proc_buffer buffer;
	struct sample_system *system;
	struct sample_disks *disks;
	struct sample_nics *nics;
	struct sample_cgroups *cgroups;
	struct sampler_report reports[N_SAMPLES];
};

struct samplers *samplers_new(void)
{
	static const char *const long_files[] = {"/proc/stat", "/proc/vmstat", "/proc/diskstats", "/proc/net/dev"};
	struct samplers *samplers = calloc(1, sizeof(*samplers));
	char mount[PATH_MAX] = "";

	if (!samplers)
		return NULL;
	if (cgroups_find_mount(mount, sizeof(mount)) < 0)
		*mount = '\0';
	for (int i = 0; i < N_SAMPLES; i++)
		samplers->reports[i].name = chunk_table(CHUNK_SAMPLES + i)->name;
	if (proc_buffer_init(&samplers->buffer, BUFFER_LEAST, long_files, ARRAY_SIZE(long_files)) < 0) {
		free(samplers);
		return NULL;
	}
	samplers->system = sample_system_new(&samplers->buffer);
	samplers->disks = sample_disks_new(&samplers->buffer, "/proc/diskstats", "/sys/block");
	samplers->nics = sample_nics_new(&samplers->buffer, "/proc/net/dev");
	samplers->cgroups = sample_cgroups_new(&samplers->buffer, mount);
	if (!samplers->system || !samplers->disks || !samplers->nics || !samplers->cgroups) {
		samplers_free(samplers);
		return NULL;
	}
	return samplers;
}

void samplers_free(struct samplers *samplers)
{
	if (!samplers)
		return;
	sample_system_free(samplers->system);
	sample_disks_free(samplers->disks);
	sample_nics_free(samplers->nics);
	sample_cgroups_free(samplers->cgroups);
	proc_buffer_done(&samplers->buffer);
	free(samplers);
}

static int take(struct samplers *samplers, int sample, uint64_t time_ns, struct block *rows)
{
	switch (sample) {
	case SAMPLE(SYSTEM):
		return sample_system_take(samplers->system, time_ns, rows);
	case SAMPLE(DISKS):
		return sample_disks_take(samplers->disks, time_ns, rows);
	case SAMPLE(NICS):
		return sample_nics_take(samplers->nics, time_ns, rows);
	default:
		return sample_cgroups_take(samplers->cgroups, time_ns, rows);
	}
}

void samplers_take(struct samplers *samplers, uint64_t time_ns, struct block *const *blocks)
{
	uint64_t before = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);

	for (int i = 0; i < N_SAMPLES; i++) {
		struct sampler_report *report = &samplers->reports[i];
		uint64_t after;
		int r;

		block_clear(blocks[i]);
		r = take(samplers, i, time_ns, blocks[i]);
		after = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		/* What is absent has been said at start, or with its file. */
		if (r < 0 && r != report->error && !proc_is_absence(r))
			log_line("table `%s` is incomplete: %s", report->name, strerror(-r));
		report->error = r;
		report->misses += r < 0;
		report->runs++;
		report->run_ns += after - before;
		before = after;
	}
}

struct sampler_report samplers_report(const struct samplers *samplers, int sample)
{
	return samplers->reports[sample];
}
