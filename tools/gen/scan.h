/*
 * scan.h - tokens of SQL text, from the server's own lexer (libpg_query). Everything that looks into SQL text looks
 * at these; nothing here or elsewhere in the compiler searches it with patterns.
 */
#ifndef GEN_SCAN_H
#define GEN_SCAN_H

#include "gen/mem.h"

enum token_kind {
	TOKEN_NAME,        /* identifier or keyword, as written */
	TOKEN_QUOTED_NAME, /* "x", U&"x" */
	TOKEN_STRING,      /* every form of string constant */
	TOKEN_LINE_COMMENT,
	TOKEN_BLOCK_COMMENT,
	TOKEN_PARAM, /* $1 */
	TOKEN_COLON,
	TOKEN_SEMICOLON,
	TOKEN_OPEN, /* ( */
	TOKEN_CLOSE,
	TOKEN_OPEN_SQUARE, /* [ */
	TOKEN_CLOSE_SQUARE,
	TOKEN_OTHER,
	TOKEN_ORDER_BY, /* not the lexer's: stands where a list of orders does (variant.h) */
	TOKEN_BROKEN /* the lexer gave up here: what follows, up to the next token, was not looked at */
};

struct token {
	enum token_kind kind;
	size_t start, end; /* bytes of the text */
	size_t fragment;   /* the optional part that it belongs to, from 1; 0 = none */
	size_t order;      /* the order likewise */
};

struct tokens {
	struct token *items;
	size_t count;
};

struct scan_fault {
	size_t at;           /* byte */
	const char *message; /* "unterminated quoted string" */
	size_t bytes;        /* of the word it is about; 0 = the lexer cannot go on behind it */
};

/** The tokens of `text`, which is NUL-terminated UTF-8. False at the first fault, with the tokens before it. */
bool scan(hf_arena *arena, struct hf_str text, struct tokens *ret_tokens, struct scan_fault *ret_fault);
/** Byte offset of the 1-based character `position`. */
size_t scan_byte_of_character(struct hf_str text, int32_t position);

#endif
