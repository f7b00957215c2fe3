/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash map from pairs of numbers to numbers: open addressing, linear probing, at most three quarters full. One thread
 * changes it; many may read it while nobody does.
 */
#ifndef OBIT_BASE_MAP_H
#define OBIT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_key {
	uint64_t a, b;
};

struct map_slot {
	struct map_key key;
	uint32_t value;
	bool is_used;
};

/* All zero is an empty map. */
struct map {
	struct map_slot *slots;
	size_t n_slots, n; /* n_slots: a power of two, or 0 */
};

void map_done(struct map *map);

/* The key's value; NULL: it has none. Valid until the next put. */
uint32_t *map_find(const struct map *map, struct map_key key);

/* The same, with 0 for a key that is new. NULL: out of memory. */
uint32_t *map_put(struct map *map, struct map_key key);

#endif
