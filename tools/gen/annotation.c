/*
 * annotation.c - reading annotation lines. Each reader gets the text behind its key and complains at the word that is
 * wrong. A line that looks like an annotation (`-- word: ...`) and is none is an error, so that a misspelled
 * `timout` cannot be a comment by accident.
 */
#include "gen/annotation.h"

#include <ctype.h>

#include "gen/check.h"
#include "gen/cname.h"
#include "gen/identifier.h"

#define ROWS_MAX_MAX INT64_C(1000000000)
#define BYTES_MAX_MAX ((int64_t)1 << 40)

/* A piece of the source with its place. */
struct text {
	struct hf_str str;
	size_t at;
};

static struct text text_of(const struct source *source, size_t start, size_t end)
{
	return (struct text){{source->text.ptr + start, end - start}, start};
}

static struct span span_of(struct text text)
{
	return (struct span){text.at, text.at + text.str.len};
}

static struct text trim(struct text text)
{
	struct hf_str str = str_trim(text.str);
	size_t skipped = str.len ? (size_t)(str.ptr - text.str.ptr) : 0;
	return (struct text){str, text.at + skipped};
}

static struct text behind(struct text text, size_t bytes)
{
	return (struct text){{text.str.ptr + bytes, text.str.len - bytes}, text.at + bytes};
}

/* The first word, up to a blank; `rest` keeps what is behind it. */
static struct text word(struct text *rest)
{
	*rest = trim(*rest);
	size_t len = 0;
	while (len < rest->str.len && rest->str.ptr[len] != ' ' && rest->str.ptr[len] != '\t')
		len++;
	struct text first = {{rest->str.ptr, len}, rest->at};
	*rest = trim(behind(*rest, len));
	return first;
}

/* Behind "--". */
static struct text content(const struct source *source, struct span comment)
{
	return text_of(source, comment.start + 2, comment.end);
}

/* "key: value": cuts `text` behind the colon. */
static bool cut_key(struct text *text, struct hf_str *ret_key)
{
	struct text line = trim(*text);
	ptrdiff_t colon = str_find(line.str, ':');
	if (colon <= 0)
		return false;
	struct hf_str key = {line.str.ptr, (size_t)colon};
	if (str_find(key, ' ') >= 0)
		return false;
	*ret_key = key;
	*text = trim(behind(line, (size_t)colon + 1));
	return true;
}

bool annotation_is_name(const struct source *source, struct span comment)
{
	struct text text = content(source, comment);
	struct hf_str key;
	return cut_key(&text, &key) && str_eq(key, HF_STR("name"));
}

void annotation_name(struct query *query, struct span comment, struct diags *diags)
{
	struct text rest = content(query->source, comment);
	struct hf_str key;
	(void)cut_key(&rest, &key);
	struct text name = word(&rest);
	query->name = mem_text(diags->arena, name.str);
	query->name_at = name.str.len ? span_of(name) : comment;
	struct text card = word(&rest);
	query->card_at = span_of(card);
	query->card = cardinality_of(card.str);
	if (query->source->lenient && query->card == CARD_NONE)
		query->card = cardinality_of(hf_str_of(mem_printf(diags->arena, ":%.*s", STR_ARG(card.str))));
	query->card_said = card.str.len ? card.str : (struct hf_str){NULL, 0};
	const char *known = ":one, :opt, :many, :each, :exec, :execrows, :batch, :bulk, :copy";
	if (!name.str.len)
		query_wrong(diags, query, query->name_at, "no name behind \"name:\"");
	else if (query->source->lenient && (query->card != CARD_NONE || !card.str.len))
		return; /* C has no say */
	else if (!name_is_plain(name.str) || name.str.ptr[0] == '_' || str_starts(name.str, HF_STR("hf_")) ||
	    cname_is_keyword(query->name))
		query_unfit(diags, query, query->name_at, "\"%s\" cannot be the name of a query", query->name)->hint =
			"at most 63 of a-z, 0-9 and _, beginning with a letter but not with hf_, no word of C or C++";
	else if (cname_is_library(query->name))
		query_unfit(diags, query, query->name_at, "\"%s\" is a name of the C library", query->name)->hint =
			mem_printf(diags->arena, "a query becomes a function: say what it is about, like %s_item",
		                   query->name);
	else if (strcmp(query->name, "manifest") == 0 || strcmp(query->name, "types") == 0 ||
	         strcmp(query->name, "constraints") == 0)
		query_unfit(diags, query, query->name_at, "the name \"%s\" is taken by the metadata", query->name);
	else if (!card.str.len)
		query_unfit(diags, query, query->name_at, "query \"%s\" has no cardinality", query->name)->hint =
			mem_printf(diags->arena, "write one behind the name: %s", known);
	else if (query->card == CARD_NONE)
		query_unfit(diags, query, query->card_at, "unknown cardinality \"%.*s\"", STR_ARG(card.str))->hint =
			mem_printf(diags->arena, "one of %s", known);
	else if (rest.str.len)
		query_unfit(diags, query, span_of(rest), "unexpected words behind the cardinality");
}

