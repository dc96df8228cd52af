/*
 * classify.c - what the words of a statement tell about transactions, and the names in index statements.
 *
 * Works on tokens, not on a parse: the statements that matter begin with fixed words. A statement that only looks
 * ordinary is refused by the server inside a transaction (25001), so a miss is an error, never damage.
 */
#include <string.h>

#include "base/str.h"
#include "migrate/split.h"

/* Any code word of the statement at parenthesis depth 0. */
static bool has_word(struct hf_str statement, const char *word)
{
	struct scan scan = scan_begin(statement, 1);
	size_t depth = 0;
	for (struct token token = scan_next_code(&scan); token.kind != TOKEN_END; token = scan_next_code(&scan)) {
		if (token.kind == TOKEN_OPEN)
			depth++;
		else if (token.kind == TOKEN_CLOSE && depth > 0)
			depth--;
		else if (depth == 0 && token_is(&token, word))
			return true;
	}
	return false;
}

/* The word COMMIT or ROLLBACK in the body of a DO, which stands in a string. */
static bool body_commits(struct hf_str statement)
{
	struct scan scan = scan_begin(statement, 1);
	for (struct token token = scan_next_code(&scan); token.kind != TOKEN_END; token = scan_next_code(&scan)) {
		if (token.kind != TOKEN_STRING || token.text.len < 2 || token.text.ptr[0] != '$')
			continue;
		ptrdiff_t tag = str_find((struct hf_str){token.text.ptr + 1, token.text.len - 1}, '$');
		size_t edge = (size_t)tag + 2;
		if (tag < 0 || token.text.len < 2 * edge)
			continue;
		struct hf_str body = {token.text.ptr + edge, token.text.len - 2 * edge};
		if (has_word(body, "commit") || has_word(body, "rollback"))
			return true;
	}
	return false;
}

static enum statement_class classify_index(const struct token *second, struct hf_str statement, bool create)
{
	bool unique = create && token_is(second, "unique");
	if (!unique && !token_is(second, "index"))
		return STATEMENT_ORDINARY;
	if (!has_word(statement, "concurrently"))
		return STATEMENT_ORDINARY;
	return create ? STATEMENT_CREATE_INDEX : STATEMENT_DROP_INDEX;
}

static bool is_any(const struct token *token, const char *const *words)
{
	for (; *words; words++)
		if (token_is(token, *words))
			return true;
	return false;
}

static enum statement_class classify_ddl(const struct token *first, const struct token *second, struct hf_str statement)
{
	static const char *const cluster_wide[] = {"database", "tablespace", "subscription", NULL};
	if (is_any(second, cluster_wide) && (!token_is(first, "alter") || !token_is(second, "tablespace")))
		return token_is(first, "alter") && token_is(second, "database") && !has_word(statement, "tablespace")
		               ? STATEMENT_ORDINARY
		               : STATEMENT_OPAQUE;
	if (token_is(first, "alter") && token_is(second, "system"))
		return STATEMENT_REPEATABLE;
	if (token_is(first, "alter"))
		return token_is(second, "table") && has_word(statement, "detach") &&
		                       (has_word(statement, "concurrently") || has_word(statement, "finalize"))
		               ? STATEMENT_DETACH
		               : STATEMENT_ORDINARY;
	return classify_index(second, statement, token_is(first, "create"));
}

static enum statement_class classify_control(const struct token *first, const struct token *second,
                                             struct hf_str statement)
{
	static const char *const control[] = {"begin", "start", "commit", "end", "abort", NULL};
	if (is_any(first, control))
		return STATEMENT_CONTROLS;
	if (token_is(first, "rollback") && !has_word(statement, "to"))
		return STATEMENT_CONTROLS;
	if (token_is(first, "prepare") && token_is(second, "transaction"))
		return STATEMENT_CONTROLS;
	return STATEMENT_ORDINARY;
}

