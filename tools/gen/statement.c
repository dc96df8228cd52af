/*
 * statement.c - reading the raw parse tree, which libpg_query gives as JSON with byte locations.
 */
#include "gen/statement.h"

#include <jansson.h>
#include <pg_query.h>

#include "gen/bulk.h"
#include "gen/identifier.h"
#include "gen/rewrite.h"

DEFINE_OWNED(json, json_t *, json_decref)

static const struct {
	const char *tag;
	enum statement_kind kind;
} kinds[] = {
	{"SelectStmt", STATEMENT_SELECT}, {"InsertStmt", STATEMENT_INSERT}, {"UpdateStmt", STATEMENT_UPDATE},
	{"DeleteStmt", STATEMENT_DELETE}, {"MergeStmt", STATEMENT_MERGE},
};

/* The only member of a node object: its tag and its content. */
static const char *tag_of(json_t *node, json_t **ret_content)
{
	void *member = json_object_iter(node);
	*ret_content = member ? json_object_iter_value(member) : NULL;
	return member ? json_object_iter_key(member) : "";
}

static struct span whole(const struct query *query)
{
	if (!query->nbody)
		return query->copy_at;
	return (struct span){query->body[0].start, query->body[0].end};
}

static void syntax_error(struct query *query, const PgQueryError *error, struct diags *diags)
{
	struct hf_str sql = hf_str_of(query->sql);
	size_t at = scan_byte_of_character(sql, error->cursorpos);
	struct span span = rewrite_source_span(query, at);
	if (at >= sql.len && query->nbody) /* "syntax error at end of input" */
		span.start = span.end = query->body[query->nbody - 1].end;
	query_wrong(diags, query, span, "%s (SQLSTATE 42601)", error->message);
}

static bool is_star(json_t *target)
{
	json_t *fields = json_object_get(json_object_get(json_object_get(target, "val"), "ColumnRef"), "fields");
	for (size_t i = 0; i < json_array_size(fields); i++)
		if (json_object_get(json_array_get(fields, i), "A_Star"))
			return true;
	return false;
}

/* Places of the result expressions, unless a star hides how many there are. */
static void read_targets(struct query *query, json_t *list, struct diags *diags)
{
	size_t count = json_array_size(list), stars = 0;
	struct span *targets = MEM_ARRAY(diags->arena, count + 1, struct span);
	for (size_t i = 0; i < count; i++) {
		json_t *target = json_object_get(json_array_get(list, i), "ResTarget");
		json_int_t location = json_integer_value(json_object_get(target, "location"));
		size_t at = location > 0 ? (size_t)location : 0;
		targets[i] = rewrite_source_span(query, at);
		if (!is_star(target))
			continue;
		query->star = (struct star){.found = ++stars == 1, .at = at, .before = i, .after = count - i - 1};
		query->star.loose = stars > 1;
		query->star.loose_at = targets[i];
	}
	query->targets = targets;
	query->ntargets = stars ? 0 : count;
}

static json_t *leftmost_select(json_t *select)
{
	for (int depth = 0; depth < 1000; depth++) {
		json_t *left = json_object_get(select, "larg");
		if (!left)
			break;
		select = left;
	}
	return select;
}

static void read_rows(struct query *query, json_t *content, struct diags *diags)
{
	json_t *returning = json_object_get(content, "returningList");
	if (query->kind == STATEMENT_SELECT)
		returning = json_object_get(leftmost_select(content), "targetList");
	query->returns_rows = query->kind == STATEMENT_SELECT || json_array_size(returning) > 0;
	if (json_array_size(returning) > 0)
		read_targets(query, returning, diags);
	if (json_object_get(content, "larg") && query->star.found) {
		query->star.found = false; /* the arms of a set operation must keep their order */
		query->star.loose = true;
	}
	if (json_object_get(content, "intoClause"))
		query_unfit(diags, query, whole(query), "SELECT INTO makes a table: write CREATE TABLE AS");
}

static void check_cardinality(struct query *query, struct diags *diags)
{
	const char *card = cardinality_word(query->card);
	if (cardinality_has_rows(query->card) && !query->returns_rows)
		query_unfit(diags, query, query->card_at, "%s needs rows, and this statement returns none", card)
			->hint =
			query->kind == STATEMENT_UTILITY ? "use :exec" : "add RETURNING, or use :exec or :execrows";
	if (query->card == CARD_EXECROWS && query->kind == STATEMENT_SELECT)
		query_unfit(diags, query, query->card_at, ":execrows counts changed rows, and SELECT changes none");
	if ((query->card == CARD_EXEC || query->card == CARD_EXECROWS) && query->returns_rows &&
	    query->kind != STATEMENT_SELECT)
		query_unfit(diags, query, query->card_at, "%s would drop the rows of RETURNING", card)->hint =
			"use :one, :opt, :many or :each, or leave RETURNING out";
	if ((query->card == CARD_BATCH || query->card == CARD_BULK) && query->nparams == 0)
		query_unfit(diags, query, query->card_at,
		            "%s runs once for each input, and this query has no parameter", card);
	if (query->card == CARD_BULK && query->returns_rows)
		query_unfit(diags, query, query->card_at, ":bulk counts changed rows, this statement returns some")
			->hint = "use :many with array parameters, or :batch";
}

