// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a header, as they are and with the right checksum; what is understood can be written and read again.
 */
#include <zlib.h>

#include "store/segment_format.h"
#include "store/header.h"
#include "input.h"

static void must_be_equal(const struct header *a, const struct header *b)
{
	MUST(a->n_tables == b->n_tables);
	for (uint32_t i = 0; i < a->n_tables; i++) {
		MUST(a->tables[i].id == b->tables[i].id && a->tables[i].n_fields == b->tables[i].n_fields);
		MUST(strcmp(a->tables[i].name, b->tables[i].name) == 0);
		for (uint32_t j = 0; j < a->tables[i].n_fields; j++) {
			const struct field *field = &a->tables[i].fields[j], *other = &b->tables[i].fields[j];

			MUST(strcmp(field->name, other->name) == 0 && strcmp(field->help, other->help) == 0);
			MUST(field->type == other->type && field->unit == other->unit && field->kind == other->kind);
		}
	}
}

static void must_come_back(const struct header *header)
{
	static struct sink sink;
	const struct table *tables[TABLE_MAX_TABLES];
	struct header again;

	for (uint32_t i = 0; i < header->n_tables; i++)
		tables[i] = &header->tables[i];
	sink.len = 0;
	header_put(&sink, &header->origin, tables, header->n_tables);
	MUST(header_get(&again, sink.data + 8, sink.len - 8) == 0);
	must_be_equal(header, &again);
	header_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sink sink;
	struct header header;

	if (header_get(&header, data, size) == 0)
		header_done(&header);
	sink.len = 0;
	put_bytes(&sink, data, size);
	put_u32(&sink, (uint32_t)crc32(0, data, (unsigned)size));
	if (header_get(&header, sink.data, sink.len) == 0) {
		must_come_back(&header);
		header_done(&header);
	}
	return 0;
}
