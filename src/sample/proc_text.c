// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lines, words, numbers.
 */
#include "sample/proc_text.h"

#include <string.h>

int proc_take_line(struct proc_text *text, struct proc_text *ret_line)
{
	const char *newline;

	if (text->at == text->end)
		return 0;
	newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
	if (!newline)
		return 0;
	*ret_line = (struct proc_text){text->at, newline};
	text->at = newline + 1;
	return 1;
}

int proc_take_word(struct proc_text *line, struct proc_text *ret_word)
{
	const char *begin;

	while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
		line->at++;
	begin = line->at;
	while (line->at < line->end && *line->at != ' ' && *line->at != '\t')
		line->at++;
	*ret_word = (struct proc_text){begin, line->at};
	return begin < line->at;
}

int proc_take_number(struct proc_text *line, uint64_t *ret)
{
	struct proc_text word;

	return proc_take_word(line, &word) && proc_number(&word, ret);
}

int proc_is(const struct proc_text *word, const char *text)
{
	size_t len = (size_t)(word->end - word->at);

	return strlen(text) == len && memcmp(word->at, text, len) == 0;
}

int proc_after(const struct proc_text *word, const char *prefix, struct proc_text *ret)
{
	size_t len = strlen(prefix);

	if ((size_t)(word->end - word->at) < len || memcmp(word->at, prefix, len) != 0)
		return 0;
	*ret = (struct proc_text){word->at + len, word->end};
	return 1;
}

int proc_number(const struct proc_text *word, uint64_t *ret)
{
	uint64_t value = 0;

	if (word->at == word->end)
		return 0;
	for (const char *c = word->at; c < word->end; c++) {
		if (*c < '0' || *c > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
			return 0;
	}
	*ret = value;
	return 1;
}