static void check_utility(struct query *query, const char *tag, struct diags *diags)
{
	if (query->kind != STATEMENT_UTILITY)
		return;
	if (strcmp(tag, "TransactionStmt") == 0)
		query_unfit(diags, query, whole(query), "transactions are made by hf_transaction(), not by queries");
	else if (strcmp(tag, "CopyStmt") == 0)
		query_unfit(diags, query, whole(query), "COPY is written as an annotation")->hint =
			"-- copy: schema.table(column, ...) under a :copy name";
	else if (strcmp(tag, "PrepareStmt") == 0 || strcmp(tag, "ExecuteStmt") == 0 ||
	         strcmp(tag, "DeallocateStmt") == 0)
		query_unfit(diags, query, whole(query), "prepared statements are the library's own business");
	else if (query->nparams)
		query_unfit(diags, query, query->params[0].where, "this kind of statement takes no parameters");
}

/* An INSERT that a COPY can stand for: one row of bare parameters for named columns, nothing behind it. */
static void check_copy(struct query *query, json_t *content, struct diags *diags)
{
	if (query->card != CARD_COPY)
		return;
	json_t *select = json_object_get(json_object_get(content, "selectStmt"), "SelectStmt");
	json_t *rows = json_object_get(select, "valuesLists");
	json_t *items = json_object_get(json_object_get(json_array_get(rows, 0), "List"), "items");
	bool fits = query->kind == STATEMENT_INSERT && json_array_size(rows) == 1 && !query->returns_rows &&
	            !json_object_get(content, "onConflictClause") && !json_object_get(content, "withClause") &&
	            json_array_size(json_object_get(content, "cols")) == json_array_size(items);
	for (size_t i = 0; fits && i < json_array_size(items); i++) {
		json_t *param = json_object_get(json_array_get(items, i), "ParamRef");
		fits = param && json_integer_value(json_object_get(param, "number")) == (json_int_t)i + 1;
	}
	if (query->slots.count && json_object_get(json_object_get(content, "relation"), "alias"))
		fits = false;
	if (!fits)
		query_unfit(diags, query, query->card_at, ":copy needs INSERT INTO table (columns) VALUES (:a, :b)")
			->hint = "one row of parameters, each once, without alias, RETURNING or ON CONFLICT";
}

/* The relation as the statement says it: from its first word to the parenthesis of the columns. */
static void add_target(struct query *query, size_t from, struct buf *out, hf_arena *arena)
{
	size_t to = from;
	for (size_t i = query->npieces; i-- > 0 && query->pieces[i].out >= from;)
		if (query->source->text.ptr[query->pieces[i].in] == '(')
			to = query->pieces[i].out;
	while (to > from && query->sql[to - 1] == ' ')
		to--;
	identifier_add_range(query, from, to, out, arena);
}

/* The COPY that an INSERT of :copy stands for. */
static void make_copy(struct query *query, json_t *content, struct diags *diags)
{
	if (query->card != CARD_COPY || query->copy_target.ptr)
		return;
	json_t *relation = json_object_get(content, "relation"), *columns = json_object_get(content, "cols");
	const char *schema = json_string_value(json_object_get(relation, "schemaname"));
	struct buf buf;
	buf_init(&buf, SOURCE_BYTES_MAX);
	buf_add_text(&buf, "COPY ");
	query->run_slots = (struct slots){0};
	if (query->slots.count) {
		add_target(query, (size_t)json_integer_value(json_object_get(relation, "location")), &buf,
		           diags->arena);
	} else {
		if (schema) {
			rewrite_add_identifier(&buf, schema);
			buf_add_char(&buf, '.');
		}
		rewrite_add_identifier(&buf, json_string_value(json_object_get(relation, "relname")));
	}
	for (size_t i = 0; i < json_array_size(columns); i++) {
		json_t *column = json_object_get(json_array_get(columns, i), "ResTarget");
		buf_add_text(&buf, i ? ", " : " (");
		rewrite_add_identifier(&buf, json_string_value(json_object_get(column, "name")));
	}
	buf_add_text(&buf, ") FROM STDIN (FORMAT binary)");
	mem_check(&buf);
	query->run_sql = mem_text(diags->arena, buf_str(&buf));
	buf_deinit(&buf);
}

static void read_tree(struct query *query, json_t *tree, struct diags *diags)
{
	json_t *statements = json_object_get(tree, "stmts");
	json_t *content = NULL;
	if (!tree && query->source->lenient)
		return; /* the server's own tree will tell */
	if (!tree) {
		query_wrong(diags, query, whole(query), "the statement is nested too deep to be looked at");
		return;
	}
	if (json_array_size(statements) != 1) {
		query_wrong(diags, query, whole(query), "one statement belongs under a name, here are %zu",
		            json_array_size(statements));
		return;
	}
	const char *tag = tag_of(json_object_get(json_array_get(statements, 0), "stmt"), &content);
	query->kind = STATEMENT_UTILITY;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(tag, kinds[i].tag) == 0)
			query->kind = kinds[i].kind;
	check_utility(query, tag, diags);
	if (!query->broken)
		read_rows(query, content, diags);
	if (!query->broken)
		check_cardinality(query, diags);
	if (!query->broken && query->card == CARD_BULK)
		bulk_check_unnest(query, content, diags);
	if (!query->broken)
		check_copy(query, content, diags);
	if (!query->broken && !query->source->lenient)
		make_copy(query, content, diags);
}

void statement_read(struct query *query, struct diags *diags)
{
	PgQueryParseResult result = pg_query_parse(query->sql);
	if (result.error && !query->source->lenient) {
		syntax_error(query, result.error, diags);
	} else if (!result.error) {
		CLEANUP(json_freep) json_t *tree = json_loads(result.parse_tree, 0, NULL);
		read_tree(query, tree, diags);
	}
	pg_query_free_parse_result(result);
}
