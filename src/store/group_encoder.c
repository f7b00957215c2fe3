// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is held is decoded a column at a time; a column that is predicted by others has those decoded once more. So
 * memory is that of a few columns, whatever the table.
 */
#include "store/group_encoder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/array.h"
#include "store/column.h"
#include "store/segment_format.h"

#define CACHED	      4	    /* columns kept decoded, since others are predicted by them */
#define SAMPLE_ROWS   4096u /* on which forms are tried */
#define NUMBERS_LEVEL 3
#define TEXTS_LEVEL   7 /* a third of all bytes is arguments */
#define SAMPLE_LEVEL  1
#define WINDOW_LOG    20	  /* 1 MiB: so much memory, and as much again for tables */
#define CUT_BYTES     256u	  /* a part shorter than this is not worth a block of its own */
#define OUT_BYTES     (64u << 10) /* room for the compressor at a time */
#define CANDIDATES    8

/* `field` is predicted by `minuend` less `subtrahend` (NO_COLUMN: nothing is taken off); both come before it. */
struct relation {
	uint32_t table, field;
	uint8_t minuend, subtrahend;
};

#define NONE		 NO_COLUMN
#define RELATION(T, ...) {TABLE_##T, __VA_ARGS__},
static const struct relation relations[] = {
#include "model/tables.def"
};
#undef NONE

struct order {
	uint32_t table, n, fields[2];
};

#define ORDER(T, n, ...) {TABLE_##T, n, {__VA_ARGS__}},
static const struct order orders[] = {
#include "model/tables.def"
};

/* A column of all rows, in the group's order. */
struct vector {
	uint32_t field; /* UINT32_MAX: none */
	uint32_t used;	/* when it was asked for last */
	bool has_nulls;
	uint64_t *numbers;
	uint8_t *nulls;
};

struct group_encoder {
	ZSTD_CCtx *zstd, *sampler;
	uint32_t capacity; /* rows that the arrays have room for */
	struct vector vectors[CACHED];
	uint32_t clock;
	uint64_t *scratch, *rest, *ends, *intervals;
	uint8_t *scratch_nulls;
	uint32_t *order, *other_order; /* rows as they came, in the group's order; scratch */
	struct column_texts texts, ordered;
	struct sink raw, out; /* a column before it is compressed; a piece of the frame */

	/* Of the group at hand. */
	const struct held_rows *held;
	bool is_sorted, has_ends; /* is_sorted: its order is not that in which the rows came */
};

struct group_encoder *group_encoder_new(void)
{
	struct group_encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->zstd = ZSTD_createCCtx();
	encoder->sampler = ZSTD_createCCtx();
	if (encoder->zstd && encoder->sampler)
		return encoder;
	group_encoder_free(encoder);
	return NULL;
}

static void free_arrays(struct group_encoder *encoder)
{
	for (int i = 0; i < CACHED; i++) {
		free(encoder->vectors[i].numbers);
		free(encoder->vectors[i].nulls);
		encoder->vectors[i] = (struct vector){0};
	}
	free(encoder->scratch);
	free(encoder->scratch_nulls);
	free(encoder->rest);
	free(encoder->ends);
	free(encoder->intervals);
	free(encoder->order);
	free(encoder->other_order);
	encoder->capacity = 0;
}

void group_encoder_free(struct group_encoder *encoder)
{
	if (!encoder)
		return;
	free_arrays(encoder);
	column_texts_done(&encoder->texts);
	column_texts_done(&encoder->ordered);
	sink_done(&encoder->raw);
	sink_done(&encoder->out);
	ZSTD_freeCCtx(encoder->zstd);
	ZSTD_freeCCtx(encoder->sampler);
	free(encoder);
}

static int reserve(struct group_encoder *encoder, uint32_t rows)
{
	bool has_all = true;

	if (rows <= encoder->capacity)
		return 0;
	free_arrays(encoder);
	for (int i = 0; i < CACHED; i++) {
		encoder->vectors[i].numbers = malloc(rows * sizeof(uint64_t));
		encoder->vectors[i].nulls = malloc(rows);
		has_all &= encoder->vectors[i].numbers && encoder->vectors[i].nulls;
	}
	encoder->scratch = malloc(rows * sizeof(uint64_t));
	encoder->scratch_nulls = malloc(rows);
	encoder->rest = malloc(rows * sizeof(uint64_t));
	encoder->ends = malloc(rows * sizeof(uint64_t));
	encoder->intervals = malloc(rows * sizeof(uint64_t));
	encoder->order = malloc(rows * sizeof(*encoder->order));
	encoder->other_order = malloc(rows * sizeof(*encoder->order));
	if (!has_all || !encoder->scratch || !encoder->scratch_nulls || !encoder->rest || !encoder->ends ||
	    !encoder->intervals || !encoder->order || !encoder->other_order) {
		free_arrays(encoder);
		return -ENOMEM;
	}
	encoder->capacity = rows;
	return 0;
}

