/*
 * file.c - reading a migration file. Section marks are comments of their own line, found by the scanner: the same
 * words inside a function body or a string are not marks.
 */
#include "migrate/file.h"

#include <string.h>

#include "base/error.h"
#include "base/quantity.h"
#include "base/str.h"
#include "migrate/digest.h"
#include "migrate/needs.h"
#include "migrate/split.h"

enum section { SECTION_HEAD = 0, SECTION_UP, SECTION_VERIFY, SECTION_DOWN, SECTION_COUNT };
static const char *const section_words[] = {"", "up", "verify", "down"};

struct reading {
	const char *file;
	bool bare;
	struct hf_str text; /* LF line ends, in the arena */
	struct hf_str sections[SECTION_COUNT];
	uint32_t lines[SECTION_COUNT]; /* first line of each */
	struct hf_str directive;       /* behind "migrate:"; ptr NULL without one */
	uint32_t directive_line;
	struct hf_str depends;
	struct names *names;
	size_t ndeclared;
};

static struct hf_str comment_body(const struct token *token)
{
	return str_trim((struct hf_str){token->text.ptr + 2, token->text.len - 2});
}

static bool is_line_comment(const struct reading *reading, const struct token *token)
{
	return token->kind == TOKEN_COMMENT && token->text.ptr[0] == '-' &&
	       (token->at == 0 || reading->text.ptr[token->at - 1] == '\n');
}

/* The section that a mark begins; SECTION_HEAD when the token is no mark. */
static enum section section_of(const struct reading *reading, const struct token *token)
{
	if (!is_line_comment(reading, token))
		return SECTION_HEAD;
	struct hf_str body = comment_body(token);
	for (int i = SECTION_UP; i < SECTION_COUNT; i++)
		if (str_eq(body, hf_str_of(section_words[i])))
			return (enum section)i;
	return SECTION_HEAD;
}

static enum hf_status take_identifier(struct reading *reading, struct hf_str line, uint32_t number, hf_error *err)
{
	if (names_declare(reading->names, &reading->ndeclared, line))
		return HF_OK;
	error_set(err, HF_E_INPUT, "%s:%u: not an identifier, or one too many, or of a name that stands twice",
	          reading->file, number);
	error_hint(err, "-- identifier: entries = state_entries");
	return HF_E_INPUT;
}

static enum hf_status take_directive(struct reading *reading, const struct token *token, hf_error *err)
{
	struct hf_str body = comment_body(token), identifier = HF_STR("identifier:");
	if (str_starts(body, identifier))
		return take_identifier(reading, (struct hf_str){body.ptr + identifier.len, body.len - identifier.len},
		                       token->line, err);
	if (!str_starts(body, HF_STR("migrate:")))
		return HF_OK;
	if (reading->directive.ptr)
		return error_set(err, HF_E_INPUT, "%s:%u: a second \"-- migrate:\" line", reading->file, token->line);
	reading->directive = str_trim((struct hf_str){body.ptr + 8, body.len - 8});
	reading->directive_line = token->line;
	return HF_OK;
}

static enum hf_status see_head(struct reading *reading, const struct token *token, hf_error *err)
{
	if (token->kind == TOKEN_SPACE)
		return HF_OK;
	if (is_line_comment(reading, token))
		return take_directive(reading, token, err);
	if (token->kind == TOKEN_COMMENT)
		return HF_OK;
	return error_set(err, HF_E_INPUT, "%s:%u: SQL before the line \"-- up\"", reading->file, token->line);
}

/* A bare file without the mark: the head is its leading comments, and all of it is the way up. */
static enum hf_status begin_bare(struct reading *reading, enum section *ret_current, hf_error *err)
{
	struct scan scan = scan_begin(reading->text, 1);
	struct token token = scan_next(&scan);
	for (; token.kind != TOKEN_END; token = scan_next(&scan))
		if (section_of(reading, &token) == SECTION_UP)
			return HF_OK;
	enum hf_status status = HF_OK;
	scan = scan_begin(reading->text, 1);
	for (token = scan_next(&scan); status == HF_OK && (token.kind == TOKEN_SPACE || token.kind == TOKEN_COMMENT);
	     token = scan_next(&scan))
		status = see_head(reading, &token, err);
	reading->sections[SECTION_UP].ptr = reading->text.ptr;
	reading->lines[SECTION_UP] = 1;
	*ret_current = SECTION_UP;
	return status;
}

