/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text of /proc and /sys, taken apart: pure functions over bytes that need no NUL at their end. What the
 * text is cut off in, or what is no number, is not believed. All are called with a text that outlives them.
 */
#ifndef OBIT_SAMPLE_PROC_TEXT_H
#define OBIT_SAMPLE_PROC_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct proc_text {
	const char *at, *end;
};

static inline struct proc_text proc_text(const char *data, size_t len)
{
	return (struct proc_text){data, data + len};
}

/* Takes the next line, without its newline. 0: none is left that has one. */
int proc_take_line(struct proc_text *text, struct proc_text *ret_line);

/* Takes the next run of bytes that are no blanks. 0: none is left. */
int proc_take_word(struct proc_text *line, struct proc_text *ret_word);

/* Takes the next word when it is a number. 0: it is not (it is taken none the less). */
int proc_take_number(struct proc_text *line, uint64_t *ret);

int proc_is(const struct proc_text *word, const char *text);

/* The word after the prefix. 0: it does not begin so. */
int proc_after(const struct proc_text *word, const char *prefix, struct proc_text *ret);

/* Decimal digits and nothing else, within 64 bits. */
int proc_number(const struct proc_text *word, uint64_t *ret);

#endif
