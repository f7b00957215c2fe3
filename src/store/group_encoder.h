/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row group from the rows that were held for it: sorted, column by column in the form that comes out shortest, each
 * compressed by itself.
 *
 * Forms are chosen by trying them on some of the rows. A reader needs none of what is known here: a wrong choice costs
 * bytes only. One thread.
 */
#ifndef OBIT_STORE_GROUP_ENCODER_H
#define OBIT_STORE_GROUP_ENCODER_H

#include "store/group_directory.h"
#include "store/held_rows.h"

struct group_encoder;

/* NULL: out of memory. */
struct group_encoder *group_encoder_new(void);
void group_encoder_free(struct group_encoder *encoder);

/* Takes what is in the sink, and empties it. 0, or what writing said. */
struct group_sink {
	int (*take)(void *context, struct sink *frame);
	void *context;
};

/*
 * Hands over the frames of all columns, the first of which begins at `offset` of the file, and adds the group to the
 * directory, whose list has the rows' intervals. `table` is its place in the header. 0, -EBADMSG (what is held makes no
 * sense), -ENOMEM, or what the sink said: then nothing has been added.
 */
int group_encoder_put(struct group_encoder *encoder, const struct held_rows *held, uint32_t table, uint64_t offset,
		      const struct group_sink *sink, struct group_directory *directory);

/* Bytes of memory that it takes. */
size_t group_encoder_bytes(const struct group_encoder *encoder);

#endif
