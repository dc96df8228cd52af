/*
 * rewrite.c - the text that the server sees. Tokens are copied; what stands between them shrinks to one blank or one
 * line break with its indentation; comments vanish. Equal names get one number.
 *
 * `:name` is a colon that touches a name. `::`, `:=` and operators are tokens of their own, so they never look like
 * one; only an array slice does (`a[1:n]`), and there we refuse to guess.
 */
#include "gen/rewrite.h"

#include <strings.h>

#include "gen/cname.h"
#include "gen/identifier.h"
#include "gen/name_index.h"

/* Each join lists the columns of all below it: thousands take gigabytes of the server, which notices late. */
enum { PARAMS_MAX = 65535, JOINS_MAX = 300 };

struct rewriter {
	struct query *query;
	struct diags *diags;
	struct buf out;
	struct name_index named; /* parameters: their numbers */
	char brackets[64];       /* the open ones, '(' or '[' */
	size_t depth;
};

static struct hf_str token_text(const struct query *query, struct token token)
{
	return (struct hf_str){query->source->text.ptr + token.start, token.end - token.start};
}

static size_t param_number(struct rewriter *rewriter, struct hf_str name, struct span at)
{
	struct query *query = rewriter->query;
	size_t *number = name_index_at(&rewriter->named, name);
	if (*number)
		return *number;
	query->params = mem_grow(rewriter->diags->arena, query->params, query->nparams, sizeof(struct param));
	query->params[query->nparams] = (struct param){.name = mem_text(rewriter->diags->arena, name), .where = at};
	return *number = ++query->nparams;
}

static void track_brackets(struct rewriter *rewriter, enum token_kind kind)
{
	bool opens = kind == TOKEN_OPEN || kind == TOKEN_OPEN_SQUARE;
	bool closes = kind == TOKEN_CLOSE || kind == TOKEN_CLOSE_SQUARE;
	if (opens && rewriter->depth < sizeof(rewriter->brackets))
		rewriter->brackets[rewriter->depth] = kind == TOKEN_OPEN ? '(' : '[';
	rewriter->depth += opens ? 1 : 0;
	rewriter->depth -= closes && rewriter->depth > 0 ? 1 : 0;
}

static bool in_square(const struct rewriter *rewriter)
{
	size_t depth = rewriter->depth;
	return depth > 0 && depth <= sizeof(rewriter->brackets) && rewriter->brackets[depth - 1] == '[';
}

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       (c & 0x80);
}

/* What stands between two tokens: nothing, a blank, or a line break with the indentation behind it. */
static void add_gap(struct rewriter *rewriter, size_t from, size_t to)
{
	if (from == to)
		return;
	const char *text = rewriter->query->source->text.ptr;
	size_t line = to;
	while (line > from && (text[line - 1] == ' ' || text[line - 1] == '\t'))
		line--;
	if (line > from && text[line - 1] == '\n') {
		buf_add_char(&rewriter->out, '\n');
		buf_add(&rewriter->out, (struct hf_str){text + line, to - line});
	} else {
		buf_add_char(&rewriter->out, ' ');
	}
}

static void add_piece(struct rewriter *rewriter, struct hf_str text, struct span at)
{
	struct query *query = rewriter->query;
	query->pieces = mem_grow(rewriter->diags->arena, query->pieces, query->npieces, sizeof(struct piece));
	query->pieces[query->npieces++] = (struct piece){rewriter->out.len, at.start, at.end - at.start};
	buf_add(&rewriter->out, text);
}

