/*
 * source.c - cutting a file into queries.
 *
 * A query begins at a comment line `-- name: x :card`, goes on with comment lines that annotate it, then with one
 * statement up to its semicolon or the next name. Comments inside the statement are dropped, those behind it and
 * before the next name belong to nobody. What stands before the first name may only be comments.
 */
#include "gen/source.h"

#include <stdarg.h>

#include "gen/annotation.h"
#include "gen/identifier.h"
#include "gen/rewrite.h"
#include "gen/variant.h"

struct place source_place(const struct source *source, size_t at)
{
	return source_place_from(source, (struct place){1, 1}, 0, at);
}

struct place source_place_from(const struct source *source, struct place place, size_t from, size_t at)
{
	for (size_t i = from; i < at && i < source->text.len; i++) {
		unsigned char c = (unsigned char)source->text.ptr[i];
		if (c == '\n') {
			place.line++;
			place.column = 1;
		} else if ((c & 0xc0) != 0x80) {
			place.column++;
		}
	}
	return place;
}

struct hf_str source_line(const struct source *source, size_t at)
{
	struct hf_str text = source->text;
	size_t start = at < text.len ? at : text.len, end = start;
	while (start > 0 && text.ptr[start - 1] != '\n')
		start--;
	while (end < text.len && text.ptr[end] != '\n')
		end++;
	if (end > start && text.ptr[end - 1] == '\r')
		end--;
	return (struct hf_str){text.ptr + start, end - start};
}

struct diag *query_finding(struct diags *diags, const struct query *query, struct span at, const char *format,
                           va_list args)
{
	struct buf buf;
	buf_init(&buf, (size_t)1 << 20);
	buf_vprintf(&buf, format, args);
	struct diag *diag = diag_at(diags, query->source, at.start, at.end, "%.*s", STR_ARG(buf_str(&buf)));
	buf_deinit(&buf);
	bool said = query->card != CARD_NONE;
	if (query->name && (said || query->variant))
		diag->query = mem_printf(diags->arena, "%s%s%s%s%s%s", query->name, said ? " (" : "",
		                         cardinality_word(query->card), said ? ")" : "",
		                         query->variant ? ", variant " : "", query->variant ? query->variant : "");
	return diag;
}

static void set_broken(struct query *query)
{
	query->broken = true;
	if (query->variant_of)
		query->variant_of->broken = true;
}

struct diag *query_wrong(struct diags *diags, struct query *query, struct span at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct diag *diag = query_finding(diags, query, at, format, args);
	va_end(args);
	set_broken(query);
	return diag;
}

struct diag *query_unfit(struct diags *diags, struct query *query, struct span at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct diag *diag = query_finding(diags, query, at, format, args);
	va_end(args);
	struct diag *twin = query->source->lenient ? diags_last_twin(diags) : NULL;
	if (!query->source->lenient)
		set_broken(query);
	else if (!twin)
		diag_warning(diags, diag);
	else
		diags_drop_last(diags);
	return twin ? twin : diag;
}

static const struct {
	enum cardinality card;
	const char *word;
} cardinalities[] = {
	{CARD_ONE, ":one"},   {CARD_OPT, ":opt"},     {CARD_MANY, ":many"},
	{CARD_EACH, ":each"}, {CARD_EXEC, ":exec"},   {CARD_EXECROWS, ":execrows"},
	{CARD_COPY, ":copy"}, {CARD_BATCH, ":batch"}, {CARD_BULK, ":bulk"},
};

const char *cardinality_word(enum cardinality card)
{
	for (size_t i = 0; i < ARRAY_LEN(cardinalities); i++)
		if (cardinalities[i].card == card)
			return cardinalities[i].word;
	return "";
}

enum cardinality cardinality_of(struct hf_str word)
{
	for (size_t i = 0; i < ARRAY_LEN(cardinalities); i++)
		if (str_eq(word, hf_str_of(cardinalities[i].word)))
			return cardinalities[i].card;
	return CARD_NONE;
}

bool cardinality_has_rows(enum cardinality card)
{
	return card == CARD_ONE || card == CARD_OPT || card == CARD_MANY || card == CARD_EACH;
}

bool query_gives_rows(const struct query *query)
{
	bool rows = false;
	for (size_t i = 0; i < query->ncolumns; i++)
		rows = rows || (query->columns[i].type && query->columns[i].type->kind != HF_TYPE_VOID);
	return cardinality_has_rows(query->card) || (query->card == CARD_BATCH && rows);
}

