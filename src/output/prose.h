/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines for a terminal that may be narrower than they are.
 */
#ifndef OBIT_OUTPUT_PROSE_H
#define OBIT_OUTPUT_PROSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * Adds text whose lines take at most `width` columns: a longer one goes on below, from a space on. What goes on is
 * indented as the last column of the line is, where it is made of columns (two spaces or more set them apart), else a
 * little more than the line, unless it is a sentence. What has no spaces stays whole.
 */
void prose_wrap(struct buffer *out, const char *text, size_t len, uint32_t width);

/* Adds text with the lines of each paragraph as one; what is indented stays as it is. */
void prose_join(struct buffer *out, const char *text);

#endif
