/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sealed segment being written: sections of the log go in as they come, row groups come out when enough rows of a
 * table are there. Memory is bounded, whatever goes in. One thread.
 */
#ifndef OBIT_STORE_COLUMNS_WRITER_H
#define OBIT_STORE_COLUMNS_WRITER_H

#include "store/frame_writer.h"
#include "store/group_encoder.h"

struct columns_writer;

/* `tables`, which must outlive it, are those of the header. NULL: out of memory. */
struct columns_writer *columns_writer_new(int fd, const struct file_calls *calls, const struct origin *origin,
					  const struct table *const *tables, uint32_t n_tables);
void columns_writer_free(struct columns_writer *writer);

/*
 * What follows is of this interval; a chunk of it that says more (its end) may come later. 0; -E2BIG, more intervals
 * than a segment has; -ENOMEM.
 */
int columns_writer_interval(struct columns_writer *writer, const struct interval *interval);

/* The place of that interval in the segment's list; and what follows is of the one at that place. */
uint32_t columns_writer_place(const struct columns_writer *writer);
void columns_writer_at(struct columns_writer *writer, uint32_t place);

/* A section of that interval, of the table at that place. 0, -EBADMSG, -ENOMEM, or what writing said. */
int columns_writer_put(struct columns_writer *writer, uint32_t table, struct source section, uint32_t rows);

/* What is left, and the directory. Then the file is whole, and not synced. */
int columns_writer_finish(struct columns_writer *writer);

/* Bytes of the file so far; the most memory that it has taken. */
uint64_t columns_writer_bytes(const struct columns_writer *writer);
size_t columns_writer_memory_bytes(const struct columns_writer *writer);
uint64_t columns_writer_rows(const struct columns_writer *writer);

#endif