static enum hf_status find_sections(struct reading *reading, hf_error *err)
{
	struct scan scan = scan_begin(reading->text, 1);
	enum section current = SECTION_HEAD;
	enum hf_status begun_bare = reading->bare ? begin_bare(reading, &current, err) : HF_OK;
	if (begun_bare != HF_OK)
		return begun_bare;
	for (struct token token = scan_next(&scan); token.kind != TOKEN_END; token = scan_next(&scan)) {
		enum section begun = section_of(reading, &token);
		enum hf_status status = HF_OK;
		if (begun == SECTION_HEAD) {
			if (current == SECTION_HEAD)
				status = see_head(reading, &token, err);
			if (status != HF_OK)
				return status;
			continue;
		}
		if (begun < current || begun == current)
			return error_set(err, HF_E_INPUT,
			                 "%s:%u: section \"-- %s\" is out of place; the order is up, verify, down",
			                 reading->file, token.line, section_words[begun]);
		if (current != SECTION_HEAD)
			reading->sections[current].len = (size_t)(token.text.ptr - reading->sections[current].ptr);
		current = begun;
		reading->sections[current].ptr = token.text.ptr + token.text.len;
		reading->lines[current] = token.line;
	}
	if (current != SECTION_HEAD)
		reading->sections[current].len =
			(size_t)(reading->text.ptr + reading->text.len - reading->sections[current].ptr);
	if (!reading->sections[SECTION_UP].ptr)
		return error_set(err, HF_E_INPUT, "%s: no line \"-- up\"", reading->file);
	return HF_OK;
}

/* The house's durations, and "min" for "m" as the server spells minutes. */
bool file_duration(struct hf_str text, int64_t *ret_ms)
{
	char spelled[32];
	int64_t ms, week = (int64_t)7 * 24 * 3600000;
	if (text.len >= sizeof(spelled))
		return false;
	if (str_ends(text, HF_STR("min")))
		text.len -= 2;
	memcpy(spelled, text.ptr, text.len);
	if (!quantity_duration_ms((struct hf_str){spelled, text.len}, &ms) || ms > week)
		return false;
	*ret_ms = ms;
	return true;
}

static bool read_yes_no(struct hf_str value, bool *ret)
{
	bool yes = str_eq(value, HF_STR("yes"));
	if (!yes && !str_eq(value, HF_STR("no")))
		return false;
	*ret = yes;
	return true;
}

static bool read_phase(struct hf_str value, enum hf_migration_phase *ret)
{
	static const char *const words[] = {"", "expand", "migrate", "contract"};
	for (unsigned i = HF_PHASE_EXPAND; i <= HF_PHASE_CONTRACT; i++)
		if (str_eq(value, hf_str_of(words[i]))) {
			*ret = (enum hf_migration_phase)i;
			return true;
		}
	return false;
}

static bool read_search_path(struct hf_str value, hf_arena *arena, struct hf_migration *migration)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c == '\'' || c == '\\' || c == ';' || c == '$')
			return false;
	}
	struct hf_str copy = hf_arena_str(arena, value);
	migration->search_path = copy.ptr;
	return copy.ptr != NULL;
}

/* SET:VERSION, both as they are spelled elsewhere. */
static bool read_needs(struct hf_str value, hf_arena *arena, struct hf_migration *migration)
{
	struct needs needs;
	migration->needs = hf_arena_str(arena, value).ptr;
	return migration->needs && needs_parse(value, &needs);
}

/* False for an unknown key (*ret_known false) or a bad value. */
static bool read_option(struct reading *reading, struct hf_str key, struct hf_str value, hf_arena *arena,
                        struct hf_migration *migration, bool *ret_known)
{
	*ret_known = true;
	if (str_eq(key, HF_STR("tx")))
		return read_yes_no(value, &migration->tx);
	if (str_eq(key, HF_STR("out_of_order")))
		return read_yes_no(value, &migration->out_of_order);
	if (str_eq(key, HF_STR("adopt")))
		return read_yes_no(value, &migration->adopt);
	if (str_eq(key, HF_STR("lock_timeout")))
		return file_duration(value, &migration->lock_timeout_ms);
	if (str_eq(key, HF_STR("statement_timeout")))
		return file_duration(value, &migration->statement_timeout_ms);
	if (str_eq(key, HF_STR("phase")))
		return read_phase(value, &migration->phase);
	if (str_eq(key, HF_STR("search_path")))
		return read_search_path(value, arena, migration);
	if (str_eq(key, HF_STR("needs")))
		return read_needs(value, arena, migration);
	if (str_eq(key, HF_STR("depends")) && migration->kind == HF_MIGRATION_REPEATABLE) {
		reading->depends = hf_arena_str(arena, value);
		return reading->depends.ptr && value.len > 0;
	}
	*ret_known = false;
	return false;
}

