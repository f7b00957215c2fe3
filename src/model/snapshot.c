// SPDX-License-Identifier: BSD-2-Clause
#include "model/snapshot.h"

const struct walk_row *snapshot_find(const struct walk_row *rows, size_t n, uint32_t pid, uint64_t start_boot_ns)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	/* A pid reused while the walk stood at it may be listed twice. */
	for (; low < n && rows[low].pid == pid; low++)
		if (rows[low].start_boot_ns == start_boot_ns)
			return &rows[low];
	return NULL;
}
