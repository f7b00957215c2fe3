// SPDX-License-Identifier: BSD-2-Clause
/*
 * Subjects are found by a hash of their key fields. A table that is not listed has one subject: then a row is told
 * from the row before, also from that of the interval before. So has the roster: a frame seldom has two of them.
 */
#include "store/subjects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/segment_format.h"

static const struct {
	uint32_t table, n_fields, fields[SUBJECT_KEY];
} key_fields[] = {
	{TABLE_PROCS, 2, {PROCS_pid, PROCS_start_time}},
	{TABLE_THREADS, 2, {THREADS_tid, THREADS_start_time}},
	{TABLE_DISKS, 1, {DISKS_disk}},
	{TABLE_NICS, 1, {NICS_nic}},
	{TABLE_CGROUPS, 1, {CGROUPS_cgroup}},
	{TABLE_RUNQ, 2, {RUNQ_cpu, RUNQ_delay_ns}},
	{TABLE_ROLLUPS, 2, {ROLLUPS_comm, ROLLUPS_cgroup}},
	/* Lives are short and alike: what the last cc1 did says much of the next one. */
	{TABLE_EXITS, 1, {EXITS_comm}},
};

static const struct relation relations[] = {
	{TABLE_EXITS, EXITS_start_time, EXITS_exit_time, NO_COLUMN},
	{TABLE_EXITS, EXITS_wall_ns, EXITS_exit_time, EXITS_start_time},
	{TABLE_EXITS, EXITS_ppid, EXITS_pid, NO_COLUMN},
	{TABLE_EXITS, EXITS_nspid, EXITS_pid, NO_COLUMN},
	{TABLE_EXITS, EXITS_pgid, EXITS_pid, NO_COLUMN},
	{TABLE_EXITS, EXITS_sid, EXITS_pgid, NO_COLUMN},
	{TABLE_EXITS, EXITS_gid, EXITS_uid, NO_COLUMN},
	{TABLE_EXITS, EXITS_cpu_ns, EXITS_wall_ns, NO_COLUMN},
	{TABLE_EXITS, EXITS_user_ns, EXITS_cpu_ns, NO_COLUMN},
	{TABLE_EXITS, EXITS_system_ns, EXITS_cpu_ns, EXITS_user_ns},
	{TABLE_EXITS, EXITS_run_delay_ns, EXITS_wall_ns, EXITS_cpu_ns},
	{TABLE_EXITS, EXITS_nivcsw, EXITS_timeslices, EXITS_nvcsw},
	{TABLE_EXITS, EXITS_write_bytes, EXITS_wchar, NO_COLUMN},
	{TABLE_PROCS, PROCS_user_ns, PROCS_cpu_ns, NO_COLUMN},
	{TABLE_PROCS, PROCS_system_ns, PROCS_cpu_ns, PROCS_user_ns},
	{TABLE_PROCS, PROCS_nvcsw, PROCS_timeslices, NO_COLUMN},
	{TABLE_PROCS, PROCS_nivcsw, PROCS_timeslices, PROCS_nvcsw},
	{TABLE_THREADS, THREADS_nvcsw, THREADS_timeslices, NO_COLUMN},
	{TABLE_THREADS, THREADS_nivcsw, THREADS_timeslices, THREADS_nvcsw},
	{TABLE_ROLLUPS, ROLLUPS_system_ns, ROLLUPS_cpu_ns, ROLLUPS_user_ns},
	{TABLE_CGROUPS, CGROUPS_system_ns, CGROUPS_cpu_ns, CGROUPS_user_ns},
	{TABLE_LEDGER, LEDGER_execs, LEDGER_forks, NO_COLUMN},
	{TABLE_LEDGER, LEDGER_exits_recorded, LEDGER_exits_seen, NO_COLUMN},
};

const struct relation *relation_of(const struct table *table, uint32_t field)
{
	for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
		const struct relation *relation = &relations[i];

		if (relation->table == table->id && relation->field == field)
			return field < table->n_fields ? relation : NULL;
	}
	return NULL;
}

static uint64_t value_at(const struct block *block, const struct history *history, uint32_t field, uint32_t row)
{
	if (block_is_null(block, row, field))
		return 0;
	return field_is_text(&block->table->fields[field]) ? history_numbers(history, field)[row]
							   : block_number(block, row, field);
}

static uint32_t hash_of(const uint64_t *key)
{
	uint64_t hash = 0;

	for (int i = 0; i < SUBJECT_KEY; i++)
		hash = (hash ^ key[i]) * 0x9E3779B97F4A7C15ULL;
	return (uint32_t)(hash >> 32);
}

/* Room for twice as many subjects. */
static int grow(struct history *history)
{
	uint32_t n_slots = history->n_slots ? history->n_slots * 2 : 1024;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));
	void *keys = slots ? realloc(history->keys, n_slots / 2 * sizeof(*history->keys)) : NULL;

	if (!keys) {
		free(slots);
		return -ENOMEM;
	}
	history->keys = keys;
	for (uint32_t subject = 0; subject < history->n_subjects; subject++) {
		uint32_t slot = hash_of(history->keys[subject]) & (n_slots - 1);

		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = subject + 1;
	}
	free(history->slots);
	history->slots = slots;
	history->n_slots = n_slots;
	return 0;
}

/* The subject with that key, or a new one that has it. 0 or negative. */
static int find(struct history *history, const uint64_t *key, uint32_t *ret)
{
	uint32_t slot;
	int r = history->n_subjects == history->n_slots / 2 ? grow(history) : 0;

	if (r < 0)
		return r;
	slot = hash_of(key) & (history->n_slots - 1);
	for (; history->slots[slot]; slot = (slot + 1) & (history->n_slots - 1)) {
		uint32_t subject = history->slots[slot] - 1;

		if (memcmp(history->keys[subject], key, sizeof(history->keys[subject])) == 0) {
			*ret = subject;
			return 0;
		}
	}
	*ret = history->n_subjects;
	r = history_add_subject(history);
	if (r < 0)
		return r;
	history->slots[slot] = history->n_subjects;
	memcpy(history->keys[*ret], key, sizeof(history->keys[*ret]));
	return 0;
}

int subjects_of(const struct block *block, struct history *history)
{
	const uint32_t *fields = NULL;
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(key_fields) / sizeof(key_fields[0]); i++)
		if (key_fields[i].table == block->table->id) {
			fields = key_fields[i].fields;
			n = key_fields[i].n_fields;
		}
	for (uint32_t row = 0; row < block->rows; row++) {
		uint64_t key[SUBJECT_KEY] = {0};
		int r;

		/* A store of another version may have fewer fields. */
		for (uint32_t i = 0; i < n; i++)
			if (fields[i] < block->table->n_fields)
				key[i] = value_at(block, history, fields[i], row);
		r = find(history, key, &history->subjects[row]);
		if (r < 0)
			return r;
	}
	return 0;
}
