// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as what a killed writer left: recovered once, it is there to stay.
 */
#include "store_of_one.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_select all = {0};
	struct reading once, twice;

	put_segment(data, size);
	recover();
	if (faccessat(store_dir_fd, SEGMENT, F_OK, 0) < 0)
		return 0; /* nothing but a part of a header */
	once = read_store(&all);
	recover();
	twice = read_store(&all);
	MUST(once.n_chunks == twice.n_chunks && once.digest == twice.digest && once.n_damage == twice.n_damage);
	return 0;
}
