/*
 * names.c - see names.h. What is put in is always quoted, so that the text keeps its tokens whatever the names are. A
 * dollar quote whose body holds its own tag by now gets a longer one.
 */
#include "migrate/names.h"

#include <string.h>

#include "base/error.h"
#include "base/identifier.h"
#include "base/str.h"
#include "migrate/file.h"
#include "migrate/scan.h"

/* ---- declaring ---- */

static bool is_plain(struct hf_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return name.len > 0 && name.len <= IDENTIFIER_BYTES_MAX;
}

bool names_declare(struct names *names, size_t *ndeclared, struct hf_str line)
{
	struct hf_str value = line, name;
	size_t n = *ndeclared;
	if (!str_split(&value, '=', &name) || !value.ptr || n == NAMES_MAX)
		return false;
	name = str_trim(name);
	value = str_trim(value);
	for (size_t i = 0; i < n; i++)
		if (str_eq(names->declared[i], name))
			return false;
	if (!is_plain(name) || !is_plain(value))
		return false;
	names->declared[n] = name;
	if (!names->chosen) {
		names->values[n] = value;
		names->count = n + 1;
	}
	++*ndeclared;
	return true;
}

/* ---- filling ---- */

struct filling {
	const struct names *names;
	const char *file;
	uint32_t line; /* of the text's beginning */
	struct buf out;
	hf_error *err;
};

/* The longest declared name that this is, or goes on behind; NAMES_MAX without one. */
static size_t find(const struct names *names, struct hf_str name)
{
	size_t found = NAMES_MAX;
	for (size_t i = 0; i < names->count; i++)
		if (identifier_fits(name, names->declared[i]) &&
		    (found == NAMES_MAX || names->declared[i].len > names->declared[found].len))
			found = i;
	return found;
}

static enum hf_status add_name(struct filling *filling, struct hf_str name, uint32_t line, bool in_constant)
{
	size_t number = find(filling->names, name);
	if (number == NAMES_MAX) {
		error_set(filling->err, HF_E_INPUT, "%s:%u: no identifier \"%.*s\" is declared", filling->file, line,
		          STR_ARG(name));
		error_hint(filling->err, "before the first section: -- identifier: entries = state_entries");
		return HF_E_INPUT;
	}
	struct hf_str declared = filling->names->declared[number], value = filling->names->values[number];
	char behind[IDENTIFIER_BYTES_MAX + 1], what[IDENTIFIER_BYTES_MAX + 1];
	if (name.len - declared.len > IDENTIFIER_BYTES_MAX)
		return error_set(filling->err, HF_E_INPUT, "%s:%u: the name is longer than %d bytes", filling->file,
		                 line, IDENTIFIER_BYTES_MAX);
	snprintf(behind, sizeof(behind), "%.*s", (int)(name.len - declared.len), name.ptr + declared.len);
	snprintf(what, sizeof(what), "%.*s", STR_ARG(declared));
	enum hf_status status = identifier_check(what, value, behind, filling->err);
	if (status == HF_OK)
		identifier_add(&filling->out, value, behind, in_constant);
	return status;
}

static enum hf_status add_constant(struct filling *filling, struct hf_str inside, uint32_t line)
{
	enum hf_status status = HF_OK;
	struct hf_str name;
	buf_add_text(&filling->out, "E'");
	for (bool first = true; status == HF_OK && str_split(&inside, '.', &name); first = false) {
		buf_add_text(&filling->out, first ? "" : ".");
		status = add_name(filling, name, line, true);
	}
	buf_add_text(&filling->out, "'");
	return status;
}

static enum hf_status fill(struct filling *filling, struct hf_str text, uint32_t line, int depth);

static size_t tag_length(struct hf_str text)
{
	const char *end = text.len > 1 && text.ptr[0] == '$' ? memchr(text.ptr + 1, '$', text.len - 1) : NULL;
	return end ? (size_t)(end - text.ptr) + 1 : 0;
}

static void add_tag(struct buf *out, struct hf_str tag, size_t more)
{
	buf_add(out, (struct hf_str){tag.ptr, tag.len - 1});
	for (size_t i = 0; i < more; i++)
		buf_add_char(out, '_');
	buf_add_char(out, '$');
}

/* How many underscores the tag needs so that the body does not hold it. */
static size_t underscores(struct hf_str tag, struct hf_str body)
{
	char spelled[256];
	size_t more = 0;
	for (; tag.len + more < sizeof(spelled); more++) {
		memcpy(spelled, tag.ptr, tag.len - 1);
		memset(spelled + tag.len - 1, '_', more);
		spelled[tag.len - 1 + more] = '$';
		if (str_find_str(body, (struct hf_str){spelled, tag.len + more}) < 0)
			break;
	}
	return more;
}

static enum hf_status add_body(struct filling *filling, const struct token *token, int depth)
{
	size_t tag = tag_length(token->text);
	struct hf_str inside = {token->text.ptr + tag, token->text.len - 2 * tag};
	struct filling body = {filling->names, filling->file, filling->line, {0}, filling->err};
	buf_init(&body.out, FILE_BYTES_MAX + 1);
	enum hf_status status = fill(&body, inside, token->line, depth + 1);
	struct hf_str made = buf_str(&body.out), word = {token->text.ptr, tag};
	size_t more = underscores(word, made);
	add_tag(&filling->out, word, more);
	buf_add(&filling->out, made);
	add_tag(&filling->out, word, more);
	if (!buf_ok(&body.out)) {
		filling->out.failed = true;
		filling->out.starved = buf_starved(&body.out);
	}
	buf_deinit(&body.out);
	return status;
}

