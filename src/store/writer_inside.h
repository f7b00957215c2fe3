/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer's seam for tests: the calls by which it writes.
 */
#ifndef OBIT_STORE_WRITER_INSIDE_H
#define OBIT_STORE_WRITER_INSIDE_H

#include "store/frame_writer.h"
#include "store/writer.h"

/* store_writer_open() that writes by these calls from the start, also when it seals; same rule for the struct. */
int store_writer_open_with(const struct store_options *options, const struct origin *origin,
			   const struct file_calls *calls, struct store_writer **ret, int *ret_holder);

/* From now on; the struct stays the caller's and must live as long as the writer. */
void store_writer_set_calls(struct store_writer *writer, const struct file_calls *calls);

#endif
