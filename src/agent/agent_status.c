// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the agent says of itself, asked in the main thread. Values of the ledger is those of the last sealed
 * interval; programs, the agent's own cost and the store's errors are of this instant.
 *
 * Degraded is said of what has been lost since the agent began, not of what is lost just now: a hole in the
 * ledger does not heal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_inside.h"
#include "agent/host.h"
#include "base/array.h"
#include "base/clock.h"
#include "model/limits.h"
#include "model/status_sections.h"

/* Two at once are usual: what a killed agent left, and the log that has just ended. */
#define LOGS_BEHIND 3

#define REASON_BYTES 256

enum state { OFF, ACTIVE, DEGRADED, FAILED }; /* the larger the worse */

static const char *const state_names[] = {"off", "active", "degraded", "failed"};

/* A status being filled, and the first and worst thing said in it. */
struct report {
	const struct agent *agent;
	const struct totals *totals;
	struct status *status;
	enum state worst;
	char reason[REASON_BYTES]; /* "" while all is active */
};

/* State and reason of a row; `of` names it in the agent's own reason. */
static void set_state(struct report *report, enum status_section section, int row, uint32_t state_field,
		      enum state state, const char *of, const char *reason)
{
	status_set_text(report->status, section, (uint32_t)row, state_field, state_names[state]);
	if (state != ACTIVE)
		status_set_text(report->status, section, (uint32_t)row, state_field + 1, reason);
	if (state <= ACTIVE || state <= report->worst)
		return;
	report->worst = state;
	snprintf(report->reason, sizeof(report->reason), "%s: %s", of, reason);
}

_Static_assert(PROGRAM_reason == PROGRAM_state + 1 && SAMPLER_reason == SAMPLER_state + 1 &&
		       STORE_reason == STORE_state + 1 && TRANSPORT_reason == TRANSPORT_state + 1 &&
		       AGENT_reason == AGENT_state + 1,
	       "a reason follows its state");

/* The totals beside the interval sealed last: the ledger writes the others meanwhile. */
static const struct totals *last_totals(const struct agent *agent)
{
	/* pairs with seal() */
	uint32_t n_sealed = atomic_load_explicit(&agent->shared.intervals_sealed, memory_order_acquire);

	return &agent->ledger.totals.of[(n_sealed + 1) % TOTALS_KEPT];
}

static void report_ledger(struct report *report)
{
	struct status *status = report->status;
	const struct totals *totals = report->totals;
	int row = status_add(status, SECTION_LEDGER);

	status_set_number(status, SECTION_LEDGER, (uint32_t)row, TOTALS_intervals, totals->intervals);
	status_set_number(status, SECTION_LEDGER, (uint32_t)row, TOTALS_unbalanced, totals->unbalanced);
	for (uint32_t i = 0; i < N_LEDGER_FIELDS; i++)
		if (totals->is_known[i])
			status_set_number(status, SECTION_LEDGER, (uint32_t)row, TOTALS_COLUMN(i), totals->columns[i]);
	if (totals->unbalanced && report->worst < DEGRADED) {
		report->worst = DEGRADED;
		snprintf(report->reason, sizeof(report->reason),
			 "ledger: %" PRIu64 " of %" PRIu64 " intervals did not balance; `obit verify` names them",
			 totals->unbalanced, totals->intervals);
	}
}

static void report_transport(struct report *report)
{
	const struct agent *agent = report->agent;
	uint64_t ring_bytes = agent->drain.n_rings ? agent->drain.rings[0].memory.bytes : 0;
	uint64_t malformed = report->totals->columns[LEDGER_malformed];
	int row = status_add(report->status, SECTION_TRANSPORT);
	const struct {
		uint32_t field;
		uint64_t value;
	} numbers[] = {
		{TRANSPORT_rings, agent->drain.n_rings},
		{TRANSPORT_ring_pages, ring_bytes / (uint64_t)sysconf(_SC_PAGESIZE)},
		{TRANSPORT_ring_bytes, ring_bytes},
		{TRANSPORT_ring_high_water_bytes, report->totals->columns[LEDGER_ring_high_water_bytes]},
		{TRANSPORT_queue_bytes, QUEUE_BYTES},
		{TRANSPORT_queue_high_water_bytes, report->totals->columns[LEDGER_queue_high_water_bytes]},
	};
	char reason[REASON_BYTES];

	snprintf(reason, sizeof(reason), "%" PRIu64 " events made no sense and were left out", malformed);
	set_state(report, SECTION_TRANSPORT, row, TRANSPORT_state, malformed ? DEGRADED : ACTIVE, "transport", reason);
	status_set_text(report->status, SECTION_TRANSPORT, (uint32_t)row, TRANSPORT_transport,
			report->agent->has_bpf_rings ? "ringbuf" : "perf");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		status_set_number(report->status, SECTION_TRANSPORT, (uint32_t)row, numbers[i].field, numbers[i].value);
}