static bool add_param(struct rewriter *rewriter, struct token colon, struct token name)
{
	struct query *query = rewriter->query;
	struct hf_str text = token_text(query, name);
	struct span at = {colon.start, name.end};
	if (in_square(rewriter)) {
		query_wrong(rewriter->diags, query, at, "\":%.*s\" is ambiguous inside [ ]", STR_ARG(text))->hint =
			mem_printf(rewriter->diags->arena,
		                   "a parameter is written (:%.*s); a slice has a blank behind its colon",
		                   STR_ARG(text));
		return false;
	}
	if (!name_is_plain(text) && !query->source->lenient) {
		query_wrong(rewriter->diags, query, at, "\"%.*s\" cannot be the name of a parameter", STR_ARG(text))
			->hint = "a-z, 0-9 and _, beginning with a letter";
		return false;
	}
	if (rewriter->out.len && is_word_byte(rewriter->out.ptr[rewriter->out.len - 1]))
		buf_add_char(&rewriter->out, ' '); /* or "limit:n" would become the name limit$1 */
	char number[24];
	snprintf(number, sizeof(number), "$%zu", param_number(rewriter, text, at));
	add_piece(rewriter, hf_str_of(number), at);
	return true;
}

/* `:"entries"` or `:'schema.entries'`. */
static bool add_identifier(struct rewriter *rewriter, struct token colon, struct token name)
{
	struct query *query = rewriter->query;
	struct hf_str text = token_text(query, name);
	struct span at = {colon.start, name.end};
	if (name.kind == TOKEN_STRING && (!query->source->nidentifiers || text.ptr[0] != '\'')) {
		query_wrong(rewriter->diags, query, at, "text pasted in by a client (:'...') is refused")->hint =
			"write :name, it is sent as a value";
		return false;
	}
	if (in_square(rewriter)) {
		query_wrong(rewriter->diags, query, at, ":%.*s is ambiguous inside [ ]", STR_ARG(text))->hint =
			"write it in parentheses; a slice has a blank behind its colon";
		return false;
	}
	if (rewriter->out.len && is_word_byte(rewriter->out.ptr[rewriter->out.len - 1]))
		buf_add_char(&rewriter->out, ' '); /* or a constant would take the word before it for its prefix */
	add_piece(rewriter, HF_STR(""), at);
	return identifier_write(query, name, at, &rewriter->out, rewriter->diags);
}

static bool add_token(struct rewriter *rewriter, size_t i)
{
	struct query *query = rewriter->query;
	struct token token = query->body[i];
	struct span at = {token.start, token.end};
	track_brackets(rewriter, token.kind);
	add_piece(rewriter, token.kind == TOKEN_ORDER_BY ? HF_STR("ORDER BY") : token_text(query, token), at);
	return true;
}

static bool read_number(struct rewriter *rewriter, struct token token, int64_t *ret_number)
{
	struct hf_str text = token_text(rewriter->query, token);
	struct span at = {token.start, token.end};
	bool fits = str_to_i64((struct hf_str){text.ptr + 1, text.len - 1}, ret_number) && *ret_number >= 1 &&
	            *ret_number <= PARAMS_MAX;
	if (!fits)
		query_wrong(rewriter->diags, rewriter->query, at, "there is no parameter %.*s", STR_ARG(text))->hint =
			"they are numbered from $1 to $65535";
	return fits;
}

/* $1, $2, ... come first and keep their numbers; a name is inferred for each. */
static bool add_numbered(struct rewriter *rewriter)
{
	struct query *query = rewriter->query;
	hf_arena *arena = rewriter->diags->arena;
	struct span none = {query->body[0].start, query->body[0].end};
	for (size_t i = 0; i < query->nbody; i++) {
		int64_t number;
		if (query->body[i].kind != TOKEN_PARAM)
			continue;
		if (!read_number(rewriter, query->body[i], &number))
			return false;
		while (query->nparams < (size_t)number) {
			query->params = mem_grow(arena, query->params, query->nparams, sizeof(struct param));
			struct param *param = &query->params[query->nparams++];
			*param = (struct param){.numbered = true, .where = none};
			param->name = mem_printf(arena, "$%zu", query->nparams);
		}
		if (query->params[number - 1].where.start == none.start)
			query->params[number - 1].where = (struct span){query->body[i].start, query->body[i].end};
	}
	return true;
}

