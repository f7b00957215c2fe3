// SPDX-License-Identifier: BSD-2-Clause
/*
 * A line that is written over.
 */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define PERIOD_NS  (NS_PER_S / 5)
#define ERASE_LINE "\r\033[K"

void progress_init(struct progress *progress, size_t n_segments)
{
	*progress = (struct progress){.is_shown = isatty(STDERR_FILENO), .n_segments = n_segments};
	progress->begun_mono_ns = progress->shown_mono_ns = clock_read_ns(CLOCK_MONOTONIC);
}

void progress_restart(struct progress *progress)
{
	progress->n_read = 0;
	progress->segment[0] = '\0';
}

void progress_step(struct progress *progress, const char *table, const char *segment, uint64_t n_rows)
{
	uint64_t now;

	if (!progress->is_shown)
		return;
	if (strcmp(progress->segment, segment) != 0) {
		snprintf(progress->segment, sizeof(progress->segment), "%s", segment);
		progress->n_read++;
	}
	now = clock_read_ns(CLOCK_MONOTONIC);
	if (now - progress->shown_mono_ns < PERIOD_NS)
		return;
	progress->shown_mono_ns = now;
	/* Not by stderr, which writes what moves the cursor as text (main.c). */
	dprintf(STDERR_FILENO, ERASE_LINE "%s: segment %zu of %zu, %" PRIu64 " rows, %" PRIu64 " s", table,
		progress->n_read, progress->n_segments, n_rows, (uint64_t)((now - progress->begun_mono_ns) / NS_PER_S));
}

void progress_done(struct progress *progress)
{
	if (progress->is_shown)
		dprintf(STDERR_FILENO, ERASE_LINE);
}
