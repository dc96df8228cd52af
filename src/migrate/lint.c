/*
 * lint.c - statements that hurt a database that is in use: hf_migrations_lint().
 *
 * Works on tokens: it knows the words of the statements it warns of, not their grammar. What it does not recognise
 * it lets pass. A table that the same file created has no readers yet, so the rules about locks leave it alone.
 */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/str.h"
#include "migrate/lint_rules.h"
#include "migrate/set.h"

enum { TOKENS_MAX = 1 << 20, FINDINGS_MAX = 10000, NAME_BYTES_MAX = 63 };

/* ---- one statement's tokens ---- */

static enum hf_status read_tokens(struct hf_str sql, uint32_t line, hf_arena *arena, struct lint_tokens *ret_tokens,
                                  hf_error *err)
{
	struct scan scan = scan_begin(sql, line);
	size_t count = 0;
	while (scan_next_code(&scan).kind != TOKEN_END)
		if (++count > TOKENS_MAX)
			return error_set(err, HF_E_LIMIT, "a statement of more than %d tokens", TOKENS_MAX);
	struct token *tokens = hf_arena_calloc(arena, count, sizeof(*tokens));
	if (!tokens)
		return error_nomem(err);
	scan = scan_begin(sql, line);
	for (size_t i = 0; i < count; i++)
		tokens[i] = scan_next_code(&scan);
	*ret_tokens = (struct lint_tokens){tokens, count};
	return HF_OK;
}

bool lint_word(struct lint_tokens tokens, size_t at, const char *word)
{
	return at < tokens.count && token_is(&tokens.items[at], word);
}

size_t lint_find(struct lint_tokens tokens, const char *words)
{
	for (size_t at = 0; at < tokens.count; at++)
		if (lint_phrase(tokens, at, words))
			return at;
	return LINT_NONE;
}

/* `words`: lower-case words with one blank between. Answers how many stand at `at`; 0 = others. */
size_t lint_phrase(struct lint_tokens tokens, size_t at, const char *words)
{
	struct hf_str rest = hf_str_of(words), word;
	size_t n = 0;
	while (str_split(&rest, ' ', &word)) {
		char copy[32];
		snprintf(copy, sizeof(copy), "%.*s", STR_ARG(word));
		if (!lint_word(tokens, at + n, copy))
			return 0;
		n++;
	}
	return n;
}

struct hf_str lint_name(struct lint_tokens tokens, size_t *at)
{
	struct hf_str name = {NULL, 0};
	while (*at < tokens.count &&
	       (tokens.items[*at].kind == TOKEN_WORD || tokens.items[*at].kind == TOKEN_QUOTED)) {
		const struct hf_str text = tokens.items[(*at)++].text;
		name = name.ptr ? (struct hf_str){name.ptr, (size_t)(text.ptr + text.len - name.ptr)} : text;
		if (*at >= tokens.count || !str_eq(tokens.items[*at].text, HF_STR(".")))
			break;
		(*at)++;
	}
	return name;
}

/* ---- silencing ---- */

/* "lint:allow L08 "reason"" in a comment; the reason is what makes it count. */
static bool comment_allows(struct hf_str comment, const char *rule)
{
	ptrdiff_t at = str_find_str(comment, HF_STR("lint:allow"));
	if (at < 0)
		return false;
	struct hf_str rest = {comment.ptr + at + 10, comment.len - (size_t)at - 10};
	rest = str_trim(rest);
	if (!str_starts(rest, hf_str_of(rule)))
		return false;
	ptrdiff_t open = str_find(rest, '"');
	if (open < 0)
		return false;
	struct hf_str reason = {rest.ptr + open + 1, rest.len - (size_t)open - 1};
	return str_find(reason, '"') > 0;
}

static bool is_allowed(const struct lint *lint, const char *rule)
{
	struct scan scan = scan_begin(lint->with_comments, 1);
	for (struct token token = scan_next(&scan); token.kind != TOKEN_END; token = scan_next(&scan))
		if (token.kind == TOKEN_COMMENT && comment_allows(token.text, rule))
			return true;
	return false;
}

/* ---- findings ---- */

