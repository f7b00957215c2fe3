/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terms of a grouping, as users write them: keys (`comm`, `exit_time/1h`) and what is computed of a group
 * (`count`, `sum(cpu_ns)`, `p99(wall_ns)`, `cpu_ns`, `+io`). grouping.h says what they mean.
 */
#ifndef OBIT_QUERY_TERMS_H
#define OBIT_QUERY_TERMS_H

#include <stdbool.h>
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
	int field;	/* of the source; -1: of a count of rows */
	uint64_t step;	/* of a key; 0: the value itself */
	double share;	/* of a quantile, 0 to 1 */
	int duplicate;	/* of a quantile: the first of the same field, which counts for all of them; else its own number
			 */
	char name[128]; /* of the column */
};

/* What a person asked for. */
struct terms_text {
	const char *group_by; /* NULL: all rows are one group */
	const char *fields;   /* NULL: human-readable the few that matter most, else all */
	const char *sort;     /* [-]TERM, also one that is not among the fields; or NULL */
	bool is_human_readable;
};

/* Keys come first, then what is shown of a group, then, where it is not shown, what groups are sorted by. */
struct terms {
	struct term terms[TABLE_MAX_FIELDS];
	uint32_t n, n_keys, n_shown;
	int sort; /* a term; -1: none */
	bool is_descending;
};

/* 0, or -EINVAL with an error. */
int terms_read(const struct table *source, const struct terms_text *text, struct terms *ret, char *error, size_t size);

/* Does a list of fields speak of groups: is there a `count` or a `sum(...)` in it? */
int terms_are_of_groups(const char *fields);

#endif
