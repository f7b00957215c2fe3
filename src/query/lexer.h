/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a filter expression. A token is a stretch of the text and says where it stands, so that
 * every later error can point at it.
 */
#ifndef OBIT_QUERY_LEXER_H
#define OBIT_QUERY_LEXER_H

#include <stddef.h>

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,    /* bare: a field, a number with its unit, a name */
	TOKEN_QUOTED,  /* in single or double quotes, which are inside the stretch */
	TOKEN_UNENDED, /* a quote without its end */
	TOKEN_STRAY,   /* a character that means nothing here */
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_MATCH,
	TOKEN_NO_MATCH,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_IN,
	TOKEN_IS,
	TOKEN_NULL,
};

struct token {
	enum token_kind kind;
	size_t at, len;
};

/* The token at or behind `at`. A text ends at its NUL. */
struct token lexer_next(const char *text, size_t at);

/*
 * The value of a WORD or QUOTED token: copied to `ret`, which has room for token->len bytes. Inside quotes
 * a backslash takes the quote or a backslash behind it literally; before anything else it stays, so that a
 * regular expression needs no doubling. Returns the length.
 */
size_t lexer_value(const char *text, const struct token *token, char *ret);

#endif
