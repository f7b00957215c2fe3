// SPDX-License-Identifier: BSD-2-Clause
/*
 * The open intervals and their chunks: room is made before a row is added, and before anything is looked up that
 * making it may take away.
 */
#include <string.h>

#include "ledger/ledger_inside.h"

/* The most text that a row of each block has. */
static const uint32_t most_text_bytes[N_TABLES] = {
	[CHUNK_EXITS] = EXIT_ROW_TEXT_MAX,	     [CHUNK_ROLLUPS] = ROLLUP_ROW_TEXT_MAX,
	[CHUNK_PROCS] = PROC_ROW_TEXT_MAX,	     [CHUNK_ROSTER] = ROSTER_ROW_TEXT_MAX,
	[CHUNK_THREADS] = THREAD_ROW_TEXT_MAX,	     [CHUNK_PROGRAMS] = ROSTER_ROW_TEXT_MAX,
	[CHUNK_USERS] = NAME_ROW_TEXT_MAX,	     [CHUNK_GROUPS] = NAME_ROW_TEXT_MAX,
	[CHUNK_CONTAINERS] = CONTAINER_ROW_TEXT_MAX,
};
#define HAS_ROOM_FOR_ANY_ROW(table, most)                                                                              \
	_Static_assert(CHUNK_##table##_ROWS * most##_ROW_BYTES >= most##_ROW_TEXT_MAX, "in an empty chunk")
_Static_assert(CHUNK_ROWS *EXIT_ROW_BYTES >= EXIT_ROW_TEXT_MAX, "in an empty chunk");
HAS_ROOM_FOR_ANY_ROW(PROCS, PROC);
HAS_ROOM_FOR_ANY_ROW(ROSTER, ROSTER);
HAS_ROOM_FOR_ANY_ROW(PROGRAMS, ROSTER);
HAS_ROOM_FOR_ANY_ROW(THREADS, THREAD);
HAS_ROOM_FOR_ANY_ROW(NAMES, NAME);
HAS_ROOM_FOR_ANY_ROW(CONTAINERS, CONTAINER);

struct open_interval *interval_open(struct ledger *ledger, uint32_t epoch)
{
	struct open_interval *open = &ledger->open[epoch % OPEN_INTERVALS];

	if (!open->chunk) {
		open->chunk = ledger->ports.take_empty(ledger->ports.ctx);
		open->chunk->interval.number = epoch;
		open->chunk->interval.begin_real_ns = ledger->ports.begin_real_ns(ledger->ports.ctx, epoch);
	}
	return open;
}

void ledger_forget_parts(struct ledger *ledger, const struct process *process)
{
	texts_drop(ledger->texts, process->image);
	baselines_drop(ledger->baselines, process->baseline);
}

void ledger_forget(struct ledger *ledger, struct process *process)
{
	ledger_forget_parts(ledger, process);
	processes_remove(ledger->processes, process);
}

/* The rows leave: their processes can no longer be amended. */
static void forget_owners(struct ledger *ledger, uint32_t epoch, uint32_t rows)
{
	const struct row_owner *owners = ledger->owners[epoch % OPEN_INTERVALS];

	for (uint32_t i = 0; i < rows; i++) {
		struct process *process = processes_find(ledger->processes, owners[i].pid, owners[i].start_boot_ns);

		if (process)
			ledger_forget(ledger, process);
	}
}

void interval_hand_over(struct ledger *ledger, uint32_t epoch)
{
	struct open_interval *open = &ledger->open[epoch % OPEN_INTERVALS];

	forget_owners(ledger, epoch, open->chunk->blocks[CHUNK_EXITS]->rows);
	ledger->ports.put_full(ledger->ports.ctx, open->chunk);
	open->chunk = NULL;
}

static bool has_room(const struct chunk *chunk, unsigned blocks)
{
	for (; blocks; blocks &= blocks - 1) {
		int i = __builtin_ctz(blocks);

		if (!block_has_room(chunk->blocks[i], most_text_bytes[i]))
			return false;
	}
	return true;
}

struct open_interval *interval_reserve(struct ledger *ledger, uint32_t epoch, unsigned blocks)
{
	struct open_interval *open = interval_open(ledger, epoch);

	if (has_room(open->chunk, blocks))
		return open;
	interval_hand_over(ledger, epoch);
	return interval_open(ledger, epoch);
}

struct process *ledger_known_or_new(struct ledger *ledger, uint32_t pid, uint64_t start_boot_ns)
{
	struct process *process = processes_find(ledger->processes, pid, start_boot_ns);

	if (process)
		return process;
	process = processes_add(ledger->processes, pid, start_boot_ns);
	ledger->processes_full += !process;
	if (process)
		process->start_real_ns = start_boot_ns + (uint64_t)ledger->real_minus_boot_ns;
	return process;
}

void interval_add_rollup(struct ledger *ledger, uint32_t epoch, uint64_t time_ns, const struct rollup_row *rollup)
{
	struct open_interval *open = interval_reserve(ledger, epoch, 1u << CHUNK_ROLLUPS);
	struct cgroup_name cgroup = ledger_cgroup_name(ledger, rollup->key.cgroup_id);

	row_add_rollup(open->chunk->blocks[CHUNK_ROLLUPS], time_ns, rollup, cgroup.path, ledger->page_bytes);
}
