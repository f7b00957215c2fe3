// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rest is inline: a loop over a column keeps the coder in registers.
 */
#include "store/numbers.h"

void column_models_clear(struct column_models *models)
{
	model *all = (model *)models;

	for (size_t i = 0; i < sizeof(*models) / sizeof(*all); i++)
		all[i] = PROBABILITY_EVEN;
}