/* ---- the keys ---- */

static void add_doc(struct query *query, struct hf_str line, struct diags *diags)
{
	query->docs = mem_grow(diags->arena, query->docs, query->ndocs, sizeof(*query->docs));
	query->docs[query->ndocs++] = mem_text(diags->arena, line);
}

static void read_timeout(struct query *query, struct text value, struct diags *diags)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}};
	size_t digits = 0;
	while (digits < value.str.len && value.str.ptr[digits] >= '0' && value.str.ptr[digits] <= '9')
		digits++;
	int64_t number = 0;
	struct hf_str unit = {value.str.ptr + digits, value.str.len - digits};
	if (str_to_i64((struct hf_str){value.str.ptr, digits}, &number) && number > 0 && number <= 86400000)
		for (size_t i = 0; i < ARRAY_LEN(units); i++)
			if (str_eq(unit, hf_str_of(units[i].unit)))
				query->timeout_ms = number * units[i].ms;
	if (query->timeout_ms == 0 || query->timeout_ms > 86400000)
		query_unfit(diags, query, span_of(value), "\"%.*s\" is not a timeout", STR_ARG(value.str))->hint =
			"a number with ms, s or min, at most a day: 500ms, 2s, 5min";
}

static bool read_yes_or_no(struct query *query, const char *what, struct text value, struct diags *diags)
{
	bool yes = str_eq(value.str, HF_STR("yes"));
	if (!yes && !str_eq(value.str, HF_STR("no")))
		query_unfit(diags, query, span_of(value), "%s is \"yes\" or \"no\", not \"%.*s\"", what,
		            STR_ARG(value.str));
	return yes;
}

static void read_atomic(struct query *query, struct text value, struct diags *diags)
{
	query->independent = !read_yes_or_no(query, "atomic", value, diags);
	if (query->card != CARD_BATCH)
		query_unfit(diags, query, span_of(value), "\"atomic\" belongs to :batch, this query is %s",
		            cardinality_word(query->card));
}

/* Bytes may be counted in the server's units. 0: it is none. */
static uint64_t bound_of(bool is_rows, struct hf_str text)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = {{"", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}};
	size_t digits = 0;
	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	int64_t number = 0, bound = 0;
	struct hf_str unit = {text.ptr + digits, text.len - digits};
	if (!str_to_i64((struct hf_str){text.ptr, digits}, &number))
		return 0;
	for (size_t i = 0; i < (is_rows ? 1 : ARRAY_LEN(units)); i++)
		if (str_eq(unit, hf_str_of(units[i].unit)) && __builtin_mul_overflow(number, units[i].factor, &bound))
			return 0;
	return bound <= (is_rows ? ROWS_MAX_MAX : BYTES_MAX_MAX) ? (uint64_t)bound : 0;
}

/* `rows max: N` and `bytes max: N`, cut behind "max". */
static void read_bound(struct query *query, bool is_rows, struct text rest, struct diags *diags)
{
	const char *what = is_rows ? "rows" : "bytes";
	struct text value = trim(rest);
	if (!str_starts(value.str, HF_STR(":"))) {
		query_unfit(diags, query, span_of(value.str.len ? value : rest),
		            "a \"%s max\" annotation needs a colon behind \"max\"", what);
		return;
	}
	value = trim(behind(value, 1));
	uint64_t bound = bound_of(is_rows, value.str);
	if (!bound)
		query_unfit(diags, query, span_of(value), "\"%.*s\" is not a bound of %s", STR_ARG(value.str), what)
			->hint = is_rows ? "a number from 1 to 1000000000"
		                         : "a number from 1 on, alone or with kB, MB or GB (1024 each), at most 1024GB";
	else if (query->card != CARD_MANY && query->card != CARD_EACH)
		query_unfit(diags, query, span_of(value), "\"%s max\" belongs to :many and :each, this query is %s",
		            what, cardinality_word(query->card));
	*(is_rows ? &query->rows_max : &query->bytes_max) = bound;
}

static void read_row(struct query *query, struct text value, struct diags *diags)
{
	query->row = mem_text(diags->arena, value.str);
	query->row_at = span_of(value);
	if (!name_is_plain(value.str) || cname_is_keyword(query->row))
		query_unfit(diags, query, query->row_at, "\"%s\" cannot be the name of a row struct", query->row);
	else if (!cardinality_has_rows(query->card) && query->card != CARD_BATCH)
		query_unfit(diags, query, query->row_at, "a %s query has no rows to give a struct to",
		            cardinality_word(query->card));
}

