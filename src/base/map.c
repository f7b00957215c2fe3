// SPDX-License-Identifier: BSD-2-Clause
#include "base/map.h"

#include <stdlib.h>

#define SLOTS_FIRST 64

void map_done(struct map *map)
{
	free(map->slots);
	*map = (struct map){0};
}

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014), twice. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static struct map_slot *slot_for(const struct map *map, struct map_key key)
{
	size_t i = (size_t)mix(key.a + mix(key.b)) & (map->n_slots - 1);

	while (map->slots[i].is_used && (map->slots[i].key.a != key.a || map->slots[i].key.b != key.b))
		i = (i + 1) & (map->n_slots - 1);
	return &map->slots[i];
}

uint32_t *map_find(const struct map *map, struct map_key key)
{
	struct map_slot *slot = map->n ? slot_for(map, key) : NULL;

	return slot && slot->is_used ? &slot->value : NULL;
}

static bool grow(struct map *map)
{
	struct map more = {.n_slots = map->n_slots ? map->n_slots * 2 : SLOTS_FIRST, .n = map->n};

	more.slots = calloc(more.n_slots, sizeof(*more.slots));
	if (!more.slots)
		return false;
	for (size_t i = 0; i < map->n_slots; i++)
		if (map->slots[i].is_used)
			*slot_for(&more, map->slots[i].key) = map->slots[i];
	free(map->slots);
	*map = more;
	return true;
}

uint32_t *map_put(struct map *map, struct map_key key)
{
	struct map_slot *slot;

	if ((map->n + 1) * 4 > map->n_slots * 3 && !grow(map))
		return NULL;
	slot = slot_for(map, key);
	if (!slot->is_used) {
		*slot = (struct map_slot){.key = key, .is_used = true};
		map->n++;
	}
	return &slot->value;
}
