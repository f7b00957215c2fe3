// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows of live processes. A field that is not set here stays null.
 */
#include "ledger/rows_live.h"

#include "base/array.h"

#define TASK_IDLE 0x402

/* As /proc/PID/stat has it (fs/proc/array.c, task_state_array; include/linux/sched.h, task_index_to_char()). */
static const char *state_name(uint32_t state)
{
	static const char *const names[] = {"R", "S", "D", "T", "t", "X", "Z", "P"};

	if ((state & TASK_IDLE) == TASK_IDLE)
		return "I";
	/* Forms of waiting that stand above those that are distinguished. */
	if (!(state & 0x7f))
		return state & ~0x800u ? "D" : "R";
	return names[32 - __builtin_clz(state & 0x7f)];
}

/* In the order of struct by_thread. */
static const uint32_t procs_by_thread[] = {
	PROCS_run_delay_ns, PROCS_timeslices, PROCS_migrations, PROCS_rchar,	   PROCS_wchar,
	PROCS_syscr,	    PROCS_syscw,      PROCS_read_bytes, PROCS_write_bytes, PROCS_cancelled_write_bytes,
};
_Static_assert(ARRAY_SIZE(procs_by_thread) == N_BY_THREAD, "a field for each");

static void set_step(struct block *b, uint32_t row, const struct cost_delta *step)
{
	const struct costs *costs = &step->costs;

	block_set_number(b, row, PROCS_cpu_ns, costs->cpu_ns);
	block_set_number(b, row, PROCS_user_ns, step->user_ns);
	block_set_number(b, row, PROCS_system_ns, step->system_ns);
	block_set_number(b, row, PROCS_nvcsw, costs->nvcsw);
	block_set_number(b, row, PROCS_nivcsw, costs->nivcsw);
	block_set_number(b, row, PROCS_minflt, costs->minflt);
	block_set_number(b, row, PROCS_majflt, costs->majflt);
	for (size_t i = 0; i < N_BY_THREAD; i++)
		block_set_number(b, row, procs_by_thread[i], by_thread_at(&costs->by_thread, i));
}

static void set_waits(struct block *b, uint32_t row, const struct waits *waits, enum sched_level sched)
{
	if (sched == SCHED_OFF)
		return;
	block_set_number(b, row, PROCS_delays_1ms, waits->delays_1ms);
	block_set_number(b, row, PROCS_delays_10ms, waits->delays_10ms);
	block_set_number(b, row, PROCS_delays_100ms, waits->delays_100ms);
	if (waits->max_delay_ns)
		block_set_number(b, row, PROCS_max_delay_ns, waits->max_delay_ns);
	if (sched == SCHED_FULL)
		block_set_number(b, row, PROCS_block_ns, waits->block_ns);
}

static void set_gauges(struct block *b, uint32_t row, const struct live_source *source)
{
	const struct process_sample *sample = source->sample;

	block_set_number(b, row, PROCS_threads, sample->costs.threads);
	block_set_number(b, row, PROCS_rss_bytes, sample->rss_pages * source->page_bytes);
	block_set_number(b, row, PROCS_swap_bytes, sample->swap_pages * source->page_bytes);
	block_set_number(b, row, PROCS_last_cpu, sample->last_cpu);
}

uint32_t row_add_proc(struct block *b, const struct live_source *source, const struct cost_delta *step)
{
	const struct process_sample *sample = source->sample;
	const char *comm = sample ? sample->comm : source->end->comm;
	const char *state = sample ? state_name(sample->state) : "X";
	uint32_t row = row_new(b);

	block_set_number(b, row, PROCS_time, source->time_ns);
	block_set_number(b, row, PROCS_pid, source->pid);
	block_set_number(b, row, PROCS_start_time, source->start_real_ns);
	block_set_number(b, row, PROCS_ppid, sample ? sample->ppid : source->end->ppid);
	block_set_number(b, row, PROCS_uid, sample ? sample->uid : source->end->uid);
	block_set_number(b, row, PROCS_euid, sample ? sample->euid : source->end->euid);
	block_set_number(b, row, PROCS_start_boot_ns, source->start_boot_ns);
	set_step(b, row, step);
	set_waits(b, row, &step->waits, source->sched);
	if (sample)
		set_gauges(b, row, source);
	row_set_text(b, row, PROCS_comm, text_view_of(comm, OBIT_COMM_LEN));
	row_set_text(b, row, PROCS_cgroup, source->cgroup.path);
	row_set_text(b, row, PROCS_container_id, source->cgroup.container);
	row_set_text(b, row, PROCS_state, text_view_of(state, 1));
	return row;
}

