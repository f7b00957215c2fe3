// SPDX-License-Identifier: BSD-2-Clause
/*
 * Choosing fields. What people see when they name none is listed here: it must fit a terminal.
 */
#include "query/selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

static const struct {
	uint32_t table;
	const char *fields;
} for_people[] = {
	{TABLE_EXITS, "exit_time,pid,exit_code,exit_signal,cpu_ns,run_delay_ns,max_rss_bytes,comm,argv"},
	{TABLE_ROLLUPS, "time,exits,failed,wall_ns,cpu_ns,run_delay_ns,max_rss_bytes,comm,cgroup"},
	{TABLE_LEDGER, "time,opening,forks,exits_seen,exits_recorded,exits_rolled_up,closing,missed_runs,agent_cpu_ns,"
		       "agent_rss_bytes,store_bytes"},
	{TABLE_SYSTEM, "time,user_ns,nice_ns,system_ns,iowait_ns,steal_ns,load1_hundredths,running,blocked,"
		       "memory_available_bytes,pgmajfault,cpu_some_ns,memory_some_ns,io_some_ns"},
	{TABLE_DISKS, "time,reads,read_bytes,writes,write_bytes,discards,flushes,in_flight,busy_ns,queue_ns,disk"},
	{TABLE_NICS, "time,rx_bytes,rx_packets,rx_errors,rx_drops,tx_bytes,tx_packets,tx_errors,tx_drops,nic"},
	{TABLE_CGROUPS, "time,cpu_ns,throttled_ns,memory_bytes,read_bytes,write_bytes,oom_kills,pids,cpu_some_ns,"
			"memory_some_ns,io_some_ns,cgroup"},
	{TABLE_PROCS, "time,pid,state,threads,cpu_ns,run_delay_ns,max_delay_ns,majflt,rss_bytes,read_bytes,write_bytes,"
		      "comm,cgroup"},
	{TABLE_ROSTER, "time,pid,ppid,uid,state,threads,rss_bytes,cpu_ns,comm,argv"},
};