static enum hf_status read_directive(struct reading *reading, hf_arena *arena, struct hf_migration *migration,
                                     hf_error *err)
{
	struct hf_str rest = reading->directive, word;
	while (str_split(&rest, ' ', &word)) {
		struct hf_str key;
		bool known = false;
		word = str_trim(word);
		if (word.len == 0)
			continue;
		struct hf_str value = word;
		if (!str_split(&value, '=', &key) || !value.ptr ||
		    !read_option(reading, key, value, arena, migration, &known)) {
			error_set(err, HF_E_INPUT, "%s:%u: %s \"%.*s\"", reading->file, reading->directive_line,
			          known ? "bad value in" : "unknown option", STR_ARG(word));
			error_hint(err, "options: tx=yes|no lock_timeout=2s statement_timeout=5min "
			                "phase=expand|migrate|contract search_path=a,b out_of_order=yes adopt=no; "
			                "in R__ files depends=name,name");
			return HF_E_INPUT;
		}
	}
	return HF_OK;
}

/* An index that exists by name only may be the invalid rest of a killed build: IF NOT EXISTS would hide it. */
static enum hf_status check_concurrent(const char *file, const struct hf_migration_statement *statement, hf_error *err)
{
	struct statement_names names = split_names(statement->sql);
	if (names.if_not_exists)
		return error_set(err, HF_E_INPUT,
		                 "%s:%u: IF NOT EXISTS would hide an invalid index of a failed build; leave it out",
		                 file, statement->line);
	if (names.index.len == 0)
		return error_set(err, HF_E_INPUT, "%s:%u: give the index a name, so that a failed build can be found",
		                 file, statement->line);
	return HF_OK;
}

static enum hf_status check_statement(const char *file, bool tx, const struct hf_migration_statement *statement,
                                      hf_error *err)
{
	enum statement_class class = split_classify(statement->sql);
	if (class == STATEMENT_CONTROLS)
		return error_set(err, HF_E_INPUT,
		                 "%s:%u: a migration does not begin or end transactions itself; leave it out", file,
		                 statement->line);
	if (class == STATEMENT_COPY)
		return error_set(err, HF_E_INPUT, "%s:%u: COPY FROM STDIN has no data here; use INSERT", file,
		                 statement->line);
	if (tx && class != STATEMENT_ORDINARY && class != STATEMENT_OPAQUE)
		return error_set(err, HF_E_INPUT,
		                 "%s:%u: the statement cannot run in a transaction; put it into a file of its own "
		                 "that begins with \"-- migrate: tx=no\"",
		                 file, statement->line);
	if (class == STATEMENT_CREATE_INDEX)
		return check_concurrent(file, statement, err);
	return HF_OK;
}

static enum hf_status split_section(const struct reading *reading, enum section section, bool tx, hf_arena *arena,
                                    const struct hf_migration_statement **ret_statements, size_t *ret_count,
                                    hf_error *err)
{
	enum hf_status status = split_all(reading->sections[section], reading->lines[section], reading->file, arena,
	                                  ret_statements, ret_count, err);
	for (size_t i = 0; status == HF_OK && i < *ret_count; i++)
		status = check_statement(reading->file, tx, &(*ret_statements)[i], err);
	return status;
}

static enum hf_status split_sections(const struct reading *reading, hf_arena *arena, struct hf_migration *migration,
                                     hf_error *err)
{
	const struct hf_migration_statement *down;
	size_t ndown;
	enum hf_status status = split_section(reading, SECTION_UP, migration->tx, arena, &migration->statements,
	                                      &migration->nstatements, err);
	if (status == HF_OK)
		status = split_section(reading, SECTION_VERIFY, true, arena, &migration->verify, &migration->nverify,
		                       err);
	if (status == HF_OK)
		status = split_section(reading, SECTION_DOWN, migration->tx, arena, &down, &ndown, err);
	if (status == HF_OK && migration->kind == HF_MIGRATION_REPEATABLE && reading->sections[SECTION_DOWN].ptr)
		return error_set(err, HF_E_INPUT, "%s:%u: a repeatable migration has no way down", reading->file,
		                 reading->lines[SECTION_DOWN]);
	return status;
}

