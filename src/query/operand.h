/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The right side of a comparison that is a field of the same row, maybe times or divided by a number: wall_ns, wall_ns
 * / 2, max_rss_bytes * 1.5.
 */
#ifndef OBIT_QUERY_OPERAND_H
#define OBIT_QUERY_OPERAND_H

#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

struct operand {
	const struct field *field; /* NULL: it is not one */
	int column;		   /* of the table bound; -1: it has none */
	uint64_t numerator, denominator;
};

#define OPERAND_NUMBER_MAX UINT64_C(1000000000) /* and six digits behind the point */

/*
 * Reads one, written without spaces, to be compared with the field `of`. 1; 0: it does not begin with a field's name;
 * -EINVAL with an error.
 */
int operand_read(const struct table *table, const struct field *of, const char *text, struct operand *ret, char *error,
		 size_t size);

/* The order of a value of the field that is compared, and the operand's in the same row: below 0, 0, above. */
int operand_compare(const struct operand *operand, const struct field *of, uint64_t value, uint64_t other);

#endif
