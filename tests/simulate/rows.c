// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows as they leave the ledger, each against the truth. What is written afterwards is compared with these
 * by digest (audit.c), every value of every field.
 */
#include <inttypes.h>
#include <string.h>

#include "simulate.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
	struct chance chance = {hash ^ value};

	return chance_next(&chance);
}

static uint64_t mix_bytes(uint64_t hash, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, data + i, len - i < 8 ? len - i : 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return mix(hash, len);
}

static uint64_t row_digest(const struct block *block, uint32_t row)
{
	uint64_t hash = mix(7, block->table->id);

	for (uint32_t field = 0; field < block->table->n_fields; field++) {
		const char *text;
		size_t len;

		if (block_is_null(block, row, field)) {
			hash = mix(hash, field);
		} else if (field_is_text(&block->table->fields[field])) {
			text = block_text(block, row, field, &len);
			hash = mix_bytes(hash, text, len);
		} else {
			hash = hash * 31 + block_number(block, row, field);
		}
	}
	return mix(hash, 1);
}

/*
 * Of every field, null or not, of every row: a sum, since a sealed segment has its rows in another order, and those of
 * an interval's chunks together.
 */
uint64_t blocks_digest(struct block *const *blocks, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		for (uint32_t row = 0; row < blocks[i]->rows; row++)
			sum += row_digest(blocks[i], row);
	return sum;
}

/* One row under judgement. */
struct look {
	struct history *history;
	const struct block *block;
	uint32_t row;
	uint64_t interval;
	const char *of; /* what it is a row of */
	uint32_t pid;
};

static void differ(const struct look *look, uint32_t field, const char *is, const char *should)
{
	history_fail(look->history, "interval %" PRIu64 ", %s row %u (pid %u): %s is %s, the history says %s",
		     look->interval, look->of, look->row, look->pid, look->block->table->fields[field].name, is,
		     should);
}

static void same_number(const struct look *look, uint32_t field, uint64_t should)
{
	char is[32], wanted[32];

	if (!block_is_null(look->block, look->row, field) && block_number(look->block, look->row, field) == should)
		return;
	snprintf(is, sizeof(is), "%" PRIu64, block_number(look->block, look->row, field));
	snprintf(wanted, sizeof(wanted), "%" PRIu64, should);
	differ(look, field, block_is_null(look->block, look->row, field) ? "null" : is, wanted);
}

static void is_absent(const struct look *look, uint32_t field)
{
	if (!block_is_null(look->block, look->row, field))
		differ(look, field, "there", "null");
}

static void same_text(const struct look *look, uint32_t field, const char *should, size_t len)
{
	char is[128], wanted[128];
	size_t is_len;
	const char *text = block_text(look->block, look->row, field, &is_len);

	if (!block_is_null(look->block, look->row, field) && is_len == len && memcmp(text, should, len) == 0)
		return;
	snprintf(is, sizeof(is), "(%zu bytes) %.*s", is_len, is_len > 90 ? 90 : (int)is_len, text);
	snprintf(wanted, sizeof(wanted), "(%zu bytes) %.*s", len, len > 90 ? 90 : (int)len, should);
	differ(look, field, block_is_null(look->block, look->row, field) ? "null" : is, wanted);
}

/* cputime_adjust() of kernel/sched/cputime.c. */
static uint64_t system_share(uint64_t cpu_ns, uint64_t utime_ns, uint64_t stime_ns)
{
	if (!stime_ns)
		return 0;
	return utime_ns ? (uint64_t)((unsigned __int128)cpu_ns * stime_ns / (utime_ns + stime_ns)) : cpu_ns;
}

