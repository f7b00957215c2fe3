/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least and the largest value of a column chunk, by which readers pass row groups over. Texts are compared
 * byte by byte, as Parquet has it.
 */
#ifndef OBIT_OUTPUT_PARQUET_RANGE_H
#define OBIT_OUTPUT_PARQUET_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "output/parquet_schema.h"

struct thrift;

/* Zeroed is empty. */
struct parquet_range {
	bool is_set;
	bool is_too_long; /* one of the texts is: then nothing is said */
	uint64_t least, most;
	struct buffer least_text, most_text;
};

void parquet_range_done(struct parquet_range *range);
void parquet_range_clear(struct parquet_range *range);

/* Signed numbers. */
void parquet_range_add_numbers(struct parquet_range *range, const uint64_t *values, size_t n);
void parquet_range_add_text(struct parquet_range *range, const char *data, size_t len);

/* The struct Statistics as field `at`. */
void parquet_range_put(const struct parquet_range *range, enum parquet_type type, uint64_t nulls, struct thrift *thrift,
		       int at);

#endif