static void read_copy(struct query *query, struct text value, struct diags *diags)
{
	query->copy_target = (struct hf_str){mem_text(diags->arena, value.str), value.str.len};
	query->copy_at = span_of(value);
	ptrdiff_t open = str_find(value.str, '(');
	if (open <= 0 || !str_ends(value.str, HF_STR(")")))
		query_wrong(diags, query, query->copy_at, "copy names a table and its columns")->hint =
			"-- copy: schema.table(column, ...)";
}

static void read_stream(struct query *query, struct text value, struct diags *diags)
{
	query->by_copy = true;
	query->by_copy_at = span_of(value);
	if (!str_eq(value.str, HF_STR("copy")))
		query_unfit(diags, query, query->by_copy_at, "stream is \"copy\", not \"%.*s\"", STR_ARG(value.str));
	else if (query->card != CARD_EACH)
		query_unfit(diags, query, query->by_copy_at, "\"stream\" belongs to :each, this query is %s",
		            cardinality_word(query->card));
}

static void read_allow(struct query *query, struct text value, struct diags *diags)
{
	struct text name = word(&value);
	struct override allow = {.where = span_of(name), .reason = mem_text(diags->arena, value.str)};
	allow.name = check_rule(name.str);
	if (!allow.name) {
		query_wrong(diags, query, allow.where, "there is no rule \"%.*s\" to allow", STR_ARG(name.str))->hint =
			mem_printf(diags->arena, "one of %s", check_rules(diags->arena));
		return;
	}
	query->allows.items = mem_grow(diags->arena, query->allows.items, query->allows.count, sizeof(allow));
	query->allows.items[query->allows.count++] = allow;
}

/* `col NAME: CHOICE` and `param NAME: CHOICE`, cut behind the first word. */
static void read_override(struct query *query, bool is_col, struct text rest, struct diags *diags)
{
	ptrdiff_t colon = str_find(rest.str, ':');
	const char *what = is_col ? "col" : "param";
	if (colon <= 0) {
		query_unfit(diags, query, span_of(rest), "a \"%s\" annotation needs a colon behind the name", what);
		return;
	}
	struct text name = trim((struct text){{rest.str.ptr, (size_t)colon}, rest.at});
	struct text value = trim(behind(rest, (size_t)colon + 1));
	struct text said = word(&value);
	struct override override = {.name = mem_text(diags->arena, name.str), .where = span_of(name)};
	override.reason = mem_text(diags->arena, value.str);
	if (str_eq(said.str, HF_STR("nullable")))
		override.choice = CHOICE_NULLABLE;
	else if (is_col && str_eq(said.str, HF_STR("open")))
		override.choice = CHOICE_OPEN;
	else if (str_eq(said.str, is_col ? HF_STR("notnull!") : HF_STR("notnull")))
		override.choice = CHOICE_NOTNULL;
	else
		query_unfit(diags, query, span_of(said), "a %s, not \"%.*s\"",
		            is_col ? "column is \"nullable\", \"notnull!\" or \"open\""
		                   : "parameter is \"nullable\" or \"notnull\"",
		            STR_ARG(said.str));
	if (is_col && override.choice == CHOICE_NOTNULL && !value.str.len)
		query_unfit(diags, query, span_of(said), "notnull! needs a reason behind it")->hint =
			"say why no row can have a NULL here; a NULL is an error at run time";
	if (override.choice == CHOICE_NONE)
		return;
	struct overrides *list = !is_col                          ? &query->params_said
	                         : override.choice == CHOICE_OPEN ? &query->opens
	                                                          : &query->cols;
	list->items = mem_grow(diags->arena, list->items, list->count, sizeof(override));
	list->items[list->count++] = override;
}

static bool read_known(struct query *query, struct hf_str key, struct text value, struct diags *diags)
{
	if (str_eq(key, HF_STR("timeout")))
		read_timeout(query, value, diags);
	else if (str_eq(key, HF_STR("idempotent")))
		query->idempotent = read_yes_or_no(query, "idempotent", value, diags);
	else if (str_eq(key, HF_STR("atomic")))
		read_atomic(query, value, diags);
	else if (str_eq(key, HF_STR("row")))
		read_row(query, value, diags);
	else if (str_eq(key, HF_STR("copy")))
		read_copy(query, value, diags);
	else if (str_eq(key, HF_STR("stream")))
		read_stream(query, value, diags);
	else if (str_eq(key, HF_STR("allow")))
		read_allow(query, value, diags);
	else
		return false;
	return true;
}

/* "max", as a word, is what comes next. */
static bool is_max(struct text rest)
{
	struct hf_str max = HF_STR("max");
	return str_starts(rest.str, max) && (rest.str.len == max.len || !isalpha((unsigned char)rest.str.ptr[max.len]));
}

