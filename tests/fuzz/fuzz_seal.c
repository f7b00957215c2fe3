// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as what a killed writer left: where the log could be read without damage, its columns have the same rows,
 * and they are not sealed again.
 */
#include "store_of_one.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segment_name name = {SEGMENT};
	struct store_select all = {0};
	struct reading before, after;

	put_segment(data, size);
	before = read_store(&all);
	seal_store();
	if (faccessat(store_dir_fd, SEGMENT, F_OK, 0) < 0)
		return 0; /* nothing but a part of a header */
	if (seal_is_needed(store_dir_fd, &name))
		return 0; /* nothing that can be sealed */
	after = read_store(&all);
	if (before.n_damage > (size_t)before.has_torn_tail)
		return 0;
	MUST(before.n_rows == after.n_rows && before.digest == after.digest && after.n_damage == 0);
	return 0;
}
