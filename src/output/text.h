/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a process as text. They may be anything: a process names itself.
 */
#ifndef OBIT_OUTPUT_TEXT_H
#define OBIT_OUTPUT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * The character of UTF-8 at `data`: its length, 1 to 4, and its number in *ret_code; 0 where the bytes are
 * none (too long a form, a surrogate, past U+10FFFF, cut off).
 */
size_t text_character(const char *data, size_t len, uint32_t *ret_code);

/*
 * Columns that a character takes on a terminal, 0 to 2, or -1 for what must not be sent there: controls,
 * and what is invisible or turns the direction of writing.
 */
int text_width(uint32_t code);

/* Adds the bytes, with \xNN for all that must not be sent to a terminal and \\ for a backslash. */
void text_add_visible(struct buffer *buffer, const char *data, size_t len);

/* The same of a whole message: newlines, tabs and backslashes stay. */
void text_add_message(struct buffer *buffer, const char *data, size_t len);

int text_is_ascii(const char *data, size_t len);

/* Adds the bytes, with \xNN for each that is not UTF-8, so that the whole is. */
void text_add_utf8(struct buffer *buffer, const char *data, size_t len);

/*
 * Adds the items of a list, each ended by NUL, quoted so that bash reads them back: plain, 'quoted', or
 * $'with \xNN' where a byte must not be sent to a terminal.
 */
void text_add_words(struct buffer *buffer, const char *data, size_t len);

#endif