bool name_is_plain(struct hf_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

/* ---- tokens of the whole file ---- */

static void append(hf_arena *arena, struct tokens *all, struct token token)
{
	all->items = mem_grow(arena, all->items, all->count, sizeof(token));
	all->items[all->count++] = token;
}

/* Where the text goes on after a place that the lexer could not pass: the next line that names a query. */
static size_t resume_at(struct hf_str text, size_t from)
{
	struct hf_str rest = {text.ptr + from, text.len - from};
	ptrdiff_t next = str_find_str(rest, HF_STR("\n-- name:"));
	return next < 0 ? text.len : from + (size_t)next + 1;
}

/* Each scan copies the rest of the file. */
enum { FAULTS_MAX = 100, FAULTS_BYTES_MAX = 64 << 20 };

/* An unterminated string must not hide the findings of the queries behind it. In a lenient source, whose statements
 * need no names, a word that is no token does not hide the statements behind its semicolon either. */
static struct tokens tokens_of(struct source *source, hf_arena *scratch, struct diags *diags)
{
	struct tokens all = {0};
	size_t base = 0, faults = 0, bytes = 0;
	while (base < source->text.len) {
		struct hf_str rest = {source->text.ptr + base, source->text.len - base};
		struct tokens some;
		struct scan_fault fault = {0};
		bool whole = scan(scratch, rest, &some, &fault);
		for (size_t i = 0; i < some.count; i++) {
			struct token token = some.items[i];
			token.start += base;
			token.end += base;
			append(scratch, &all, token);
		}
		if (whole)
			break;
		size_t at = base + fault.at;
		size_t end = at < source->text.len ? at + 1 : at;
		append(scratch, &all, (struct token){.kind = TOKEN_BROKEN, .start = at, .end = end});
		diag_at(diags, source, at, at + (fault.bytes ? fault.bytes : end - at), "%s", fault.message);
		bool goes_on = source->lenient && fault.bytes;
		base = goes_on ? at + fault.bytes : resume_at(source->text, end);
		bytes += rest.len;
		if ((++faults == FAULTS_MAX || bytes > FAULTS_BYTES_MAX) && base < source->text.len) {
			diag_at(diags, source, base, base, "too many faults: the file is not looked at from here on");
			break;
		}
	}
	return all;
}

/* ---- queries ---- */

static struct query *query_new(struct source *source, struct diags *diags)
{
	struct query *query = MEM_NEW(diags->arena, struct query);
	query->source = source;
	source->queries = mem_grow(diags->arena, source->queries, source->nqueries, sizeof(*source->queries));
	source->queries[source->nqueries++] = query;
	return query;
}

static bool first_on_line(const struct source *source, size_t at)
{
	while (at > 0 && (source->text.ptr[at - 1] == ' ' || source->text.ptr[at - 1] == '\t'))
		at--;
	return at == 0 || source->text.ptr[at - 1] == '\n';
}

enum part { PART_HEAD, PART_ANNOTATIONS, PART_BODY, PART_TAIL };

struct cut {
	struct source *source;
	struct diags *diags;
	struct query *query; /* the current one */
	enum part part;
	bool complained; /* once per part is enough */
	int depth;       /* of parentheses */
};

static void on_comment(struct cut *cut, struct span at)
{
	if (annotation_is_name(cut->source, at) && first_on_line(cut->source, at.start)) {
		cut->query = query_new(cut->source, cut->diags);
		cut->part = PART_ANNOTATIONS;
		cut->complained = false;
		cut->depth = 0;
		annotation_name(cut->query, at, cut->diags);
	} else if (cut->part == PART_ANNOTATIONS) {
		annotation_read(cut->query, at, cut->diags);
	} else if (cut->part == PART_HEAD) {
		annotation_head(cut->source, at, cut->diags);
	}
}

/* A statement without a name of its own is called after the file. */
static void begin_unnamed(struct cut *cut, struct span at)
{
	struct source *source = cut->source;
	cut->query = query_new(source, cut->diags);
	cut->query->unnamed = true;
	cut->query->name_at = cut->query->card_at = at;
	cut->query->name = ++source->unnamed == 1
	                           ? source->stem
	                           : mem_printf(cut->diags->arena, "%s_%zu", source->stem, source->unnamed);
	cut->part = PART_BODY;
	cut->depth = 0;
}

static void on_word(struct cut *cut, struct token token)
{
	struct span at = {token.start, token.end};
	bool may_begin = cut->part == PART_HEAD || (cut->part == PART_TAIL && cut->query && cut->query->unnamed);
	if (cut->source->lenient && may_begin && token.kind != TOKEN_SEMICOLON && !cut->complained)
		begin_unnamed(cut, at);
	if (cut->part == PART_ANNOTATIONS)
		cut->part = PART_BODY;
	if (cut->part == PART_BODY && token.kind == TOKEN_SEMICOLON && cut->depth <= 0) {
		cut->part = PART_TAIL;
		return;
	}
	if (cut->part == PART_BODY) {
		struct query *query = cut->query;
		cut->depth += token.kind == TOKEN_OPEN ? 1 : token.kind == TOKEN_CLOSE ? -1 : 0;
		token.fragment = query->fragment;
		query->body = mem_grow(cut->diags->arena, query->body, query->nbody, sizeof(token));
		query->body[query->nbody++] = token;
		return;
	}
	if (token.kind == TOKEN_SEMICOLON && cut->source->lenient)
		cut->complained = false;
	if (token.kind == TOKEN_SEMICOLON || cut->complained)
		return;
	cut->complained = true;
	if (cut->part == PART_HEAD)
		diag_at(cut->diags, cut->source, at.start, at.end, "statement without a name")->hint =
			"write before it: -- name: some_name :many";
	else
		query_wrong(cut->diags, cut->query, at, "second statement under the name \"%s\"", cut->query->name)
			->hint = "give it a name of its own: -- name: other_name :exec";
}

/* The statement is lost, and what follows up to its semicolon (lenient) or the next name belongs to nobody. */
static void on_broken(struct cut *cut)
{
	bool between = cut->part == PART_TAIL && cut->source->lenient;
	if (cut->query && !between)
		cut->query->broken = true;
	cut->part = cut->query || !cut->source->lenient ? PART_TAIL : PART_HEAD;
	cut->complained = true;
}

static void cut_into_queries(struct source *source, const struct tokens *tokens, struct diags *diags)
{
	struct cut cut = {.source = source, .diags = diags, .part = PART_HEAD};
	for (size_t i = 0; i < tokens->count; i++) {
		struct token token = tokens->items[i];
		if (token.kind == TOKEN_LINE_COMMENT) {
			on_comment(&cut, (struct span){token.start, token.end});
		} else if (token.kind == TOKEN_BROKEN) {
			on_broken(&cut);
		} else if (token.kind != TOKEN_BLOCK_COMMENT) {
			on_word(&cut, token);
		} else if (cut.part == PART_BODY) {
			variant_comment(cut.query, token, diags);
		}
	}
}

static void rewrite_variant(void *user, struct query *query)
{
	rewrite(query, user);
}

static void check_complete(struct query *query, struct diags *diags)
{
	if (!query->broken)
		variants_make(query, diags);
	if (query->broken)
		return;
	bool copy = query->copy_target.ptr != NULL;
	if (copy && query->card != CARD_COPY)
		query_wrong(diags, query, query->copy_at, "\"copy\" belongs to :copy, this query is %s",
		            cardinality_word(query->card));
	else if (copy && query->nbody)
		query_wrong(diags, query, (struct span){query->body[0].start, query->body[0].end},
		            "statement beside a copy annotation")
			->hint = "keep either the annotation or the INSERT";
	else if (!copy && !query->nbody)
		query_wrong(diags, query, query->name_at, "no statement under the name \"%s\"", query->name);
	else
		variants_each(query, rewrite_variant, diags);
	if (!query->broken)
		variants_collect_inputs(query, diags);
	if (!query->broken && query->by_copy && (query->nparams || query->rows_max || query->bytes_max))
		query_wrong(diags, query, query->by_copy_at, "a COPY has neither parameters nor bounds")->hint =
			"current_setting() reads what set_config() of another query said";
}

void source_read(struct source *source, struct diags *diags)
{
	size_t bad;
	if (!str_is_utf8(source->text, &bad)) {
		diag_at(diags, source, bad, bad + 1, "byte %zu is not UTF-8", bad);
		return;
	}
	CLEANUP(arena_freep) hf_arena *scratch = mem_arena();
	struct tokens tokens = tokens_of(source, scratch, diags);
	cut_into_queries(source, &tokens, diags);
	for (size_t i = 0; i < source->nqueries; i++)
		check_complete(source->queries[i], diags);
	if (!source->lenient)
		identifier_check_used(source, diags);
}
