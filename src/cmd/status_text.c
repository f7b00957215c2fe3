// SPDX-License-Identifier: BSD-2-Clause
/*
 * A human-readable status: a paragraph for each section, programs and samplers as a table.
 */
#include "cmd/status_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/quantity.h"
#include "output/text.h"

/* One section being printed; row 0 unless said otherwise. */
struct view {
	FILE *to;
	const struct block *block;
	uint32_t row;
};

static struct view view_of(FILE *to, const struct status *status, enum status_section section)
{
	return (struct view){to, status->sections[section], 0};
}

static bool is_null(const struct view *view, uint32_t field)
{
	return view->row >= view->block->rows || block_is_null(view->block, view->row, field);
}

static uint64_t number(const struct view *view, uint32_t field)
{
	return is_null(view, field) ? 0 : block_number(view->block, view->row, field);
}

static void print_text(const struct view *view, uint32_t field, int width)
{
	struct buffer visible = {0};
	const char *text = "-";
	size_t len = 1;

	if (!is_null(view, field))
		text = block_text(view->block, view->row, field, &len);
	text_add_visible(&visible, text, len);
	fprintf(view->to, "%-*.*s", width, (int)visible.used, visible.used ? visible.data : "");
	buffer_done(&visible);
}

static const char *write_number(const struct view *view, uint32_t field, char *ret)
{
	if (is_null(view, field))
		snprintf(ret, QUANTITY_TEXT_BYTES, "-");
	else
		snprintf(ret, QUANTITY_TEXT_BYTES, "%" PRIu64, number(view, field));
	return ret;
}

static const char *write_ns(uint64_t ns, char *ret)
{
	quantity_write_ns(ns, ret);
	return ret;
}

