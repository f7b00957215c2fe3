/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this kernel and these privileges allow, found by trying, without recording anything.
 */
#ifndef OBIT_KERNEL_COLLECT_PROBE_H
#define OBIT_KERNEL_COLLECT_PROBE_H

enum probe_result {
	PROBE_OK,
	PROBE_DEGRADED, /* recording works, something is missing */
	PROBE_FAILED,	/* recording does not work */
};

/* `note` says what was found or what is lost by it, and the way out; valid during the call. */
typedef void (*probe_report)(void *ctx, const char *what, enum probe_result result, const char *note);

/* Reports one line for each thing tried; the worst of their results. */
enum probe_result collect_probe(probe_report report, void *ctx);

#endif
