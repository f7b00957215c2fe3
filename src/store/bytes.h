/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Little-endian numbers, varints and texts, to a growing buffer and from bytes that may be hostile: every
 * read goes through one bounds check and a reader that has failed once goes on failing.
 */
#ifndef OBIT_STORE_BYTES_H
#define OBIT_STORE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Owned by who zeroed it; freed with sink_done(). After a failed growth `failed` is set, once for all puts. */
struct sink {
	unsigned char *data;
	size_t len, capacity;
	int failed;
};

void sink_done(struct sink *sink);
/* Room for `len` more; NULL when out of memory. The caller adds to sink->len what it used. */
unsigned char *sink_room(struct sink *sink, size_t len);
void put_bytes(struct sink *sink, const void *data, size_t len);
void put_u8(struct sink *sink, uint8_t value);
void put_u16(struct sink *sink, uint16_t value);
void put_u32(struct sink *sink, uint32_t value);
void put_u64(struct sink *sink, uint64_t value);
#define VARINT_MAX_BYTES 10
/* LEB128: 7 bits a byte, low ones first, the top bit says more follows. */
void put_varint(struct sink *sink, uint64_t value);
/* u16 length (cut to fit), bytes. */
void put_string(struct sink *sink, const char *text);
/* Overwrites 4 bytes put earlier. */
void set_u32(struct sink *sink, size_t at, uint32_t value);

struct source {
	const unsigned char *data;
	size_t left;
	int failed;
};

/* NULL when fewer are left. */
const unsigned char *get_bytes(struct source *source, size_t len);
uint8_t get_u8(struct source *source);
uint16_t get_u16(struct source *source);
uint32_t get_u32(struct source *source);
uint64_t get_u64(struct source *source);
uint64_t get_varint(struct source *source);
/* A part of it, to be read by itself. */
struct source get_source(struct source *source, size_t len);

static inline uint64_t zigzag(uint64_t value)
{
	return (value << 1) ^ (uint64_t)((int64_t)value >> 63);
}

static inline uint64_t unzigzag(uint64_t value)
{
	return (value >> 1) ^ (0 - (value & 1));
}

#endif