static void report_store(struct report *report)
{
	const struct agent *agent = report->agent;
	const struct {
		uint32_t field;
		uint64_t value;
	} counts[] = {
		{STORE_bytes, atomic_load_explicit(&agent->shared.store_bytes, memory_order_relaxed)},
		{STORE_errors, atomic_load_explicit(&agent->shared.store_errors, memory_order_relaxed)},
		{STORE_kept_bytes, atomic_load_explicit(&agent->shared.store_kept_bytes, memory_order_relaxed)},
		{STORE_evicted, atomic_load_explicit(&agent->shared.store_evicted, memory_order_relaxed)},
		{STORE_evicted_full, atomic_load_explicit(&agent->shared.store_evicted_full, memory_order_relaxed)},
		{STORE_sealed, atomic_load_explicit(&agent->shared.store_sealed, memory_order_relaxed)},
		{STORE_logs, atomic_load_explicit(&agent->shared.store_logs, memory_order_relaxed)},
		{STORE_logs_bytes, atomic_load_explicit(&agent->shared.store_logs_bytes, memory_order_relaxed)},
		{STORE_seal_errors, atomic_load_explicit(&agent->shared.seal_errors, memory_order_relaxed)},
		{STORE_seal_cpu_ns, atomic_load_explicit(&agent->shared.seal_cpu_ns, memory_order_relaxed)},
		{STORE_seal_memory_bytes, atomic_load_explicit(&agent->shared.seal_memory_bytes, memory_order_relaxed)},
		{STORE_restarts, atomic_load_explicit(&agent->shared.store_restarts, memory_order_relaxed)},
	};
	uint64_t n_full = atomic_load_explicit(&agent->shared.store_evicted_full, memory_order_relaxed);
	int error = atomic_load_explicit(&agent->shared.store_error, memory_order_relaxed);
	int seal_error = atomic_load_explicit(&agent->shared.seal_error, memory_order_relaxed);
	uint64_t n_logs = atomic_load_explicit(&agent->shared.store_logs, memory_order_relaxed);
	int row = status_add(report->status, SECTION_STORE);
	enum state state = error || n_full || seal_error || n_logs > LOGS_BEHIND ? DEGRADED : ACTIVE;
	char reason[REASON_BYTES];

	if (error)
		snprintf(reason, sizeof(reason), "cannot be written: %s; trying again", strerror(-error));
	else if (seal_error)
		snprintf(reason, sizeof(reason), "a log cannot be sealed: %s; trying again", strerror(-seal_error));
	else if (n_logs > LOGS_BEHIND)
		snprintf(reason, sizeof(reason), "sealing is %" PRIu64 " logs behind: the host leaves it no time",
			 n_logs);
	else
		snprintf(reason, sizeof(reason), "the disk was full: %" PRIu64 " segments went before their time",
			 n_full);
	if (atomic_load_explicit(&agent->shared.has_lost, memory_order_relaxed)) {
		state = FAILED;
		snprintf(reason, sizeof(reason), "an interval was lost: it could not be written");
	}
	set_state(report, SECTION_STORE, row, STORE_state, state, "store", reason);
	status_set_text(report->status, SECTION_STORE, (uint32_t)row, STORE_dir, agent->store_path);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		status_set_number(report->status, SECTION_STORE, (uint32_t)row, counts[i].field, counts[i].value);
	if (agent->options->retain_bytes != UINT64_MAX)
		status_set_number(report->status, SECTION_STORE, (uint32_t)row, STORE_retain_bytes,
				  agent->options->retain_bytes);
	if (agent->options->retain_age_ns)
		status_set_number(report->status, SECTION_STORE, (uint32_t)row, STORE_retain_age_ns,
				  agent->options->retain_age_ns);
}

static enum state judge_program(const struct report *report, const struct collect_program *program, char *ret_reason)
{
	uint64_t drops = program->drops < 0 ? 0 : report->totals->columns[program->drops];

	if (!program->is_wanted) {
		snprintf(ret_reason, REASON_BYTES, "left out by --sched off");
		return OFF;
	}
	if (!program->is_attached) {
		snprintf(ret_reason, REASON_BYTES, "not attached");
		return FAILED;
	}
	if (program->misses) {
		snprintf(ret_reason, REASON_BYTES, "the kernel skipped %" PRIu64 " runs", program->misses);
		return DEGRADED;
	}
	if (drops) {
		snprintf(ret_reason, REASON_BYTES, "%" PRIu64 " events found the ring full: their %s", drops,
			 program->lack);
		return DEGRADED;
	}
	if (program->error) {
		snprintf(ret_reason, REASON_BYTES, "its misses cannot be read: %s", strerror(-program->error));
		return DEGRADED;
	}
	return ACTIVE;
}

static void report_program(struct report *report, const struct collect_program *program)
{
	int row = status_add(report->status, SECTION_PROGRAM);
	char reason[REASON_BYTES] = "";
	enum state state;

	if (row < 0)
		return;
	state = judge_program(report, program, reason);
	status_set_text(report->status, SECTION_PROGRAM, (uint32_t)row, PROGRAM_name, program->name);
	status_set_text(report->status, SECTION_PROGRAM, (uint32_t)row, PROGRAM_attach, program->attach);
	set_state(report, SECTION_PROGRAM, row, PROGRAM_state, state, program->name, reason);
	if (state == OFF)
		return;
	status_set_number(report->status, SECTION_PROGRAM, (uint32_t)row, PROGRAM_misses, program->misses);
	if (!program->runs)
		return;
	status_set_number(report->status, SECTION_PROGRAM, (uint32_t)row, PROGRAM_runs, program->runs);
	status_set_number(report->status, SECTION_PROGRAM, (uint32_t)row, PROGRAM_run_ns, program->run_ns);
}

