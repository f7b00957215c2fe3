// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rows to lines and back. The reader trusts no byte: what it does not understand in a known place makes the
 * whole reply none.
 */
#include "control/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FIRST_LINE "obit status\n"
#define LAST_LINE  "\nend\n"
#define ERROR	   "error "

static void add_text(struct buffer *buffer, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c > ' ' && c < 0x7f && c != '%' && c != '=')
			buffer_add_char(buffer, (char)c);
		else
			buffer_add_format(buffer, "%%%02X", c);
	}
}

static void add_row(struct buffer *buffer, const struct block *block, uint32_t row)
{
	const struct table *table = block->table;

	buffer_add_text(buffer, table->name);
	for (uint32_t i = 1; i < table->n_fields; i++) {
		const struct field *field = &table->fields[i];

		if (block_is_null(block, row, i))
			continue;
		buffer_add_format(buffer, " %s=", field->name);
		if (field_is_text(field)) {
			size_t len;
			const char *text = block_text(block, row, i, &len);

			add_text(buffer, text, len);
		} else if (field->type == FIELD_I64) {
			buffer_add_format(buffer, "%" PRId64, (int64_t)block_number(block, row, i));
		} else {
			buffer_add_format(buffer, "%" PRIu64, block_number(block, row, i));
		}
	}
	buffer_add_char(buffer, '\n');
}

void wire_add_status(struct buffer *buffer, const struct status *status)
{
	buffer_add_text(buffer, FIRST_LINE);
	for (int i = 0; i < N_SECTIONS; i++)
		for (uint32_t row = 0; row < status->sections[i]->rows; row++)
			add_row(buffer, status->sections[i], row);
	buffer_add_text(buffer, &LAST_LINE[1]);
}

void wire_add_error(struct buffer *buffer, const char *text)
{
	buffer_add_text(buffer, ERROR);
	for (; *text; text++)
		buffer_add_char(buffer, *text == '\n' ? ' ' : *text);
	buffer_add_char(buffer, '\n');
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_number(const char *text, size_t len, enum field_type type, uint64_t *ret)
{
	int is_negative = type == FIELD_I64 && len && *text == '-';
	uint64_t number = 0;

	if (len == (size_t)is_negative || len > 20)
		return -EPROTO;
	for (size_t i = (size_t)is_negative; i < len; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (digit > 9 || number > (UINT64_MAX - digit) / 10)
			return -EPROTO;
		number = number * 10 + digit;
	}
	if (type == FIELD_BOOL && number > 1)
		return -EPROTO;
	*ret = is_negative ? 0 - number : number;
	return 0;
}

static int read_text(const char *text, size_t len, struct block *block, uint32_t row, uint32_t field)
{
	char plain[8192];
	size_t used = 0;

	if (len > sizeof(plain))
		return -EPROTO;
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '%') {
			plain[used++] = text[i];
			continue;
		}
		if (len - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
			return -EPROTO;
		plain[used++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
		i += 2;
	}
	return block_set_text(block, row, field, plain, used) < 0 ? -EPROTO : 0;
}

/* One name=value of a row; a name unknown here is left out. */
static int read_field(const char *text, size_t len, struct block *block, uint32_t row)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : 0, value_len;
	const struct table *table = block->table;

	if (!equals)
		return -EPROTO;
	value_len = len - name_len - 1;
	for (uint32_t i = 1; i < table->n_fields; i++) {
		const struct field *field = &table->fields[i];
		uint64_t number;
		int r;

		if (strlen(field->name) != name_len || memcmp(field->name, text, name_len) != 0)
			continue;
		if (field_is_text(field))
			return read_text(equals + 1, value_len, block, row, i);
		r = read_number(equals + 1, value_len, field->type, &number);
		if (r == 0)
			block_set_number(block, row, i, number);
		return r;
	}
	return 0;
}

static int read_row(const char *line, size_t len, struct status *status)
{
	const char *end = line + len, *at = memchr(line, ' ', len);
	size_t name_len = at ? (size_t)(at - line) : len;

	for (int i = 0; i < N_SECTIONS; i++) {
		const char *name = status_table((enum status_section)i)->name;
		int row, r = 0;

		if (strlen(name) != name_len || memcmp(name, line, name_len) != 0)
			continue;
		row = status_add(status, (enum status_section)i);
		if (row < 0)
			return -EPROTO;
		while (at && r == 0) {
			const char *field = at + 1;

			at = memchr(field, ' ', (size_t)(end - field));
			r = read_field(field, (size_t)((at ? at : end) - field), status->sections[i], (uint32_t)row);
		}
		return r;
	}
	return 0;
}

static int begins_with(const char *data, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

static int ends_with(const char *data, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(data + len - strlen(text), text, strlen(text)) == 0;
}

int wire_is_complete(const char *data, size_t len)
{
	if (begins_with(data, len, ERROR))
		return memchr(data, '\n', len) != NULL;
	return ends_with(data, len, LAST_LINE);
}

int wire_read_reply(const char *data, size_t len, struct status *ret, const char **ret_error, size_t *ret_len)
{
	const char *at, *end;
	int r = 0;

	if (!wire_is_complete(data, len))
		return -EPROTO;
	if (begins_with(data, len, ERROR)) {
		*ret_error = data + strlen(ERROR);
		*ret_len = (size_t)((const char *)memchr(data, '\n', len) - *ret_error);
		return -EREMOTEIO;
	}
	if (!begins_with(data, len, FIRST_LINE))
		return -EPROTO;
	status_clear(ret);
	at = data + strlen(FIRST_LINE);
	end = data + len - strlen(LAST_LINE) + 1;
	while (at < end && r == 0) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return -EPROTO;
		r = read_row(at, (size_t)(newline - at), ret);
		at = newline + 1;
	}
	return r;
}