static void read_one(struct query *query, struct text text, struct diags *diags)
{
	struct text rest = text;
	struct text first = word(&rest);
	if (str_eq(first.str, HF_STR("col")) || str_eq(first.str, HF_STR("param"))) {
		read_override(query, str_eq(first.str, HF_STR("col")), rest, diags);
		return;
	}
	bool is_rows = str_eq(first.str, HF_STR("rows"));
	if ((is_rows || str_eq(first.str, HF_STR("bytes"))) && is_max(rest)) {
		read_bound(query, is_rows, behind(rest, 3), diags);
		return;
	}
	struct hf_str key;
	struct text value = text;
	if (!cut_key(&value, &key) || !name_is_plain(key))
		return; /* an ordinary comment */
	if (!read_known(query, key, value, diags))
		query_unfit(diags, query, (struct span){first.at, first.at + key.len}, "unknown annotation \"%.*s\"",
		            STR_ARG(key))
			->hint = "one of name, doc, timeout, idempotent, atomic, row, copy, stream, allow, col NAME, "
		                 "param NAME, rows max, bytes max";
}

void annotation_read(struct query *query, struct span comment, struct diags *diags)
{
	struct text text = content(query->source, comment), value = text;
	struct hf_str key;
	if (cut_key(&value, &key) && str_eq(key, HF_STR("doc"))) {
		add_doc(query, value.str, diags);
		return;
	}
	if (query->ndocs && str_starts(text.str, HF_STR("  "))) {
		add_doc(query, str_trim(text.str), diags);
		return;
	}
	/* Several may share a line: "-- timeout: 2s  -- idempotent: yes". */
	for (;;) {
		ptrdiff_t next = str_find_str(text.str, HF_STR(" -- "));
		size_t len = next < 0 ? text.str.len : (size_t)next;
		read_one(query, trim((struct text){{text.str.ptr, len}, text.at}), diags);
		if (next < 0)
			return;
		text = behind(text, len + 4);
	}
}

static void read_import(struct source *source, struct span comment, struct text first, struct text rest,
                        struct diags *diags)
{
	struct text what = word(&rest), type = word(&rest), as = word(&rest), base = word(&rest);
	struct import import = {mem_text(diags->arena, type.str), mem_text(diags->arena, base.str), span_of(type)};
	if (!str_eq(what.str, HF_STR("type:")) || !str_eq(as.str, HF_STR("as")) || !base.str.len || rest.str.len) {
		diag_at(diags, source, first.at, comment.end, "an import is: -- import type: schema.name as text");
		return;
	}
	const struct type *builtin = type_builtin(import.as);
	if (!builtin || builtin->kind == HF_TYPE_ARRAY || builtin->kind == HF_TYPE_VOID) {
		diag_at(diags, source, base.at, base.at + base.str.len, "no builtin type \"%s\" to import as",
		        import.as);
		return;
	}
	source->imports = mem_grow(diags->arena, source->imports, source->nimports, sizeof(import));
	source->imports[source->nimports++] = import;
}

/* "entries = state_entries" */
static void read_identifier(struct source *source, struct span comment, struct text rest, struct diags *diags)
{
	struct text name = word(&rest), is = word(&rest), by_default = word(&rest), wrong = name;
	struct identifier one = {.name = mem_text(diags->arena, name.str),
	                         .by_default = mem_text(diags->arena, by_default.str),
	                         .where = span_of(name)};
	bool plain = name_is_plain(name.str) && !cname_is_keyword(one.name);
	if (!str_eq(is.str, HF_STR("=")) || !by_default.str.len || rest.str.len) {
		diag_at(diags, source, comment.start, comment.end,
		        "an identifier is: -- identifier: entries = state_entries");
	} else if (!plain || !name_is_plain(by_default.str)) {
		wrong = plain ? by_default : name;
		diag_at(diags, source, wrong.at, wrong.at + wrong.str.len, "\"%.*s\" cannot be %s an identifier",
		        STR_ARG(wrong.str), plain ? "the default of" : "the name of")
			->hint = "at most 63 of a-z, 0-9 and _, beginning with a letter, no word of C or C++";
	} else if (identifier_declared(source, name.str)) {
		diag_at(diags, source, name.at, name.at + name.str.len, "second identifier with the name \"%s\"",
		        one.name);
	} else {
		source->identifiers = mem_grow(diags->arena, source->identifiers, source->nidentifiers, sizeof(one));
		source->identifiers[source->nidentifiers++] = one;
	}
}

void annotation_head(struct source *source, struct span comment, struct diags *diags)
{
	struct text rest = content(source, comment);
	struct text first = word(&rest);
	if (str_eq(first.str, HF_STR("import")))
		read_import(source, comment, first, rest, diags);
	else if (str_eq(first.str, HF_STR("identifier:")))
		read_identifier(source, comment, rest, diags);
}
