// SPDX-License-Identifier: BSD-2-Clause
/*
 * Making bytes fit to be seen. What a terminal may get is decided here and nowhere else, character by
 * character: ASCII from space to ~, and beyond it what has a width and no trick. The rule does not depend
 * on the locale, so that the same row reads the same everywhere.
 */
#include "output/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/array.h"

struct range {
	uint32_t first, last;
};

/* Invisible, or changing what stands around it: never sent. From Unicode's Cf, Zl, Zp, variation selectors, fillers. */
static const struct range tricks[] = {
	{0x00ad, 0x00ad},   {0x0300, 0x036f},	{0x0483, 0x0489},   {0x0591, 0x05bd},	{0x0600, 0x0605},
	{0x0610, 0x061c},   {0x064b, 0x065f},	{0x06dd, 0x06dd},   {0x070f, 0x070f},	{0x0890, 0x0891},
	{0x08e2, 0x08e2},   {0x115f, 0x1160},	{0x17b4, 0x17b5},   {0x180b, 0x180f},	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},   {0x200b, 0x200f},	{0x2028, 0x202e},   {0x2060, 0x206f},	{0x20d0, 0x20ff},
	{0x3164, 0x3164},   {0xd800, 0xf8ff},	{0xfe00, 0xfe0f},   {0xfe20, 0xfe2f},	{0xfeff, 0xfeff},
	{0xffa0, 0xffa0},   {0xfff0, 0xfffb},	{0xfffe, 0xffff},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
	{0x13430, 0x1345f}, {0x1bca0, 0x1bca3}, {0x1d165, 0x1d169}, {0x1d173, 0x1d182}, {0xe0000, 0x10ffff},
};

/* Two columns wide: East Asian Wide and Fullwidth, and emoji. */
static const struct range wide[] = {
	{0x1100, 0x115f},   {0x231a, 0x231b},	{0x2329, 0x232a},   {0x23e9, 0x23f3},	{0x25fd, 0x25fe},
	{0x2614, 0x2615},   {0x2648, 0x2653},	{0x267f, 0x267f},   {0x2693, 0x2693},	{0x26a1, 0x26a1},
	{0x26aa, 0x26ab},   {0x26bd, 0x26be},	{0x26c4, 0x26c5},   {0x26ce, 0x26ce},	{0x26d4, 0x26d4},
	{0x26ea, 0x26ea},   {0x26f2, 0x26f5},	{0x26fa, 0x26fd},   {0x2705, 0x2705},	{0x270a, 0x270b},
	{0x2728, 0x2728},   {0x274c, 0x274e},	{0x2753, 0x2757},   {0x2795, 0x2797},	{0x27b0, 0x27bf},
	{0x2b1b, 0x2b1c},   {0x2b50, 0x2b55},	{0x2e80, 0x303e},   {0x3041, 0xa4cf},	{0xa960, 0xa97f},
	{0xac00, 0xd7a3},   {0xf900, 0xfaff},	{0xfe30, 0xfe6f},   {0xff00, 0xff60},	{0xffe0, 0xffe6},
	{0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f19a},
	{0x1f200, 0x1f320}, {0x1f32d, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7f0}, {0x1f900, 0x1faff},
	{0x20000, 0x3fffd},
};

static bool is_in(uint32_t code, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n && ranges[i].first <= code; i++)
		if (code <= ranges[i].last)
			return 1;
	return 0;
}

int text_width(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return -1;
	if (code < 0xa0)
		return 1;
	if (is_in(code, tricks, ARRAY_SIZE(tricks)))
		return -1;
	return is_in(code, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}

size_t text_character(const char *data, size_t len, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)data;
	uint32_t code;
	size_t n;

	if (len == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_code = bytes[0];
		return 1;
	}
	n = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || len < n)
		return 0;
	code = bytes[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

static void add_byte(struct buffer *buffer, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	char escape[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

	buffer_add(buffer, escape, sizeof(escape));
}

/* One character or one bad byte at data[0]; returns how many bytes it was. `escaped` get a backslash in front. */
static size_t add_one(struct buffer *buffer, const char *data, size_t len, const char *escaped)
{
	uint32_t code;
	size_t n = text_character(data, len, &code);

	if (n == 0) {
		add_byte(buffer, (unsigned char)data[0]);
		return 1;
	}
	if (text_width(code) < 0) {
		for (size_t i = 0; i < n; i++)
			add_byte(buffer, (unsigned char)data[i]);
		return n;
	}
	if (n == 1 && strchr(escaped, data[0]))
		buffer_add_char(buffer, '\\');
	buffer_add(buffer, data, n);
	return n;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-_./:,+=@%^", c));
}

void text_add_visible(struct buffer *buffer, const char *data, size_t len)
{
	size_t plain = 0;

	while (plain < len && (is_plain(data[plain]) || data[plain] == ' '))
		plain++;
	buffer_add(buffer, data, plain);
	for (size_t i = plain; i < len;)
		i += add_one(buffer, data + i, len - i, "\\");
}

void text_add_message(struct buffer *buffer, const char *data, size_t len)
{
	for (size_t i = 0; i < len;) {
		if (data[i] == '\n' || data[i] == '\t')
			buffer_add_char(buffer, data[i++]);
		else
			i += add_one(buffer, data + i, len - i, "");
	}
}

int text_is_ascii(const char *data, size_t len)
{
	uint64_t word = 0, all = 0;

	for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		all |= word;
	}
	word = 0;
	/* Of nothing there may be no address. */
	if (len)
		memcpy(&word, data, len);
	return ((all | word) & 0x8080808080808080u) == 0;
}

void text_add_utf8(struct buffer *buffer, const char *data, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		uint32_t code;

		n = text_character(data + i, len - i, &code);
		if (n)
			buffer_add(buffer, data + i, n);
		else
			add_byte(buffer, (unsigned char)data[i]);
	}
}

static bool is_visible(const char *data, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t code;

		n = text_character(data + i, len - i, &code);
		if (n == 0 || text_width(code) < 0)
			return 0;
	}
	return 1;
}

static void add_word(struct buffer *buffer, const char *word, size_t len)
{
	size_t plain = 0;

	while (plain < len && is_plain(word[plain]))
		plain++;
	if (plain == len && len > 0) {
		buffer_add(buffer, word, len);
		return;
	}
	if (!is_visible(word, len)) {
		buffer_add_text(buffer, "$'");
		for (size_t i = 0; i < len;)
			i += add_one(buffer, word + i, len - i, "\\'");
		buffer_add_char(buffer, '\'');
		return;
	}
	buffer_add_char(buffer, '\'');
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\'')
			buffer_add_text(buffer, "'\\''");
		else
			buffer_add_char(buffer, word[i]);
	}
	buffer_add_char(buffer, '\'');
}

void text_add_words(struct buffer *buffer, const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(data + at, '\0', len - at);
		size_t word_len = end ? (size_t)(end - data) - at : len - at;

		if (at)
			buffer_add_char(buffer, ' ');
		add_word(buffer, data + at, word_len);
		at += word_len + 1;
	}
}
