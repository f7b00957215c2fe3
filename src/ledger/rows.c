// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows. A field that is not set here stays null.
 */
#include "ledger/rows.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"

#define WAIT_SIGNAL(status) ((status)&0x7f)
#define WAIT_CORE(status)   (((status)&0x80) != 0)
#define WAIT_CODE(status)   (((status) >> 8) & 0xff)

void split_cpu(uint64_t cpu_ns, uint64_t utime_ns, uint64_t stime_ns, uint64_t *ret_user_ns, uint64_t *ret_system_ns)
{
	uint64_t system_ns;

	if (stime_ns == 0)
		system_ns = 0;
	else if (utime_ns == 0)
		system_ns = cpu_ns;
	else
		system_ns = (uint64_t)((__uint128_t)stime_ns * cpu_ns / (utime_ns + stime_ns));
	*ret_system_ns = system_ns;
	*ret_user_ns = cpu_ns - system_ns;
}

static struct text_view comm_view(const char *comm)
{
	return text_view_of(comm, OBIT_COMM_LEN);
}

static struct text_view sender_view(const struct asker *asker)
{
	return asker->flags & SIGNAL_BY_KERNEL ? text_view_of("[kernel]", OBIT_COMM_LEN) : comm_view(asker->comm);
}

uint32_t row_new(struct block *block)
{
	int row = block_add_row(block);

	assert(row >= 0);
	return (uint32_t)row;
}

void row_set_text(struct block *block, uint32_t row, uint32_t field, struct text_view text)
{
	int r = text.data ? block_set_text(block, row, field, text.data, text.len) : 0;

	assert(r == 0);
	(void)r;
}

void row_set_image(struct block *block, uint32_t row, uint32_t exe, uint32_t argv, const struct image *image)
{
	if (image->exe_len)
		row_set_text(block, row, exe, (struct text_view){image->bytes, image->exe_len});
	row_set_text(block, row, argv, (struct text_view){image->bytes + image->exe_len, image->argv_len});
}

/* In the order of struct by_thread. */
static const uint32_t exits_by_thread[] = {
	EXITS_run_delay_ns, EXITS_timeslices, EXITS_migrations, EXITS_rchar,	   EXITS_wchar,
	EXITS_syscr,	    EXITS_syscw,      EXITS_read_bytes, EXITS_write_bytes, EXITS_cancelled_write_bytes,
};
_Static_assert(ARRAY_SIZE(exits_by_thread) == N_BY_THREAD, "a field for each");

static void set_costs(struct block *b, uint32_t row, const struct exit_source *source)
{
	const struct costs *costs = &source->event->costs;
	const struct process *process = source->process;
	struct by_thread by_thread = costs->by_thread;
	uint64_t user_ns, system_ns;

	split_cpu(costs->cpu_ns, costs->utime_ns, costs->stime_ns, &user_ns, &system_ns);
	block_set_number(b, row, EXITS_wall_ns, costs->wall_ns);
	block_set_number(b, row, EXITS_cpu_ns, costs->cpu_ns);
	block_set_number(b, row, EXITS_user_ns, user_ns);
	block_set_number(b, row, EXITS_system_ns, system_ns);
	block_set_number(b, row, EXITS_threads, costs->threads + (process ? process->threads : 0));
	block_set_number(b, row, EXITS_nvcsw, costs->nvcsw);
	block_set_number(b, row, EXITS_nivcsw, costs->nivcsw);
	block_set_number(b, row, EXITS_minflt, costs->minflt);
	block_set_number(b, row, EXITS_majflt, costs->majflt);
	block_set_number(b, row, EXITS_max_rss_bytes, source->event->max_rss_pages * source->page_bytes);
	if (source->event->own_max_rss_pages)
		block_set_number(b, row, EXITS_own_max_rss_bytes,
				 source->event->own_max_rss_pages * source->page_bytes);
	if (process)
		by_thread_add(&by_thread, &process->ended);
	for (size_t i = 0; i < N_BY_THREAD; i++)
		block_set_number(b, row, exits_by_thread[i], by_thread_at(&by_thread, i));
}

static void set_waits(struct block *b, uint32_t row, const struct exit_source *source)
{
	const struct waits *waits = &source->event->waits;

	if (source->sched == SCHED_OFF)
		return;
	block_set_number(b, row, EXITS_delays_1ms, waits->delays_1ms);
	block_set_number(b, row, EXITS_delays_10ms, waits->delays_10ms);
	block_set_number(b, row, EXITS_delays_100ms, waits->delays_100ms);
	if (waits->max_delay_ns)
		block_set_number(b, row, EXITS_max_delay_ns, waits->max_delay_ns);
	if (source->sched == SCHED_FULL)
		block_set_number(b, row, EXITS_block_ns, waits->block_ns);
}

