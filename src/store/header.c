// SPDX-License-Identifier: BSD-2-Clause
/*
 * The header's bytes; docs/format.md has their layout.
 */
#include "store/header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "store/segment_format.h"

static void put_table(struct sink *sink, const struct table *table)
{
	put_u32(sink, table->id);
	put_u16(sink, (uint16_t)table->n_fields);
	put_string(sink, table->name);
	put_string(sink, table->help);
	for (uint32_t i = 0; i < table->n_fields; i++) {
		put_u8(sink, (uint8_t)table->fields[i].type);
		put_u8(sink, (uint8_t)table->fields[i].unit);
		put_u8(sink, (uint8_t)table->fields[i].kind);
		put_string(sink, table->fields[i].name);
		put_string(sink, table->fields[i].help);
	}
}

void header_put(struct sink *sink, const struct origin *origin, const struct table *const *tables, size_t n_tables)
{
	size_t start;

	put_u32(sink, MAGIC_HEADER_FRAME);
	put_u32(sink, 0);
	start = sink->len;
	put_bytes(sink, HEADER_MAGIC, 4);
	put_u16(sink, FORMAT_VERSION);
	put_u32(sink, FORMAT_COMPATIBLE);
	put_u32(sink, FORMAT_INCOMPATIBLE);
	put_string(sink, origin->host);
	put_string(sink, origin->boot_id);
	put_string(sink, origin->kernel);
	put_string(sink, origin->agent);
	put_u64(sink, origin->run_real_ns);
	put_u64(sink, (uint64_t)origin->real_minus_boot_ns);
	put_u64(sink, origin->interval_ns);
	put_u16(sink, (uint16_t)n_tables);
	for (size_t i = 0; i < n_tables; i++)
		put_table(sink, tables[i]);
	if (!sink->failed)
		put_u32(sink, (uint32_t)crc32(0, sink->data + start, (unsigned)(sink->len - start)));
	set_u32(sink, start - 4, (uint32_t)(sink->len - start));
}

/* Texts of the header are copied one after the other into memory as large as the header. */
struct copier {
	struct source source;
	char *texts;
};

static const char *copy_string(struct copier *copier)
{
	size_t len = get_u16(&copier->source);
	const unsigned char *data = get_bytes(&copier->source, len);
	char *text = copier->texts;

	if (!data)
		return "";
	memcpy(text, data, len);
	text[len] = 0;
	copier->texts += len + 1;
	return text;
}

static void get_string(struct source *source, char *to, size_t size)
{
	size_t len = get_u16(source);
	const unsigned char *data = get_bytes(source, len);

	if (!data)
		return;
	if (len >= size)
		len = size - 1;
	memcpy(to, data, len);
	to[len] = 0;
}

static void get_origin(struct source *source, struct origin *origin)
{
	get_string(source, origin->host, sizeof(origin->host));
	get_string(source, origin->boot_id, sizeof(origin->boot_id));
	get_string(source, origin->kernel, sizeof(origin->kernel));
	get_string(source, origin->agent, sizeof(origin->agent));
	origin->run_real_ns = get_u64(source);
	origin->real_minus_boot_ns = (int64_t)get_u64(source);
	origin->interval_ns = get_u64(source);
}

static int get_table(struct copier *copier, struct table *table, struct field *fields, uint32_t room)
{
	table->id = get_u32(&copier->source);
	table->n_fields = get_u16(&copier->source);
	if (table->n_fields > TABLE_MAX_FIELDS || table->n_fields > room)
		return -EBADMSG;
	table->name = copy_string(copier);
	table->help = copy_string(copier);
	table->fields = fields;
	for (uint32_t i = 0; i < table->n_fields; i++) {
		fields[i].type = get_u8(&copier->source);
		fields[i].unit = get_u8(&copier->source);
		fields[i].kind = get_u8(&copier->source);
		if (fields[i].type < FIELD_U64 || fields[i].type > FIELD_STRINGS)
			return -EBADMSG;
		fields[i].name = copy_string(copier);
		fields[i].help = copy_string(copier);
	}
	return copier->source.failed ? -EBADMSG : 0;
}

/* A field takes at least 7 bytes of header, a text at least its 2 of length: that bounds the memory. */
static int get_tables(struct header *header, struct source *source)
{
	uint32_t n = get_u16(source);
	uint32_t room = (uint32_t)(source->left / 7);
	struct field *fields;
	struct copier copier;
	int r = 0;

	if (n > TABLE_MAX_TABLES)
		return -EBADMSG;
	header->memory = calloc(1, (size_t)room * sizeof(*fields) + source->left + 1);
	if (!header->memory)
		return -ENOMEM;
	fields = header->memory;
	copier = (struct copier){*source, (char *)header->memory + (size_t)room * sizeof(*fields)};
	for (uint32_t i = 0; i < n && r == 0; i++) {
		r = get_table(&copier, &header->tables[i], fields, room);
		fields += header->tables[i].n_fields;
		room -= r == 0 ? header->tables[i].n_fields : 0;
	}
	header->n_tables = n;
	return r;
}

int header_get(struct header *header, const void *data, size_t len)
{
	struct source source = {data, len, 0};
	const unsigned char *magic;
	int r;

	memset(header, 0, sizeof(*header));
	if (len < 8)
		return -EBADMSG;
	source.left -= 4;
	struct source crc = {source.data + source.left, 4, 0};

	magic = get_bytes(&source, 4);
	if (!magic || memcmp(magic, HEADER_MAGIC, 4) != 0 || get_u32(&crc) != crc32(0, data, (unsigned)(len - 4)))
		return -EBADMSG;
	header->version = get_u16(&source);
	header->compatible = get_u32(&source);
	header->incompatible = get_u32(&source);
	if (header->version != FORMAT_VERSION || header->incompatible & ~FORMAT_INCOMPATIBLE)
		return -EPROTONOSUPPORT;
	get_origin(&source, &header->origin);
	r = get_tables(header, &source);
	if (r < 0)
		header_done(header);
	return r;
}

void header_done(struct header *header)
{
	free(header->memory);
	header->memory = NULL;
	header->n_tables = 0;
}

const struct table *header_table(const struct header *header, uint32_t id)
{
	for (uint32_t i = 0; i < header->n_tables; i++)
		if (header->tables[i].id == id)
			return &header->tables[i];
	return NULL;
}