size_t group_encoder_bytes(const struct group_encoder *encoder)
{
	return encoder->capacity * ((CACHED + 4) * sizeof(uint64_t) + CACHED + 1 + 2 * sizeof(uint32_t)) +
	       (encoder->texts.capacity + encoder->ordered.capacity) * sizeof(struct span) +
	       (encoder->texts.slots_capacity + encoder->ordered.slots_capacity) * sizeof(uint32_t) +
	       encoder->raw.capacity + encoder->out.capacity + ZSTD_sizeof_CCtx(encoder->zstd) +
	       ZSTD_sizeof_CCtx(encoder->sampler);
}

/* --- rows in order ---------------------------------------------------------------------------------------------- */
/* By bytes of the key from the lowest on, those alone in which keys differ; rows that agree stay as they are. */
static void sort_by_key(struct group_encoder *encoder, const uint64_t *keys)
{
	uint32_t rows = encoder->held->rows;
	bool is_sorted = true;
	uint64_t differing = 0;

	for (uint32_t i = 1; i < rows; i++) {
		differing |= keys[i] ^ keys[0];
		is_sorted &= keys[encoder->order[i]] >= keys[encoder->order[i - 1]];
	}
	for (unsigned shift = 0; shift < 64 && !is_sorted; shift += 8) {
		uint32_t starts[257] = {0}, *order = encoder->order;

		if (!(differing >> shift & 0xff))
			continue;
		for (uint32_t i = 0; i < rows; i++)
			starts[(keys[i] >> shift & 0xff) + 1]++;
		for (unsigned i = 0; i < 256; i++)
			starts[i + 1] += starts[i];
		for (uint32_t i = 0; i < rows; i++)
			encoder->other_order[starts[keys[order[i]] >> shift & 0xff]++] = order[i];
		encoder->order = encoder->other_order;
		encoder->other_order = order;
	}
}

/* Rows come in order of time; those that agree in the keys stay in it. */
static int sort_rows(struct group_encoder *encoder)
{
	const struct held_rows *held = encoder->held;
	const struct order *order = NULL;
	int r = 0;

	for (uint32_t row = 0; row < held->rows; row++)
		encoder->order[row] = row;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (orders[i].table == held->table->id)
			order = &orders[i];
	for (uint32_t k = order ? order->n : 0; k-- > 0 && r == 0;) {
		if (order->fields[k] >= held->table->n_fields)
			continue;
		r = held_rows_column(held, order->fields[k], encoder->scratch, encoder->scratch_nulls, &encoder->texts);
		if (r == 0)
			sort_by_key(encoder, encoder->scratch);
	}
	encoder->is_sorted = false;
	for (uint32_t row = 0; row < held->rows && !encoder->is_sorted; row++)
		encoder->is_sorted = encoder->order[row] != row;
	return r;
}

static void place_intervals(struct group_encoder *encoder, const struct group_directory *directory)
{
	uint32_t rows = encoder->held->rows;

	held_rows_intervals(encoder->held, encoder->scratch);
	encoder->has_ends = true;
	for (uint32_t row = 0; row < rows; row++) {
		uint64_t place = encoder->scratch[encoder->order[row]];

		encoder->intervals[row] = place;
		encoder->ends[row] = directory->intervals[place].end_real_ns;
		encoder->has_ends &= directory->intervals[place].is_last_chunk;
	}
}

/* Numbers texts as they are met in the group's order, so that the rows of a process have the same or the next. */
static int renumber_texts(struct group_encoder *encoder, struct vector *vector)
{
	const struct column_texts *texts = &encoder->texts;
	struct column_texts *ordered = &encoder->ordered;
	int r = column_texts_begin(ordered, texts->base, texts->n);

	for (uint32_t row = 0; row < encoder->held->rows && r == 0; row++) {
		/* Its slots are not needed for hashes: new numbers by old ones, plus 1. */
		uint32_t *number = &ordered->slots[vector->numbers[row]];

		if (vector->nulls[row])
			continue;
		if (!*number) {
			ordered->entries[ordered->n++] = texts->entries[vector->numbers[row]];
			*number = ordered->n;
		}
		vector->numbers[row] = *number - 1;
	}
	return r;
}

