/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a literal in a filter means depends on the field it is compared with: 1.5s, 2GiB, KILL, -10m, true.
 */
#ifndef OBIT_QUERY_LITERAL_H
#define OBIT_QUERY_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/table.h"

#define LITERAL_ERROR_BYTES 200

/* What some literals need to be understood. */
struct literal_context {
	uint64_t now_real_ns; /* -10m */
	/* The id of a user or group by name, `uid = root`; NULL: names are not understood. */
	bool (*account_id)(void *ctx, bool is_group, const char *name, size_t len, uint64_t *ret);
	void *ctx;
};

/*
 * The number that `text` means for a number field, as a block holds it. 0, or -EINVAL with an error
 * in `reterr`.
 */
int literal_number(const struct field *field, const char *text, size_t len, const struct literal_context *context,
		   uint64_t *ret_number, char reterr[LITERAL_ERROR_BYTES]);

#endif
