// SPDX-License-Identifier: BSD-2-Clause
/*
 * Splits a filter expression into words. Whatever is neither a space, an operator nor a quote belongs to a
 * bare word, so that 1.5s, ^cc, /usr/bin/true and 2026-01-02T03:04:05Z need no quotes.
 */
#include "query/lexer.h"

#include <string.h>
#include <strings.h>

#include "base/array.h"

static const struct {
	const char *text;
	enum token_kind kind;
} operators[] =
	{
		/* the longer first */
		{"==", TOKEN_EQ},	{"!=", TOKEN_NE},    {"<=", TOKEN_LE},	 {">=", TOKEN_GE},
		{"!~", TOKEN_NO_MATCH}, {"=~", TOKEN_MATCH}, {"&&", TOKEN_AND},	 {"||", TOKEN_OR},
		{"=", TOKEN_EQ},	{"<", TOKEN_LT},     {">", TOKEN_GT},	 {"~", TOKEN_MATCH},
		{"!", TOKEN_NOT},	{"(", TOKEN_OPEN},   {")", TOKEN_CLOSE}, {",", TOKEN_COMMA},
},
  keywords[] = {
	  {"and", TOKEN_AND}, {"or", TOKEN_OR}, {"not", TOKEN_NOT},
	  {"in", TOKEN_IN},   {"is", TOKEN_IS}, {"null", TOKEN_NULL},
};

#define N_OPERATORS (ARRAY_SIZE(operators))
#define N_KEYWORDS  (ARRAY_SIZE(keywords))

static struct token quoted(const char *text, size_t at)
{
	char quote = text[at];
	size_t end = at + 1;

	while (text[end] && text[end] != quote)
		end += text[end] == '\\' && (text[end + 1] == quote || text[end + 1] == '\\') ? 2 : 1;
	if (!text[end])
		return (struct token){TOKEN_UNENDED, at, end - at};
	return (struct token){TOKEN_QUOTED, at, end + 1 - at};
}

struct token lexer_next(const char *text, size_t at)
{
	struct token token;

	at += strspn(text + at, " \t\r\n");
	if (!text[at])
		return (struct token){TOKEN_END, at, 0};
	if (text[at] == '"' || text[at] == '\'')
		return quoted(text, at);
	for (size_t i = 0; i < N_OPERATORS; i++)
		if (strncmp(text + at, operators[i].text, strlen(operators[i].text)) == 0)
			return (struct token){operators[i].kind, at, strlen(operators[i].text)};
	token = (struct token){TOKEN_WORD, at, strcspn(text + at, " \t\r\n=!<>~(),\"'&|;")};
	if (token.len == 0)
		return (struct token){TOKEN_STRAY, at, 1};
	for (size_t i = 0; i < N_KEYWORDS; i++)
		if (strlen(keywords[i].text) == token.len && strncasecmp(text + at, keywords[i].text, token.len) == 0)
			token.kind = keywords[i].kind;
	return token;
}

size_t lexer_value(const char *text, const struct token *token, char *ret)
{
	const char *p = text + token->at, *end = p + token->len;
	size_t len = 0;
	char quote;

	if (token->kind != TOKEN_QUOTED) {
		memcpy(ret, p, token->len);
		return token->len;
	}
	quote = *p++;
	for (end--; p < end; p++) {
		if (*p == '\\' && p + 1 < end && (p[1] == quote || p[1] == '\\'))
			p++;
		ret[len++] = *p;
	}
	return len;
}