static uint32_t add_sampler(struct report *report, const char *name, enum state state, const char *reason)
{
	int row = status_add(report->status, SECTION_SAMPLER);

	status_set_text(report->status, SECTION_SAMPLER, (uint32_t)row, SAMPLER_name, name);
	set_state(report, SECTION_SAMPLER, row, SAMPLER_state, state, name, reason);
	return (uint32_t)row;
}

/* One that fills a table of its own. */
static void report_table_sampler(struct report *report, int sample)
{
	struct sampler_report sampler = samplers_report(report->agent->rollover.samplers, sample);
	char reason[REASON_BYTES];
	uint32_t row;

	snprintf(reason, sizeof(reason), "%" PRIu64 " of %" PRIu64 " readings are incomplete, the last: %s",
		 sampler.misses, sampler.runs, sampler.error ? strerror(-sampler.error) : "whole");
	row = add_sampler(report, sampler.name, sampler.misses ? DEGRADED : ACTIVE, reason);
	status_set_number(report->status, SECTION_SAMPLER, row, SAMPLER_misses, sampler.misses);
	status_set_number(report->status, SECTION_SAMPLER, row, SAMPLER_runs, sampler.runs);
	status_set_number(report->status, SECTION_SAMPLER, row, SAMPLER_run_ns, sampler.run_ns);
}

static void report_samplers(struct report *report)
{
	const struct agent *agent = report->agent;
	char reason[REASON_BYTES];
	uint32_t row;

	snprintf(reason, sizeof(reason), "%" PRIu64 " intervals could not be read in full: %s",
		 agent->rollover.failed_rollovers, strerror(-agent->rollover.rollover_error));
	row = add_sampler(report, "living", agent->rollover.failed_rollovers ? DEGRADED : ACTIVE, reason);
	status_set_number(report->status, SECTION_SAMPLER, row, SAMPLER_misses, agent->rollover.failed_rollovers);
	status_set_number(report->status, SECTION_SAMPLER, row, SAMPLER_runs, report->totals->intervals);
	status_set_number(report->status, SECTION_SAMPLER, row, SAMPLER_run_ns, agent->rollover.walk_ns);
	snprintf(reason, sizeof(reason), "no cgroup v2 hierarchy (%s): records carry cgroup ids without paths",
		 strerror(-agent->cgroups_error));
	/* Read once; then every new one is reported by an event. */
	add_sampler(report, "cgroup_paths", agent->cgroups_error < 0 ? DEGRADED : ACTIVE, reason);
	for (int i = 0; i < N_SAMPLES; i++)
		report_table_sampler(report, i);
}

/* Last, when the worst of all is known. */
static void report_agent(struct report *report)
{
	const struct agent *agent = report->agent;
	int row = status_add(report->status, SECTION_AGENT);
	const struct {
		uint32_t field;
		uint64_t value;
	} numbers[] = {
		{AGENT_pid, (uint64_t)getpid()},
		{AGENT_start_time, agent->origin.run_real_ns},
		{AGENT_uptime_ns, clock_boot_ns() - agent->start_boot_ns},
		{AGENT_interval_ns, agent->options->interval_ns},
		{AGENT_cpu_ns, host_own_cpu_ns()},
		{AGENT_rss_bytes, host_own_rss_bytes()},
		{AGENT_memory_locked, (uint64_t)agent->is_memory_locked},
	};

	if (!agent->is_memory_locked && report->worst < DEGRADED) {
		report->worst = DEGRADED;
		snprintf(report->reason, sizeof(report->reason), "memory is not locked");
	}
	status_set_text(report->status, SECTION_AGENT, (uint32_t)row, AGENT_version, OBIT_VERSION);
	status_set_text(report->status, SECTION_AGENT, (uint32_t)row, AGENT_state, state_names[report->worst]);
	if (*report->reason)
		status_set_text(report->status, SECTION_AGENT, (uint32_t)row, AGENT_reason, report->reason);
	status_set_text(report->status, SECTION_AGENT, (uint32_t)row, AGENT_sched,
			sched_level_name(agent->options->sched));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		status_set_number(report->status, SECTION_AGENT, (uint32_t)row, numbers[i].field, numbers[i].value);
}

void agent_status(const struct agent *agent, struct status *ret)
{
	struct report report = {.agent = agent, .totals = last_totals(agent), .status = ret, .worst = ACTIVE};

	status_clear(ret);
	report_ledger(&report);
	report_transport(&report);
	report_store(&report);
	for (size_t i = 0; i < collect_n_programs(); i++) {
		struct collect_program program;

		collect_program(agent->collect, i, &program);
		report_program(&report, &program);
	}
	report_samplers(&report);
	report_agent(&report);
}
