/*
 * scan.c - the lexical rules of scan.h. One function per kind of token; each answers the token's length.
 */
#include "migrate/scan.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes above 127 are letters to the server. */
static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
	return is_name_start(c) || is_digit(c) || c == '$';
}

static bool is_operator(char c)
{
	return c != '\0' && strchr("~!@#^&|`?+-*/%<>=", c);
}

/* The byte `ahead` of the scan's place, NUL behind the end. */
static char peek(const struct scan *scan, size_t ahead)
{
	return ahead < scan->text.len - scan->at ? scan->text.ptr[scan->at + ahead] : '\0';
}

static size_t left(const struct scan *scan)
{
	return scan->text.len - scan->at;
}

static size_t line_comment(const struct scan *scan, size_t from)
{
	size_t n = from;
	while (n < left(scan) && peek(scan, n) != '\n' && peek(scan, n) != '\r')
		n++;
	return n;
}

/* Comments nest. 0 when it does not end. */
static size_t block_comment(const struct scan *scan)
{
	size_t depth = 0, n = 0;
	while (n + 1 < left(scan)) {
		if (peek(scan, n) == '/' && peek(scan, n + 1) == '*') {
			depth++;
			n += 2;
		} else if (peek(scan, n) == '*' && peek(scan, n + 1) == '/') {
			n += 2;
			if (--depth == 0)
				return n;
		} else {
			n++;
		}
	}
	return 0;
}

/* From the byte behind the opening quote to behind the closing one; 0 when there is none. */
static size_t quoted_end(const struct scan *scan, size_t n, char quote, bool escapes)
{
	while (n < left(scan)) {
		char c = peek(scan, n++);
		if (escapes && c == '\\')
			n++;
		else if (c == quote && peek(scan, n) == quote)
			n++;
		else if (c == quote)
			return n <= left(scan) ? n : 0;
	}
	return 0;
}

/*
 * 'a' <blanks or line comments with at least one line break> 'b' is one literal, and the second piece follows the
 * escape rules of the first: the place of the next opening quote, or 0.
 */
static size_t continuation(const struct scan *scan, size_t n)
{
	bool broken = false;
	while (n < left(scan)) {
		char c = peek(scan, n);
		if (c == '\'')
			return broken ? n : 0;
		if (c == '-' && peek(scan, n + 1) == '-') {
			n = line_comment(scan, n);
		} else if (is_space(c)) {
			broken = broken || c == '\n' || c == '\r';
			n++;
		} else {
			return 0;
		}
	}
	return 0;
}

static size_t string_end(const struct scan *scan, size_t prefix, bool escapes)
{
	size_t end = quoted_end(scan, prefix + 1, '\'', escapes);
	while (end) {
		size_t more = continuation(scan, end);
		if (!more)
			return end;
		end = quoted_end(scan, more + 1, '\'', escapes);
	}
	return 0;
}

/* Length of $tag$ at the scan's place, or 0. */
static size_t dollar_tag(const struct scan *scan)
{
	size_t n = 1;
	if (is_name_start(peek(scan, n)))
		while (n < left(scan) && is_name(peek(scan, n)) && peek(scan, n) != '$')
			n++;
	return peek(scan, n) == '$' ? n + 1 : 0;
}

static size_t dollar_end(const struct scan *scan, size_t tag)
{
	const char *text = scan->text.ptr + scan->at;
	const char *close = memmem(text + tag, left(scan) - tag, text, tag);
	return close ? (size_t)(close - text) + tag : 0;
}

/* Ends before -- and before a block comment, which an operator cannot hold. */
static size_t operator_end(const struct scan *scan)
{
	size_t n = 0;
	while (n < left(scan) && is_operator(peek(scan, n))) {
		char c = peek(scan, n), after = peek(scan, n + 1);
		if (n > 0 && ((c == '-' && after == '-') || (c == '/' && after == '*')))
			break;
		n++;
	}
	return n;
}

static size_t number_end(const struct scan *scan)
{
	size_t n = 1;
	while (n < left(scan)) {
		char c = peek(scan, n);
		bool exponent_sign = (c == '+' || c == '-') && (peek(scan, n - 1) | 0x20) == 'e' &&
		                     is_digit(peek(scan, n + 1));
		if (!is_digit(c) && c != '.' && !is_name_start(c) && !exponent_sign)
			break;
		if (c == '.' && peek(scan, n + 1) == '.') /* 1..10 in a loop */
			break;
		n++;
	}
	return n;
}