static enum hf_status read_text(const char *file, struct hf_str content, hf_arena *arena, struct hf_str *ret_text,
                                hf_error *err)
{
	size_t bad = 0;
	if (content.len > FILE_BYTES_MAX)
		return error_set(err, HF_E_LIMIT, "%s: larger than %d MiB", file, FILE_BYTES_MAX >> 20);
	if (!str_is_utf8(content, &bad))
		return error_set(err, HF_E_INPUT, "%s: byte %zu is not UTF-8, or is NUL", file, bad);
	struct buf text;
	buf_init(&text, FILE_BYTES_MAX + 1);
	text_unix(&text, content);
	struct hf_str copy = hf_arena_str(arena, buf_str(&text));
	bool ok = buf_ok(&text) && copy.ptr;
	buf_deinit(&text);
	*ret_text = copy;
	return ok ? HF_OK : error_nomem(err);
}

static enum hf_status fill_checksums(struct hf_str content, struct hf_migration *migration, hf_error *err)
{
	struct buf normal;
	buf_init(&normal, FILE_BYTES_MAX + 1);
	text_normalise(&normal, migration->up);
	struct hf_str up = buf_str(&normal);
	bool ok = buf_ok(&normal) && digest_of(&up, 1, migration->checksum) &&
	          digest_of(&content, 1, migration->checksum_raw);
	buf_deinit(&normal);
	return ok ? HF_OK : error_nomem(err);
}

/* The names go into each section, so that what is split and run is an instance's own text. */
static enum hf_status fill_names(struct reading *reading, hf_arena *arena, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (reading->names->chosen && reading->ndeclared != reading->names->count)
		return error_set(err, HF_E_USAGE, "%s has %zu names to choose, not %zu", reading->file,
		                 reading->ndeclared, reading->names->count);
	for (int i = SECTION_UP; i < SECTION_COUNT && status == HF_OK && reading->ndeclared; i++)
		if (reading->sections[i].ptr)
			status = names_fill(reading->names, reading->sections[i], reading->file, reading->lines[i],
			                    arena, &reading->sections[i], err);
	return status;
}

static bool copy_names(const struct version_file *parts, const char *file, hf_arena *arena, struct hf_migration *ret)
{
	ret->version = hf_arena_str(arena, parts->version).ptr;
	ret->name = hf_arena_str(arena, parts->name).ptr;
	ret->file = hf_arena_str(arena, hf_str_of(file)).ptr;
	return ret->version && ret->name && ret->file;
}

enum hf_status file_parse(const struct version_file *parts, const char *file, struct hf_str content, bool bare,
                          struct names *names, hf_arena *arena, struct hf_migration *ret_migration,
                          struct hf_str *ret_depends, hf_error *err)
{
	struct reading reading = {.file = file, .bare = bare, .names = names};
	struct hf_migration migration = {
		.number = parts->number,
		.kind = parts->repeatable ? HF_MIGRATION_REPEATABLE : HF_MIGRATION_VERSIONED,
		.phase = HF_PHASE_EXPAND,
		.adopt = true,
		.tx = true,
		.lock_timeout_ms = -1,
		.statement_timeout_ms = -1,
		.search_path = "public",
		.needs = "",
	};
	if (!copy_names(parts, file, arena, &migration))
		return error_nomem(err);
	enum hf_status status = read_text(file, content, arena, &reading.text, err);
	if (status == HF_OK)
		status = find_sections(&reading, err);
	if (status == HF_OK)
		status = read_directive(&reading, arena, &migration, err);
	migration.up = reading.sections[SECTION_UP];
	if (status == HF_OK)
		status = fill_checksums(content, &migration, err);
	if (status == HF_OK)
		status = fill_names(&reading, arena, err);
	if (status == HF_OK)
		status = split_sections(&reading, arena, &migration, err);
	migration.up = reading.sections[SECTION_UP];
	migration.down = reading.sections[SECTION_DOWN];
	if (status != HF_OK)
		return status;
	*ret_migration = migration;
	*ret_depends = reading.depends;
	return HF_OK;
}
