// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the kernel says of each program: is it attached, how often did it run and what did that take, what
 * was skipped. Run times are counted while somebody has them counted (run_stats.h).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>

#include "kernel/collect_kernel.h"
#include "model/table.h"

#define NO_EVENTS (-1)
#define PROGRAM(name, use, drops, lack)                                                                                \
	{#name, use, lack, drops, offsetof(struct obit_bpf, progs.name), offsetof(struct obit_bpf, links.name)},
static const struct {
	const char *name, *use, *lack;
	int drops;
	size_t program, link; /* where the skeleton has them */
} programs[] = {
#include "kernel/programs.def"
};

struct bpf_program *collect_program_of(const struct collect *collect, size_t i)
{
	return *(struct bpf_program **)(void *)((char *)collect->skel + programs[i].program);
}

struct bpf_link **collect_link_of(const struct collect *collect, size_t i)
{
	return (struct bpf_link **)(void *)((char *)collect->skel + programs[i].link);
}

const char *program_name(size_t i)
{
	return programs[i].name;
}

const char *program_use(size_t i)
{
	return programs[i].use;
}

size_t collect_n_programs(void)
{
	return N_PROGRAMS;
}

void collect_program(const struct collect *collect, size_t i, struct collect_program *ret)
{
	const struct bpf_program *program = collect_program_of(collect, i);
	int fd = bpf_program__fd(program);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	*ret = (struct collect_program){
		.name = programs[i].name,
		.drops = programs[i].drops,
		.lack = programs[i].lack,
		.attach = bpf_program__section_name(program),
		.is_wanted = bpf_program__autoload(program),
		.is_attached = *collect_link_of(collect, i) != NULL,
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

	for (size_t i = 0; i < N_PROGRAMS; i++) {
		struct collect_program program;

		collect_program(collect, i, &program);
		missed += program.misses;
	}
	return missed;
}