/* What belongs together, over all tables: a table has some of each. */
static const struct {
	const char *name, *fields;
} groups[] = {
	{"identity", "ppid,nspid,pgid,sid,uid,gid,auid,comm,exe,cgroup,cgroup_id,container_id"},
	{"cpu", "cpu_ns,user_ns,system_ns,nice_ns,iowait_ns,irq_ns,softirq_ns,steal_ns,throttled_ns"},
	{"waits", "run_delay_ns,timeslices,nvcsw,nivcsw,migrations,block_ns,delays_1ms,delays_10ms,delays_100ms,max_delay_ns"},
	{"memory", "minflt,majflt,max_rss_bytes,rss_bytes,swap_bytes,memory_bytes,memory_peak_bytes,oom_kills"},
	{"io", "rchar,wchar,syscr,syscw,read_bytes,write_bytes,cancelled_write_bytes"},
	{"end", "exit_code,exit_signal,core_dumped,oom_killed,killer_pid,killer_comm,killer_uid,witness,flags"},
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

static const char *fields_for_people(const struct table *table)
{
	for (size_t i = 0; i < sizeof(for_people) / sizeof(for_people[0]); i++)
		if (for_people[i].table == table->id)
			return for_people[i].fields;
	return NULL;
}

static int find_field(struct selection *selection, const char *name, size_t len)
{
	const struct table *source = selection->source;
	const char *names[TABLE_MAX_FIELDS], *nearest;

	for (uint32_t i = 0; i < source->n_fields; i++) {
		names[i] = source->fields[i].name;
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (int)i;
	}
	nearest = nearest_name(name, len, names, source->n_fields);
	if (nearest)
		snprintf(selection->complaint, sizeof(selection->complaint),
			 "%s has no field \"%.*s\"; did you mean %s?", source->name, (int)(len > 60 ? 60 : len), name,
			 nearest);
	else
		snprintf(selection->complaint, sizeof(selection->complaint),
			 "%s has no field \"%.*s\"; `obit schema %s` lists them", source->name,
			 (int)(len > 60 ? 60 : len), name, source->name);
	return -EINVAL;
}

static int is_shown(const struct selection *selection, const char *name)
{
	for (uint32_t i = 0; i < selection->n_shown; i++)
		if (strcmp(selection->fields[i].name, name) == 0)
			return 1;
	return 0;
}

/* `+io`: those of the group that the table has, and that are not shown yet. */
static int add_group(struct selection *selection, const char *name, size_t len)
{
	const char *names[N_GROUPS], *nearest, *list = NULL;

	for (size_t i = 0; i < N_GROUPS; i++) {
		names[i] = groups[i].name;
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			list = groups[i].fields;
	}
	if (!list) {
		nearest = nearest_name(name, len, names, N_GROUPS);
		snprintf(selection->complaint, sizeof(selection->complaint),
			 "there is no group of fields \"+%.*s\"; %s%s", (int)(len > 60 ? 60 : len), name,
			 nearest ? "did you mean +" : "there are +identity, +cpu, +waits, +memory, +io and +end",
			 nearest ? nearest : "");
		return -EINVAL;
	}
	while (*list) {
		size_t part = strcspn(list, ",");
		char field[64];
		int found;

		snprintf(field, sizeof(field), "%.*s", (int)part, list);
		found = table_field(selection->source, field);
		if (found >= 0 && !is_shown(selection, field) && selection->n_shown < TABLE_MAX_FIELDS)
			selection->fields[selection->n_shown++] = selection->source->fields[found];
		list += part + (list[part] == ',');
	}
	return 0;
}

static int add_fields(struct selection *selection, const char *list);

/* A list that begins with a group is what people see without one, and the group. */
static int add_group_to_list(struct selection *selection, const char *name, size_t len)
{
	const char *usual = fields_for_people(selection->source);
	int r = !selection->n_shown && usual ? add_fields(selection, usual) : 0;

	return r < 0 ? r : add_group(selection, name, len);
}

static int add_fields(struct selection *selection, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ","), skipped = strspn(list, " ");
		size_t trimmed = len;
		int field;

		if (skipped > len)
			skipped = len;
		while (trimmed > skipped && list[trimmed - 1] == ' ')
			trimmed--;
		field = list[skipped] == '+' && trimmed > skipped
				? add_group_to_list(selection, list + skipped + 1, trimmed - skipped - 1)
				: find_field(selection, list + skipped, trimmed - skipped);
		if (field < 0)
			return field;
		if (selection->n_shown == TABLE_MAX_FIELDS) {
			snprintf(selection->complaint, sizeof(selection->complaint), "at most %d fields can be shown",
				 TABLE_MAX_FIELDS);
			return -EINVAL;
		}
		if (list[skipped] != '+')
			selection->fields[selection->n_shown++] = selection->source->fields[field];
		list += len;
		if (*list == ',' && !*++list)
			return find_field(selection, "", 0); /* a comma and nothing behind it */
	}
	return 0;
}

static int choose_sort(struct selection *selection, const char *sort)
{
	int field;

	selection->is_descending = *sort == '-';
	sort += selection->is_descending;
	field = find_field(selection, sort, strlen(sort));
	if (field < 0)
		return field;
	for (uint32_t i = 0; i < selection->n_shown; i++)
		if (strcmp(selection->fields[i].name, sort) == 0) {
			selection->sort_column = (int)i;
			return 0;
		}
	selection->sort_column = (int)selection->columns.n_fields;
	selection->fields[selection->columns.n_fields++] = selection->source->fields[field];
	return 0;
}

int selection_init(struct selection *selection, const struct table *source, const char *fields, int is_for_people,
		   const char *sort)
{
	int r = 0;

	memset(selection, 0, sizeof(*selection));
	selection->source = source;
	selection->sort_column = -1;
	if (!fields && is_for_people)
		fields = fields_for_people(source);
	if (!fields || strcmp(fields, "all") == 0) {
		memcpy(selection->fields, source->fields, source->n_fields * sizeof(struct field));
		selection->n_shown = source->n_fields;
	} else {
		r = *fields ? add_fields(selection, fields) : find_field(selection, "", 0);
	}
	if (r < 0)
		return r;
	selection->columns = (struct table){
		source->name, source->help, source->id, selection->n_shown, selection->fields,
	};
	return sort ? choose_sort(selection, sort) : 0;
}

void selection_map(const struct selection *selection, const struct table *table, int *ret_map)
{
	for (uint32_t i = 0; i < selection->columns.n_fields; i++) {
		int field = table_field(table, selection->fields[i].name);

		if (field >= 0 && table->fields[field].type != selection->fields[i].type)
			field = -1;
		ret_map[i] = field;
	}
}

int selection_time_field(const struct table *table)
{
	for (uint32_t i = 0; i < table->n_fields; i++)
		if (table->fields[i].unit == UNIT_TIME)
			return (int)i;
	return -1;
}
