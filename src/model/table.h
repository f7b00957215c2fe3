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

#include <stdbool.h>
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
	UNIT_HUNDREDTHS = 5,
};

enum field_kind {
	KIND_LABEL = 0,
	KIND_SUM = 1,
	KIND_MAX = 2,
	KIND_GAUGE = 3,
	KIND_WEIGHT = 4,   /* adds up; the row stands for so many observations */
	KIND_JOINED = 256, /* never on disk: a label that rows get when they are read */
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

/* TABLE_EXITS, ...: their ids. */
#define TABLE(T, id, ...) TABLE_##T = id,
enum table_id {
#include "model/tables.def"
};

/* Their places in a chunk: CHUNK_EXITS, ... */
#define TABLE(T, ...) CHUNK_##T,
enum chunk_block {
#include "model/tables.def"
	N_TABLES,
	CHUNK_SAMPLES = CHUNK_SYSTEM, /* the first of those that are sampled when an interval ends */
	N_SAMPLES = N_TABLES - CHUNK_SAMPLES,
};

/* Of a table that is sampled: its place among those. */
#define SAMPLE(T) (CHUNK_##T - CHUNK_SAMPLES)

/* Numbers of the fields: EXITS_pid, ROLLUPS_comm, LEDGER_opening, ... and N_EXITS_FIELDS ... */
#define BEGIN(T)                                                                                                       \
	enum T##_field                                                                                                 \
	{
#define FIELD(T, name, ...) T##_##name,
#define END(T)                                                                                                         \
	N_##T##_FIELDS                                                                                                 \
	}                                                                                                              \
	;
#include "model/fields.def"

/* Bounds of what a table may be, known or described by a store. */
#define TABLE_MAX_FIELDS 256 /* a field number fits a byte; the widest table here has 56 */
#define TABLE_MAX_TABLES 32

/* The known tables, in the order of their ids; *ret_n is set to how many. */
const struct table *const *tables_all(size_t *ret_n);

/* What is known of a table beside its fields. */
struct table_shape {
	uint32_t chunk_rows, row_text_bytes; /* room in a chunk */
	const char *shown;		     /* fields shown when none are named; NULL: all */
};

/* NULL when the id is unknown here. */
const struct table_shape *table_shape(uint32_t id);

/* "exits, rollups, ...", for help and errors. */
const char *tables_list(void);

/* NULL when there is none of that id or name. */
const struct table *table_by_id(uint32_t id);
const struct table *table_by_name(const char *name);

/*
 * A field's heading in a table is its name without the unit at its end, which the table says apart: cpu_ns, rss_bytes,
 * load1_hundredths. It can be typed in place of the name.
 */
size_t field_heading_len(const struct field *field);

/* Index of the field, or -1. */
int table_field(const struct table *table, const char *name);

/* Index of the field of that name and type, in another version of its table; or -1. */
int table_same_field(const struct table *table, const struct field *field);

/* Name of an enum's value, human-readable ("u64", "bytes", "sum"); "?" for a number unknown here. */
const char *field_type_name(enum field_type type);
const char *field_unit_name(enum field_unit unit);
const char *field_kind_name(enum field_kind kind);

/* True for STRING and STRINGS: the value is bytes, not a number. */
static inline int field_is_text(const struct field *field)
{
	return field->type == FIELD_STRING || field->type == FIELD_STRINGS;
}

#endif
