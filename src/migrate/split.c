/*
 * split.c - statements of a script. Pure; no allocation except the array of split_all().
 */
#include "migrate/split.h"

#include "base/error.h"
#include "base/str.h"

/* Where the scanner stands inside one statement. */
struct position {
	size_t words;      /* code tokens seen, up to 4 */
	bool create;       /* CREATE ... */
	bool routine;      /* ... [OR REPLACE] FUNCTION or PROCEDURE */
	bool begin;        /* the last code token was BEGIN */
	size_t parentheses;
	size_t blocks;     /* BEGIN ATOMIC and CASE that await their END */
};

static void see_word(struct position *at, const struct token *token)
{
	if (at->words == 0)
		at->create = token_is(token, "create");
	else if (at->words < 4 && at->create && (token_is(token, "function") || token_is(token, "procedure")))
		at->routine = true;
	if (at->blocks > 0 && token_is(token, "case"))
		at->blocks++;
	else if (at->blocks > 0 && token_is(token, "end"))
		at->blocks--;
	else if (at->routine && at->begin && at->blocks == 0 && token_is(token, "atomic"))
		at->blocks = 1;
}

static void see(struct position *at, const struct token *token)
{
	if (token->kind == TOKEN_WORD)
		see_word(at, token);
	else if (token->kind == TOKEN_OPEN)
		at->parentheses++;
	else if (token->kind == TOKEN_CLOSE && at->parentheses > 0)
		at->parentheses--;
	at->begin = token_is(token, "begin");
	if (at->words < 4)
		at->words++;
}

static bool refuse(struct split *split, const struct token *token)
{
	split->problem = token->kind == TOKEN_BACKSLASH ? "a backslash outside quotes: psql commands are not SQL"
	                 : token->what[0] == 'c'        ? "comment that does not end"
	                 : token->what[0] == 'd'        ? "dollar-quoted string that does not end"
	                 : token->what[0] == 'q'        ? "quoted identifier that does not end"
	                                                : "string that does not end";
	split->problem_line = token->line;
	return false;
}

bool split_next(struct split *split, struct hf_migration_statement *ret_statement)
{
	struct position at = {0};
	struct hf_migration_statement statement = {{NULL, 0}, 0};
	for (;;) {
		struct token token = scan_next_code(&split->scan);
		if (token.kind == TOKEN_BAD || token.kind == TOKEN_BACKSLASH)
			return refuse(split, &token);
		bool ends = token.kind == TOKEN_END ||
		            (token.kind == TOKEN_SEMICOLON && at.parentheses == 0 && at.blocks == 0);
		if (ends && statement.sql.ptr) {
			*ret_statement = statement;
			return true;
		}
		if (token.kind == TOKEN_END)
			return false;
		if (ends)
			continue;
		if (!statement.sql.ptr) {
			statement.sql.ptr = token.text.ptr;
			statement.line = token.line;
		}
		statement.sql.len = (size_t)(token.text.ptr + token.text.len - statement.sql.ptr);
		see(&at, &token);
	}
}

enum hf_status split_all(struct hf_str text, uint32_t first_line, const char *file, hf_arena *arena,
                         const struct hf_migration_statement **ret_statements, size_t *ret_count, hf_error *err)
{
	struct hf_migration_statement statement;
	struct split split = split_begin(text, first_line);
	size_t count = 0;
	while (split_next(&split, &statement))
		if (++count > SPLIT_STATEMENTS_MAX)
			return error_set(err, HF_E_LIMIT, "%s: more than %d statements", file, SPLIT_STATEMENTS_MAX);
	if (split.problem)
		return error_set(err, HF_E_INPUT, "%s:%u: %s", file, split.problem_line, split.problem);
	struct hf_migration_statement *statements = hf_arena_calloc(arena, count, sizeof(*statements));
	if (!statements)
		return error_nomem(err);
	split = split_begin(text, first_line);
	for (size_t i = 0; i < count && split_next(&split, &statements[i]); i++)
		;
	*ret_statements = statements;
	*ret_count = count;
	return HF_OK;
}