/* What a colon touches: a name, a quoted one, a string; else TOKEN_OTHER. */
static enum token_kind behind_colon(const struct query *query, size_t i)
{
	if (query->body[i].kind != TOKEN_COLON || i + 1 >= query->nbody)
		return TOKEN_OTHER;
	struct token name = query->body[i + 1];
	return name.start == query->body[i].end ? name.kind : TOKEN_OTHER;
}

/* One token, or a colon with what it touches. */
static bool add_next(struct rewriter *rewriter, size_t *i)
{
	const struct token *token = &rewriter->query->body[*i];
	enum token_kind kind = behind_colon(rewriter->query, *i);
	if (kind != TOKEN_NAME && kind != TOKEN_QUOTED_NAME && kind != TOKEN_STRING)
		return add_token(rewriter, *i);
	++*i;
	return kind == TOKEN_NAME ? add_param(rewriter, token[0], token[1])
	                          : add_identifier(rewriter, token[0], token[1]);
}

static void rewrite_body(struct rewriter *rewriter)
{
	struct query *query = rewriter->query;
	if (!add_numbered(rewriter))
		return;
	for (size_t i = 0; i < query->nbody; i++) {
		if (i > 0)
			add_gap(rewriter, query->body[i - 1].end, query->body[i].start);
		if (!add_next(rewriter, &i))
			return;
	}
	mem_check(&rewriter->out);
	query->sql = query->run_sql = mem_text(rewriter->diags->arena, buf_str(&rewriter->out));
	query->run_slots = query->slots;
}

/* `-- copy: t(a, b)` is described as the INSERT that it stands for. */
static void rewrite_copy(struct rewriter *rewriter)
{
	struct query *query = rewriter->query;
	struct diags *diags = rewriter->diags;
	struct hf_str target = query->copy_target;
	size_t open = (size_t)str_find(target, '(');
	struct hf_str list = {target.ptr + open + 1, target.len - open - 2}, name;
	size_t at = query->copy_at.start + open + 1;
	buf_add_text(&rewriter->out, "INSERT INTO ");
	add_piece(rewriter, target, query->copy_at);
	buf_add_text(&rewriter->out, " VALUES (");
	while (str_split(&list, ',', &name)) {
		struct hf_str plain = str_trim(name);
		struct span where = {at + (size_t)(plain.ptr - name.ptr), 0};
		where.end = where.start + plain.len;
		at += name.len + 1;
		if (!name_is_plain(plain)) {
			query_wrong(diags, query, plain.len ? where : query->copy_at,
			            "\"%.*s\" cannot be a column of a copy", STR_ARG(plain));
			return;
		}
		size_t before = query->nparams;
		size_t number = param_number(rewriter, plain, where);
		if (query->nparams == before) {
			query_wrong(diags, query, where, "column \"%.*s\" stands twice", STR_ARG(plain));
			return;
		}
		buf_printf(&rewriter->out, "%s$%zu", number > 1 ? ", " : "", number);
	}
	buf_add_text(&rewriter->out, ")");
	mem_check(&rewriter->out);
	query->sql = mem_text(diags->arena, buf_str(&rewriter->out));
	query->run_sql = mem_printf(diags->arena, "COPY %.*s FROM STDIN (FORMAT binary)", STR_ARG(target));
}

static size_t count_joins(const struct query *query)
{
	size_t count = 0;
	for (size_t i = 0; i < query->nbody; i++) {
		struct hf_str text = token_text(query, query->body[i]);
		count += query->body[i].kind == TOKEN_NAME && text.len == 4 && strncasecmp(text.ptr, "join", 4) == 0;
	}
	return count;
}