static bool reindex_needs_none(const struct token *second, struct hf_str statement)
{
	static const char *const whole[] = {"schema", "database", "system", NULL};
	return is_any(second, whole) || second->kind == TOKEN_OPEN || has_word(statement, "concurrently");
}

enum statement_class split_classify(struct hf_str statement)
{
	static const char *const ddl[] = {"create", "drop", "alter", NULL};
	struct scan scan = scan_begin(statement, 1);
	struct token first = scan_next_code(&scan);
	struct token second = scan_next_code(&scan);
	if (is_any(&first, ddl))
		return classify_ddl(&first, &second, statement);
	if (token_is(&first, "vacuum") || (token_is(&first, "cluster") && second.kind == TOKEN_END))
		return STATEMENT_REPEATABLE;
	if (token_is(&first, "reindex") && reindex_needs_none(&second, statement))
		return STATEMENT_REINDEX;
	if (token_is(&first, "call") || (token_is(&first, "do") && body_commits(statement)))
		return STATEMENT_OPAQUE;
	if (token_is(&first, "copy") && has_word(statement, "stdin"))
		return STATEMENT_COPY;
	return classify_control(&first, &second, statement);
}

/* Reads name[.name...] from `token` on; leaves `token` behind it. */
static struct hf_str read_name(struct scan *scan, struct token *token)
{
	struct hf_str name = {token->text.ptr, 0};
	while (token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED) {
		name.len = (size_t)(token->text.ptr + token->text.len - name.ptr);
		*token = scan_next_code(scan);
		if (token->kind != TOKEN_OTHER || token->text.ptr[0] != '.')
			break;
		*token = scan_next_code(scan);
	}
	return name.len ? name : (struct hf_str){NULL, 0};
}

static bool skip_word(struct scan *scan, struct token *token, const char *word)
{
	if (!token_is(token, word))
		return false;
	*token = scan_next_code(scan);
	return true;
}

static bool skip_if_exists(struct scan *scan, struct token *token)
{
	if (!skip_word(scan, token, "if"))
		return false;
	skip_word(scan, token, "not");
	skip_word(scan, token, "exists");
	return true;
}

/* CREATE [UNIQUE] INDEX CONCURRENTLY [IF NOT EXISTS] [name] ON [ONLY] table */
static struct statement_names index_names(struct scan *scan, struct token token)
{
	struct statement_names names = {0};
	names.if_not_exists = skip_if_exists(scan, &token);
	if (!token_is(&token, "on"))
		names.index = read_name(scan, &token);
	if (skip_word(scan, &token, "on")) {
		skip_word(scan, &token, "only");
		names.table = read_name(scan, &token);
	}
	return names;
}

/* ALTER TABLE [IF EXISTS] [ONLY] parent DETACH PARTITION child */
static struct statement_names detach_names(struct scan *scan, struct token token)
{
	struct statement_names names = {0};
	skip_if_exists(scan, &token);
	skip_word(scan, &token, "only");
	names.table = read_name(scan, &token);
	if (skip_word(scan, &token, "detach") && skip_word(scan, &token, "partition"))
		names.index = read_name(scan, &token);
	return names;
}

struct statement_names split_names(struct hf_str statement)
{
	struct scan scan = scan_begin(statement, 1);
	struct token first = scan_next_code(&scan);
	struct token token = scan_next_code(&scan);
	skip_word(&scan, &token, "unique");
	if (skip_word(&scan, &token, "table")) {
		if (token_is(&first, "alter"))
			return detach_names(&scan, token);
		skip_word(&scan, &token, "concurrently");
		return (struct statement_names){.table = read_name(&scan, &token)};
	}
	skip_word(&scan, &token, "index");
	skip_word(&scan, &token, "concurrently");
	if (token_is(&first, "create"))
		return index_names(&scan, token);
	struct statement_names names = {.if_not_exists = skip_if_exists(&scan, &token)};
	names.index = read_name(&scan, &token);
	return names;
}
