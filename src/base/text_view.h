/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that lies somewhere else, not ended by NUL.
 */
#ifndef OBIT_BASE_TEXT_VIEW_H
#define OBIT_BASE_TEXT_VIEW_H

#include <stddef.h>
#include <string.h>

struct text_view {
	const char *data; /* NULL: unknown */
	size_t len;
};

/* Up to the first NUL, at most `max` bytes. */
static inline struct text_view text_view_of(const char *text, size_t max)
{
	return (struct text_view){text, strnlen(text, max)};
}

#endif
