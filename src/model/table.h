/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a record is: tables and their fields, made from fields.def.
 *
 * A `struct table` is either one of the known tables (constant, for ever) or one that a store's header
 * describes, which may have fields unknown here; who made it says how long it lives. A field is found by
 * name, and its number is its index in `fields`.
 */
#ifndef OBIT_MODEL_TABLE_H
#define OBIT_MODEL_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are on disk: append only. */
enum field_type {
	FIELD_U64 = 1,
	FIELD_I64 = 2,
	FIELD_BOOL = 3,
	FIELD_STRING = 4,  /* any bytes */
	FIELD_STRINGS = 5, /* a list of byte strings, each ended by NUL */
};

enum field_unit {
	UNIT_NONE = 0,
	UNIT_TIME = 1, /* ns since the epoch */
	UNIT_NS = 2,   /* a duration */
	UNIT_BYTES = 3,
	UNIT_SIGNAL = 4, /* a signal number */
};

enum field_kind {
	KIND_LABEL = 0,
	KIND_SUM = 1,
	KIND_MAX = 2,
	KIND_GAUGE = 3,
	KIND_WEIGHT = 4, /* adds up; the row stands for so many observations */
};

struct field {
	const char *name;
	enum field_type type;
	enum field_unit unit;
	enum field_kind kind;
	const char *help;
};

struct table {
	const char *name;
	const char *help;
	uint32_t id; /* its number on disk, never 0 */
	uint32_t n_fields;
	const struct field *fields;
};

enum table_id {
	TABLE_EXITS = 1,
	TABLE_ROLLUPS = 2,
	TABLE_LEDGER = 3,
	TABLE_SYSTEM = 4,
	TABLE_DISKS = 5,
	TABLE_NICS = 6,
	TABLE_CGROUPS = 7,
	TABLE_PROCS = 8,
	TABLE_ROSTER = 9,
	TABLE_RUNQ = 10,
	TABLE_THREADS = 11,
	TABLE_ID_END,
};

/* Numbers of the fields: EXITS_pid, ROLLUPS_comm, LEDGER_opening, ... and N_EXITS_FIELDS ... */
#define EXITS(name, ...) EXITS_##name,
enum exits_field {
#include "fields.def"
	N_EXITS_FIELDS
};
#undef EXITS
#define ROLLUPS(name, ...) ROLLUPS_##name,
enum rollups_field {
#include "fields.def"
	N_ROLLUPS_FIELDS
};
#undef ROLLUPS
#define LEDGER(name, ...) LEDGER_##name,
enum ledger_field {
#include "fields.def"
	N_LEDGER_FIELDS
};
#undef LEDGER
#define SYSTEM(name, ...) SYSTEM_##name,
enum system_field {
#include "fields.def"
	N_SYSTEM_FIELDS
};
#undef SYSTEM
#define DISKS(name, ...) DISKS_##name,
enum disks_field {
#include "fields.def"
	N_DISKS_FIELDS
};
#undef DISKS
#define NICS(name, ...) NICS_##name,
enum nics_field {
#include "fields.def"
	N_NICS_FIELDS
};
#undef NICS
#define CGROUPS(name, ...) CGROUPS_##name,
enum cgroups_field {
#include "fields.def"
	N_CGROUPS_FIELDS
};
#undef CGROUPS
#define PROCS(name, ...) PROCS_##name,
enum procs_field {
#include "fields.def"
	N_PROCS_FIELDS
};
#undef PROCS
#define ROSTER(name, ...) ROSTER_##name,
enum roster_field {
#include "fields.def"
	N_ROSTER_FIELDS
};
#undef ROSTER
#define RUNQ(name, ...) RUNQ_##name,
enum runq_field {
#include "fields.def"
	N_RUNQ_FIELDS
};
#undef RUNQ
#define THREADS(name, ...) THREADS_##name,
enum threads_field {
#include "fields.def"
	N_THREADS_FIELDS
};
#undef THREADS

/* Bounds of what a table may be, known or described by a store. */
#define TABLE_MAX_FIELDS 256 /* a field number fits a byte; the widest table here has 56 */
#define TABLE_MAX_TABLES 32

/* The known tables, in the order of their ids; *ret_n is set to how many. */
const struct table *const *tables_all(size_t *ret_n);

/* NULL when there is none of that id or name. */
const struct table *table_by_id(uint32_t id);
const struct table *table_by_name(const char *name);

/* Index of the field, or -1. */
int table_field(const struct table *table, const char *name);

/* Name of an enum's value for people ("u64", "bytes", "sum"); "?" for a number unknown here. */
const char *field_type_name(enum field_type type);
const char *field_unit_name(enum field_unit unit);
const char *field_kind_name(enum field_kind kind);

/* True for STRING and STRINGS: the value is bytes, not a number. */
static inline int field_is_text(const struct field *field)
{
	return field->type == FIELD_STRING || field->type == FIELD_STRINGS;
}

#endif
