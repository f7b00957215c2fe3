/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store may keep: the list of its finished segments, and their removal, oldest first. The running
 * segment is never in the list. One thread, the writer's.
 */
#ifndef OBIT_STORE_RETENTION_H
#define OBIT_STORE_RETENTION_H

#include <stdbool.h>

#include "store/directory.h"

struct retention_segment {
	struct segment_name name;
	uint64_t bytes;
	uint64_t end_real_ns; /* of the last time in it; of its last write where it is a log */
	bool is_sealed;	      /* it is columns */
	bool is_foreign;      /* it cannot be read here, and stays as it is */
};

/* Zeroed but for the limits; freed with retention_done(). */
struct retention {
	uint64_t max_bytes;		    /* 0: nothing is ever removed, for no reason */
	uint64_t max_age_ns;		    /* 0: none */
	struct retention_segment *segments; /* in order of name, which is that of time */
	size_t n;
	uint64_t bytes;			   /* of these */
	uint64_t n_evicted, evicted_bytes; /* removed so far */
	uint64_t reserved_bytes;	   /* for columns that are being written beside their log */
};

void retention_done(struct retention *retention);

/* The list as the directory has it, without `running` (NULL: there is none). 0, -ENOMEM, or what the system said. */
int retention_scan(struct retention *retention, int dir_fd, const char *running);

/*
 * Removes what is too old at `now_real_ns`, and then as much as must go for `needed` more bytes to be within
 * the limit; that nothing is left to remove is no error. 0, or why the oldest cannot be removed.
 */
int retention_fit(struct retention *retention, int dir_fd, uint64_t needed_bytes, uint64_t now_real_ns);

/* Removes until so many bytes have gone or nothing is left, whatever the limits. How many went, or -errno. */
int retention_free(struct retention *retention, int dir_fd, uint64_t bytes);

/* The oldest log that can be sealed; NULL: there is none. */
struct retention_segment *retention_next_log(struct retention *retention);
/* That of the name; NULL: it has gone. */
struct retention_segment *retention_find(struct retention *retention, const struct segment_name *name);

/* How large and how old a segment may get, so that what goes at once is a small part of all that is kept. */
uint64_t retention_segment_bytes(const struct retention *retention, uint64_t wanted_bytes);
uint64_t retention_segment_age_ns(const struct retention *retention);

#endif
