// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each program is loaded by itself, so that one that a kernel refuses is named.
 */
#define _GNU_SOURCE
#include "kernel/collect_probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/collect_kernel.h"

struct probe {
	probe_report report;
	void *ctx;
	enum probe_result worst;
};

static void say(struct probe *probe, const char *what, enum probe_result result, const char *note)
{
	if (result > probe->worst)
		probe->worst = result;
	probe->report(probe->ctx, what, result, note);
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int load_only(const char *name)
{
	struct obit_bpf *skel = obit_bpf__open();
	struct bpf_program *program;
	int r;

	if (!skel)
		return -ENOMEM;
	bpf_object__for_each_program(program, skel->obj)
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), name) == 0);
	r = obit_bpf__load(skel);
	obit_bpf__destroy(skel);
	return r;
}

static void probe_programs(struct probe *probe)
{
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		char what[64], note[256];
		int r = load_only(program_name(i));

		snprintf(what, sizeof(what), "program %s", program_name(i));
		if (r == 0)
			snprintf(note, sizeof(note), "%s", program_use(i));
		else
			snprintf(note, sizeof(note), "%s: %s%s", program_use(i), strerror(-r),
				 r == -EPERM ? "; run as root, or with CAP_BPF and CAP_PERFMON" : "");
		say(probe, what, r == 0 ? PROBE_OK : PROBE_FAILED, note);
	}
}

static void probe_field(struct probe *probe, const struct btf *btf, const char *type, const char *member,
			const char *what, const char *lost)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, (__u32)id);
	int is_there = 0;

	for (int i = 0; t && i < btf_vlen(t); i++)
		is_there |= strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member) == 0;
	say(probe, what, is_there ? PROBE_OK : PROBE_DEGRADED, is_there ? "kept by this kernel" : lost);
}

static void probe_fields(struct probe *probe)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf) {
		say(probe, "kernel type information", PROBE_FAILED,
		    "no /sys/kernel/btf/vmlinux: a kernel with CONFIG_DEBUG_INFO_BTF is needed (Debian's have it)");
		return;
	}
	say(probe, "kernel type information", PROBE_OK, "/sys/kernel/btf/vmlinux");
	probe_field(probe, btf, "sched_info", "run_delay", "run-queue delay",
		    "run_delay_ns and timeslices are 0: CONFIG_SCHED_INFO is off");
	probe_field(probe, btf, "sched_entity", "cfs_rq", "waits for a CPU by length",
		    "runq is empty, and so are delays_1ms and the like: CONFIG_FAIR_GROUP_SCHED is off");
	probe_field(probe, btf, "task_io_accounting", "rchar", "bytes read and written by calls",
		    "rchar, wchar, syscr and syscw are 0: CONFIG_TASK_XACCT is off");
	probe_field(probe, btf, "task_io_accounting", "read_bytes", "bytes of block I/O",
		    "read_bytes and write_bytes are 0: CONFIG_TASK_IO_ACCOUNTING is off");
	probe_field(probe, btf, "task_struct", "loginuid", "audit user id", "auid is null: CONFIG_AUDIT is off");
	btf__free(btf);
}

static void probe_limits(struct probe *probe)
{
	struct rlimit memlock;

	getrlimit(RLIMIT_MEMLOCK, &memlock);
	memlock.rlim_cur = memlock.rlim_max = RLIM_INFINITY;
	if (setrlimit(RLIMIT_MEMLOCK, &memlock) < 0 && geteuid() != 0)
		say(probe, "locked memory", PROBE_DEGRADED,
		    "RLIMIT_MEMLOCK cannot be raised: give CAP_SYS_RESOURCE or LimitMEMLOCK=infinity");
	else
		say(probe, "locked memory", PROBE_OK, "allowed");
}

enum probe_result collect_probe(probe_report report, void *ctx)
{
	struct probe probe = {report, ctx, PROBE_OK};

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(print_nothing);
	probe_fields(&probe);
	if (probe.worst < PROBE_FAILED)
		probe_programs(&probe);
	probe_limits(&probe);
	return probe.worst;
}
