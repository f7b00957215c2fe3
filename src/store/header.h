/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A segment's header: where its rows come from and what tables and fields they have, so that a reader needs
 * nothing but the file.
 */
#ifndef OBIT_STORE_HEADER_H
#define OBIT_STORE_HEADER_H

#include "model/origin.h"
#include "model/table.h"
#include "store/bytes.h"

struct header {
	uint16_t version;
	uint32_t compatible, incompatible;
	struct origin origin;
	struct table tables[TABLE_MAX_TABLES];
	uint32_t n_tables;
	void *memory; /* fields and their texts */
};

/* The whole skippable frame. */
void header_put(struct sink *sink, const struct origin *origin, const struct table *const *tables, size_t n_tables);

/*
 * From the content of the frame. 0; -EBADMSG: not a header, or damaged; -EPROTONOSUPPORT: a feature that must
 * be known is not (version and flags are set then); -ENOMEM.
 */
int header_get(struct header *header, const void *data, size_t len);
void header_done(struct header *header);

/* NULL: the segment has no such table. */
const struct table *header_table(const struct header *header, uint32_t id);

#endif
