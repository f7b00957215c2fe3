/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracks of slices of time. Slices that overlap must not share a line, or a viewer takes one for a part of the
 * other: a track has as many lanes as slices ever overlap in it. Fewest when slices come in order of their ends.
 */
#ifndef OBIT_OUTPUT_LANES_H
#define OBIT_OUTPUT_LANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/* A lane's number is unique over all tracks, from 1; the first lane's is the track's number too. */
struct lane {
	uint64_t end_ns; /* of its last slice */
	uint32_t number;
};

struct track {
	struct track *next; /* of the same slot */
	uint32_t number, n_lanes, room;
	struct lane *lanes; /* by end_ns, ascending */
	size_t key_len;
	char key[];
};

struct tracks {
	struct track **slots; /* by hash of the key */
	uint32_t n_slots, n;
	uint32_t last_number;
};

/* Zeroed is empty. */
void tracks_done(struct tracks *tracks);

/* The track of that name, or NULL. */
struct track *tracks_find(const struct tracks *tracks, const char *key, size_t len);

/* A new one, without lanes. NULL: out of memory. */
struct track *tracks_add(struct tracks *tracks, const char *key, size_t len);

/* Forgets it. */
void tracks_remove(struct tracks *tracks, struct track *track);

/*
 * A lane of the track that is free from begin_ns on, taken until end_ns; *ret_is_new: no slice was in it before.
 * Its number; 0: out of memory.
 */
uint32_t track_take_lane(struct tracks *tracks, struct track *track, uint64_t begin_ns, uint64_t end_ns,
			 int *ret_is_new);

#endif
