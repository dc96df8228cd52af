/*
 * lint_rules.h - between the walk over files (lint.c) and the rules (lint_rules.c).
 */
#ifndef MIGRATE_LINT_RULES_H
#define MIGRATE_LINT_RULES_H

#include "base/arena.h"
#include "holdfast/migrate.h"
#include "migrate/scan.h"

struct lint_tokens {
	const struct token *items; /* code only */
	size_t count;
};

struct lint {
	hf_arena *arena;
	const struct hf_migration *migration;
	uint32_t line;               /* of the statement */
	struct hf_str with_comments; /* the statement and what stands between it and the one before */
	struct hf_str *created;      /* tables that this file made so far, as written */
	size_t ncreated;
	struct hf_lint_finding *findings;
	size_t count;
	size_t capacity;
	bool failed;                 /* out of memory, or too many */
};

#define LINT_NONE SIZE_MAX

bool lint_word(struct lint_tokens tokens, size_t at, const char *word);
/** How many tokens at `at` spell the phrase ("set not null"); 0 = they do not. */
size_t lint_phrase(struct lint_tokens tokens, size_t at, const char *words);
/** Where the phrase stands, or LINT_NONE. */
size_t lint_find(struct lint_tokens tokens, const char *words);
/** A maybe qualified name from `*at` on; moves `*at` behind it. */
struct hf_str lint_name(struct lint_tokens tokens, size_t *at);
bool lint_is_new_table(const struct lint *lint, struct hf_str table);
/** Add a finding, unless a comment of the statement allows the rule. */
void lint_report(struct lint *lint, const char *rule, enum hf_lint_level level, const char *message, const char *hint);

/** All rules over one statement. */
void lint_rules(struct lint *lint, struct lint_tokens tokens);

#endif
