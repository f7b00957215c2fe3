/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a store: a directory of segment files (docs/format.md). One writer a store, held by a lock file
 * that names its process. Not thread-safe: one thread opens, appends and closes.
 */
#ifndef OBIT_STORE_WRITER_H
#define OBIT_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/block.h"
#include "model/origin.h"
#include "store/sealer.h"

struct store_options {
	const char *dir;
	uint64_t segment_bytes;	 /* a log ends when it has reached this; 0: the default, 32 MiB */
	uint64_t retain_bytes;	 /* of all segments; 0: nothing is ever removed, also not on a full disk */
	uint64_t retain_age_ns;	 /* 0: any age */
	int level;		 /* zstd, of the log; 0: the default, -1 */
	int fsync_each_interval; /* 0: fsync when a log ends only */
	bool is_sealing; /* logs that have ended become columns: see store_writer_sealer(); else they stay logs */
};

struct store_writer;

/* What the writer has done to its store besides writing. */
struct store_counts {
	uint64_t kept_bytes;		 /* of all segments now */
	uint64_t evicted, evicted_bytes; /* segments removed, for any reason */
	uint64_t evicted_full;		 /* of them, because the disk was full */
	bool was_open_to_others;	 /* the directory: others could write to it, and no longer may */
	uint64_t clock_jumps; /* times that removal by age was put off, since an interval's times cannot be right */
	uint64_t restarts;    /* times that the running segment or the directory had gone, and it began anew */
	uint64_t sealed, sealed_rows;		 /* logs that became columns, and rows in them */
	uint64_t logs, logs_bytes;		 /* that have ended and are not sealed yet */
	uint64_t seal_errors;			 /* times that it failed */
	int seal_error;				 /* -errno, of the last log that was tried; 0: it was sealed */
	uint64_t seal_cpu_ns, seal_memory_bytes; /* what it cost; the most that it took */
};

/*
 * Makes the directory (0750) when it is missing. What an earlier writer left torn stays a log, of which readers take
 * all complete chunks, until it is sealed. Errors: -EBUSY, another writer holds the store
 * (*ret_holder, when not NULL, is its pid); -EMEDIUMTYPE, the directory holds files of another program;
 * else what the system said.
 */
int store_writer_open(const struct store_options *options, const struct origin *origin, struct store_writer **ret,
		      int *ret_holder);

/*
 * Writes one chunk: the blocks (each of a different known table; empty ones are left out) with the
 * interval they belong to, flushed so that a reader sees it at once. On an error nothing of the chunk is
 * visible to readers, and the same call may be made again; a different
 * one writes the chunk of the failed one first. But -E2BIG, more rows or text than a reader takes
 * in one chunk (format.h), is for ever.
 *
 * Before it writes, the oldest segments go until all fits retain_bytes, and those that are past retain_age_ns
 * by the interval's time: the store is above its limit only when a single interval is. Nothing goes for its age until
 * ten minutes after a jump of an hour or more from one interval to the next (also from the last one in the store): the
 * clock may be wrong for a while (its battery, the first step of NTP). On a full disk as many go as the chunk needs,
 * once a call. A file that may not become larger (RLIMIT_FSIZE) is left, and the chunk goes into a new one. While the
 * directory is gone: -ENOENT; when there is one again, and it is not the same, the store goes on in it with this chunk.
 */
int store_writer_append(struct store_writer *writer, const struct interval *interval, struct block *const *blocks,
			size_t n_blocks);

/* The host's name in the headers of the segments begun from now on. */
void store_writer_set_host(struct store_writer *writer, const char *host);

/*
 * What seals the logs of a writer opened with is_sealing, the oldest first. Its owner calls sealer_work() from a thread
 * of its own whenever sealer->work is posted; what that has made takes the log's name with the next chunk that is
 * appended. A log that cannot be sealed stays, is counted, and is tried again after ten seconds, twice as long each
 * time, at most an hour. The thread has ended before the writer is closed.
 */
struct sealer *store_writer_sealer(struct store_writer *writer);

/* The running log ends with the next interval that does, however small it is. */
void store_writer_end_segment(struct store_writer *writer);

/* Bytes written to segments by this writer. */
uint64_t store_writer_bytes(const struct store_writer *writer);
void store_writer_counts(const struct store_writer *writer, struct store_counts *ret);

/* Ends the log, seals what is to be sealed, and frees the writer, also on error. NULL is legal. */
int store_writer_close(struct store_writer *writer);

#endif