static void check_costs(const struct look *look, const struct process_lifetime *process)
{
	const struct costs *costs = &process->end.costs;
	uint64_t system_ns = system_share(costs->cpu_ns, costs->utime_ns, costs->stime_ns);

	same_number(look, EXITS_wall_ns, costs->wall_ns);
	same_number(look, EXITS_cpu_ns, costs->cpu_ns);
	same_number(look, EXITS_user_ns, costs->cpu_ns - system_ns);
	same_number(look, EXITS_system_ns, system_ns);
	same_number(look, EXITS_nvcsw, costs->nvcsw);
	same_number(look, EXITS_nivcsw, costs->nivcsw);
	same_number(look, EXITS_minflt, costs->minflt);
	same_number(look, EXITS_majflt, costs->majflt);
	same_number(look, EXITS_max_rss_bytes, process->end.max_rss_pages * PAGE_BYTES);
	if (plan_is_tight(look->history->plan))
		return;
	same_number(look, EXITS_threads, process->in_row.threads);
	same_number(look, EXITS_run_delay_ns, process->in_row.own.run_delay_ns);
	same_number(look, EXITS_timeslices, process->in_row.own.timeslices);
	same_number(look, EXITS_migrations, process->in_row.own.migrations);
	same_number(look, EXITS_rchar, process->in_row.own.rchar);
	same_number(look, EXITS_wchar, process->in_row.own.wchar);
	same_number(look, EXITS_syscr, process->in_row.own.syscr);
	same_number(look, EXITS_syscw, process->in_row.own.syscw);
	same_number(look, EXITS_read_bytes, process->in_row.own.read_bytes);
	same_number(look, EXITS_write_bytes, process->in_row.own.write_bytes);
	same_number(look, EXITS_cancelled_write_bytes, process->in_row.own.cancelled_write_bytes);
}

static int has_flag(const struct look *look, const char *name)
{
	size_t len, name_len = strlen(name);
	const char *text = block_text(look->block, look->row, EXITS_flags, &len);

	for (size_t i = 0; i + name_len <= len; i++)
		if ((i == 0 || text[i - 1] == ',') && memcmp(text + i, name, name_len) == 0 &&
		    (i + name_len == len || text[i + name_len] == ','))
			return 1;
	return 0;
}

static void same_flag(const struct look *look, const char *name, int should)
{
	if (has_flag(look, name) != !!should)
		history_fail(look->history, "interval %" PRIu64 ", exits row %u (pid %u): flag %s is %s",
			     look->interval, look->row, look->pid, name, should ? "not there" : "there");
}

static void check_image(const struct look *look, const struct process_lifetime *process)
{
	char exe[128], argv[OBIT_ARGV_MAX + 128];

	if (process->is_kthread) {
		is_absent(look, EXITS_argv);
		is_absent(look, EXITS_exe);
		same_flag(look, "identity_lost", 0);
		return;
	}
	if (!process->is_excused && !process->has_image)
		history_fail(look->history, "pid %u has no image, and nothing excuses that", look->pid);
	if (process->is_excused) {
		if (block_is_null(look->block, look->row, EXITS_argv))
			same_flag(look, "identity_lost", 1);
		return;
	}
	same_flag(look, "started_before_agent", process->is_before_agent);
	same_flag(look, "identity_lost", 0);
	if (process->is_scanned_empty) {
		is_absent(look, EXITS_exe);
		same_text(look, EXITS_argv, "", 0);
		return;
	}
	same_text(look, EXITS_exe, exe, image_exe(process->image, exe));
	same_text(look, EXITS_argv, argv, image_argv(process->image, look->history->plan, argv));
	same_flag(look, "argv_truncated", process->heard_flags & EXEC_ARGV_TRUNCATED);
	same_flag(look, "exe_truncated", process->heard_flags & EXEC_EXE_TRUNCATED);
}

