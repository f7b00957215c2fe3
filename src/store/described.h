/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables that a store can be asked for: those known here, each with the fields behind its own that only the
 * store's latest segment describes; then the tables that only it describes. So what another obit has written is
 * shown by its own description.
 */
#ifndef OBIT_STORE_DESCRIBED_H
#define OBIT_STORE_DESCRIBED_H

#include "model/table.h"

struct described;

/* Of a store that cannot be read, or is NULL, the known tables alone. NULL: out of memory. */
struct described *described_new(const char *dir);
/* NULL is legal. */
void described_free(struct described *described);

/* Those of tables_all() come first, in their order. They live as long as `described`. */
const struct table *described_tables(const struct described *described, size_t *ret_n);

#endif
