/*
 * scan.c - libpg_query's scanner, and the little of its wire form that we need.
 *
 * The result is a protocol buffer: ScanResult {1: version, 2: repeated ScanToken {1: start, 2: end, 4: token,
 * 5: keyword kind}}; zero fields are left out. Decoding it takes a varint reader, so that the protobuf library does
 * not become a dependency. The bytes come from our own process, yet every read is bounded, and what the tokens cover is
 * compared with the text: whatever is no token is blank.
 */
#include "gen/scan.h"

#include <pg_query.h>
#include <string.h>

/* Numbers of the tokens, which libpg_query keeps stable: enum Token of pg_query.proto. */
enum {
	PB_IDENT = 258,
	PB_UIDENT = 259,
	PB_SCONST = 261,
	PB_USCONST = 262,
	PB_BCONST = 263,
	PB_XCONST = 264,
	PB_PARAM = 267,
	PB_SQL_COMMENT = 275,
	PB_C_COMMENT = 276,
	PB_FIRST_KEYWORD = 277
};

struct wire {
	const unsigned char *at, *end;
};

static uint64_t varint(struct wire *wire)
{
	uint64_t value = 0;
	for (unsigned shift = 0; wire->at < wire->end && shift < 64; shift += 7) {
		unsigned char byte = *wire->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

/* One field: its number, and its value or (length-delimited) its content. */
static unsigned field(struct wire *wire, uint64_t *ret_value, struct wire *ret_content)
{
	uint64_t key = varint(wire);
	*ret_value = varint(wire);
	if ((key & 7) == 2) {
		size_t left = (size_t)(wire->end - wire->at);
		size_t len = *ret_value < left ? (size_t)*ret_value : left;
		*ret_content = (struct wire){wire->at, wire->at + len};
		wire->at += len;
	}
	return (unsigned)(key >> 3);
}

static enum token_kind kind_of(uint64_t token, struct hf_str text)
{
	switch (token) {
	case PB_IDENT:
		return text.len && text.ptr[0] == '"' ? TOKEN_QUOTED_NAME : TOKEN_NAME;
	case PB_UIDENT:
		return TOKEN_QUOTED_NAME;
	case PB_SCONST:
	case PB_USCONST:
	case PB_BCONST:
	case PB_XCONST:
		return TOKEN_STRING;
	case PB_PARAM:
		return TOKEN_PARAM;
	case PB_SQL_COMMENT:
		return TOKEN_LINE_COMMENT;
	case PB_C_COMMENT:
		return TOKEN_BLOCK_COMMENT;
	case ':':
		return TOKEN_COLON;
	case ';':
		return TOKEN_SEMICOLON;
	case '(':
		return TOKEN_OPEN;
	case ')':
		return TOKEN_CLOSE;
	case '[':
		return TOKEN_OPEN_SQUARE;
	case ']':
		return TOKEN_CLOSE_SQUARE;
	default:
		return token >= PB_FIRST_KEYWORD ? TOKEN_NAME : TOKEN_OTHER;
	}
}

static struct token read_token(struct wire wire, struct hf_str text)
{
	uint64_t start = 0, end = 0, token = 0;
	while (wire.at < wire.end) {
		uint64_t value;
		struct wire content = {0};
		unsigned number = field(&wire, &value, &content);
		if (number == 1)
			start = value;
		else if (number == 2)
			end = value;
		else if (number == 4)
			token = value;
	}
	size_t to = end < text.len ? (size_t)end : text.len;
	size_t from = start < to ? (size_t)start : to;
	struct hf_str word = {text.ptr + from, to - from};
	return (struct token){.kind = kind_of(token, word), .start = from, .end = to};
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* libpg_query gives U&'x' no length and U&"x" that of a name: they reach to the blanks before the next token. */
static void mend_length(struct token *token, struct hf_str text, size_t next)
{
	bool quoted = token->kind == TOKEN_STRING || token->kind == TOKEN_QUOTED_NAME;
	bool letter = text.ptr[token->start] == 'U' || text.ptr[token->start] == 'u';
	if (!quoted || !letter || token->start + 1 >= next || text.ptr[token->start + 1] != '&')
		return;
	token->end = next;
	while (token->end > token->start && is_blank(text.ptr[token->end - 1]))
		token->end--;
}

/* Tokens follow each other, none is empty, and only blanks stand between them: else the text that is made of the tokens
 * would be another one. */
static bool covers(struct hf_str text, struct tokens *tokens, struct scan_fault *ret_fault)
{
	size_t at = 0;
	for (size_t i = 0; i <= tokens->count; i++) {
		struct token *token = i < tokens->count ? &tokens->items[i] : NULL;
		size_t next = i + 1 < tokens->count ? tokens->items[i + 1].start : text.len;
		if (token && token->start < text.len)
			mend_length(token, text, next);
		size_t to = token ? token->start : text.len;
		while (at < to && is_blank(text.ptr[at]))
			at++;
		if (at != to || (token && token->end == token->start)) {
			*ret_fault = (struct scan_fault){at, "the lexer lost its place in the text here", 0};
			tokens->count = i;
			return false;
		}
		at = token ? token->end : at;
	}
	return true;
}

size_t scan_byte_of_character(struct hf_str text, int32_t position)
{
	size_t at = 0;
	for (int32_t i = 1; i < position && at < text.len; i++) {
		at++;
		while (at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

/* The word in the tail of "zero-length delimited identifier at or near """"". What is unterminated has no end. */
static size_t fault_bytes(struct hf_str text, size_t at, const char *message)
{
	const struct hf_str near = HF_STR(" at or near \"");
	struct hf_str whole = hf_str_of(message);
	ptrdiff_t tail = str_find_str(whole, near);
	if (tail < 0 || str_starts(whole, HF_STR("unterminated")))
		return 0;
	struct hf_str word = {whole.ptr + tail + near.len, whole.len - (size_t)tail - near.len - 1};
	return at < text.len && str_starts((struct hf_str){text.ptr + at, text.len - at}, word) ? word.len : 0;
}

/* "unterminated quoted string at or near "'abc"" without the tail, which the caret shows better. */
static const char *short_message(hf_arena *arena, const char *message)
{
	struct hf_str whole = hf_str_of(message);
	ptrdiff_t tail = str_find_str(whole, HF_STR(" at or near "));
	if (tail > 0)
		whole.len = (size_t)tail;
	return mem_text(arena, whole);
}

/* At each comment that opens, the lexer reads on through all that could be an operator, and goes back. Where thousands
 * open without a blank or a word in between, it would be at it for hours. */
enum { READ_AGAIN_MAX = 256 << 20 };

static bool rereads(struct hf_str text, size_t *ret_at)
{
	static const char operators[] = "~!@#^&|`?+-*/%<>=";
	size_t again = 0;
	for (size_t at = 0; at < text.len; at++) {
		size_t from = at, opening = 0;
		for (; at < text.len && strchr(operators, text.ptr[at]) && text.ptr[at]; at++)
			opening += at > from && text.ptr[at] == '*' && text.ptr[at - 1] == '/';
		again += opening * (at - from);
		*ret_at = from;
		if (again > READ_AGAIN_MAX)
			return true;
	}
	return false;
}

/* The tokens before a fault. False as scan() is. */
static bool scan_before(hf_arena *arena, struct hf_str text, size_t at, struct tokens *ret_tokens)
{
	struct scan_fault none;
	if (at > 0 && at < text.len)
		(void)scan(arena, (struct hf_str){text.ptr, at}, ret_tokens, &none);
	return false;
}

bool scan(hf_arena *arena, struct hf_str text, struct tokens *ret_tokens, struct scan_fault *ret_fault)
{
	*ret_tokens = (struct tokens){0};
	if (rereads(text, &ret_fault->at)) {
		ret_fault->message = "comments open too often here without a blank in between";
		ret_fault->bytes = 0;
		return scan_before(arena, text, ret_fault->at, ret_tokens);
	}
	PgQueryScanResult result = pg_query_scan(mem_text(arena, text));
	if (result.error) {
		ret_fault->at = scan_byte_of_character(text, result.error->cursorpos);
		ret_fault->message = short_message(arena, result.error->message);
		ret_fault->bytes = fault_bytes(text, ret_fault->at, result.error->message);
		pg_query_free_scan_result(result);
		return scan_before(arena, text, ret_fault->at, ret_tokens);
	}
	struct wire wire = {(const unsigned char *)result.pbuf.data, NULL};
	wire.end = wire.at + result.pbuf.len;
	while (wire.at < wire.end) {
		uint64_t value;
		struct wire content = {0};
		if (field(&wire, &value, &content) != 2)
			continue;
		ret_tokens->items = mem_grow(arena, ret_tokens->items, ret_tokens->count, sizeof(struct token));
		ret_tokens->items[ret_tokens->count++] = read_token(content, text);
	}
	pg_query_free_scan_result(result);
	return covers(text, ret_tokens, ret_fault);
}
