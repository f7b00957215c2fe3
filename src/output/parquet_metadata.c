// SPDX-License-Identifier: BSD-2-Clause
/*
 * Numbers of fields and enums are those of parquet.thrift.
 */
#include "output/parquet_metadata.h"

#include <errno.h>
#include <stdbool.h>

#include "output/thrift.h"

enum { TYPE_BOOLEAN = 0, TYPE_INT64 = 2, TYPE_BYTE_ARRAY = 6 };
enum { REQUIRED = 0, OPTIONAL = 1, REPEATED = 2 };
enum { CONVERTED_UTF8 = 0, CONVERTED_LIST = 3, CONVERTED_TIMESTAMP_MICROS = 10, CONVERTED_INT_64 = 18 };
enum { LOGICAL_STRING = 1, LOGICAL_LIST = 3, LOGICAL_TIMESTAMP = 8, LOGICAL_INTEGER = 10 };
enum { UNIT_MICROS = 2, UNIT_NANOS = 3 };
enum { ENCODING_PLAIN = 0, ENCODING_RLE = 3, ENCODING_DELTA = 5, ENCODING_DICTIONARY = 8 };

#define VERSION 2

static int type_of(const struct parquet_field *field)
{
	if (parquet_is_text(field))
		return TYPE_BYTE_ARRAY;
	return field->type == PARQUET_BOOLEAN ? TYPE_BOOLEAN : TYPE_INT64;
}

static void put_timestamp(struct thrift *thrift, int unit)
{
	thrift_begin(thrift, LOGICAL_TIMESTAMP);
	thrift_bool(thrift, 1, 1); /* UTC */
	thrift_begin(thrift, 2);
	thrift_begin(thrift, unit);
	thrift_end(thrift);
	thrift_end(thrift);
	thrift_end(thrift);
}

/* `converted` is what readers of before 2018 know; of nanoseconds they know nothing. */
static void put_logical(struct thrift *thrift, const struct parquet_field *field)
{
	static const int converted[] = {
		[PARQUET_BOOLEAN] = -1,
		[PARQUET_INT64] = CONVERTED_INT_64,
		[PARQUET_MICROS] = CONVERTED_TIMESTAMP_MICROS,
		[PARQUET_NANOS] = -1,
		[PARQUET_STRING] = CONVERTED_UTF8,
		[PARQUET_LIST] = CONVERTED_UTF8,
	};

	if (field->type == PARQUET_BOOLEAN)
		return;
	if (converted[field->type] >= 0)
		thrift_i32(thrift, 6, converted[field->type]);
	thrift_begin(thrift, 10);
	if (parquet_is_text(field)) {
		thrift_begin(thrift, LOGICAL_STRING);
		thrift_end(thrift);
	} else if (field->type == PARQUET_INT64) {
		thrift_begin(thrift, LOGICAL_INTEGER);
		thrift_i8(thrift, 1, 64);
		thrift_bool(thrift, 2, 1); /* signed */
		thrift_end(thrift);
	} else {
		put_timestamp(thrift, field->type == PARQUET_MICROS ? UNIT_MICROS : UNIT_NANOS);
	}
	thrift_end(thrift);
}

static void put_leaf(struct thrift *thrift, const struct parquet_field *field, int repetition, const char *name)
{
	thrift_item_begin(thrift);
	thrift_i32(thrift, 1, type_of(field));
	thrift_i32(thrift, 3, repetition);
	thrift_text(thrift, 4, name);
	put_logical(thrift, field);
	thrift_end(thrift);
}

/* optional group NAME (LIST) { repeated group list { required binary element (STRING) } } */
static void put_list(struct thrift *thrift, const struct parquet_field *field)
{
	thrift_item_begin(thrift);
	thrift_i32(thrift, 3, OPTIONAL);
	thrift_text(thrift, 4, field->field.name);
	thrift_i32(thrift, 5, 1);
	thrift_i32(thrift, 6, CONVERTED_LIST);
	thrift_begin(thrift, 10);
	thrift_begin(thrift, LOGICAL_LIST);
	thrift_end(thrift);
	thrift_end(thrift);
	thrift_end(thrift);
	thrift_item_begin(thrift);
	thrift_i32(thrift, 3, REPEATED);
	thrift_text(thrift, 4, "list");
	thrift_i32(thrift, 5, 1);
	thrift_end(thrift);
	put_leaf(thrift, field, REQUIRED, "element");
}

