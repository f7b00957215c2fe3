/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines to standard error, "obit: ...". Any thread.
 */
#ifndef OBIT_BASE_LOG_H
#define OBIT_BASE_LOG_H

#include <stdint.h>

__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

/*
 * A line that may come again and again: said at once, then at most every ten seconds with how often it was
 * swallowed meanwhile. The struct starts as zero and belongs to one thread.
 */
struct log_limit {
	uint64_t last_boot_ns;
	uint64_t swallowed;
};

__attribute__((format(printf, 2, 3))) void log_limited(struct log_limit *limit, const char *format, ...);

#endif
