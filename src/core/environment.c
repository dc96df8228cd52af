/*
 * environment.c - see environment.h.
 */
#include "core/environment.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "core/shellword.h"

/* ---- before a command ---- */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cuts words off. `out`: where the next unquoted byte goes; a command is never longer unquoted. */
struct words {
	struct hf_str rest;
	char *out;
};

static void skip(struct words *words, size_t n)
{
	words->rest.ptr += n;
	words->rest.len -= n;
}

static void give(struct words *words)
{
	*words->out++ = words->rest.ptr[0];
	skip(words, 1);
}

/* Behind a backslash. In double quotes it escapes itself and the quote alone, else it stands for itself. */
static enum env_fault escaped(struct words *words, bool quoted)
{
	skip(words, 1);
	if (words->rest.len == 0)
		return ENV_OPEN_ESCAPE;
	if (quoted && words->rest.ptr[0] != '"' && words->rest.ptr[0] != '\\')
		*words->out++ = '\\';
	give(words);
	return ENV_FINE;
}

static enum env_fault quotation(struct words *words)
{
	const char quote = words->rest.ptr[0];
	enum env_fault fault = ENV_FINE;
	skip(words, 1);
	while (fault == ENV_FINE && words->rest.len > 0 && words->rest.ptr[0] != quote) {
		if (quote == '"' && words->rest.ptr[0] == '\\')
			fault = escaped(words, true);
		else
			give(words);
	}
	if (fault == ENV_FINE && words->rest.len == 0)
		return ENV_OPEN_QUOTE;
	skip(words, fault == ENV_FINE);
	return fault;
}

/* False: there is no other word, or a fault. */
static bool next_word(struct words *words, struct hf_str *ret_word, enum env_fault *ret_fault)
{
	while (words->rest.len > 0 && blank(words->rest.ptr[0]))
		skip(words, 1);
	if (words->rest.len == 0)
		return false;
	char *begin = words->out;
	while (*ret_fault == ENV_FINE && words->rest.len > 0 && !blank(words->rest.ptr[0])) {
		if (words->rest.ptr[0] == '\'' || words->rest.ptr[0] == '"')
			*ret_fault = quotation(words);
		else if (words->rest.ptr[0] == '\\')
			*ret_fault = escaped(words, false);
		else
			give(words);
	}
	*ret_word = (struct hf_str){begin, (size_t)(words->out - begin)};
	return *ret_fault == ENV_FINE;
}

/* vars[0..n) with the assignment; how many there are then. */
static size_t assign(struct env_var *vars, size_t n, struct hf_str word, size_t equals)
{
	const struct hf_str name = {word.ptr, equals}, value = {word.ptr + equals + 1, word.len - equals - 1};
	size_t i = 0;
	while (i < n && !str_eq(vars[i].name, name))
		i++;
	vars[i] = (struct env_var){name, value};
	return i == n ? n + 1 : n;
}

enum env_fault env_split(struct hf_str command, hf_arena *arena, struct env_command *ret_command)
{
	struct words words = {.rest = command, .out = hf_arena_alloc(arena, command.len + 1)};
	struct env_var *vars = hf_arena_calloc(arena, command.len / 2 + 1, sizeof(*vars));
	struct env_command found = {.vars = vars};
	enum env_fault fault = ENV_FINE;
	struct buf again;
	struct hf_str word;
	bool leading = true;
	if (!words.out || !vars)
		return ENV_NO_MEMORY;
	buf_init(&again, command.len * 5 + 3);
	while (next_word(&words, &word, &fault)) {
		const ptrdiff_t equals = str_find(word, '=');
		leading = leading && equals >= 0;
		if (leading) {
			found.nvars = assign(vars, found.nvars, word, (size_t)equals);
			continue;
		}
		if (buf_str(&again).len > 0)
			buf_add_char(&again, ' ');
		shellword_add(&again, word);
	}
	found.command = hf_arena_str(arena, buf_str(&again));
	if (fault == ENV_FINE && (!buf_ok(&again) || !found.command.ptr))
		fault = ENV_NO_MEMORY;
	buf_deinit(&again);
	if (fault == ENV_FINE)
		*ret_command = found;
	return fault;
}

/* ---- who commits ---- */

static bool word_char(char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	return letter || c == '_' || (unsigned char)c >= 0x80;
}

static bool space_char(char c)
{
	return blank(c) || c == '\v' || c == '\f' || (c >= 0x1c && c <= 0x1f);
}

static size_t run_of(struct hf_str text, size_t at, bool local)
{
	const struct hf_str more = local ? HF_STR("+.-[]") : HF_STR("+.-");
	size_t n = 0;
	while (at + n < text.len && (word_char(text.ptr[at + n]) || str_find(more, text.ptr[at + n]) >= 0))
		n++;
	return n;
}

/* The address that stands here, behind spaces and an angle bracket; {NULL, 0}: none does. */
static struct hf_str address_at(struct hf_str text, size_t at)
{
	while (at < text.len && space_char(text.ptr[at]))
		at++;
	at += at < text.len && text.ptr[at] == '<';
	const size_t local = run_of(text, at, true);
	if (local == 0 || at + local >= text.len || text.ptr[at + local] != '@')
		return (struct hf_str){NULL, 0};
	const size_t domain = run_of(text, at + local + 1, false);
	return domain > 0 ? (struct hf_str){text.ptr + at, local + 1 + domain} : (struct hf_str){NULL, 0};
}

/* The name is the shortest text of one line that an address stands behind. */
static void name_and_address(struct hf_str committer, struct hf_str *ret_name, struct hf_str *ret_address)
{
	*ret_name = committer;
	*ret_address = (struct hf_str){NULL, 0};
	for (size_t i = 0; i < committer.len; i++) {
		const struct hf_str address = address_at(committer, i);
		if (address.ptr) {
			*ret_name = (struct hf_str){committer.ptr, i};
			*ret_address = address;
			return;
		}
		if (committer.ptr[i] == '\n')
			return;
	}
}

size_t env_committer(struct hf_str committer, struct env_var ret_vars[ENV_COMMITTER_MAX])
{
	struct hf_str name, address;
	size_t n = 0;
	if (!committer.ptr)
		return 0;
	name_and_address(committer, &name, &address);
	const struct env_var all[ENV_COMMITTER_MAX] = {
		{HF_STR("DEBFULLNAME"), name},
		{HF_STR("GIT_COMMITTER_NAME"), name},
		{HF_STR("GIT_AUTHOR_NAME"), name},
		{HF_STR("DEBEMAIL"), address},
		{HF_STR("GIT_COMMITTER_EMAIL"), address},
		{HF_STR("GIT_AUTHOR_EMAIL"), address},
		{HF_STR("EMAIL"), address},
		{HF_STR("COMMITTER"), committer},
		{HF_STR("BRZ_EMAIL"), committer},
	};
	for (size_t i = 0; i < ENV_COMMITTER_MAX; i++)
		if (all[i].value.len > 0 || i >= ENV_COMMITTER_MAX - 2)
			ret_vars[n++] = all[i];
	return n;
}
