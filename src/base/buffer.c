// SPDX-License-Identifier: BSD-2-Clause
/*
 * Growing runs of bytes: sizes double, so that adding is cheap whatever the length.
 */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_done(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

int buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t size = buffer->size ? buffer->size : 256;
	char *data;

	if (buffer->error)
		return buffer->error;
	if (more <= buffer->size - buffer->used)
		return 0;
	if (more > SIZE_MAX / 4 - buffer->used)
		return buffer->error = -ENOMEM;
	while (size - buffer->used < more)
		size *= 2;
	data = realloc(buffer->data, size);
	if (!data)
		return buffer->error = -ENOMEM;
	buffer->data = data;
	buffer->size = size;
	return 0;
}

void buffer_add(struct buffer *buffer, const void *data, size_t len)
{
	if (len == 0 || buffer_reserve(buffer, len) < 0)
		return;
	memcpy(buffer->data + buffer->used, data, len);
	buffer->used += len;
}

void buffer_add_char(struct buffer *buffer, char c)
{
	buffer_add(buffer, &c, 1);
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_add_format(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0 || buffer_reserve(buffer, (size_t)len + 1) < 0)
		return;
	va_start(args, format);
	vsnprintf(buffer->data + buffer->used, (size_t)len + 1, format, args);
	va_end(args);
	buffer->used += (size_t)len;
}
