// SPDX-License-Identifier: BSD-2-Clause
/*
 * Numbers to bytes and back.
 */
#include "store/bytes.h"

#include <stdlib.h>
#include <string.h>

#define LARGE_BYTES (1u << 20) /* from here on twice as much would be much */

void sink_done(struct sink *sink)
{
	free(sink->data);
	*sink = (struct sink){0};
}

unsigned char *sink_room(struct sink *sink, size_t len)
{
	size_t capacity = sink->capacity ? sink->capacity : 4096;
	unsigned char *data;

	if (sink->failed)
		return NULL;
	if (sink->data && len <= sink->capacity - sink->len)
		return sink->data + sink->len;
	while (capacity - sink->len < len)
		capacity += capacity < LARGE_BYTES ? capacity : capacity / 4;
	data = realloc(sink->data, capacity);
	if (!data) {
		sink->failed = 1;
		return NULL;
	}
	sink->data = data;
	sink->capacity = capacity;
	return data + sink->len;
}

void put_bytes(struct sink *sink, const void *data, size_t len)
{
	unsigned char *room = sink_room(sink, len);

	if (!room || !len)
		return;
	memcpy(room, data, len);
	sink->len += len;
}

static void put_little(struct sink *sink, uint64_t value, int n)
{
	unsigned char *room = sink_room(sink, 8);

	if (!room)
		return;
	for (int i = 0; i < n; i++)
		room[i] = (unsigned char)(value >> (8 * i));
	sink->len += (size_t)n;
}

void put_u8(struct sink *sink, uint8_t value)
{
	put_little(sink, value, 1);
}

void put_u16(struct sink *sink, uint16_t value)
{
	put_little(sink, value, 2);
}

void put_u32(struct sink *sink, uint32_t value)
{
	put_little(sink, value, 4);
}

void put_u64(struct sink *sink, uint64_t value)
{
	put_little(sink, value, 8);
}

void put_varint(struct sink *sink, uint64_t value)
{
	unsigned char *room = sink_room(sink, 10);

	if (!room)
		return;
	while (value >= 0x80) {
		*room++ = (unsigned char)(value | 0x80);
		sink->len++;
		value >>= 7;
	}
	*room = (unsigned char)value;
	sink->len++;
}

void put_string(struct sink *sink, const char *text)
{
	size_t len = strlen(text);

	if (len > UINT16_MAX)
		len = UINT16_MAX;
	put_u16(sink, (uint16_t)len);
	put_bytes(sink, text, len);
}

void set_u32(struct sink *sink, size_t at, uint32_t value)
{
	if (sink->failed)
		return;
	for (int i = 0; i < 4; i++)
		sink->data[at + (size_t)i] = (unsigned char)(value >> (8 * i));
}

const unsigned char *get_bytes(struct source *source, size_t len)
{
	const unsigned char *data = source->data;

	if (source->failed || len > source->left) {
		source->failed = 1;
		return NULL;
	}
	source->data += len;
	source->left -= len;
	return data;
}

static inline uint64_t get_little(struct source *source, int n)
{
	const unsigned char *data = get_bytes(source, (size_t)n);
	uint64_t value = 0;

	for (int i = 0; data && i < n; i++)
		value |= (uint64_t)data[i] << (8 * i);
	return value;
}

uint8_t get_u8(struct source *source)
{
	return (uint8_t)get_little(source, 1);
}

uint16_t get_u16(struct source *source)
{
	return (uint16_t)get_little(source, 2);
}

uint32_t get_u32(struct source *source)
{
	return (uint32_t)get_little(source, 4);
}

uint64_t get_u64(struct source *source)
{
	return get_little(source, 8);
}

uint64_t get_varint(struct source *source)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 70; shift += 7) {
		const unsigned char *byte = get_bytes(source, 1);

		if (!byte)
			return 0;
		if (shift == 63 && *byte > 1)
			break;
		value |= (uint64_t)(*byte & 0x7f) << shift;
		if (!(*byte & 0x80))
			return value;
	}
	source->failed = 1;
	return 0;
}

struct source get_source(struct source *source, size_t len)
{
	const unsigned char *data = get_bytes(source, len);

	return (struct source){data, data ? len : 0, !data};
}