struct piece {
	enum token_kind kind;
	size_t len; /* 0: not terminated */
	const char *what;
};

static struct piece string_piece(size_t len)
{
	return (struct piece){TOKEN_STRING, len, "string"};
}

/* A letter may begin a literal: E'', B'', X'', N'', U&'', U&"". */
static struct piece word_piece(const struct scan *scan)
{
	char c = (char)(peek(scan, 0) | 0x20);
	if (peek(scan, 1) == '\'' && (c == 'e' || c == 'b' || c == 'x' || c == 'n'))
		return string_piece(string_end(scan, 1, c == 'e'));
	if (c == 'u' && peek(scan, 1) == '&' && peek(scan, 2) == '\'')
		return string_piece(string_end(scan, 2, false));
	if (c == 'u' && peek(scan, 1) == '&' && peek(scan, 2) == '"')
		return (struct piece){TOKEN_QUOTED, quoted_end(scan, 3, '"', false), "quoted identifier"};
	size_t n = 1;
	while (n < left(scan) && is_name(peek(scan, n)))
		n++;
	return (struct piece){TOKEN_WORD, n, NULL};
}

static struct piece dollar_piece(const struct scan *scan)
{
	size_t tag = dollar_tag(scan);
	if (tag)
		return (struct piece){TOKEN_STRING, dollar_end(scan, tag), "dollar-quoted string"};
	size_t n = 1;
	while (is_digit(peek(scan, n)))
		n++;
	return (struct piece){n > 1 ? TOKEN_NUMBER : TOKEN_OTHER, n, NULL};
}

static struct piece space_piece(const struct scan *scan)
{
	size_t n = 1;
	while (n < left(scan) && is_space(peek(scan, n)))
		n++;
	return (struct piece){TOKEN_SPACE, n, NULL};
}

static struct piece mark_piece(char c)
{
	switch (c) {
	case '(':
	case '[':
		return (struct piece){TOKEN_OPEN, 1, NULL};
	case ')':
	case ']':
		return (struct piece){TOKEN_CLOSE, 1, NULL};
	case ',':
		return (struct piece){TOKEN_COMMA, 1, NULL};
	case ';':
		return (struct piece){TOKEN_SEMICOLON, 1, NULL};
	case '\\':
		return (struct piece){TOKEN_BACKSLASH, 1, NULL};
	default:
		return (struct piece){TOKEN_OTHER, 1, NULL};
	}
}

static struct piece next_piece(const struct scan *scan)
{
	char c = peek(scan, 0), after = peek(scan, 1);
	if (is_space(c))
		return space_piece(scan);
	if (c == '-' && after == '-')
		return (struct piece){TOKEN_COMMENT, line_comment(scan, 0), NULL};
	if (c == '/' && after == '*')
		return (struct piece){TOKEN_COMMENT, block_comment(scan), "comment"};
	if (is_name_start(c))
		return word_piece(scan);
	if (c == '\'')
		return string_piece(string_end(scan, 0, false));
	if (c == '"')
		return (struct piece){TOKEN_QUOTED, quoted_end(scan, 1, '"', false), "quoted identifier"};
	if (c == '$')
		return dollar_piece(scan);
	if (is_digit(c) || (c == '.' && is_digit(after)))
		return (struct piece){TOKEN_NUMBER, number_end(scan), NULL};
	if (is_operator(c))
		return (struct piece){TOKEN_OPERATOR, operator_end(scan), NULL};
	return mark_piece(c);
}

struct token scan_next(struct scan *scan)
{
	struct token token = {.at = scan->at, .line = scan->line};
	if (scan->at >= scan->text.len)
		return token;
	struct piece piece = next_piece(scan);
	token.kind = piece.len ? piece.kind : TOKEN_BAD;
	token.what = piece.len ? NULL : piece.what;
	token.text = (struct hf_str){scan->text.ptr + scan->at, piece.len ? piece.len : left(scan)};
	for (size_t i = 0; i < token.text.len; i++)
		scan->line += token.text.ptr[i] == '\n';
	scan->at += token.text.len;
	return token;
}

bool token_is_code(const struct token *token)
{
	return token->kind != TOKEN_SPACE && token->kind != TOKEN_COMMENT;
}

struct token scan_next_code(struct scan *scan)
{
	struct token token = scan_next(scan);
	while (!token_is_code(&token))
		token = scan_next(scan);
	return token;
}

bool token_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && token->text.len == strlen(word) &&
	       strncasecmp(token->text.ptr, word, token->text.len) == 0;
}
