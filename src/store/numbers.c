// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rest is inline: a loop over a column keeps the coder in registers.
 */
#include "store/numbers.h"

void column_chances_clear(struct column_chances *chances)
{
	chance *all = (chance *)chances;

	for (size_t i = 0; i < sizeof(*chances) / sizeof(*all); i++)
		all[i] = CHANCE_EVEN;
}
