// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a segment: read with and without bounds, surveyed.
 */
#include "store_of_one.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_select all = {0}, some = {UINT64_C(1767324046000000000), UINT64_C(1767324047000000000), "exits"};
	struct survey_segment segment;
	struct survey *survey;
	int r;

	put_segment(data, size);
	read_store(&all);
	read_store(&some);
	MUST(survey_open(store_dir, &survey) == 0);
	while ((r = survey_next(survey, &segment)) > 0)
		MUST(segment.bytes == size);
	MUST(r == 0);
	survey_close(survey);
	return 0;
}
