/*
 * scan.h - SQL as tokens, by the lexical rules of PostgreSQL 15 with standard_conforming_strings on.
 *
 * Tokens cover the text without gaps: blanks and comments are tokens too, so that joining all token texts gives the
 * text back. Borrows the text, allocates nothing, cannot loop: each token is at least one byte.
 */
#ifndef MIGRATE_SCAN_H
#define MIGRATE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "holdfast/types.h"

enum token_kind {
	TOKEN_END = 0,
	TOKEN_SPACE,
	TOKEN_COMMENT,
	TOKEN_WORD,      /* keyword or plain identifier */
	TOKEN_QUOTED,    /* "identifier" */
	TOKEN_STRING,    /* any kind of literal, dollar quoted ones and continued ones included */
	TOKEN_NUMBER,    /* and parameters, $1 */
	TOKEN_OPERATOR,
	TOKEN_OPEN,      /* ( or [ */
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_SEMICOLON,
	TOKEN_BACKSLASH, /* never SQL: a psql command */
	TOKEN_OTHER,
	TOKEN_BAD        /* an unterminated string or comment: `what` says which; reaches to the end */
};

struct token {
	enum token_kind kind;
	struct hf_str text;
	size_t at;
	uint32_t line;    /* of the first byte, from the scan's first line */
	const char *what; /* TOKEN_BAD only */
};

struct scan {
	struct hf_str text;
	size_t at;
	uint32_t line;
};

static inline struct scan scan_begin(struct hf_str text, uint32_t first_line)
{
	return (struct scan){.text = text, .at = 0, .line = first_line};
}
/** The next token; TOKEN_END for ever after the last. */
struct token scan_next(struct scan *scan);
/** The next token that is neither blank nor comment. */
struct token scan_next_code(struct scan *scan);
/** A word that reads like `word` (lower case) in any case. */
bool token_is(const struct token *token, const char *word);
/** Neither blank nor comment. */
bool token_is_code(const struct token *token);

#endif
