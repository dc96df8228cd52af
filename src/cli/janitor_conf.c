/*
 * janitor_conf.c - see janitor_conf.h. One pass over tokens with the stack of open brackets; nothing is kept but the
 * one field.
 */
#include "cli/janitor_conf.h"

#include <string.h>

#include "base/error.h"
#include "base/str.h"

enum { DEPTH_MAX = 64, VALUE_MAX = 64 << 10 };
enum token { END, WORD, STRING, SIGN };

struct scan {
	struct hf_str text;
	const char *path;
	size_t at, start; /* behind the token, and where it began */
	char closers[DEPTH_MAX];
	size_t depth;
	struct buf *value; /* of the string token */
	hf_error *err;
};

static enum hf_status wrong(const struct scan *scan, const char *what)
{
	unsigned line = 1, column = 1;
	for (size_t i = 0; i < scan->start && i < scan->text.len; i++) {
		column = scan->text.ptr[i] == '\n' ? 1 : column + 1;
		line += scan->text.ptr[i] == '\n';
	}
	return error_set(scan->err, HF_E_CONFIG, "%s:%u:%u: %s", scan->path, line, column, what);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-' || c == '+';
}

static char peek(const struct scan *scan)
{
	return scan->at < scan->text.len ? scan->text.ptr[scan->at] : '\0';
}

static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->text.len) {
		char c = peek(scan);
		if (c == '#')
			while (scan->at < scan->text.len && peek(scan) != '\n')
				scan->at++;
		else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f')
			scan->at++;
		else
			return;
	}
}

static unsigned digits(struct scan *scan, unsigned base, unsigned most)
{
	unsigned value = 0;
	for (unsigned i = 0; i < most; i++, scan->at++) {
		char c = peek(scan);
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
		                 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
		                 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
		                                        : base;
		if (digit >= base)
			break;
		value = value * base + digit;
	}
	return value;
}

/* Behind a backslash. */
static enum hf_status take_escape(struct scan *scan)
{
	static const char letters[] = "abfnrtv\\'\"?", meant[] = "\a\b\f\n\r\t\v\\'\"?";
	char c = peek(scan);
	const char *known = c ? strchr(letters, c) : NULL;
	if (known) {
		scan->at++;
		buf_add_char(scan->value, meant[known - letters]);
	} else if (c >= '0' && c <= '7') {
		buf_add_char(scan->value, (char)digits(scan, 8, 3));
	} else if (c == 'x' || c == 'X') {
		scan->at++;
		buf_add_char(scan->value, (char)digits(scan, 16, 2));
	} else {
		return wrong(scan, "an escape that is none");
	}
	return HF_OK;
}

static enum hf_status take_string(struct scan *scan)
{
	char quote = scan->text.ptr[scan->at++];
	while (peek(scan) != quote) {
		char c = peek(scan);
		if (c == '\n' || c == '\0')
			return wrong(scan, "a string that does not end on its line");
		scan->at++;
		if (c != '\\')
			buf_add_char(scan->value, c);
		else if (take_escape(scan) != HF_OK)
			return HF_E_CONFIG;
	}
	scan->at++;
	return buf_ok(scan->value) ? HF_OK : wrong(scan, "a string of more than 64 KiB");
}

static enum hf_status next_token(struct scan *scan, enum token *ret_token)
{
	skip_blanks(scan);
	scan->start = scan->at;
	char c = peek(scan);
	*ret_token = scan->at == scan->text.len ? END : c == '"' || c == '\'' ? STRING : is_word(c) ? WORD : SIGN;
	if (*ret_token == STRING)
		return take_string(scan);
	while (*ret_token == WORD && is_word(peek(scan)))
		scan->at++;
	if (*ret_token == SIGN && (!c || !strchr("{}<>[]:;,", c)))
		return wrong(scan, "a character that cannot stand here");
	scan->at += *ret_token == SIGN;
	return HF_OK;
}

static enum hf_status take_sign(struct scan *scan)
{
	static const char openers[] = "{<[", closers[] = "}>]";
	char c = scan->text.ptr[scan->start];
	const char *opener = strchr(openers, c);
	if (opener && scan->depth == DEPTH_MAX)
		return wrong(scan, "more than 64 messages within each other");
	if (opener)
		scan->closers[scan->depth++] = closers[opener - openers];
	else if (strchr(closers, c) && (scan->depth == 0 || scan->closers[--scan->depth] != c))
		return wrong(scan, "a bracket that nothing opened");
	return HF_OK;
}

/* ---- the field ---- */

struct field {
	struct hf_str name;
	bool named;  /* its name came last, or its colon */
	bool inside; /* so did a part of its value */
	bool found;
};

/* One token outside of all messages, as far as the field goes. */
static enum hf_status follow(struct scan *scan, struct field *field, enum token token)
{
	struct hf_str word = {scan->text.ptr + scan->start, scan->at - scan->start};
	bool mine = token == WORD && str_eq(word, field->name);
	if (token == STRING && field->named)
		field->inside = field->found = true;
	else if (field->named && !field->inside && !(token == SIGN && word.ptr[0] == ':'))
		return wrong(scan, "the value is no text");
	if (token == STRING)
		return HF_OK;
	if (mine && field->found)
		return wrong(scan, "the field stands here a second time");
	field->named = mine || (field->named && !field->inside);
	field->inside = false;
	return HF_OK;
}

static enum hf_status scan_all(struct scan *scan, struct field *field)
{
	enum token token = SIGN;
	while (token != END) {
		size_t before = scan->value->len;
		bool outside = scan->depth == 0;
		enum hf_status status = next_token(scan, &token);
		if (status == HF_OK && token == SIGN)
			status = take_sign(scan);
		if (status == HF_OK && outside)
			status = follow(scan, field, token);
		if (status != HF_OK)
			return status;
		if (token == STRING && !(outside && field->named))
			scan->value->len = before;
	}
	return scan->depth == 0 ? HF_OK : wrong(scan, "a message that does not end");
}

enum hf_status janitor_conf_text(struct hf_str text, const char *path, const char *field_name, hf_arena *arena,
                                 const char **ret_value, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf value;
	struct scan scan = {.text = text, .path = path, .value = &value, .err = err};
	struct field field = {.name = hf_str_of(field_name)};
	buf_init(&value, VALUE_MAX);
	enum hf_status status = scan_all(&scan, &field);
	if (status != HF_OK)
		return status;
	*ret_value = NULL;
	if (!field.found)
		return HF_OK;
	*ret_value = hf_arena_str(arena, buf_str(&value)).ptr;
	return *ret_value ? HF_OK : error_nomem(err);
}