void lint_report(struct lint *lint, const char *rule, enum hf_lint_level level, const char *message, const char *hint)
{
	if (lint->failed || is_allowed(lint, rule))
		return;
	if (lint->count == lint->capacity) {
		size_t capacity = lint->capacity ? 2 * lint->capacity : 32;
		struct hf_lint_finding *findings = hf_arena_calloc(lint->arena, capacity, sizeof(*findings));
		lint->failed = !findings || lint->count >= FINDINGS_MAX;
		if (lint->failed)
			return;
		if (lint->count)
			memcpy(findings, lint->findings, lint->count * sizeof(*findings));
		lint->findings = findings;
		lint->capacity = capacity;
	}
	lint->findings[lint->count++] =
	        (struct hf_lint_finding){rule, level, lint->migration, lint->line, message, hint};
}

bool lint_is_new_table(const struct lint *lint, struct hf_str table)
{
	for (size_t i = 0; i < lint->ncreated; i++)
		if (lint->created[i].len == table.len && strncasecmp(lint->created[i].ptr, table.ptr, table.len) == 0)
			return true;
	return false;
}

/* CREATE [TEMP|TEMPORARY|UNLOGGED] TABLE|MATERIALIZED VIEW [IF NOT EXISTS] name */
static void note_created(struct lint *lint, struct lint_tokens tokens)
{
	size_t at = 1;
	if (!lint_word(tokens, 0, "create"))
		return;
	while (lint_word(tokens, at, "temp") || lint_word(tokens, at, "temporary") ||
	       lint_word(tokens, at, "unlogged") || lint_word(tokens, at, "materialized"))
		at++;
	if (!lint_word(tokens, at, "table") && !lint_word(tokens, at, "view"))
		return;
	at++;
	at += lint_phrase(tokens, at, "if not exists");
	lint->created[lint->ncreated++] = lint_name(tokens, &at);
}

static void check_names(struct lint *lint, struct lint_tokens tokens)
{
	for (size_t i = 0; i < tokens.count; i++) {
		const struct token *token = &tokens.items[i];
		size_t quotes = token->kind == TOKEN_QUOTED ? 2 : 0;
		if ((token->kind == TOKEN_WORD || quotes) && token->text.len > NAME_BYTES_MAX + quotes)
			lint_report(lint, "S05", HF_LINT_ERROR, "a name longer than 63 bytes: the server cuts it",
			            "choose a shorter name");
	}
}

static enum hf_status lint_statement(struct lint *lint, const struct hf_migration_statement *statement, hf_error *err)
{
	struct lint_tokens tokens;
	enum hf_status status = read_tokens(statement->sql, statement->line, lint->arena, &tokens, err);
	if (status != HF_OK)
		return status;
	lint->line = statement->line;
	note_created(lint, tokens);
	check_names(lint, tokens);
	lint_rules(lint, tokens);
	return HF_OK;
}

static enum hf_status lint_migration(struct lint *lint, hf_error *err)
{
	const struct hf_migration *migration = lint->migration;
	const char *from = migration->up.ptr;
	lint->ncreated = 0;
	lint->created = hf_arena_calloc(lint->arena, migration->nstatements, sizeof(*lint->created));
	if (!lint->created)
		return error_nomem(err);
	for (size_t i = 0; i < migration->nstatements; i++) {
		const struct hf_migration_statement *statement = &migration->statements[i];
		const char *end = statement->sql.ptr + statement->sql.len;
		lint->with_comments = (struct hf_str){from, (size_t)(end - from)};
		enum hf_status status = lint_statement(lint, statement, err);
		if (status != HF_OK)
			return status;
		from = end;
	}
	return HF_OK;
}

enum hf_status hf_migrations_lint(const hf_migrations *set, hf_arena *arena,
                                  const struct hf_lint_finding **ret_findings, size_t *ret_count, hf_error *err)
{
	struct lint lint = {.arena = arena};
	for (size_t i = 0; i < set->count; i++) {
		lint.migration = &set->migrations[i];
		enum hf_status status = lint_migration(&lint, err);
		if (status != HF_OK)
			return status;
	}
	if (lint.failed)
		return error_nomem(err);
	*ret_findings = lint.findings;
	*ret_count = lint.count;
	return HF_OK;
}
