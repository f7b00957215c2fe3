/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OBIT_BASE_UTF8_H
#define OBIT_BASE_UTF8_H

#include <stddef.h>

/*
 * How much of text that was cut at `len` is whole characters of UTF-8: without the last one if its end is missing.
 * Bytes that are no UTF-8 count as characters of their own.
 */
static inline size_t utf8_whole(const char *data, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)data[len - back];
		size_t wanted = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;

		if ((c & 0xc0) == 0x80)
			continue;
		return wanted > back ? len - back : len;
	}
	return len;
}

#endif