uint32_t row_add_roster(struct block *b, const struct live_source *source)
{
	const struct process_sample *sample = source->sample;
	const struct image *image = source->image;
	uint32_t row = row_new(b);

	block_set_number(b, row, ROSTER_time, source->time_ns);
	block_set_number(b, row, ROSTER_pid, source->pid);
	block_set_number(b, row, ROSTER_start_time, source->start_real_ns);
	block_set_number(b, row, ROSTER_ppid, sample->ppid);
	block_set_number(b, row, ROSTER_uid, sample->uid);
	block_set_number(b, row, ROSTER_gid, sample->gid);
	block_set_number(b, row, ROSTER_euid, sample->euid);
	block_set_number(b, row, ROSTER_egid, sample->egid);
	block_set_number(b, row, ROSTER_start_boot_ns, source->start_boot_ns);
	block_set_number(b, row, ROSTER_threads, sample->costs.threads);
	block_set_number(b, row, ROSTER_rss_bytes, sample->rss_pages * source->page_bytes);
	block_set_number(b, row, ROSTER_swap_bytes, sample->swap_pages * source->page_bytes);
	block_set_number(b, row, ROSTER_cpu_ns, sample->costs.cpu_ns);
	block_set_number(b, row, ROSTER_last_cpu, sample->last_cpu);
	row_set_text(b, row, ROSTER_comm, text_view_of(sample->comm, OBIT_COMM_LEN));
	row_set_text(b, row, ROSTER_cgroup, source->cgroup.path);
	row_set_text(b, row, ROSTER_container_id, source->cgroup.container);
	row_set_text(b, row, ROSTER_state, text_view_of(state_name(sample->state), 1));
	if (image)
		row_set_image(b, row, ROSTER_exe, ROSTER_argv, image);
	return row;
}

void row_add_program(struct block *b, const struct live_source *source)
{
	const struct process_sample *sample = source->sample;
	uint32_t row = row_new(b);

	block_set_number(b, row, PROGRAMS_time, source->time_ns);
	block_set_number(b, row, PROGRAMS_pid, source->pid);
	block_set_number(b, row, PROGRAMS_start_time, source->start_real_ns);
	block_set_number(b, row, PROGRAMS_start_boot_ns, source->start_boot_ns);
	block_set_number(b, row, PROGRAMS_uid, sample ? sample->uid : source->end->uid);
	row_set_text(b, row, PROGRAMS_comm, text_view_of(sample ? sample->comm : source->end->comm, OBIT_COMM_LEN));
	row_set_text(b, row, PROGRAMS_cgroup, source->cgroup.path);
	row_set_text(b, row, PROGRAMS_container_id, source->cgroup.container);
	row_set_image(b, row, PROGRAMS_exe, PROGRAMS_argv, source->image);
}

uint32_t row_add_thread(struct block *b, uint64_t time_ns, uint64_t start_real_ns, const struct walk_thread *thread)
{
	const struct thread_costs *step = &thread->step;
	uint32_t row = row_new(b);

	block_set_number(b, row, THREADS_time, time_ns);
	block_set_number(b, row, THREADS_pid, thread->pid);
	block_set_number(b, row, THREADS_start_time, start_real_ns);
	block_set_number(b, row, THREADS_start_boot_ns, thread->process_start_boot_ns);
	block_set_number(b, row, THREADS_tid, thread->row.pid);
	block_set_number(b, row, THREADS_cpu_ns, step->cpu_ns);
	block_set_number(b, row, THREADS_run_delay_ns, step->run_delay_ns);
	block_set_number(b, row, THREADS_timeslices, step->timeslices);
	block_set_number(b, row, THREADS_nvcsw, step->nvcsw);
	block_set_number(b, row, THREADS_nivcsw, step->nivcsw);
	block_set_number(b, row, THREADS_migrations, step->migrations);
	block_set_number(b, row, THREADS_minflt, step->minflt);
	block_set_number(b, row, THREADS_majflt, step->majflt);
	block_set_number(b, row, THREADS_last_cpu, thread->last_cpu);
	row_set_text(b, row, THREADS_comm, text_view_of(thread->comm, OBIT_COMM_LEN));
	row_set_text(b, row, THREADS_state, text_view_of(state_name(thread->state), 1));
	return row;
}

/* The middle of a bucket; bpf/waits.bpf.h says what is in it. */
static uint64_t middle_of(uint32_t bucket)
{
	uint32_t octave;

	if (bucket < 2 * RUNQ_PARTS)
		return bucket;
	octave = bucket / RUNQ_PARTS - 1;
	return ((uint64_t)(bucket - octave * RUNQ_PARTS) << octave) + (UINT64_C(1) << octave) / 2;
}

void row_add_runq(struct block *b, uint64_t time_ns, const struct runq_row *waits)
{
	uint32_t row = row_new(b);

	block_set_number(b, row, RUNQ_time, time_ns);
	block_set_number(b, row, RUNQ_cpu, waits->cpu);
	block_set_number(b, row, RUNQ_delay_ns, middle_of(waits->bucket));
	block_set_number(b, row, RUNQ_switches, waits->switches);
}

void row_amend_proc(struct block *procs, uint32_t row, const struct event_thread *thread)
{
	for (size_t i = 0; i < N_BY_THREAD; i++)
		block_set_number(procs, row, procs_by_thread[i],
				 block_number(procs, row, procs_by_thread[i]) + by_thread_at(&thread->own, i));
}
