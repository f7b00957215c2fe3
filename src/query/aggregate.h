/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of one term in one group: a sum, a count, the largest, the percentiles ... of the values that
 * came so far. Zero-initialised knows nothing. One thread.
 */
#ifndef OBIT_QUERY_AGGREGATE_H
#define OBIT_QUERY_AGGREGATE_H

#include "base/histogram.h"
#include "model/block.h"
#include "query/terms.h"

struct aggregate_text {
	size_t len;
	char data[];
};

struct aggregate {
	uint64_t n;	 /* values, by weight */
	uint64_t number; /* sum, least, largest, first or last; of a text the time of its row */
	union {
		struct histogram *histogram; /* of a quantile */
		struct aggregate_text *text; /* first or last */
		uint64_t real_ns;	     /* of a number that is first or last: the time of its row */
	};
};

/* A value that is not null, on its way. */
struct observation {
	const struct block *block;
	uint32_t row, column;
	uint64_t weight;  /* how many observations it stands for */
	uint64_t real_ns; /* of the row: what first and last go by */
};

/* The column that comes out: what `term` is called and what type it is; `field` is what it is of, NULL: rows. */
struct field aggregate_field(const struct term *term, const struct field *field);

/* `field` as above, without NULL. 0, -ENOMEM, or -EOVERFLOW: what it adds up to passes 64 bits. */
int aggregate_add(struct aggregate *aggregate, const struct term *term, const struct field *field,
		  const struct observation *observation);

/* Counts only, as of a term COUNT. 0 or -EOVERFLOW. */
int aggregate_count(struct aggregate *aggregate, uint64_t weight);

/* Bytes of text that aggregate_put() needs room for. */
size_t aggregate_text_len(const struct aggregate *aggregate, const struct term *term, const struct field *field);

/* Into the block's row; stays null where there was no value. Nothing can be added any more. */
int aggregate_put(struct aggregate *aggregate, const struct term *term, const struct field *field, struct block *block,
		  uint32_t row, uint32_t column);

void aggregate_done(struct aggregate *aggregate, const struct term *term, const struct field *field);

#endif