/* The column, decoded and in order. Valid until CACHED others have been asked for. */
static int get_vector(struct group_encoder *encoder, uint32_t field, struct vector **ret)
{
	uint32_t rows = encoder->held->rows;
	struct vector *vector = &encoder->vectors[0];
	int r;

	for (int i = 0; i < CACHED; i++) {
		if (encoder->vectors[i].field == field) {
			encoder->vectors[i].used = ++encoder->clock;
			*ret = &encoder->vectors[i];
			return 0;
		}
		if (encoder->vectors[i].used < vector->used)
			vector = &encoder->vectors[i];
	}
	vector->field = UINT32_MAX;
	r = held_rows_column(encoder->held, field, encoder->is_sorted ? encoder->scratch : vector->numbers,
			     encoder->is_sorted ? encoder->scratch_nulls : vector->nulls, &encoder->texts);
	if (r < 0)
		return r;
	for (uint32_t row = 0; encoder->is_sorted && row < rows; row++) {
		vector->numbers[row] = encoder->scratch[encoder->order[row]];
		vector->nulls[row] = encoder->scratch_nulls[encoder->order[row]];
	}
	vector->has_nulls = memchr(vector->nulls, 1, rows) != NULL;
	vector->field = field;
	vector->used = ++encoder->clock;
	*ret = vector;
	return 0;
}

/* --- a column's form -------------------------------------------------------------------------------------------- */
/* What a frame comes to. */
struct frame {
	const struct group_sink *sink; /* takes it, piece by piece; NULL: it is only measured */
	uint64_t bytes;
	uint32_t checksum;
};

/* A zstd frame of encoder->raw, with a block of its own for each part. 0, -ENOMEM, or what the sink said. */
static int compress_parts(struct group_encoder *encoder, ZSTD_CCtx *zstd, int level, const struct column_cuts *cuts,
			  struct frame *frame)
{
	ZSTD_inBuffer in = {encoder->raw.data, 0, 0};
	unsigned char *to = sink_room(&encoder->out, OUT_BYTES);
	unsigned next = 0;

