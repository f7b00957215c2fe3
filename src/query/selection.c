// SPDX-License-Identifier: BSD-2-Clause
/*
 * Choosing fields. What people see when they name none is listed here: it must fit a terminal.
 */
#include "query/selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "query/names.h"

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
	{TABLE_THREADS, "time,pid,tid,state,cpu_ns,run_delay_ns,nvcsw,nivcsw,minflt,majflt,last_cpu,comm"},
	{TABLE_ROSTER, "time,pid,ppid,uid,state,threads,rss_bytes,cpu_ns,comm,argv"},
};

static const char *fields_for_people(const struct table *table)
{
	for (size_t i = 0; i < sizeof(for_people) / sizeof(for_people[0]); i++)
		if (for_people[i].table == table->id)
			return for_people[i].fields;
	return NULL;
}

static int find_field(struct selection *selection, const char *name, size_t len)
{
	return names_field(selection->source, name, len, selection->complaint, sizeof(selection->complaint));
}

static int is_shown(const struct selection *selection, const char *name)
{
	for (uint32_t i = 0; i < selection->n_shown; i++)
		if (strcmp(selection->fields[i].name, name) == 0)
			return 1;
	return 0;
}

static int add_field(struct selection *selection, const char *name, size_t len)
{
	int field = find_field(selection, name, len);

	if (field < 0)
		return field;
	if (selection->n_shown == TABLE_MAX_FIELDS) {
		snprintf(selection->complaint, sizeof(selection->complaint), "at most %d fields can be shown",
			 TABLE_MAX_FIELDS);
		return -EINVAL;
	}
	selection->fields[selection->n_shown++] = selection->source->fields[field];
	return 0;
}

static int add_fields(struct selection *selection, const char *list);

/* `+io`: those of the group that are not shown yet. A list that begins with it begins with the usual ones. */
static int add_group(struct selection *selection, const char *name, size_t len)
{
	const struct table *source = selection->source;
	const struct field_group *group =
		names_group(source, name, len, selection->complaint, sizeof(selection->complaint));
	const char *usual = fields_for_people(source), *left = group ? group->fields : NULL;
	int r = group ? 0 : -EINVAL;

	if (group && usual && !selection->n_shown)
		r = add_fields(selection, usual);
	while (r == 0 && names_next(&left, &name, &len)) {
		int field = find_field(selection, name, len);

		if (field < 0 || !is_shown(selection, source->fields[field].name))
			r = add_field(selection, name, len);
	}
	return r;
}

static int add_fields(struct selection *selection, const char *list)
{
	const char *name;
	size_t len;
	int r = 0;

	while (r == 0 && names_next(&list, &name, &len))
		r = len && *name == '+' ? add_group(selection, name + 1, len - 1) : add_field(selection, name, len);
	return r;
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
		r = add_fields(selection, fields);
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
