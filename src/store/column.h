/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One column of some rows to bytes and back (docs/format.md, "A column"). It stands so in the log and, compressed by
 * itself, in the columns of a sealed segment.
 *
 * A value is a u64, an i64 as its two's complement, a bool as 0 or 1; of a text it is the number of its entry in the
 * column's dictionary. The value of a row that is null is 0.
 */
#ifndef OBIT_STORE_COLUMN_H
#define OBIT_STORE_COLUMN_H

#include <stdbool.h>

#include "model/block.h"
#include "store/bytes.h"
#include "store/segment_format.h"

/* What predictions may look at. */
struct column_rows {
	uint32_t n;			/* rows, at least 1 and at most GROUP_MAX_ROWS */
	const uint64_t *interval_ends;	/* of each row; NULL: not known, so that nothing is predicted from them */
	const uint64_t *const *numbers; /* of the fields before this one, by field, NULL where they are not known */
};

/* How a column is stored. Zeroed it is the cheapest to write: each value less the least, in planes. */
struct column_choice {
	enum prediction prediction;
	enum packing packing;
	uint8_t minuend, subtrahend; /* of PREDICT_COLUMNS */
	bool has_factor;	     /* look for a common one */
};

/* A writer's texts of one column, each once, where they lie. Zeroed; freed with column_texts_done(). */
struct column_texts {
	const char *base;     /* what the spans are of */
	struct span *entries; /* in the order of their numbers */
	uint32_t n, capacity;
	uint32_t *slots; /* numbers by hash, plus 1; 0 is free */
	uint32_t n_slots, slots_capacity;
};

void column_texts_done(struct column_texts *texts);
/* Empties it, and makes room for so many entries. 0 or -ENOMEM. */
int column_texts_begin(struct column_texts *texts, const void *base, uint32_t most_entries);
/* The text's number. */
uint32_t column_texts_intern(struct column_texts *texts, struct span text);

/* Where the compressor starts anew: parts of a column are unlike each other. */
struct column_cuts {
	size_t at[16];
	unsigned n;
};

/*
 * Appends a column. `nulls` is NULL where no row is null; `texts` is NULL unless the field is one; `rest` is scratch
 * for as many numbers as there are rows; `cuts` may be NULL. Errors show in sink->failed.
 */
void column_put(struct sink *sink, const struct field *field, const struct column_rows *rows, const uint64_t *numbers,
		const uint8_t *nulls, const struct column_texts *texts, const struct column_choice *choice,
		uint64_t *rest, struct column_cuts *cuts);

/* The head of a column, for who must know what it needs before it is decoded. 0 or -EBADMSG. */
int column_needs(const void *data, size_t len, struct column_choice *ret);

/* A reader's texts of one column. Zeroed at first. */
struct column_entries {
	struct span *entries; /* of `bytes`; the caller frees them, also after an error */
	uint32_t n, n_bytes;
	const char *bytes; /* a part of what was decoded */
};

/*
 * Decodes the whole of `from` into numbers and nulls, for rows->n rows each. `ret`
 * gets the texts where the field is one. 0; -EBADMSG: the bytes make no sense (the contents are then undefined);
 * -ENOMEM.
 */
int column_get(struct source *from, const struct field *field, const struct column_rows *rows, uint64_t *numbers,
	       uint8_t *nulls, struct column_entries *ret);

#endif
