// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the kernel says of each program: is it attached, how often did it run and what did that take, what
 * was skipped. Run times are counted while somebody holds a statistics descriptor (Linux 5.8, d46edd671a14
 * "bpf: Sharing bpf runtime stats with BPF_ENABLE_STATS") or kernel.bpf_stats_enabled is 1; that costs two
 * readings of the clock a run, on every program of the host.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "record/collect_kernel.h"

size_t collect_n_programs(const struct collect *collect)
{
	return (size_t)collect->skel->skeleton->prog_cnt;
}

void collect_program(const struct collect *collect, size_t i, struct collect_program *ret)
{
	const struct bpf_prog_skeleton *entry = &collect->skel->skeleton->progs[i];
	const struct bpf_program *program = *entry->prog;
	int fd = bpf_program__fd(program);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	*ret = (struct collect_program){
	    .name = entry->name,
	    .attach = bpf_program__section_name(program),
	    .is_wanted = bpf_program__autoload(program),
	    .is_attached = *entry->link != NULL,
	};
	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0) {
		ret->error = -errno;
		return;
	}
	ret->misses = info.recursion_misses;
	ret->runs = info.run_cnt;
	ret->run_ns = info.run_time_ns;
}

uint64_t collect_missed_runs(const struct collect *collect)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < collect_n_programs(collect); i++) {
		struct collect_program program;

		collect_program(collect, i, &program);
		missed += program.misses;
	}
	return missed;
}

int collect_measure(struct collect *collect, int is_on)
{
	int fd;

	if (!is_on && collect->has_stats) {
		close(collect->stats_fd);
		collect->has_stats = false;
	}
	if (!is_on || collect->has_stats)
		return 0;
	fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (fd < 0)
		return -errno;
	collect->stats_fd = fd;
	collect->has_stats = true;
	return 0;
}

int collect_measures(const struct collect *collect)
{
	return collect->has_stats;
}
