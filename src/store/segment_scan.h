/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store consists of: its segments, one after the other, without decoding their rows: sealed ones by their
 * directories, logs by their chunks' heads.
 */
#ifndef OBIT_STORE_SEGMENT_SCAN_H
#define OBIT_STORE_SEGMENT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/origin.h"
#include "model/table.h"
#include "store/directory.h"

enum segment_state {
	SEGMENT_SEALED,	 /* columns */
	SEGMENT_WRITING, /* a log, by a writer that is at work */
	SEGMENT_LOG,	 /* a log that has ended and waits to be sealed */
	SEGMENT_TORN,	 /* a log whose writer was stopped in it: all whole chunks count */
	SEGMENT_DAMAGED,
};

struct scanned_segment {
	struct segment_name name;
	enum segment_state state;
	bool has_origin; /* its header could be read */
	struct origin origin;
	uint64_t intervals; /* that have a chunk in it; 0: none */
	uint64_t first_number, last_number;
	uint64_t first_real_ns, last_real_ns;
	uint64_t rows[TABLE_MAX_TABLES]; /* by the table's id */
	uint64_t bytes, raw_bytes;	 /* on disk, and before compression */
	uint64_t unread_bytes;		 /* damaged or torn */
	char what[128];			 /* first damage, human-readable; "" */
};

struct segment_scan;

/* Errors as store_reader_open(). */
int segment_scan_open(const char *dir, struct segment_scan **ret);
/* 1: *ret is the next segment; 0: no more; negative: memory or I/O. A segment removed meanwhile is passed by. */
int segment_scan_next(struct segment_scan *scan, struct scanned_segment *ret);
/* NULL is legal. */
void segment_scan_close(struct segment_scan *scan);

const char *segment_state_name(enum segment_state state);

#endif
