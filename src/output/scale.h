/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One unit for all numbers of a column, so that they can be compared at a glance; inside src/output only.
 */
#ifndef OBIT_OUTPUT_SCALE_H
#define OBIT_OUTPUT_SCALE_H

#include "base/buffer.h"
#include "model/table.h"

struct scale {
	const char *name; /* "ms"; "": none is said */
	uint64_t unit;	  /* what 1 of it is in the field's own */
	unsigned decimals;
};

/* Are the field's numbers written in such a unit? */
bool scale_is_of(const struct field *field);

/* The unit in which the greatest of them is 1 at least. */
const struct scale *scale_for(const struct field *field, uint64_t greatest);

/* With as many decimals as the unit has, rounded; 0 without; what is more but rounds to 0 is <.001. */
void scale_add(struct buffer *buffer, const struct scale *scale, uint64_t value);

#endif
