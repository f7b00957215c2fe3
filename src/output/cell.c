// SPDX-License-Identifier: BSD-2-Clause
/*
 * Human-readable values. A number has three significant digits at most where its unit allows.
 */
#include "output/cell.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "base/signal_name.h"
#include "output/text.h"

static void add_time(struct buffer *buffer, uint64_t real_ns, uint64_t now_real_ns)
{
	time_t seconds = (time_t)(real_ns / NS_PER_S), now = (time_t)(now_real_ns / NS_PER_S);
	struct tm tm, today;

	if (!localtime_r(&seconds, &tm) || !localtime_r(&now, &today)) {
		buffer_add_format(buffer, "%" PRIu64, real_ns);
		return;
	}
	if (tm.tm_year != today.tm_year || tm.tm_yday != today.tm_yday)
		buffer_add_format(buffer, "%04d-%02d-%02d ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	buffer_add_format(buffer, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec,
			  (unsigned)(real_ns % NS_PER_S / 1000000));
}

void cell_add_number(struct buffer *buffer, const struct field *column, uint64_t value, uint64_t now_real_ns)
{
	char text[QUANTITY_TEXT_BYTES];
	uint64_t size = value;

	if (column->type == FIELD_BOOL) {
		buffer_add_text(buffer, value ? "yes" : "no");
		return;
	}
	if (column->type == FIELD_I64 && (int64_t)value < 0) {
		buffer_add_char(buffer, '-');
		size = -value;
	}
	switch (column->unit) {
	case UNIT_TIME:
		add_time(buffer, value, now_real_ns);
		break;
	case UNIT_NS:
		buffer_add(buffer, text, quantity_write_ns(size, text));
		break;
	case UNIT_BYTES:
		buffer_add(buffer, text, quantity_write_bytes(size, text));
		break;
	case UNIT_HUNDREDTHS:
		buffer_add_format(buffer, "%" PRIu64 ".%02" PRIu64, size / 100, size % 100);
		break;
	case UNIT_SIGNAL:
		buffer_add(buffer, text, signal_name(size, text));
		break;
	default:
		buffer_add_format(buffer, "%" PRIu64, size);
	}
}

_Static_assert(SIGNAL_NAME_BYTES <= QUANTITY_TEXT_BYTES, "cell_add_number() uses one array for both");

void cell_add(struct buffer *buffer, const struct field *column, const struct block *block, uint32_t row, int field,
	      uint64_t now_real_ns)
{
	const char *text;
	size_t len;

	if (field < 0 || block_is_null(block, row, (uint32_t)field)) {
		buffer_add_char(buffer, '-');
		return;
	}
	if (!field_is_text(column)) {
		cell_add_number(buffer, column, block_number(block, row, (uint32_t)field), now_real_ns);
		return;
	}
	text = block_text(block, row, (uint32_t)field, &len);
	if (column->type == FIELD_STRINGS)
		text_add_words(buffer, text, len);
	else
		text_add_visible(buffer, text, len);
}

size_t cell_fit(const char *text, size_t len, uint32_t width)
{
	size_t at = 0;

	while (at < len) {
		uint32_t code;
		size_t n = text_character(text + at, len - at, &code);
		int columns = n ? text_width(code) : 1;

		if (columns < 0)
			columns = 0;
		if ((uint32_t)columns > width)
			break;
		width -= (uint32_t)columns;
		at += n ? n : 1;
	}
	return at;
}

uint32_t cell_width(const char *text, size_t len)
{
	uint32_t width = 0;

	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t n = text_character(text + at, len - at, &code);
		int columns = n ? text_width(code) : 1;

		width += columns > 0 ? (uint32_t)columns : 0;
		at += n ? n : 1;
	}
	return width;
}