	if (!to)
		return -ENOMEM;
	ZSTD_CCtx_reset(zstd, ZSTD_reset_session_only);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, WINDOW_LOG - 3);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_chainLog, WINDOW_LOG - 3);
	ZSTD_CCtx_setPledgedSrcSize(zstd, encoder->raw.len);
	while (in.pos < encoder->raw.len) {
		while (next < cuts->n && cuts->at[next] - in.pos < CUT_BYTES)
			next++;
		in.size = next < cuts->n ? cuts->at[next] : encoder->raw.len;
		for (size_t left = 1; left;) {
			ZSTD_outBuffer out = {to, OUT_BYTES, 0};
			int r = 0;

			left = ZSTD_compressStream2(zstd, &out, &in,
						    in.size == encoder->raw.len ? ZSTD_e_end : ZSTD_e_flush);
			if (ZSTD_isError(left))
				return -ENOMEM; /* the only way it fails with valid parameters */
			frame->bytes += out.pos;
			if (!frame->sink || !out.pos)
				continue;
			frame->checksum = (uint32_t)crc32(frame->checksum, to, (unsigned)out.pos);
			encoder->out.len = out.pos;
			r = frame->sink->take(frame->sink->context, &encoder->out);
			encoder->out.len = 0;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The column of a field, and what may predict it. */
struct subject {
	const struct field *field;
	struct column_rows rows;
	const uint64_t *numbers;
	const uint8_t *nulls; /* NULL: none is null */
	const struct column_texts *texts;
};

static int size_of(struct group_encoder *encoder, const struct subject *subject, const struct column_choice *choice,
		   size_t *ret)
{
	static const struct column_texts none;
	struct column_cuts cuts = {0};
	struct frame frame = {0};
	int r;

	encoder->raw.len = 0;
	column_put(&encoder->raw, subject->field, &subject->rows, subject->numbers, subject->nulls,
		   subject->texts ? &none : NULL, choice, encoder->rest, &cuts);
	if (encoder->raw.failed)
		return -ENOMEM;
	r = compress_parts(encoder, encoder->sampler, SAMPLE_LEVEL, &cuts, &frame);
	*ret = frame.bytes;
	return r;
}

static unsigned candidates_of(const struct group_encoder *encoder, uint32_t field, const struct subject *subject,
			      struct column_choice *ret)
{
	const struct table *table = encoder->held->table;
	unsigned n = 0;

	ret[n++] = (struct column_choice){.prediction = PREDICT_NOTHING, .has_factor = true};
	ret[n++] = (struct column_choice){.prediction = PREDICT_ROW, .has_factor = true};
	if (subject->field->unit == UNIT_TIME && encoder->has_ends)
		ret[n++] = (struct column_choice){.prediction = PREDICT_INTERVAL_END, .has_factor = true};
	for (size_t i = 0; i < ARRAY_SIZE(relations); i++)
		if (relations[i].table == table->id && relations[i].field == field && subject->rows.numbers &&
		    subject->rows.numbers[relations[i].minuend])
			ret[n++] = (struct column_choice){.prediction = PREDICT_COLUMNS,
							  .minuend = relations[i].minuend,
							  .subtrahend = relations[i].subtrahend,
							  .has_factor = true};
	return n;
}

static int choose(struct group_encoder *encoder, uint32_t field, const struct subject *subject,
		  struct column_choice *ret)
{
	struct column_choice candidates[CANDIDATES];
	unsigned n = candidates_of(encoder, field, subject, candidates);
	const uint64_t *shifted[TABLE_MAX_FIELDS] = {0};
	struct subject sample = *subject;
	size_t best = SIZE_MAX;
	uint32_t first = subject->rows.n > SAMPLE_ROWS ? (subject->rows.n - SAMPLE_ROWS) / 2 : 0;
	int r = 0;

	sample.rows.n = subject->rows.n > SAMPLE_ROWS ? SAMPLE_ROWS : subject->rows.n;
	sample.numbers += first;
	sample.nulls = subject->nulls ? subject->nulls + first : NULL;
	sample.rows.interval_ends = subject->rows.interval_ends ? subject->rows.interval_ends + first : NULL;
	for (uint32_t i = 0; subject->rows.numbers && i < TABLE_MAX_FIELDS; i++)
		shifted[i] = subject->rows.numbers[i] ? subject->rows.numbers[i] + first : NULL;
	sample.rows.numbers = subject->rows.numbers ? shifted : NULL;
	for (unsigned i = 0; i < n * 2 && r == 0; i++) {
		struct column_choice choice = candidates[i / 2];
		size_t size;

		choice.packing = i % 2 ? PACK_LENGTHS : PACK_PLANES;
		r = size_of(encoder, &sample, &choice, &size);
		if (r == 0 && size < best) {
			best = size;
			*ret = choice;
		}
	}
	return r;
}

/* --- columns ---------------------------------------------------------------------------------------------------- */
static bool is_less(const struct field *field, uint64_t a, uint64_t b)
{
	return field->type == FIELD_I64 ? (int64_t)a < (int64_t)b : a < b;
}

static void describe(const struct subject *subject, struct column_entry *ret)
{
	bool is_first = true;

	for (uint32_t row = 0; row < subject->rows.n; row++) {
		uint64_t value = subject->numbers[row];

		if (subject->nulls && subject->nulls[row]) {
			ret->nulls++;
			continue;
		}
		if (subject->texts)
			continue;
		if (is_first || is_less(subject->field, value, ret->least))
			ret->least = value;
		if (is_first || is_less(subject->field, ret->greatest, value))
			ret->greatest = value;
		is_first = false;
	}
	for (uint32_t i = 0; subject->texts && i < subject->texts->n; i++) {
		struct span entry = subject->texts->entries[i];
		uint64_t prefix = text_prefix(subject->texts->base + entry.offset, entry.len);

		if (is_first || prefix < ret->least)
			ret->least = prefix;
		if (is_first || prefix > ret->greatest)
			ret->greatest = prefix;
		is_first = false;
	}
}

/* What a reader knows from the entry alone is not stored. */
static bool is_known(const struct subject *subject, const struct column_entry *entry)
{
	return entry->nulls == subject->rows.n || (!subject->texts && !entry->nulls && entry->least == entry->greatest);
}

static int put_column(struct group_encoder *encoder, uint32_t field, const struct subject *subject,
		      const struct group_sink *sink, struct column_entry *entry)
{
	struct column_choice choice = {0};
	struct column_cuts cuts = {0};
	struct frame frame = {.sink = sink};
	int r;

	entry->minuend = entry->subtrahend = NO_COLUMN;
	describe(subject, entry);
	if (is_known(subject, entry)) {
		entry->head = entry->nulls ? PACK_NULLS : PACK_CONSTANT;
		return 0;
	}
	r = choose(encoder, field, subject, &choice);
	if (r < 0)
		return r;
	encoder->raw.len = 0;
	column_put(&encoder->raw, subject->field, &subject->rows, subject->numbers, subject->nulls, subject->texts,
		   &choice, encoder->rest, &cuts);
	if (encoder->raw.failed)
		return -ENOMEM;
	r = compress_parts(encoder, encoder->zstd, subject->texts ? TEXTS_LEVEL : NUMBERS_LEVEL, &cuts, &frame);
	if (r < 0)
		return r;
	entry->head = encoder->raw.data[0];
	if (choice.prediction == PREDICT_COLUMNS) {
		entry->minuend = choice.minuend;
		entry->subtrahend = choice.subtrahend;
	}
	entry->bytes = (uint32_t)frame.bytes;
	entry->raw_bytes = (uint32_t)encoder->raw.len;
	entry->checksum = frame.checksum;
	return 0;
}

/* The columns that may predict this one. */
static int get_related(struct group_encoder *encoder, uint32_t field, const uint64_t **ret)
{
	const struct table *table = encoder->held->table;

	for (size_t i = 0; i < ARRAY_SIZE(relations); i++) {
		const struct relation *relation = &relations[i];
		struct vector *vector;
		int r;

		if (relation->table != table->id || relation->field != field || field_is_text(&table->fields[field]) ||
		    field_is_text(&table->fields[relation->minuend]))
			continue;
		if (relation->subtrahend != NO_COLUMN) {
			if (field_is_text(&table->fields[relation->subtrahend]))
				continue;
			r = get_vector(encoder, relation->subtrahend, &vector);
			if (r < 0)
				return r;
			ret[relation->subtrahend] = vector->numbers;
		}
		r = get_vector(encoder, relation->minuend, &vector);
		if (r < 0)
			return r;
		ret[relation->minuend] = vector->numbers;
		return 0;
	}
	return 0;
}

static int put_field(struct group_encoder *encoder, uint32_t field, const struct group_sink *sink,
		     struct column_entry *entry)
{
	const struct field *of = &encoder->held->table->fields[field];
	const uint64_t *related[TABLE_MAX_FIELDS] = {0};
	struct subject subject = {
		.field = of,
		.rows = {.n = encoder->held->rows,
			 .interval_ends = encoder->has_ends ? encoder->ends : NULL,
			 .numbers = related},
	};
	struct vector *vector;
	int r = get_related(encoder, field, related);

	if (r == 0)
		r = get_vector(encoder, field, &vector);
	if (r < 0)
		return r;
	if (field_is_text(of)) {
		r = renumber_texts(encoder, vector);
		vector->field = UINT32_MAX; /* its texts are kept for this column only */
		subject.texts = &encoder->ordered;
	}
	subject.numbers = vector->numbers;
	subject.nulls = vector->has_nulls ? vector->nulls : NULL;
	return r < 0 ? r : put_column(encoder, field, &subject, sink, entry);
}

/* Which interval each row is of: the column behind those of the table. */
static int put_intervals(struct group_encoder *encoder, struct group_entry *group, const struct group_sink *sink,
			 struct column_entry *entry)
{
	struct subject intervals = {
		.field = &interval_field,
		.rows = {.n = encoder->held->rows},
		.numbers = encoder->intervals,
	};
	int r = put_column(encoder, group->n_columns - 1, &intervals, sink, entry);

	group->first_interval = (uint32_t)entry->least;
	group->last_interval = (uint32_t)entry->greatest;
	return r;
}

int group_encoder_put(struct group_encoder *encoder, const struct held_rows *held, uint32_t table, uint64_t offset,
		      const struct group_sink *sink, struct group_directory *directory)
{
	uint32_t n_fields = held->table->n_fields;
	struct group_entry *group = NULL;
	struct column_entry *columns = NULL;
	int r = reserve(encoder, held->rows);

	encoder->held = held;
	for (int i = 0; i < CACHED; i++)
		encoder->vectors[i].field = UINT32_MAX;
	if (r == 0)
		r = sort_rows(encoder);
	if (r < 0)
		return r;
	place_intervals(encoder, directory);
	group = group_directory_add_group(directory, n_fields + 1);
	if (!group)
		return -ENOMEM;
	group->table = table;
	group->rows = held->rows;
	columns = &directory->columns[group->first_column];
	for (uint32_t field = 0; field < n_fields && r == 0; field++) {
		columns[field].offset = offset;
		r = put_field(encoder, field, sink, &columns[field]);
		offset += columns[field].bytes;
	}
	columns[n_fields].offset = offset;
	if (r == 0)
		r = put_intervals(encoder, group, sink, &columns[n_fields]);
	if (r < 0) {
		directory->n_groups--;
		directory->n_columns -= n_fields + 1;
	}
	return r;
}
