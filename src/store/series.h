/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's side of series (history.h): which rows speak of the same thing, and which columns follow from others.
 * A reader needs none of it: a wrong choice here costs bytes only.
 */
#ifndef OBIT_STORE_SERIES_H
#define OBIT_STORE_SERIES_H

#include "model/block.h"
#include "store/segment_format.h"
#include "store/codec_state.h"

/* Fills state->series for the rows, adding new ones; state->numbers has those of the texts. 0 or -ENOMEM. */
int series_of(const struct block *block, struct codec_state *state);

/* `field` is predicted by `minuend` less `subtrahend` (NO_COLUMN: nothing is taken off); both come before it. */
struct relation {
	uint32_t table, field, minuend, subtrahend;
};

/* The relation of a field of the table, or NULL. */
const struct relation *relation_of(const struct table *table, uint32_t field);

#endif
