/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bounded line of chunks between two threads: putting never waits (there are never more chunks than
 * places), taking waits until there is one or the line is closed (NULL).
 */
#ifndef OBIT_AGENT_CHUNK_LINE_H
#define OBIT_AGENT_CHUNK_LINE_H

#include "ledger/chunk.h"

struct chunk_line;

struct chunk_line *chunk_line_new(void);
void chunk_line_free(struct chunk_line *line); /* with the chunks in it */
void chunk_line_put(struct chunk_line *line, struct chunk *chunk);
struct chunk *chunk_line_take(struct chunk_line *line);
void chunk_line_close(struct chunk_line *line);

#endif
