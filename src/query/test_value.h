/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One value against one predicate, inside src/query only.
 */
#ifndef OBIT_QUERY_TEST_VALUE_H
#define OBIT_QUERY_TEST_VALUE_H

#include "query/program.h"

struct text_value {
	const char *data;
	size_t len;
};

/* A text that is not null. 1, 0, or -ENOMEM. */
int test_text_value(const struct expression *expression, const struct predicate *predicate, struct text_value value,
		    struct buffer *scratch);

#endif
