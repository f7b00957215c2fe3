/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of one table of a store, on their way to a sink, with all their fields.
 */
#ifndef OBIT_CMD_EXPORT_READ_H
#define OBIT_CMD_EXPORT_READ_H

#include <signal.h>
#include <stdbool.h>

#include "cmd/progress.h"
#include "query/query.h"

struct export_question {
	const char *command; /* for errors */
	const char *dir;
	const char *where;   /* or NULL */
	const char *segment; /* of this file only; NULL: of all */
	uint64_t since_real_ns, until_real_ns, now_real_ns;
	bool is_by_time; /* rows in order of time */
	unsigned jobs;	 /* threads that decode */
	struct progress *progress;
	const volatile sig_atomic_t *is_stopped; /* or NULL */
};

/*
 * 0; -EINTR: asked to stop; -EINVAL: the store or the expression is at fault, which has been said; -ENOMEM,
 * -E2BIG; or what the sink returned. What the store has lost is said on stderr.
 */
int export_read(const struct export_question *question, const struct table *table, const struct row_sink *sink);

#endif
