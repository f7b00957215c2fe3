/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terms of a grouping, as people write them: keys (`comm`, `exit_time/1h`) and what is told of a group
 * (`count`, `sum(cpu_ns)`, `p99(wall_ns)`, `cpu_ns`). grouping.h says what they mean.
 */
#ifndef OBIT_QUERY_TERMS_H
#define OBIT_QUERY_TERMS_H

#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

enum term_kind {
	TERM_KEY,
	TERM_COUNT,
	TERM_SUM,
	TERM_AVG,
	TERM_MIN,
	TERM_MAX,
	TERM_FIRST,
	TERM_LAST,
	TERM_QUANTILE,
};

struct term {
	enum term_kind kind;
	int field;	/* of the source; -1: of a count */
	uint64_t step;	/* of a key; 0: the value itself */
	double share;	/* of a quantile, 0 to 1 */
	char name[128]; /* of the column */
};

struct terms {
	struct term terms[TABLE_MAX_FIELDS];
	uint32_t n, n_keys; /* the first n_keys are the keys, which group */
};

/* 0, or -EINVAL with a complaint. Arguments as grouping_new()'s. */
int terms_read(const struct table *source, const char *group_by, const char *fields, int is_for_people,
	       struct terms *ret, char *complaint, size_t size);

#endif
