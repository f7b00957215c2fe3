/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters: `cpu_ns > 1.5s and (comm ~ "^cc" or exit_signal in (KILL, SEGV)) and not oom_killed`.
 *
 *   field = != < <= > >= literal     numbers by value, text byte by byte
 *   field ~ !~ regular expression    POSIX extended, anywhere in the value, bytes not characters
 *   field [not] in (a, b, ...)       field is [not] null, also = null and != null       field (a bool alone)
 *   and or not ( )                   also && || !; `not` binds tightest, then `and`
 *
 * Literals take the field's unit: durations 1.5s, sizes 2GiB, signals KILL, times as in query/time.h. A list
 * of strings (argv) is compared as its items joined by one space. A comparison with a null is false, also
 * != and !~ and `not in`; `not (...)` turns that false into true.
 *
 * An expression belongs to one thread; it is compiled once and bound to each table that blocks come with.
 */
#ifndef OBIT_QUERY_EXPRESSION_H
#define OBIT_QUERY_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

#include "model/block.h"
#include "query/literal.h"

struct expression;

/* What is wrong with the text, and where: a stretch of it, empty at its end. */
struct expression_error {
	size_t at, len;
	char message[256];
};

/* Bounds; each is far beyond what a person writes and keeps work and memory small. */
#define EXPRESSION_MAX_BYTES   65536
#define EXPRESSION_MAX_DEPTH   100 /* of parentheses and `not` */
#define EXPRESSION_MAX_PATTERN 1024

/*
 * Compiles against a known table. 0; -EINVAL with *ret_error set; -ENOMEM. The table must outlive the
 * expression. On 0 it is bound to `table`.
 */
int expression_compile(const char *text, const struct table *table, const struct literal_context *context,
		       struct expression **ret, struct expression_error *ret_error);

/* Sets ret[field] for the fields of the known table that it compares. */
void expression_fields(const struct expression *expression, bool *ret);

/* From now on rows come in blocks of `table`. A field that it lacks, or has in another type, is null. */
void expression_bind(struct expression *expression, const struct table *table);

/* 1: the row is wanted; 0: it is not; -ENOMEM. The block is of the table last bound. */
int expression_matches(struct expression *expression, const struct block *block, uint32_t row);

void expression_free(struct expression *expression);

/* Writes the message, the text and a caret under the place, on lines of their own, human-readable. */
void expression_error_write(const struct expression_error *error, const char *text, char *ret, size_t size);

#endif