static const char *const reason_names[N_KILL_REASONS] = {
	[KILL_OOM] = "oom",
	[KILL_OOM_MEMCG] = "oom_memcg",
	[KILL_RLIMIT_CPU] = "rlimit_cpu",
	[KILL_RLIMIT_FSIZE] = "rlimit_fsize",
	[KILL_FAULT] = "fault",
	[KILL_SECCOMP] = "seccomp",
	[KILL_HANGUP] = "hangup",
	[KILL_PDEATHSIG] = "pdeathsig",
	[KILL_CGROUP_KILL] = "cgroup_kill",
	[KILL_TIMER] = "timer",
	[KILL_PIPE] = "pipe",
	[KILL_PID_NAMESPACE] = "pid_namespace",
	[KILL_PTRACE] = "ptrace",
};

static void set_killer(struct block *b, uint32_t row, const struct exit_source *source, uint32_t signal)
{
	const struct process *process = source->process;
	const struct asker *killer = NULL;
	const char *reason;

	for (int i = 0; process && i < 2 && !killer; i++)
		if (process->killers[i].signal == signal)
			killer = &process->killers[i];
	/* A handler that raises the signal again, so that it takes its default action: who sent it first is meant. */
	if (killer && killer->pid == process->pid && process->asker.signal == signal)
		killer = &process->asker;
	reason = reason_names[killer ? killer->reason : 0];
	if (source->event->flags & EXIT_OOM_KILLED)
		reason = reason_names[killer && killer->flags & SIGNAL_MEMCG_FULL ? KILL_OOM_MEMCG : KILL_OOM];
	if (reason)
		row_set_text(b, row, EXITS_kill_reason, text_view_of(reason, KILL_REASON_MAX));
	if (!killer)
		return;
	block_set_number(b, row, EXITS_killer_pid, killer->pid);
	row_set_text(b, row, EXITS_killer_comm, sender_view(killer));
	if (killer->flags & SIGNAL_BY_KERNEL)
		return;
	block_set_number(b, row, EXITS_killer_uid, killer->uid);
	block_set_number(b, row, EXITS_killer_euid, killer->euid);
}

static void set_asker(struct block *b, uint32_t row, const struct exit_source *source)
{
	const struct asker *asker = source->process ? &source->process->asker : NULL;
	uint64_t end_ns = source->event->head.boot_ns;

	if (!asker || !asker->signal)
		return;
	block_set_number(b, row, EXITS_asked_signal, asker->signal);
	block_set_number(b, row, EXITS_asked_pid, asker->pid);
	block_set_number(b, row, EXITS_asked_ago_ns, end_ns > asker->boot_ns ? end_ns - asker->boot_ns : 0);
	row_set_text(b, row, EXITS_asked_comm, sender_view(asker));
	if (!(asker->flags & SIGNAL_BY_KERNEL))
		block_set_number(b, row, EXITS_asked_uid, asker->uid);
}

static void set_end(struct block *b, uint32_t row, const struct exit_source *source)
{
	uint32_t status = (uint32_t)source->event->wait_status, signal = WAIT_SIGNAL(status);
	bool is_by_free = source->event->flags & EXIT_BY_FREE;

	block_set_number(b, row, EXITS_core_dumped, WAIT_CORE(status));
	block_set_number(b, row, EXITS_oom_killed, (source->event->flags & EXIT_OOM_KILLED) != 0);
	if (signal) {
		block_set_number(b, row, EXITS_exit_signal, signal);
		set_killer(b, row, source, signal);
	} else {
		block_set_number(b, row, EXITS_exit_code, WAIT_CODE(status));
	}
	set_asker(b, row, source);
	row_set_text(b, row, EXITS_witness, text_view_of(is_by_free ? "free" : "switch", 6));
}

static void set_flags(struct block *b, uint32_t row, const struct exit_source *source)
{
	uint32_t known = source->process ? source->process->flags : 0;
	uint32_t seen = source->event->flags;
	const struct {
		uint32_t set;
		const char *name;
	} flags[] = {
		{known & PROCESS_BEFORE_AGENT, "started_before_agent,"},
		{seen & EXIT_NO_EXEC && !(seen & EXIT_KTHREAD), "no_exec,"},
		{seen & EXIT_KTHREAD, "kthread,"},
		{known & PROCESS_ARGV_TRUNCATED, "argv_truncated,"},
		{known & PROCESS_EXE_TRUNCATED, "exe_truncated,"},
		{(!source->image || known & PROCESS_ARGV_LOST) && !(seen & EXIT_KTHREAD), "identity_lost,"},
	};
	char text[EXIT_FLAGS_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].set)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", flags[i].name);
	if (len)
		row_set_text(b, row, EXITS_flags, (struct text_view){text, len - 1});
}