static void put_schema(struct thrift *thrift, const struct table *table, const struct parquet_field *fields,
		       uint32_t n_fields)
{
	size_t n = 1 + n_fields;

	for (uint32_t i = 0; i < n_fields; i++)
		n += fields[i].type == PARQUET_LIST ? 2 : 0;
	thrift_list(thrift, 2, THRIFT_STRUCT, n);
	thrift_item_begin(thrift);
	thrift_text(thrift, 4, table ? table->name : "obit");
	thrift_i32(thrift, 5, (int32_t)n_fields);
	thrift_end(thrift);
	for (uint32_t i = 0; i < n_fields; i++) {
		if (fields[i].type == PARQUET_LIST)
			put_list(thrift, &fields[i]);
		else
			put_leaf(thrift, &fields[i], OPTIONAL, fields[i].field.name);
	}
}

static void put_pair(struct thrift *thrift, const char *key, const char *value)
{
	thrift_item_begin(thrift);
	thrift_text(thrift, 1, key);
	thrift_text(thrift, 2, value);
	thrift_end(thrift);
}

static void put_encodings(struct thrift *thrift, const struct parquet_column *column, const struct parquet_chunk *chunk)
{
	if (column->field->type == PARQUET_BOOLEAN || (parquet_is_text(column->field) && !chunk->has_dictionary)) {
		thrift_list(thrift, 2, THRIFT_I32, 2);
		thrift_item_i32(thrift, ENCODING_RLE);
		thrift_item_i32(thrift, ENCODING_PLAIN);
	} else if (!parquet_is_text(column->field)) {
		thrift_list(thrift, 2, THRIFT_I32, 2);
		thrift_item_i32(thrift, ENCODING_RLE);
		thrift_item_i32(thrift, ENCODING_DELTA);
	} else {
		thrift_list(thrift, 2, THRIFT_I32, 3);
		thrift_item_i32(thrift, ENCODING_RLE);
		thrift_item_i32(thrift, ENCODING_PLAIN);
		thrift_item_i32(thrift, ENCODING_DICTIONARY);
	}
}

static void put_path(struct thrift *thrift, const struct parquet_field *field)
{
	bool is_list = field->type == PARQUET_LIST;

	thrift_list(thrift, 3, THRIFT_BYTES, is_list ? 3 : 1);
	thrift_item_text(thrift, field->field.name);
	if (is_list) {
		thrift_item_text(thrift, "list");
		thrift_item_text(thrift, "element");
	}
}

static void put_column(struct thrift *thrift, const struct parquet_column *column, const struct parquet_chunk *chunk,
		       int is_described)
{
	const struct field *field = &column->field->field;

	thrift_item_begin(thrift);
	thrift_i64(thrift, 2, (int64_t)chunk->offset);
	thrift_begin(thrift, 3);
	thrift_i32(thrift, 1, type_of(column->field));
	put_encodings(thrift, column, chunk);
	put_path(thrift, column->field);
	thrift_i32(thrift, 4, parquet_codec_number(column->codec));
	thrift_i64(thrift, 5, (int64_t)column->chunk_entries);
	thrift_i64(thrift, 6, (int64_t)chunk->raw_bytes);
	thrift_i64(thrift, 7, (int64_t)chunk->bytes);
	if (is_described) {
		thrift_list(thrift, 8, THRIFT_STRUCT, field->unit ? 3 : 2);
		if (field->unit)
			put_pair(thrift, "obit.unit", field_unit_name(field->unit));
		put_pair(thrift, "obit.kind", field_kind_name(field->kind));
		put_pair(thrift, "obit.help", field->help);
	}
	thrift_i64(thrift, 9, (int64_t)chunk->data_offset);
	if (chunk->has_dictionary)
		thrift_i64(thrift, 11, (int64_t)chunk->offset);
	/* Of a list, readers do not agree what a null counts as. */
	if (column->field->type != PARQUET_LIST)
		parquet_range_put(&column->range, column->field->type, column->chunk_nulls, thrift, 12);
	thrift_end(thrift);
	thrift_end(thrift);
}

