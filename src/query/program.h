/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A compiled filter, inside src/query only. It runs on a machine with one register, the truth so far:
 *
 *   a and b   a; SKIP_IF_FALSE end; b; end:
 *   a or b    a; SKIP_IF_TRUE end; b; end:
 *   not a     a; NEGATE
 *
 * Jumps go forward only, so a program ends after as many steps as it has instructions, and needs no stack.
 */
#ifndef OBIT_QUERY_PROGRAM_H
#define OBIT_QUERY_PROGRAM_H

#include <regex.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "model/table.h"
#include "query/operand.h"

enum opcode {
	OP_TEST, /* truth = predicates[operand] */
	OP_NEGATE,
	OP_SKIP_IF_FALSE, /* to instruction `operand` */
	OP_SKIP_IF_TRUE,
};

struct instruction {
	enum opcode opcode;
	uint32_t operand;
};

enum comparison {
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_LT,
	COMPARE_LE,
	COMPARE_GT,
	COMPARE_GE,
	COMPARE_MATCH,
	COMPARE_NO_MATCH,
	COMPARE_IN,
	COMPARE_NOT_IN,
	COMPARE_IS_NULL,
	COMPARE_IS_NOT_NULL,
};

/* A literal: a number, or a stretch of expression->texts. */
struct constant {
	uint64_t number;
	size_t text_at, text_len;
};

struct predicate {
	const struct field *field; /* of the known table */
	int column;		   /* of the table bound; -1: it has none */
	enum comparison comparison;
	uint32_t first_constant, n_constants;
	struct operand operand; /* what it is compared with, if not with constants */
	regex_t *regex;		/* of MATCH and NO_MATCH */
};

struct expression {
	const struct table *table;
	struct buffer instructions, predicates, constants; /* arrays of the above */
	struct buffer texts;
	struct buffer joined; /* scratch: the value being looked at, ended by NUL */
};

/* Of = != < <= > >= and of in: does it hold for values in that order? */
int comparison_holds(enum comparison comparison, int order);

static inline struct predicate *expression_predicates(const struct expression *expression, size_t *ret_n)
{
	*ret_n = expression->predicates.used / sizeof(struct predicate);
	return (struct predicate *)(void *)expression->predicates.data;
}

#endif