static void set_ids(struct block *b, uint32_t row, const struct event_exit *event)
{
	block_set_number(b, row, EXITS_pid, event->head.pid);
	block_set_number(b, row, EXITS_ppid, event->ppid);
	if (!(event->flags & EXIT_PIDS_LOST)) {
		block_set_number(b, row, EXITS_nspid, event->nspid);
		block_set_number(b, row, EXITS_pgid, event->pgid);
		block_set_number(b, row, EXITS_sid, event->sid);
	}
	block_set_number(b, row, EXITS_uid, event->uid);
	block_set_number(b, row, EXITS_gid, event->gid);
	block_set_number(b, row, EXITS_euid, event->euid);
	block_set_number(b, row, EXITS_egid, event->egid);
	block_set_number(b, row, EXITS_start_boot_ns, event->head.start_boot_ns);
	if (event->auid != UINT32_MAX)
		block_set_number(b, row, EXITS_auid, event->auid);
	block_set_number(b, row, EXITS_cgroup_id, event->cgroup_id);
}

uint32_t row_add_exit(struct block *exits, const struct exit_source *source)
{
	const struct event_exit *event = source->event;
	uint64_t offset = (uint64_t)source->real_minus_boot_ns;
	uint32_t row = row_new(exits);

	block_set_number(exits, row, EXITS_exit_time, event->head.boot_ns + offset);
	block_set_number(exits, row, EXITS_start_time,
			 source->process ? source->process->start_real_ns : event->head.start_boot_ns + offset);
	set_ids(exits, row, event);
	set_costs(exits, row, source);
	set_waits(exits, row, source);
	row_set_text(exits, row, EXITS_comm, comm_view(event->comm));
	if (source->image)
		row_set_image(exits, row, EXITS_exe, EXITS_argv, source->image);
	row_set_text(exits, row, EXITS_cgroup, source->cgroup.path);
	row_set_text(exits, row, EXITS_container_id, source->cgroup.container);
	set_end(exits, row, source);
	set_flags(exits, row, source);
	return row;
}

static void add_number(struct block *block, uint32_t row, uint32_t field, uint64_t more)
{
	block_set_number(block, row, field, block_number(block, row, field) + more);
}

void row_amend_exit(struct block *exits, uint32_t row, const struct event_thread *thread)
{
	add_number(exits, row, EXITS_threads, 1);
	for (size_t i = 0; i < N_BY_THREAD; i++)
		add_number(exits, row, exits_by_thread[i], by_thread_at(&thread->own, i));
}

void row_add_rollup(struct block *b, uint64_t time_ns, const struct rollup_row *rollup, struct text_view cgroup,
		    uint64_t page_bytes)
{
	const struct costs *costs = &rollup->sum.costs;
	uint64_t user_ns, system_ns;
	uint32_t row = row_new(b);

	/* Of a sum the split is as good as its parts': it is linear but for rounding. */
	split_cpu(costs->cpu_ns, costs->utime_ns, costs->stime_ns, &user_ns, &system_ns);
	block_set_number(b, row, ROLLUPS_time, time_ns);
	if (!rollup->is_other) {
		row_set_text(b, row, ROLLUPS_comm, comm_view(rollup->key.comm));
		row_set_text(b, row, ROLLUPS_cgroup, cgroup);
	}
	block_set_number(b, row, ROLLUPS_exits, rollup->sum.exits);
	block_set_number(b, row, ROLLUPS_failed, rollup->sum.failed);
	block_set_number(b, row, ROLLUPS_threads, costs->threads);
	block_set_number(b, row, ROLLUPS_wall_ns, costs->wall_ns);
	block_set_number(b, row, ROLLUPS_cpu_ns, costs->cpu_ns);
	block_set_number(b, row, ROLLUPS_user_ns, user_ns);
	block_set_number(b, row, ROLLUPS_system_ns, system_ns);
	block_set_number(b, row, ROLLUPS_run_delay_ns, costs->by_thread.run_delay_ns);
	block_set_number(b, row, ROLLUPS_timeslices, costs->by_thread.timeslices);
	block_set_number(b, row, ROLLUPS_nvcsw, costs->nvcsw);
	block_set_number(b, row, ROLLUPS_nivcsw, costs->nivcsw);
	block_set_number(b, row, ROLLUPS_migrations, costs->by_thread.migrations);
	block_set_number(b, row, ROLLUPS_minflt, costs->minflt);
	block_set_number(b, row, ROLLUPS_majflt, costs->majflt);
	block_set_number(b, row, ROLLUPS_max_rss_bytes, rollup->sum.max_rss_pages * page_bytes);
	block_set_number(b, row, ROLLUPS_rchar, costs->by_thread.rchar);
	block_set_number(b, row, ROLLUPS_wchar, costs->by_thread.wchar);
	block_set_number(b, row, ROLLUPS_read_bytes, costs->by_thread.read_bytes);
	block_set_number(b, row, ROLLUPS_write_bytes, costs->by_thread.write_bytes);
	block_set_number(b, row, ROLLUPS_cancelled_write_bytes, costs->by_thread.cancelled_write_bytes);
	block_set_number(b, row, ROLLUPS_syscr, costs->by_thread.syscr);
	block_set_number(b, row, ROLLUPS_syscw, costs->by_thread.syscw);
}