void parquet_metadata_add_group(struct parquet_metadata *metadata, const struct parquet_column *columns,
				const struct parquet_chunk *chunks, uint32_t n_columns, uint64_t n_rows)
{
	uint64_t bytes = 0, raw_bytes = 0;
	struct thrift thrift;

	thrift_init(&thrift, &metadata->groups);
	thrift_list(&thrift, 1, THRIFT_STRUCT, n_columns);
	for (uint32_t i = 0; i < n_columns; i++) {
		put_column(&thrift, &columns[i], &chunks[i], metadata->n_groups == 0);
		bytes += chunks[i].bytes;
		raw_bytes += chunks[i].raw_bytes;
	}
	thrift_i64(&thrift, 2, (int64_t)raw_bytes);
	thrift_i64(&thrift, 3, (int64_t)n_rows);
	thrift_i64(&thrift, 5, n_columns ? (int64_t)chunks[0].offset : 0);
	thrift_i64(&thrift, 6, (int64_t)bytes);
	thrift_end(&thrift);
	metadata->n_groups++;
	metadata->n_rows += n_rows;
}

static void add_json_string(struct buffer *out, const char *text)
{
	buffer_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buffer_add_char(out, '\\');
		if ((unsigned char)*text < 0x20)
			buffer_add_format(out, "\\u%04x", (unsigned)*text);
		else
			buffer_add_char(out, *text);
	}
	buffer_add_char(out, '"');
}

static void add_fields_json(struct buffer *out, const struct parquet_field *fields, uint32_t n_fields)
{
	for (uint32_t i = 0; i < n_fields; i++) {
		const struct field *field = &fields[i].field;

		buffer_add_text(out, i ? ",{\"name\":" : "[{\"name\":");
		add_json_string(out, field->name);
		buffer_add_format(out, ",\"type\":\"%s\",\"unit\":", field_type_name(field->type));
		if (field->unit)
			add_json_string(out, field_unit_name(field->unit));
		else
			buffer_add_text(out, "null");
		buffer_add_format(out, ",\"kind\":\"%s\",\"help\":", field_kind_name(field->kind));
		add_json_string(out, field->help);
		buffer_add_char(out, '}');
	}
	buffer_add_char(out, ']');
	buffer_add_char(out, '\0');
}

void parquet_metadata_put(const struct parquet_metadata *metadata, const struct table *table,
			  const struct parquet_field *fields, uint32_t n_fields, struct buffer *out)
{
	struct buffer json = {0};
	struct thrift thrift;

	add_fields_json(&json, fields, n_fields);
	if (json.error || metadata->groups.error) {
		out->error = -ENOMEM;
		buffer_done(&json);
		return;
	}
	thrift_init(&thrift, out);
	thrift_i32(&thrift, 1, VERSION);
	put_schema(&thrift, table, fields, n_fields);
	thrift_i64(&thrift, 3, (int64_t)metadata->n_rows);
	thrift_list(&thrift, 4, THRIFT_STRUCT, metadata->n_groups);
	buffer_add(out, metadata->groups.data, metadata->groups.used);
	thrift_list(&thrift, 5, THRIFT_STRUCT, table ? 3 : 1);
	put_pair(&thrift, "obit.fields", json.data);
	if (table) {
		put_pair(&thrift, "obit.table", table->name);
		put_pair(&thrift, "obit.help", table->help);
	}
	thrift_text(&thrift, 6, "obit " OBIT_VERSION);
	thrift_list(&thrift, 7, THRIFT_STRUCT, n_fields);
	for (uint32_t i = 0; i < n_fields; i++) {
		thrift_item_begin(&thrift);
		thrift_begin(&thrift, 1); /* the type's own order: min and max are by it */
		thrift_end(&thrift);
		thrift_end(&thrift);
	}
	thrift_end(&thrift);
	buffer_done(&json);
}