static const char *write_bytes(uint64_t bytes, char *ret)
{
	quantity_write_bytes(bytes, ret);
	return ret;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* "state", and behind a colon why. */
static void print_state(const struct view *view, uint32_t state, uint32_t reason)
{
	print_text(view, state, 0);
	if (is_null(view, reason))
		return;
	fprintf(view->to, ": ");
	print_text(view, reason, 0);
}

static void print_agent(FILE *to, const struct status *status)
{
	struct view agent = view_of(to, status, SECTION_AGENT), ledger = view_of(to, status, SECTION_LEDGER);
	char one[QUANTITY_TEXT_BYTES], other[QUANTITY_TEXT_BYTES];

	fprintf(to, "obit ");
	print_text(&agent, AGENT_version, 0);
	fprintf(to, ", pid %" PRIu64 ", recording for %s, every %s, --sched ", number(&agent, AGENT_pid),
		write_ns(number(&agent, AGENT_uptime_ns), one), write_ns(number(&agent, AGENT_interval_ns), other));
	print_text(&agent, AGENT_sched, 0);
	fprintf(to, "\nstate       ");
	print_state(&agent, AGENT_state, AGENT_reason);
	fprintf(to, "\nown cost    %s of CPU since its start", write_ns(number(&agent, AGENT_cpu_ns), one));
	fprintf(to, ", %s in the ledger's %s (%.2f %%)",
		write_ns(number(&ledger, TOTALS_COLUMN(LEDGER_agent_cpu_ns)), one),
		write_ns(number(&ledger, TOTALS_COLUMN(LEDGER_duration_ns)), other),
		percent(number(&ledger, TOTALS_COLUMN(LEDGER_agent_cpu_ns)),
			number(&ledger, TOTALS_COLUMN(LEDGER_duration_ns))));
	fprintf(to, "; %s resident, %s\n", write_bytes(number(&agent, AGENT_rss_bytes), one),
		number(&agent, AGENT_memory_locked) ? "locked" : "not locked");
}

static void print_store(FILE *to, const struct status *status)
{
	struct view store = view_of(to, status, SECTION_STORE);
	char bytes[QUANTITY_TEXT_BYTES];

	fprintf(to, "store       ");
	print_text(&store, STORE_dir, 0);
	fprintf(to, ": ");
	print_state(&store, STORE_state, STORE_reason);
	fprintf(to, ", %s written, %" PRIu64 " errors\n", write_bytes(number(&store, STORE_bytes), bytes),
		number(&store, STORE_errors));
	if (!is_null(&store, STORE_sealed)) {
		fprintf(to, "sealing     %" PRIu64 " logs sealed in %s of CPU, ", number(&store, STORE_sealed),
			write_ns(number(&store, STORE_seal_cpu_ns), bytes));
		fprintf(to, "%s of memory at most", write_bytes(number(&store, STORE_seal_memory_bytes), bytes));
		fprintf(to, "; %" PRIu64 " waiting, %s", number(&store, STORE_logs),
			write_bytes(number(&store, STORE_logs_bytes), bytes));
		fprintf(to, "; %" PRIu64 " errors\n", number(&store, STORE_seal_errors));
	}
	if (is_null(&store, STORE_kept_bytes))
		return;
	fprintf(to, "retention   %s kept", write_bytes(number(&store, STORE_kept_bytes), bytes));
	if (!is_null(&store, STORE_retain_bytes))
		fprintf(to, ", at most %s", write_bytes(number(&store, STORE_retain_bytes), bytes));
	if (!is_null(&store, STORE_retain_age_ns))
		fprintf(to, ", of the last %s", write_ns(number(&store, STORE_retain_age_ns), bytes));
	fprintf(to, "; %" PRIu64 " segments removed", number(&store, STORE_evicted));
	if (number(&store, STORE_evicted_full))
		fprintf(to, ", %" PRIu64 " for a full disk", number(&store, STORE_evicted_full));
	if (number(&store, STORE_restarts))
		fprintf(to, "; begun anew %" PRIu64 " times", number(&store, STORE_restarts));
	fprintf(to, "\n");
}

static void print_level(const struct view *view, uint32_t high_water, uint32_t size)
{
	char high_text[QUANTITY_TEXT_BYTES];

	fprintf(view->to, "fullest %s (%.1f %%)", write_bytes(number(view, high_water), high_text),
		percent(number(view, high_water), number(view, size)));
}

static void print_transport(FILE *to, const struct status *status)
{
	struct view transport = view_of(to, status, SECTION_TRANSPORT);
	char bytes[QUANTITY_TEXT_BYTES];

	fprintf(to, "transport   ");
	print_text(&transport, TRANSPORT_transport, 0);
	fprintf(to, ": ");
	print_state(&transport, TRANSPORT_state, TRANSPORT_reason);
	fprintf(to, "\n  rings     %" PRIu64 " of %" PRIu64 " pages, %s each; ", number(&transport, TRANSPORT_rings),
		number(&transport, TRANSPORT_ring_pages), write_bytes(number(&transport, TRANSPORT_ring_bytes), bytes));
	print_level(&transport, TRANSPORT_ring_high_water_bytes, TRANSPORT_ring_bytes);
	fprintf(to, "\n  queue     %s; ", write_bytes(number(&transport, TRANSPORT_queue_bytes), bytes));
	print_level(&transport, TRANSPORT_queue_high_water_bytes, TRANSPORT_queue_bytes);
	fprintf(to, "\n");
}

static void print_ledger(FILE *to, const struct status *status)
{
	struct view ledger = view_of(to, status, SECTION_LEDGER);
	uint64_t intervals = number(&ledger, TOTALS_intervals), unbalanced = number(&ledger, TOTALS_unbalanced);

#define COLUMN(name) number(&ledger, TOTALS_COLUMN(LEDGER_##name))
	fprintf(to, "ledger      %" PRIu64 " interval%s, ", intervals, intervals == 1 ? "" : "s");
	if (unbalanced)
		fprintf(to, "%" PRIu64 " of them UNBALANCED (`obit verify` names them)\n", unbalanced);
	else
		fprintf(to, "%s\n", intervals ? "balanced in each" : "none is closed yet");
	fprintf(to,
		"  live      %" PRIu64 " opening + %" PRIu64 " forks - %" PRIu64 " exits = %" PRIu64
		" closing; %" PRIu64 " execs\n",
		COLUMN(opening), COLUMN(forks), COLUMN(exits_seen), COLUMN(closing), COLUMN(execs));
	fprintf(to,
		"  exits     %" PRIu64 " seen = %" PRIu64 " recorded + %" PRIu64 " rolled up; %" PRIu64
		" by the free path, %" PRIu64 " amendments\n",
		COLUMN(exits_seen), COLUMN(exits_recorded), COLUMN(exits_rolled_up), COLUMN(exits_second_witness),
		COLUMN(amendments));
	fprintf(to,
		"  lost      events: %" PRIu64 " exec, %" PRIu64 " fork, %" PRIu64
		" signal found the ring full, %" PRIu64 " malformed; %" PRIu64 " runs missed\n",
		COLUMN(drops_exec), COLUMN(drops_fork), COLUMN(drops_signal), COLUMN(malformed), COLUMN(missed_runs));
	fprintf(to,
		"  no room   for %" PRIu64 " processes (--max-processes), %" PRIu64 " cgroups' events, %" PRIu64
		" names' roll-ups, %" PRIu64 " exiting, %" PRIu64 " leaderless, %" PRIu64 " at a boundary, %" PRIu64
		" long waits; %" PRIu64 " gone unseen\n",
		COLUMN(processes_full), COLUMN(drops_cgroup), COLUMN(rollup_map_full), COLUMN(mark_map_full),
		COLUMN(orphan_map_full), COLUMN(crossing_map_full), COLUMN(wait_map_full), COLUMN(exits_unseen));
#undef COLUMN
}

static void write_per_run(const struct view *view, uint32_t runs, uint32_t run_ns, char *ret)
{
	if (is_null(view, run_ns) || !number(view, runs))
		snprintf(ret, QUANTITY_TEXT_BYTES, "-");
	else
		snprintf(ret, QUANTITY_TEXT_BYTES, "%" PRIu64, number(view, run_ns) / number(view, runs));
}

/* The columns that programs and samplers share. */
struct columns {
	uint32_t name, state, reason, misses, runs, run_ns;
};

static void print_row(const struct view *view, const struct columns *columns)
{
	char per_run[QUANTITY_TEXT_BYTES], runs[QUANTITY_TEXT_BYTES], misses[QUANTITY_TEXT_BYTES];

	write_per_run(view, columns->runs, columns->run_ns, per_run);
	print_text(view, columns->name, 14);
	print_text(view, columns->state, 10);
	fprintf(view->to, "%10s %12s %8s", per_run, write_number(view, columns->runs, runs),
		write_number(view, columns->misses, misses));
}

static void print_reason(const struct view *view, const struct columns *columns)
{
	fprintf(view->to, "\n");
	if (is_null(view, columns->reason))
		return;
	fprintf(view->to, "  ");
	print_text(view, columns->reason, 0);
	fprintf(view->to, "\n");
}

static void print_parts(FILE *to, const struct status *status)
{
	static const struct columns program = {PROGRAM_name,   PROGRAM_state, PROGRAM_reason,
					       PROGRAM_misses, PROGRAM_runs,  PROGRAM_run_ns};
	static const struct columns sampler = {SAMPLER_name,   SAMPLER_state, SAMPLER_reason,
					       SAMPLER_misses, SAMPLER_runs,  SAMPLER_run_ns};
	struct view view = view_of(to, status, SECTION_PROGRAM);

	fprintf(to, "\n%-14s%-10s%10s %12s %8s  %s\n", "program", "state", "ns per run", "runs", "misses",
		"attached to");
	for (; view.row < view.block->rows; view.row++) {
		print_row(&view, &program);
		fprintf(to, "  ");
		print_text(&view, PROGRAM_attach, 0);
		print_reason(&view, &program);
	}
	fprintf(to, "sampler\n");
	view = view_of(to, status, SECTION_SAMPLER);
	for (; view.row < view.block->rows; view.row++) {
		print_row(&view, &sampler);
		print_reason(&view, &sampler);
	}
}

/* What the programs cost, and of which time the values above are. */
static void print_measured(FILE *to, const struct status *status)
{
	struct view agent = view_of(to, status, SECTION_AGENT), program = view_of(to, status, SECTION_PROGRAM);
	uint64_t measured_ns = number(&agent, AGENT_measured_ns), run_ns = 0, runs = 0;
	char one[QUANTITY_TEXT_BYTES], other[QUANTITY_TEXT_BYTES];

	for (; program.row < program.block->rows; program.row++) {
		run_ns += number(&program, PROGRAM_run_ns);
		runs += number(&program, PROGRAM_runs);
	}
	if (measured_ns) {
		fprintf(to, "measured for %s: programs took %s (%.2f %% of a CPU)", write_ns(measured_ns, one),
			write_ns(run_ns, other), percent(run_ns, measured_ns));
		fprintf(to, ", the agent %s (%.2f %%)\n", write_ns(number(&agent, AGENT_measured_cpu_ns), one),
			percent(number(&agent, AGENT_measured_cpu_ns), measured_ns));
	} else if (runs) {
		fprintf(to,
			"run times of programs are of the time that run statistics were on; --measure 1s takes them "
			"afresh\n");
	} else {
		fprintf(to, "run times of programs are not measured; --measure 1s does\n");
	}
}

void status_text_print(FILE *to, const struct status *status)
{
	print_agent(to, status);
	print_store(to, status);
	print_transport(to, status);
	print_ledger(to, status);
	print_parts(to, status);
	print_measured(to, status);
}
