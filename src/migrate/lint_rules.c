/*
 * lint_rules.c - the rules: L locks and rewrites, C compatibility with running programs, S style that bites.
 *
 * A rule's identifier is for ever: it stands in lint:allow comments. docs/migrations.md has a line for each.
 */
#include <string.h>

#include "base/str.h"
#include "migrate/lint_rules.h"

static struct lint_tokens slice(struct lint_tokens tokens, size_t from, size_t to)
{
	return (struct lint_tokens){tokens.items + from, to - from};
}

static bool has(struct lint_tokens tokens, const char *words)
{
	return lint_find(tokens, words) != LINT_NONE;
}

static void warn(struct lint *lint, const char *rule, const char *message, const char *hint)
{
	lint_report(lint, rule, HF_LINT_WARNING, message, hint);
}

static void fail(struct lint *lint, const char *rule, const char *message, const char *hint)
{
	lint_report(lint, rule, HF_LINT_ERROR, message, hint);
}

/* ---- actions of ALTER TABLE ---- */

static void rule_new_column(struct lint *lint, struct lint_tokens action)
{
	static const char *const volatiles[] = {"random", "gen_random_uuid", "clock_timestamp", "uuid_generate_v4",
	                                        "nextval", "timeofday", "serial", "bigserial", "smallserial"};
	bool filled = has(action, "default") || has(action, "generated");
	if (has(action, "not null") && !filled)
		fail(lint, "L01", "a NOT NULL column without a default cannot be added to a table that has rows",
		     "give it a default, or add it nullable, fill it in batches, then set NOT NULL");
	for (size_t i = 0; i < ARRAY_LEN(volatiles); i++)
		if (has(action, volatiles[i])) {
			warn(lint, "L02", "a default that differs by row rewrites the table under an exclusive lock",
			     "add the column without default, fill it in batches, then set the default");
			break;
		}
	if (has(action, "stored"))
		warn(lint, "L17", "a stored generated column rewrites the table under an exclusive lock",
		     "add a plain column, fill it in batches and keep it by a trigger");
}

static void rule_new_constraint(struct lint *lint, struct lint_tokens action)
{
	bool valid = !has(action, "not valid");
	if ((has(action, "foreign key") || has(action, "check") || has(action, "references")) && valid)
		warn(lint, "L05", "the constraint is checked against every row while writers wait",
		     "add it NOT VALID, and VALIDATE CONSTRAINT in a migration of its own");
	if ((has(action, "unique") || has(action, "primary key")) && !has(action, "using index"))
		warn(lint, "L07", "the index is built while writers wait",
		     "CREATE UNIQUE INDEX CONCURRENTLY in a tx=no migration, then ADD CONSTRAINT ... USING INDEX");
}

