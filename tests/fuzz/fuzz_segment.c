// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a segment: read with and without bounds, and listed.
 */
#include "store_of_one.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_select all = {0}, some = {UINT64_C(1767324046000000000), UINT64_C(1767324047000000000), "exits"};
	struct scanned_segment segment;
	struct segment_scan *scan;
	int r;

	put_segment(data, size);
	read_store(&all);
	read_store(&some);
	MUST(segment_scan_open(store_dir, &scan) == 0);
	while ((r = segment_scan_next(scan, &segment)) > 0)
		MUST(segment.bytes == size);
	MUST(r == 0);
	segment_scan_close(scan);
	return 0;
}