static void check_cause(const struct look *look, const struct process_lifetime *process)
{
	int status = process->end.wait_status, by_free = process->end.flags & EXIT_BY_FREE;

	same_number(look, EXITS_core_dumped, (status & 0x80) != 0);
	same_number(look, EXITS_oom_killed, (process->end.flags & EXIT_OOM_KILLED) != 0);
	same_text(look, EXITS_witness, by_free ? "free" : "switch", by_free ? 4 : 6);
	if (!(status & 0x7f)) {
		same_number(look, EXITS_exit_code, (uint64_t)status >> 8);
		is_absent(look, EXITS_exit_signal);
		is_absent(look, EXITS_killer_pid);
		return;
	}
	is_absent(look, EXITS_exit_code);
	same_number(look, EXITS_exit_signal, (uint64_t)status & 0x7f);
	if (process->is_excused)
		return;
	if (!process->killer.signal) {
		is_absent(look, EXITS_killer_pid);
		return;
	}
	same_number(look, EXITS_killer_pid, process->killer.pid);
	same_text(look, EXITS_killer_comm, process->killer.comm, strnlen(process->killer.comm, OBIT_COMM_LEN));
	if (process->killer.pid)
		same_number(look, EXITS_killer_uid, process->killer.uid);
	else
		is_absent(look, EXITS_killer_uid);
}

static void check_exit(const struct look *look, const struct process_lifetime *process)
{
	const struct event_exit *end = &process->end;
	uint64_t offset = (uint64_t)process->row_offset_ns;
	char path[OBIT_CGROUP_MAX];
	size_t len = cgroup_path_of(end->cgroup_id, look->history->plan, path);

	same_number(look, EXITS_pid, process->pid);
	/* Without room to know it at its first event, the ledger knows it from any later one on. */
	if (!plan_is_tight(look->history->plan))
		same_number(look, EXITS_start_time, process->start_boot_ns + (uint64_t)process->known_offset_ns);
	same_number(look, EXITS_exit_time, end->head.boot_ns + offset);
	same_number(look, EXITS_ppid, end->ppid);
	same_number(look, EXITS_uid, end->uid);
	same_number(look, EXITS_gid, end->gid);
	same_number(look, EXITS_cgroup_id, end->cgroup_id);
	same_text(look, EXITS_comm, end->comm, strnlen(end->comm, OBIT_COMM_LEN));
	if (end->flags & EXIT_PIDS_LOST) {
		is_absent(look, EXITS_nspid);
	} else {
		same_number(look, EXITS_nspid, end->nspid);
		same_number(look, EXITS_pgid, end->pgid);
		same_number(look, EXITS_sid, end->sid);
	}
	if (end->auid == UINT32_MAX)
		is_absent(look, EXITS_auid);
	else
		same_number(look, EXITS_auid, end->auid);
	if (len)
		same_text(look, EXITS_cgroup, path, len);
	else
		is_absent(look, EXITS_cgroup);
	same_flag(look, "kthread", end->flags & EXIT_KTHREAD);
	same_flag(look, "no_exec", end->flags & EXIT_NO_EXEC && !(end->flags & EXIT_KTHREAD));
	check_costs(look, process);
	check_image(look, process);
	check_cause(look, process);
}

static void check_exits(struct history *history, struct epoch_truth *truth, const struct chunk *chunk)
{
	struct look look = {history, chunk->blocks[CHUNK_EXITS], 0, chunk->interval.number, "exits", 0};

	for (; look.row < look.block->rows; look.row++) {
		struct process_lifetime *process;

		if (truth->n_left == truth->n_exits) {
			history_fail(history,
				     "interval %" PRIu64 ": more rows of exits than the ledger has heard of, %u",
				     look.interval, truth->n_exits);
			return;
		}
		process = truth->exits[truth->n_left++];
		look.pid = process->pid;
		check_exit(&look, process);
		history->n_excused += process->is_excused;
		process->has_row_left = 1;
		process->is_known = 0;
	}
}

static uint64_t text_key(const struct block *block, uint32_t row)
{
	size_t comm_len, cgroup_len;
	const char *comm = block_text(block, row, ROLLUPS_comm, &comm_len);
	const char *cgroup = block_text(block, row, ROLLUPS_cgroup, &cgroup_len);

	return history_key(comm, comm_len, cgroup, cgroup_len);
}