static bool adds_constraint(struct lint_tokens action)
{
	static const char *const words[] = {"constraint", "foreign", "check", "unique", "primary", "exclude"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (lint_word(action, 1, words[i]))
			return true;
	return false;
}

static void rule_drop(struct lint *lint, struct lint_tokens action)
{
	if (lint_word(action, 1, "constraint") || lint->migration->phase == HF_PHASE_CONTRACT)
		return;
	warn(lint, "C01", "programs that still use the column fail from now on",
	     "drop it one release later, in a migration with phase=contract");
}

static void rule_alter_column(struct lint *lint, struct lint_tokens action)
{
	if (has(action, "set data type") || has(action, "type"))
		warn(lint, "L03", "a change of type may rewrite the table and its indexes under an exclusive lock",
		     "widening varchar or numeric, and varchar to text, are free; else add a new column");
	if (has(action, "set not null"))
		warn(lint, "L04", "the whole table is read under an exclusive lock",
		     "add CHECK (column IS NOT NULL) NOT VALID and validate it first: then the scan is left out");
	if (has(action, "drop not null"))
		warn(lint, "C04", "programs that read the column as never null fail on the first one",
		     "regenerate the queries first");
}

static void rule_action(struct lint *lint, struct lint_tokens action, bool new_table)
{
	if (lint_word(action, 0, "rename") && lint->migration->phase != HF_PHASE_CONTRACT)
		warn(lint, "C02", "programs that use the old name fail from now on",
		     "add the new name beside the old one; rename in a migration with phase=contract");
	if (lint_word(action, 0, "detach") && !has(action, "concurrently") && !has(action, "finalize"))
		warn(lint, "L10", "detaching a partition locks the parent exclusively",
		     "DETACH ... CONCURRENTLY with tx=no");
	if (new_table)
		return;
	if (lint_word(action, 0, "add") && adds_constraint(action))
		rule_new_constraint(lint, action);
	else if (lint_word(action, 0, "add"))
		rule_new_column(lint, action);
	else if (lint_word(action, 0, "drop"))
		rule_drop(lint, action);
	else if (lint_word(action, 0, "alter"))
		rule_alter_column(lint, action);
}

static void rule_alter_table(struct lint *lint, struct lint_tokens tokens)
{
	size_t at = 2, depth = 0;
	at += lint_phrase(tokens, at, "if exists");
	at += lint_phrase(tokens, at, "only");
	bool new_table = lint_is_new_table(lint, lint_name(tokens, &at));
	for (size_t from = at; at <= tokens.count; at++) {
		enum token_kind kind = at < tokens.count ? tokens.items[at].kind : TOKEN_END;
		depth += kind == TOKEN_OPEN;
		depth -= kind == TOKEN_CLOSE && depth > 0;
		if (kind != TOKEN_END && (kind != TOKEN_COMMA || depth > 0))
			continue;
		rule_action(lint, slice(tokens, from, at), new_table);
		from = at + 1;
	}
}

/* VALIDATE holds a weaker lock, but in the transaction of the ADD the strong one is still held. */
static void rule_validate(struct lint *lint, struct lint_tokens tokens)
{
	size_t at = lint_find(tokens, "validate constraint");
	if (at == LINT_NONE || !lint->migration->tx)
		return;
	struct hf_str before = {lint->migration->up.ptr, (size_t)(tokens.items[0].text.ptr - lint->migration->up.ptr)};
	struct scan scan = scan_begin(before, 1);
	bool not_before = false;
	for (struct token token = scan_next_code(&scan); token.kind != TOKEN_END; token = scan_next_code(&scan)) {
		if (not_before && token_is(&token, "valid")) {
			warn(lint, "L06", "validated in the transaction that added it: its strong lock is still held",
			     "validate in a migration of its own");
			return;
		}
		not_before = token_is(&token, "not");
	}
}

/* ---- other statements ---- */

static void rule_create_index(struct lint *lint, struct lint_tokens tokens)
{
	size_t at = lint_find(tokens, "on");
	if (at == LINT_NONE || has(tokens, "concurrently"))
		return;
	at++;
	at += lint_phrase(tokens, at, "only");
	if (!lint_is_new_table(lint, lint_name(tokens, &at)))
		warn(lint, "L08", "writers wait while the index is built",
		     "CREATE INDEX CONCURRENTLY in a file of its own with \"-- migrate: tx=no\"");
}

static void rule_create(struct lint *lint, struct lint_tokens tokens)
{
	if (lint_word(tokens, 1, "index") || lint_phrase(tokens, 1, "unique index"))
		rule_create_index(lint, tokens);
	size_t on = lint_find(tokens, "on");
	bool trigger = lint_word(tokens, 1, "trigger") || lint_phrase(tokens, 1, "or replace trigger") ||
	               lint_phrase(tokens, 1, "constraint trigger");
	if (trigger && on != LINT_NONE) {
		on++;
		if (!lint_is_new_table(lint, lint_name(tokens, &on)))
			warn(lint, "L17", "a new trigger slows every write of a table in use and waits for its writers",
			     "measure its cost first");
	}
	if (has(tokens, "security definer") && !has(tokens, "search_path"))
		fail(lint, "S13", "SECURITY DEFINER without a fixed search_path lets callers substitute what it calls",
		     "SET search_path = pg_catalog, pg_temp in the function's definition");
}

static void rule_drop_object(struct lint *lint, struct lint_tokens tokens)
{
	bool contract = lint->migration->phase == HF_PHASE_CONTRACT;
	if (lint_word(tokens, 1, "index") && !has(tokens, "concurrently"))
		warn(lint, "L10", "dropping an index waits for all readers of its table, and they for it",
		     "DROP INDEX CONCURRENTLY with \"-- migrate: tx=no\"");
	if ((lint_word(tokens, 1, "table") || lint_word(tokens, 1, "view")) && !contract)
		warn(lint, "C01", "programs that still use it fail from now on",
		     "drop it one release later, in a migration with phase=contract");
}

static void rule_maintenance(struct lint *lint, struct lint_tokens tokens)
{
	if ((lint_word(tokens, 0, "vacuum") && has(tokens, "full")) || lint_word(tokens, 0, "cluster"))
		warn(lint, "L13", "rewrites the table while nobody can read it", "plain VACUUM, or a planned pause");
	if (lint_word(tokens, 0, "reindex") && !has(tokens, "concurrently"))
		warn(lint, "L10", "writers wait while the index is built", "REINDEX ... CONCURRENTLY with tx=no");
	if (lint_word(tokens, 0, "truncate") && has(tokens, "cascade"))
		fail(lint, "S07", "TRUNCATE ... CASCADE empties every table that refers to it", "name the tables");
}

static void rule_bulk_write(struct lint *lint, struct lint_tokens tokens)
{
	size_t at = lint_word(tokens, 0, "update") ? 1 : lint_phrase(tokens, 0, "delete from");
	if (at == 0 || has(tokens, "where"))
		return;
	at += lint_phrase(tokens, at, "only");
	if (!lint_is_new_table(lint, lint_name(tokens, &at)))
		warn(lint, "L15", "every row is written in one transaction: long locks, and the table doubles in size",
		     "write in batches of some thousand rows, in a tx=no migration");
}

static void rule_types(struct lint *lint, struct lint_tokens tokens)
{
	bool table = lint_phrase(tokens, 0, "create table") || lint_phrase(tokens, 0, "alter table");
	if (!table)
		return;
	if (has(tokens, "serial") || has(tokens, "bigserial") || has(tokens, "smallserial"))
		warn(lint, "S02", "serial leaves the sequence's privileges and its owner to chance",
		     "GENERATED ALWAYS AS IDENTITY");
	if (has(tokens, "money"))
		warn(lint, "S10", "type money depends on the locale of the session", "numeric");
	for (size_t i = 1; i + 1 < tokens.count; i++)
		if ((lint_word(tokens, i, "char") || lint_word(tokens, i, "character")) &&
		    tokens.items[i + 1].kind == TOKEN_OPEN) {
			warn(lint, "S04", "char(n) pads with blanks", "text with a CHECK");
			break;
		}
}

void lint_rules(struct lint *lint, struct lint_tokens tokens)
{
	if (lint_phrase(tokens, 0, "alter table")) {
		rule_alter_table(lint, tokens);
		rule_validate(lint, tokens);
	} else if (lint_word(tokens, 0, "create")) {
		rule_create(lint, tokens);
	} else if (lint_word(tokens, 0, "drop")) {
		rule_drop_object(lint, tokens);
	}
	rule_maintenance(lint, tokens);
	rule_bulk_write(lint, tokens);
	rule_types(lint, tokens);
}