void rewrite(struct query *query, struct diags *diags)
{
	CLEANUP(arena_freep) hf_arena *scratch = mem_arena();
	struct rewriter rewriter = {.query = query, .diags = diags, .named = {.arena = scratch}};
	buf_init(&rewriter.out, 2 * DESCRIBE_BYTES_MAX);
	if (query->copy_target.ptr)
		rewrite_copy(&rewriter);
	else
		rewrite_body(&rewriter);
	buf_deinit(&rewriter.out);
	size_t joins = count_joins(query);
	if (joins > JOINS_MAX)
		query_wrong(diags, query, query->name_at, "%zu joins in one statement, the limit is %d", joins,
		            JOINS_MAX);
	if (query->nparams > PARAMS_MAX)
		query_wrong(diags, query, query->name_at, "%zu parameters, the protocol takes %d", query->nparams,
		            PARAMS_MAX);
	if (!query->broken)
		rewrite_name_params(query, diags);
}

/* Names differ, so only a member with something put behind, or in the form of a flag, can be another one's. */
static bool may_clash(const char *member)
{
	return strncmp(member, "has_", 4) == 0 || str_ends(hf_str_of(member), HF_STR("_"));
}

void rewrite_name_params(struct query *query, struct diags *diags)
{
	if (query->source->lenient)
		return;
	for (size_t i = 0; i < query->nparams; i++)
		query->params[i].member = cname_member(diags->arena, query->params[i].name);
	for (size_t j = 0; j < query->nparams; j++)
		for (size_t i = 0; may_clash(query->params[j].member) && i < query->nparams; i++)
			if (i != j && cname_clash(query->params[i].member, query->params[j].member)) {
				query_wrong(diags, query, query->params[j].where,
				            "parameters \"%s\" and \"%s\" are the same in C", query->params[i].name,
				            query->params[j].name);
				return;
			}
}

struct span rewrite_source_span(const struct query *query, size_t at)
{
	for (size_t i = query->npieces; i-- > 0;) {
		struct piece piece = query->pieces[i];
		if (piece.out > at)
			continue;
		if (piece.in == query->copy_at.start && query->copy_target.ptr) {
			/* one piece, several words: from here to the end of the word */
			size_t start = piece.in + (at - piece.out), end = start;
			while (end < piece.in + piece.len && is_word_byte(query->source->text.ptr[end]))
				end++;
			return (struct span){start < end ? start : piece.in, start < end ? end : piece.in + piece.len};
		}
		return (struct span){piece.in, piece.in + piece.len};
	}
	return query->name_at;
}

void rewrite_add_identifier(struct buf *out, const char *name)
{
	buf_add_char(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_add_char(out, '"');
		buf_add_char(out, *name);
	}
	buf_add_char(out, '"');
}

/* The `*` behind byte `from` of the rewritten text; what stands between is its qualifier. */
static const struct piece *star_piece(const struct query *query, size_t from)
{
	for (size_t i = 0; i < query->npieces; i++) {
		const struct piece *piece = &query->pieces[i];
		if (piece->out >= from && piece->len == 1 && query->source->text.ptr[piece->in] == '*')
			return piece;
	}
	return NULL;
}

void rewrite_star(struct query *query, hf_arena *arena)
{
	const struct star *star = &query->star;
	const struct piece *piece = star->found ? star_piece(query, star->at) : NULL;
	if (!piece || query->ncolumns < star->before + star->after)
		return;
	struct buf out;
	buf_init(&out, 4 * SOURCE_BYTES_MAX);
	query->run_slots = (struct slots){0};
	identifier_add_range(query, 0, star->at, &out, arena);
	for (size_t i = star->before; i < query->ncolumns - star->after; i++) {
		buf_add_text(&out, i > star->before ? ", " : "");
		identifier_add_range(query, star->at, piece->out, &out, arena);
		rewrite_add_identifier(&out, query->columns[i].name);
	}
	identifier_add_range(query, piece->out + 1, strlen(query->sql), &out, arena);
	mem_check(&out);
	query->run_sql = mem_text(arena, buf_str(&out));
	buf_deinit(&out);
}
