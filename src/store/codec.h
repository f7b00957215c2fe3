/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows to bytes and back: one section for each table of a chunk, column after column (docs/format.md).
 *
 * What a frame has held before of a table is its state: texts by number, and the series of its rows with the last
 * values of each. So a section can be decoded only after all earlier sections of its table in the same frame; those of
 * other tables can be skipped.
 */
#ifndef OBIT_STORE_CODEC_H
#define OBIT_STORE_CODEC_H

#include "model/block.h"
#include "model/origin.h"
#include "store/bytes.h"
#include "store/codec_state.h"

/*
 * Appends series and columns of the block, which has rows, and apart from them the texts that are new. Errors show in
 * numbers->failed (out of memory).
 */
void section_put(struct sink *numbers, struct sink *texts, const struct block *block, const struct interval *interval,
		 struct codec_state *state);

/*
 * Columns of `rows` rows, at least one, into an empty block of the right table. 0; -EBADMSG: the bytes make no sense
 * (the block's contents are then undefined, and so is the state); -ENOMEM.
 */
int section_get(struct source *numbers, struct source *texts, uint32_t rows, struct block *block,
		const struct interval *interval, struct codec_state *state);

/* Where a column that is predicted from the row before begins, and the instant that times are predicted from. */
static inline uint64_t column_origin(const struct field *field, const struct interval *interval)
{
	return field->unit == UNIT_TIME ? interval->begin_real_ns : 0;
}

static inline uint64_t interval_boundary(const struct interval *interval)
{
	return interval->end_real_ns ? interval->end_real_ns : interval->begin_real_ns;
}

#endif
