// SPDX-License-Identifier: BSD-2-Clause
/*
 * Of the lanes that are free, the one that was left last is taken: that is the fewest lanes when slices come in
 * order of their ends. Lanes stand in order of their ends, so that it is found by halving; the taken one moves up.
 */
#include "output/lanes.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 256u

void tracks_done(struct tracks *tracks)
{
	for (uint32_t i = 0; i < tracks->n_slots; i++)
		while (tracks->slots[i])
			tracks_remove(tracks, tracks->slots[i]);
	free(tracks->slots);
	*tracks = (struct tracks){0};
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint32_t hash_of(const char *key, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	return hash;
}

static struct track **slot_of(const struct tracks *tracks, const char *key, size_t len)
{
	return &tracks->slots[hash_of(key, len) % tracks->n_slots];
}

struct track *tracks_find(const struct tracks *tracks, const char *key, size_t len)
{
	struct track *track = tracks->n_slots ? *slot_of(tracks, key, len) : NULL;

	while (track && (track->key_len != len || memcmp(track->key, key, len) != 0))
		track = track->next;
	return track;
}

static int grow(struct tracks *tracks)
{
	struct tracks larger = {.n_slots = tracks->n_slots ? 2 * tracks->n_slots : FIRST_SLOTS};

	larger.slots = calloc(larger.n_slots, sizeof(struct track *));
	if (!larger.slots)
		return 0;
	for (uint32_t i = 0; i < tracks->n_slots; i++) {
		for (struct track *track = tracks->slots[i], *next; track; track = next) {
			struct track **slot = slot_of(&larger, track->key, track->key_len);

			next = track->next;
			track->next = *slot;
			*slot = track;
		}
	}
	free(tracks->slots);
	tracks->slots = larger.slots;
	tracks->n_slots = larger.n_slots;
	return 1;
}

struct track *tracks_add(struct tracks *tracks, const char *key, size_t len)
{
	struct track *track, **slot;

	if (tracks->n == tracks->n_slots && !grow(tracks))
		return NULL;
	track = calloc(1, sizeof(*track) + len);
	if (!track)
		return NULL;
	track->key_len = len;
	memcpy(track->key, key, len);
	slot = slot_of(tracks, key, len);
	track->next = *slot;
	*slot = track;
	tracks->n++;
	return track;
}

void tracks_remove(struct tracks *tracks, struct track *track)
{
	struct track **at = slot_of(tracks, track->key, track->key_len);

	while (*at != track)
		at = &(*at)->next;
	*at = track->next;
	tracks->n--;
	free(track->lanes);
	free(track);
}

static int add_lane(struct tracks *tracks, struct track *track)
{
	if (track->n_lanes == track->room) {
		uint32_t room = track->room ? 2 * track->room : 4;
		struct lane *lanes = realloc(track->lanes, room * sizeof(*lanes));

		if (!lanes)
			return 0;
		track->lanes = lanes;
		track->room = room;
	}
	memmove(track->lanes + 1, track->lanes, track->n_lanes * sizeof(*track->lanes));
	track->lanes[0] = (struct lane){0, ++tracks->last_number};
	track->n_lanes++;
	if (!track->number)
		track->number = tracks->last_number;
	return 1;
}

/* How many lanes end at or before that time. */
static uint32_t n_ended(const struct track *track, uint64_t ns)
{
	uint32_t low = 0, high = track->n_lanes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (track->lanes[middle].end_ns <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t track_take_lane(struct tracks *tracks, struct track *track, uint64_t begin_ns, uint64_t end_ns,
			 int *ret_is_new)
{
	uint32_t free_lanes = n_ended(track, begin_ns), from, to;
	struct lane lane;

	*ret_is_new = free_lanes == 0;
	if (*ret_is_new && !add_lane(tracks, track))
		return 0;
	from = *ret_is_new ? 0 : free_lanes - 1;
	lane = track->lanes[from];
	lane.end_ns = end_ns > begin_ns ? end_ns : begin_ns;
	to = n_ended(track, lane.end_ns) - 1;
	memmove(track->lanes + from, track->lanes + from + 1, (to - from) * sizeof(lane));
	track->lanes[to] = lane;
	return lane.number;
}
