// SPDX-License-Identifier: BSD-2-Clause
/*
 * One write a line, so that lines of several threads do not mix.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_BYTES	1024
#define REPEAT_AFTER_NS (10 * NS_PER_S)

static void write_line(const char *format, va_list args, uint64_t swallowed)
{
	char line[LINE_BYTES];
	int len = snprintf(line, sizeof(line), "obit: ");

	len += vsnprintf(line + len, sizeof(line) - (size_t)len - 64, format, args);
	if (len > LINE_BYTES - 64)
		len = LINE_BYTES - 64;
	if (swallowed)
		len += snprintf(line + len, sizeof(line) - (size_t)len, " (and %llu times before)",
				(unsigned long long)swallowed);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args, 0);
	va_end(args);
}

void log_limited(struct log_limit *limit, const char *format, ...)
{
	uint64_t now = clock_boot_ns();
	va_list args;

	if (limit->last_boot_ns && now - limit->last_boot_ns < REPEAT_AFTER_NS) {
		limit->swallowed++;
		return;
	}
	va_start(args, format);
	write_line(format, args, limit->swallowed);
	va_end(args);
	*limit = (struct log_limit){.last_boot_ns = now};
}