static bool is_colon(const struct token *token)
{
	return token->kind == TOKEN_OTHER && token->text.len == 1 && token->text.ptr[0] == ':';
}

enum { BODIES_DEPTH_MAX = 8 };

static enum hf_status fill(struct filling *filling, struct hf_str text, uint32_t line, int depth)
{
	struct scan scan = scan_begin(text, line);
	struct token before = {.kind = TOKEN_END}, token = scan_next(&scan);
	enum hf_status status = HF_OK;
	for (; token.kind != TOKEN_END && status == HF_OK; before = token, token = scan_next(&scan)) {
		struct scan ahead = scan;
		struct token next = is_colon(&token) ? scan_next(&ahead) : (struct token){.kind = TOKEN_END};
		bool quoted = next.kind == TOKEN_QUOTED && next.text.ptr[0] == '"';
		bool constant = next.kind == TOKEN_STRING && next.text.ptr[0] == '\'';
		bool cast = is_colon(&token) && is_colon(&before);
		if (cast || (!quoted && !constant)) {
			bool body = token.kind == TOKEN_STRING && tag_length(token.text) && depth < BODIES_DEPTH_MAX;
			if (body)
				status = add_body(filling, &token, depth);
			else
				buf_add(&filling->out, token.text);
			continue;
		}
		struct hf_str inside = {next.text.ptr + 1, next.text.len - 2};
		status =
			quoted ? add_name(filling, inside, next.line, false) : add_constant(filling, inside, next.line);
		scan = ahead;
		token = next;
	}
	return status;
}

enum hf_status names_fill(const struct names *names, struct hf_str text, const char *file, uint32_t line,
                          hf_arena *arena, struct hf_str *ret_text, hf_error *err)
{
	struct filling filling = {names, file, line, {0}, err};
	buf_init(&filling.out, FILE_BYTES_MAX + 1);
	enum hf_status status = fill(&filling, text, line, 0);
	struct hf_str copy = {NULL, 0};
	if (status == HF_OK && !buf_ok(&filling.out) && !buf_starved(&filling.out))
		status = error_set(err, HF_E_LIMIT, "%s: larger than %d MiB with these names", file,
		                   FILE_BYTES_MAX >> 20);
	else if (status == HF_OK)
		copy = buf_ok(&filling.out) ? hf_arena_str(arena, buf_str(&filling.out)) : copy;
	buf_deinit(&filling.out);
	if (status == HF_OK && !copy.ptr)
		return error_nomem(err);
	if (status == HF_OK)
		*ret_text = copy;
	return status;
}

/* ---- the names of instances ---- */

enum hf_status names_instance(const char *set, const struct names *names, hf_arena *arena, const char **ret_name,
                              hf_error *err)
{
	struct buf out;
	buf_init(&out, 4096);
	buf_add_text(&out, set);
	for (size_t i = 0; i < names->count; i++) {
		buf_add_char(&out, i ? '.' : ':');
		if (is_plain(names->values[i]))
			buf_add(&out, names->values[i]);
		else
			identifier_add(&out, names->values[i], "", false);
	}
	struct hf_str copy = buf_ok(&out) ? hf_arena_str(arena, buf_str(&out)) : (struct hf_str){NULL, 0};
	buf_deinit(&out);
	if (!copy.ptr)
		return error_nomem(err);
	*ret_name = copy.ptr;
	return HF_OK;
}

/* One name from the front of `text` into `value`, which has room: plain, or in double quotes, doubled ones within. */
static bool cut_value(struct hf_str *text, char *value, struct hf_str *ret_value)
{
	size_t at = 0, len = 0;
	bool quoted = text->len && text->ptr[0] == '"';
	for (at = quoted; at < text->len && (quoted || text->ptr[at] != '.'); at++) {
		bool quote = quoted && text->ptr[at] == '"';
		if (quote && (at + 1 == text->len || text->ptr[at + 1] != '"'))
			break;
		at += quote;
		value[len++] = text->ptr[at];
	}
	bool closed = !quoted || at++ < text->len;
	*ret_value = (struct hf_str){value, len};
	*text = (struct hf_str){text->ptr + at, text->len - at};
	return closed && (quoted || is_plain(*ret_value));
}

enum hf_status names_parse(struct hf_str text, hf_arena *arena, struct names *ret_names, hf_error *err)
{
	struct names names = {.chosen = true};
	struct hf_str rest = text;
	char *value = hf_arena_alloc(arena, text.len + 1);
	bool fine = true;
	if (!value)
		return error_nomem(err);
	for (bool more = true; fine && more;) {
		size_t n = names.count;
		fine = n < NAMES_MAX && cut_value(&rest, value, &names.values[n]);
		value += fine ? names.values[n].len : 0;
		names.count++;
		more = fine && rest.len && rest.ptr[0] == '.';
		if (more)
			rest = (struct hf_str){rest.ptr + 1, rest.len - 1};
	}
	if (!fine || rest.len) {
		error_set(err, HF_E_USAGE, "\"%.*s\" is not a schema and a table", STR_ARG(text));
		error_hint(err, "SCHEMA.TABLE of a-z, 0-9 and _, anything else in double quotes");
		return HF_E_USAGE;
	}
	*ret_names = names;
	return HF_OK;
}
