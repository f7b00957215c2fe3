/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OBIT_BASE_FNV_H
#define OBIT_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a of 64 bits (Fowler, Noll, Vo). */
static inline uint64_t fnv_hash(const char *data, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3u;
	return hash;
}

#endif