/* Adds the rows up; the sums are compared when the interval closes. */
static void add_rollups(struct history *history, struct sums *sums, const struct chunk *chunk)
{
	const struct block *b = chunk->blocks[CHUNK_ROLLUPS];
	static const struct {
		uint32_t field;
		size_t offset;
	} costs[] = {
		{ROLLUPS_wall_ns, offsetof(struct costs, wall_ns)},
		{ROLLUPS_cpu_ns, offsetof(struct costs, cpu_ns)},
		{ROLLUPS_run_delay_ns, offsetof(struct costs, by_thread.run_delay_ns)},
		{ROLLUPS_timeslices, offsetof(struct costs, by_thread.timeslices)},
		{ROLLUPS_migrations, offsetof(struct costs, by_thread.migrations)},
		{ROLLUPS_threads, offsetof(struct costs, threads)},
		{ROLLUPS_nvcsw, offsetof(struct costs, nvcsw)},
		{ROLLUPS_nivcsw, offsetof(struct costs, nivcsw)},
		{ROLLUPS_minflt, offsetof(struct costs, minflt)},
		{ROLLUPS_majflt, offsetof(struct costs, majflt)},
		{ROLLUPS_rchar, offsetof(struct costs, by_thread.rchar)},
		{ROLLUPS_wchar, offsetof(struct costs, by_thread.wchar)},
		{ROLLUPS_syscr, offsetof(struct costs, by_thread.syscr)},
		{ROLLUPS_syscw, offsetof(struct costs, by_thread.syscw)},
		{ROLLUPS_read_bytes, offsetof(struct costs, by_thread.read_bytes)},
		{ROLLUPS_write_bytes, offsetof(struct costs, by_thread.write_bytes)},
		{ROLLUPS_cancelled_write_bytes, offsetof(struct costs, by_thread.cancelled_write_bytes)},
	};

	for (uint32_t row = 0; row < b->rows; row++) {
		uint64_t exits = block_number(b, row, ROLLUPS_exits), cpu_ns = block_number(b, row, ROLLUPS_cpu_ns);
		uint64_t pages = block_number(b, row, ROLLUPS_max_rss_bytes) / PAGE_BYTES;

		sums->exits += exits;
		sums->failed += block_number(b, row, ROLLUPS_failed);
		sums->max_rss_pages = pages > sums->max_rss_pages ? pages : sums->max_rss_pages;
		for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++)
			*(uint64_t *)(void *)((char *)&sums->costs + costs[i].offset) +=
				block_number(b, row, costs[i].field);
		if (block_number(b, row, ROLLUPS_user_ns) + block_number(b, row, ROLLUPS_system_ns) != cpu_ns)
			history_fail(history,
				     "interval %" PRIu64 ", rollups row %u: user and system are not its CPU time",
				     chunk->interval.number, row);
		sums->by_key_exits += exits * text_key(b, row);
		sums->by_key_cpu += cpu_ns * text_key(b, row);
	}
}

static void same(struct history *history, uint64_t interval, const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		history_fail(history, "interval %" PRIu64 ": %s is %" PRIu64 ", the history says %" PRIu64, interval,
			     what, is, should);
}

