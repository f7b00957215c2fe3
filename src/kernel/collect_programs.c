// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the kernel says of each program: is it attached, how often did it run and what did that take, what
 * was skipped. Run times are counted while somebody has them counted (run_stats.h).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "kernel/collect_kernel.h"

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
