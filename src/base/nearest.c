// SPDX-License-Identifier: BSD-2-Clause
/*
 * Edit distance with swaps of neighbours (optimal string alignment), on short words only.
 */
#include "base/nearest.h"

#include <string.h>

#define MAX_WORD 48 /* longer than any name here; longer words have no neighbour */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][MAX_WORD + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	memset(before, 0, sizeof(rows[0]));
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *oldest = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[b_len];
}

const char *nearest_name(const char *word, size_t len, const char *const *names, size_t n)
{
	unsigned best = (unsigned)(len + 2) / 3 + 1;
	const char *nearest = NULL;

	if (len == 0 || len > MAX_WORD)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t name_len = strlen(names[i]);
		unsigned d;

		if (name_len > MAX_WORD)
			continue;
		d = distance(word, len, names[i], name_len);
		if (d > 1 && len >= 2 && name_len > len && strncmp(word, names[i], len) == 0)
			d = 1;
		if (d < best) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}