static void check_rollups(struct history *history, struct epoch_truth *truth, uint64_t number)
{
	struct costs *is = &truth->rows.costs, *should = &truth->rolled.costs;
	const uint64_t *is_words = (const uint64_t *)(const void *)is;
	const uint64_t *should_words = (const uint64_t *)(const void *)should;

	same(history, number, "the sum of rollups.exits", truth->rows.exits, truth->rolled.exits);
	same(history, number, "the sum of rollups.failed", truth->rows.failed, truth->rolled.failed);
	same(history, number, "the largest rollups.max_rss", truth->rows.max_rss_pages, truth->rolled.max_rss_pages);
	/* The split of CPU time is checked by row; which side a tick fell on is not kept. */
	is->utime_ns = should->utime_ns = is->stime_ns = should->stime_ns = 0;
	if (plan_is_tight(history->plan)) {
		is->threads = should->threads = 0;
		is->by_thread = should->by_thread = (struct by_thread){0};
	}
	for (size_t i = 0; i < sizeof(*is) / 8; i++)
		if (is_words[i] != should_words[i])
			history_fail(history,
				     "interval %" PRIu64 ": cost %zu of struct costs, summed over rollups, is %" PRIu64
				     ", the history says %" PRIu64,
				     number, i, is_words[i], should_words[i]);
	if (history->world->counts[number & 1].rollup_map_full)
		return;
	same(history, number, "the sum of exits by comm and cgroup", truth->rows.by_key_exits,
	     truth->rolled.by_key_exits);
	same(history, number, "the sum of CPU by comm and cgroup", truth->rows.by_key_cpu, truth->rolled.by_key_cpu);
}

static int check_ledger(struct history *history, struct epoch_truth *truth, const struct chunk *chunk)
{
	struct look look = {history, chunk->blocks[CHUNK_LEDGER], 0, chunk->interval.number, "ledger", 0};
	uint64_t opening, closing;

	if (look.block->rows != 1) {
		history_fail(history, "interval %" PRIu64 " has %u ledger rows", look.interval, look.block->rows);
		return 0;
	}
	opening = block_number(look.block, 0, LEDGER_opening);
	closing = block_number(look.block, 0, LEDGER_closing);
	same_number(&look, LEDGER_forks, truth->births);
	same_number(&look, LEDGER_execs, truth->counters.execs);
	same_number(&look, LEDGER_exits_seen, truth->deaths);
	same_number(&look, LEDGER_exits_recorded, truth->n_exits);
	same_number(&look, LEDGER_exits_rolled_up, truth->rolled.exits);
	same_number(&look, LEDGER_exits_second_witness, truth->counters.exits_second_witness);
	same_number(&look, LEDGER_amendments, truth->amendments);
	same(history, look.interval, "the ends of threads that were heard", truth->amendments, truth->threads_reported);
	if (!plan_is_tight(history->plan))
		same_number(&look, LEDGER_amendments_late, truth->amendments_late);
	same_number(&look, LEDGER_malformed, 0);
	same(history, look.interval, "exits_recorded + exits_rolled_up", truth->n_exits + truth->rolled.exits,
	     truth->deaths);
	if (look.interval > 1)
		same_number(&look, LEDGER_opening, history->epochs[look.interval - 1].closing_said);
	if (!plan_has_misses(history->plan)) {
		if (look.interval == 1)
			same_number(&look, LEDGER_opening, history->epochs[0].closing);
		same_number(&look, LEDGER_closing, truth->closing);
	}
	truth->closing_said = closing;
	truth->is_sealed = 1;
	return opening + truth->births - truth->deaths != closing;
}

int history_check_chunk(struct history *history, const struct chunk *chunk)
{
	struct epoch_truth *truth = history_epoch(history, (uint32_t)chunk->interval.number);
	int is_broken;

	/* Also of one that fills, and leaves, before the interval before it is sealed. */
	same(history, chunk->interval.number, "its begin", chunk->interval.begin_real_ns, truth->begin_real_ns);
	check_exits(history, truth, chunk);
	add_rollups(history, &truth->rows, chunk);
	if (!chunk->interval.is_last_chunk)
		return 0;
	if (truth->n_left != truth->n_exits)
		history_fail(history,
			     "interval %" PRIu64 " is closed with %u rows of exits; the ledger has heard of %u",
			     chunk->interval.number, truth->n_left, truth->n_exits);
	check_rollups(history, truth, chunk->interval.number);
	is_broken = check_ledger(history, truth, chunk);
	history->n_intervals++;
	history->n_broken += (uint64_t)is_broken;
	return is_broken;
}
