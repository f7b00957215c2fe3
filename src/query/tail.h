/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the newest rows of a table begin, from what is known of groups without decoding them.
 */
#ifndef OBIT_QUERY_TAIL_H
#define OBIT_QUERY_TAIL_H

#include "store/reader.h"

/*
 * Of a reader of one table: the begin of an interval from which on there are so many rows at least; 0: from the begin
 * of the store. Reads it to its end. 0, -ENOMEM or -errno.
 */
int tail_since(struct store_reader *reader, uint64_t rows, uint64_t *ret_real_ns);

/* How many rows there are of the time that the reader was opened with, or a few more. Returns as tail_since(). */
int tail_count(struct store_reader *reader, uint64_t *ret_rows);

#endif
