/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing run of bytes. Zero-initialised is empty; buffer_done() frees. A failed allocation sticks in
 * `error` and later additions do nothing, so that a caller who builds something tests once, at the end.
 */
#ifndef OBIT_BASE_BUFFER_H
#define OBIT_BASE_BUFFER_H

#include <stddef.h>

struct buffer {
	char *data; /* not ended by NUL */
	size_t used, size;
	int error; /* 0 or -ENOMEM */
};

void buffer_done(struct buffer *buffer);

/* Makes room for `more` bytes beyond `used`. 0 or -ENOMEM. */
int buffer_reserve(struct buffer *buffer, size_t more);

void buffer_add(struct buffer *buffer, const void *data, size_t len);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_add_text(struct buffer *buffer, const char *text);

/* Adds what printf() would print. */
void buffer_add_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
