// SPDX-License-Identifier: BSD-2-Clause
/*
 * The known tables, laid out from fields.def.
 */
#include "model/table.h"

#include <string.h>

#define ROW(name, type, unit, kind, help) {#name, FIELD_##type, UNIT_##unit, KIND_##kind, help},

#define EXITS ROW
static const struct field exits_fields[] = {
#include "model/fields.def"
};
#undef EXITS

#define ROLLUPS ROW
static const struct field rollups_fields[] = {
#include "model/fields.def"
};
#undef ROLLUPS

#define LEDGER ROW
static const struct field ledger_fields[] = {
#include "model/fields.def"
};
#undef LEDGER

#define SYSTEM ROW
static const struct field system_fields[] = {
#include "model/fields.def"
};
#undef SYSTEM

#define DISKS ROW
static const struct field disks_fields[] = {
#include "model/fields.def"
};
#undef DISKS

#define NICS ROW
static const struct field nics_fields[] = {
#include "model/fields.def"
};
#undef NICS

#define CGROUPS ROW
static const struct field cgroups_fields[] = {
#include "model/fields.def"
};
#undef CGROUPS

#define PROCS ROW
static const struct field procs_fields[] = {
#include "model/fields.def"
};
#undef PROCS

#define ROSTER ROW
static const struct field roster_fields[] = {
#include "model/fields.def"
};
#undef ROSTER

#define RUNQ ROW
static const struct field runq_fields[] = {
#include "model/fields.def"
};
#undef RUNQ

#define THREADS ROW
static const struct field threads_fields[] = {
#include "model/fields.def"
};
#undef THREADS

static const struct table exits = {"exits", "every process that ended, one row each", TABLE_EXITS, N_EXITS_FIELDS,
				   exits_fields};
static const struct table rollups = {"rollups", "exits that found no room in the rings, summed by command and cgroup",
				     TABLE_ROLLUPS, N_ROLLUPS_FIELDS, rollups_fields};
static const struct table ledger = {"ledger", "the books: one row an interval", TABLE_LEDGER, N_LEDGER_FIELDS,
				    ledger_fields};
static const struct table host = {"system", "the whole host: one row an interval", TABLE_SYSTEM, N_SYSTEM_FIELDS,
				  system_fields};
static const struct table disks = {"disks", "disks that did something: one row each an interval", TABLE_DISKS,
				   N_DISKS_FIELDS, disks_fields};
static const struct table nics = {"nics", "network interfaces that did something: one row each an interval", TABLE_NICS,
				  N_NICS_FIELDS, nics_fields};
static const struct table cgroups = {"cgroups", "cgroups that did something: one row each an interval", TABLE_CGROUPS,
				     N_CGROUPS_FIELDS, cgroups_fields};
static const struct table procs = {"procs", "living processes that did something: one row each an interval", TABLE_PROCS,
				   N_PROCS_FIELDS, procs_fields};
static const struct table roster = {"roster", "all living processes, and zombies, every few minutes", TABLE_ROSTER, N_ROSTER_FIELDS,
				    roster_fields};
static const struct table runq = {"runq", "waits for a CPU: one row an interval for each CPU and length", TABLE_RUNQ,
				  N_RUNQ_FIELDS, runq_fields};

static const struct table threads = {"threads", "threads that did something, of processes with several: with --threads alone",
				     TABLE_THREADS, N_THREADS_FIELDS, threads_fields};

static const struct table *const all[] = {&exits, &rollups, &ledger, &host, &disks,
					  &nics,  &cgroups, &procs,  &roster, &runq, &threads};

const struct table *const *tables_all(size_t *ret_n)
{
	*ret_n = sizeof(all) / sizeof(all[0]);
	return all;
}

const struct table *table_by_id(uint32_t id)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->id == id)
			return all[i];
	return NULL;
}

const struct table *table_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

int table_field(const struct table *table, const char *name)
{
	for (uint32_t i = 0; i < table->n_fields; i++)
		if (strcmp(table->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *field_type_name(enum field_type type)
{
	switch (type) {
	case FIELD_U64:
		return "u64";
	case FIELD_I64:
		return "i64";
	case FIELD_BOOL:
		return "bool";
	case FIELD_STRING:
		return "string";
	case FIELD_STRINGS:
		return "strings";
	}
	return "?";
}

const char *field_unit_name(enum field_unit unit)
{
	switch (unit) {
	case UNIT_NONE:
		return "none";
	case UNIT_TIME:
		return "time";
	case UNIT_NS:
		return "ns";
	case UNIT_BYTES:
		return "bytes";
	case UNIT_SIGNAL:
		return "signal";
	}
	return "?";
}

const char *field_kind_name(enum field_kind kind)
{
	switch (kind) {
	case KIND_LABEL:
		return "label";
	case KIND_SUM:
		return "sum";
	case KIND_MAX:
		return "max";
	case KIND_GAUGE:
		return "gauge";
	case KIND_WEIGHT:
		return "weight";
	}
	return "?";
}
