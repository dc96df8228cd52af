/*
 * check_statement.c - rules that look at each statement of the tree, those in WITH and in parentheses included.
 */
#include <strings.h>

#include "gen/check.h"
#include "gen/rewrite.h"
#include "gen/tree.h"

enum { CMD_SELECT = 1, CMD_UPDATE = 2, CMD_INSERT = 3, CMD_DELETE = 4 };
enum { SUBLINK_EXISTS = 0, PARAM_EXTERN = 0, CAST_EXPLICIT = 1, CAST_IMPLICIT = 2 };

struct walk {
	const struct checking *checking;
	size_t from; /* byte of the source behind which the current statement stands */
};

/* ---- places ---- */

static bool is_word(const struct query *query, struct token token, const char *word)
{
	struct hf_str text = {query->source->text.ptr + token.start, token.end - token.start};
	return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* The word at the same depth of parentheses as byte `from`, behind it; else the first word of the query. */
static struct span word_behind(const struct query *query, size_t from, const char *word)
{
	int depth = 0;
	for (size_t i = 0; i < query->nbody; i++) {
		struct token token = query->body[i];
		if (token.start < from)
			continue;
		if (depth == (from > query->body[0].start ? 1 : 0) && is_word(query, token, word))
			return (struct span){token.start, token.end};
		depth += token.kind == TOKEN_OPEN ? 1 : token.kind == TOKEN_CLOSE ? -1 : 0;
	}
	return query->nbody ? (struct span){query->body[0].start, query->body[0].end} : query->name_at;
}

static struct span place_of(const struct checking *checking, const struct node *expr)
{
	while (expr && node_int(expr, "location", -1) < 0) {
		const struct node *inner = node_get(expr, "arg");
		expr = inner ? inner : node_item(node_get(expr, "args"), 0);
	}
	int64_t at = node_int(expr, "location", -1);
	return at >= 0 ? rewrite_source_span(checking->query, (size_t)at) : checking->query->name_at;
}

/* ---- one statement ---- */

static void check_where(const struct walk *walk, const struct node *statement)
{
	int64_t command = node_int(statement, "commandType", 0);
	const char *word = command == CMD_UPDATE ? "UPDATE" : "DELETE";
	if ((command != CMD_UPDATE && command != CMD_DELETE) || node_get(node_get(statement, "jointree"), "quals"))
		return;
	struct diag *diag = check_found(walk->checking, RULE_NO_WHERE,
	                                word_behind(walk->checking->query, walk->from, word),
	                                "%s without WHERE changes every row", word);
	if (diag)
		diag->hint = "write WHERE true if that is meant, or: -- allow: no-where WHY";
}

/* LIMIT ALL is a NULL. */
static bool limits(const struct node *expr)
{
	return expr && !(node_is(expr, "CONST") && node_bool(expr, "constisnull"));
}

static bool is_column(void *user, const struct node *record)
{
	(void)user;
	return node_is(record, "VAR");
}

static void check_limit(const struct walk *walk, const struct node *statement)
{
	const struct checking *checking = walk->checking;
	const struct node *limit = node_get(statement, "limitCount"), *offset = node_get(statement, "limitOffset");
	const char *blame;
	if ((!limits(limit) && !limits(offset)) || node_get(statement, "sortClause") ||
	    !tree_find(node_get(statement, "targetList"), is_column, NULL) || /* all rows are the same */
	    check_rows_single(checking->catalog, checking->keys, statement, true, &blame))
		return;
	struct diag *diag = check_found(checking, RULE_LIMIT_ORDER, place_of(checking, limits(limit) ? limit : offset),
	                                "%s without ORDER BY: which rows these are is left to chance",
	                                limits(limit) ? "LIMIT" : "OFFSET");
	if (diag)
		diag->hint = "add ORDER BY; if any row will do: -- allow: limit-order WHY";
}

/* ---- idempotent ---- */

struct own_column {
	int64_t relation, column;
};

static bool is_own_column(void *user, const struct node *record)
{
	const struct own_column *own = user;
	return node_is(record, "VAR") && node_int(record, "varno", 0) == own->relation &&
	       node_int(record, "varattno", 0) == own->column && node_int(record, "varlevelsup", -1) == 0;
}

/* n + 1, text || more, array_append(list, x): each run adds to what the last one left. */
static bool adds_up(const struct catalog *catalog, const struct node *expr)
{
	static const char *const words[] = {"+", "-", "*", "/", "||", "array_append", "array_prepend", "array_cat"};
	const struct catalog_operator *op = catalog_operator(catalog, (uint32_t)node_int(expr, "opno", 0));
	const struct catalog_function *function = catalog_function(catalog, (uint32_t)node_int(expr, "funcid", 0));
	const char *name = op ? op->name : function ? function->name : "";
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], name) == 0)
			return true;
	return false;
}

static void check_assignments(const struct walk *walk, const struct node *statement, const struct node *list)
{
	const struct checking *checking = walk->checking;
	struct own_column own = {.relation = node_int(statement, "resultRelation", 0)};
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *entry = node_item(list, i), *expr = node_get(entry, "expr");
		const struct node *name = node_get(entry, "resname");
		own.column = node_int(entry, "resno", 0);
		if (!adds_up(checking->catalog, expr) || !tree_find(expr, is_own_column, &own))
			continue;
		struct diag *diag = check_found(checking, RULE_IDEMPOTENT, place_of(checking, expr),
		                                "annotated idempotent, but \"%s\" is computed from itself",
		                                name ? name->text : "?");
		if (diag)
			diag->hint = "a second run would change it again: leave the annotation out";
	}
}

static void check_insert_again(const struct walk *walk, const struct node *statement)
{
	const struct node *rtable = node_get(statement, "rtable"), *source = NULL;
	for (size_t i = 0; i < node_count(rtable) && !source; i++)
		source = node_get(node_item(rtable, i), "subquery");
	if (node_get(statement, "onConflict") || node_get(node_get(source, "jointree"), "quals"))
		return;
	struct diag *diag = check_found(walk->checking, RULE_IDEMPOTENT,
	                                word_behind(walk->checking->query, walk->from, "INSERT"),
	                                "annotated idempotent, but a second run inserts again");
	if (diag)
		diag->hint = "add ON CONFLICT, or leave the annotation out";
}

static void check_idempotent(const struct walk *walk, const struct node *statement)
{
	int64_t command = node_int(statement, "commandType", 0);
	if (!walk->checking->query->idempotent)
		return;
	if (command == CMD_INSERT)
		check_insert_again(walk, statement);
	if (command == CMD_UPDATE)
		check_assignments(walk, statement, node_get(statement, "targetList"));
	check_assignments(walk, statement, node_get(node_get(statement, "onConflict"), "onConflictSet"));
}

static void check_volatile(const struct checking *checking)
{
	const struct node *call = tree_volatile_call(checking->catalog, checking->parsed);
	if (!call || !checking->query->idempotent)
		return;
	const struct catalog_function *function =
		catalog_function(checking->catalog, (uint32_t)node_int(call, "funcid", 0));
	struct diag *diag = check_found(checking, RULE_IDEMPOTENT, place_of(checking, call),
	                                "annotated idempotent, but %s() may answer something else the second time",
	                                function ? function->name : "a volatile function");
	if (diag)
		diag->hint = "pass the value as a parameter, or leave the annotation out";
}

/* ---- INSERT ---- */

static bool is_given(const struct node *statement, int32_t column)
{
	const struct node *list = node_get(statement, "targetList");
	for (size_t i = 0; i < node_count(list); i++)
		if (node_int(node_item(list, i), "resno", 0) == column)
			return true;
	return false;
}

/* In the rewritten tree, where defaults stand among the columns. */
static void check_insert(const struct walk *walk, const struct node *statement)
{
	const struct checking *checking = walk->checking;
	int64_t target = node_int(statement, "resultRelation", 0);
	const struct node *entry = target > 0 ? node_item(node_get(statement, "rtable"), (size_t)target - 1) : NULL;
	uint32_t relation = (uint32_t)node_int(entry, "relid", 0);
	const struct catalog_relation *found = catalog_find(&checking->catalog->relations, relation);
	char kind = found ? found->kind : '\0';
	if (node_int(statement, "commandType", 0) != CMD_INSERT || (kind != 'r' && kind != 'p') ||
	    keys_has_insert_trigger(checking->keys, relation))
		return;
	const char *missing = "";
	for (const struct required *next = keys_required(checking->keys, relation, 0); next;
	     next = keys_required(checking->keys, relation, next->column))
		if (!is_given(statement, next->column))
			missing = mem_printf(checking->diags->arena, "%s%s%s", missing, *missing ? ", " : "",
			                     next->name);
	if (!*missing)
		return;
	struct diag *diag = check_found(checking, RULE_INSERT_NULL,
	                                word_behind(checking->query, walk->from, "INSERT"),
	                                "INSERT leaves out what is NOT NULL and has no default: %s", missing);
	if (diag)
		diag->hint = "every run would fail";
}

/* ---- the walk over statements ---- */

typedef void statement_fn(const struct walk *walk, const struct node *statement);

static void visit(struct walk walk, const struct node *node, bool exists, statement_fn *fn);

static void visit_parts(struct walk walk, const struct node *node, statement_fn *fn)
{
	bool exists = node_is(node, "SUBLINK") && node_int(node, "subLinkType", -1) == SUBLINK_EXISTS;
	if (node_is(node, "COMMONTABLEEXPR")) {
		int64_t at = node_int(node, "location", -1);
		if (at >= 0)
			walk.from = rewrite_source_span(walk.checking->query, (size_t)at).start;
	}
	for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
		visit(walk, node->items[i], exists, fn);
	for (size_t i = 0; node->kind == NODE_RECORD && i < node->count; i++)
		visit(walk, node->fields[i].value, exists, fn);
}

/* LIMIT inside EXISTS means nothing, so it is not looked at. */
static void visit(struct walk walk, const struct node *node, bool exists, statement_fn *fn)
{
	if (node_is(node, "QUERY") && !exists)
		fn(&walk, node);
	visit_parts(walk, node, fn);
}

static void check_parsed(const struct walk *walk, const struct node *statement)
{
	check_where(walk, statement);
	if (node_int(statement, "commandType", 0) == CMD_SELECT)
		check_limit(walk, statement);
	check_idempotent(walk, statement);
}

/* ---- parameters ---- */

struct use {
	size_t number; /* of the parameter, from 1 */
	uint32_t type;
	const struct node *at;
};

struct uses {
	const struct checking *checking;
	struct use *items;
	size_t count;
};

static size_t param_of(const struct node *expr)
{
	expr = tree_bare(expr);
	bool param = node_is(expr, "PARAM") && node_int(expr, "paramkind", -1) == PARAM_EXTERN;
	int64_t number = param ? node_int(expr, "paramid", 0) : 0;
	return number > 0 ? (size_t)number : 0;
}

static void add_use(struct uses *uses, size_t number, uint32_t type, const struct node *at)
{
	if (!number || !type)
		return;
	uses->items = mem_grow(uses->checking->diags->arena, uses->items, uses->count, sizeof(struct use));
	uses->items[uses->count++] = (struct use){number, type, at};
}

static bool is_comparison(const struct catalog_operator *op)
{
	static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};
	for (size_t i = 0; op && i < ARRAY_LEN(names); i++)
		if (strcmp(op->name, names[i]) == 0)
			return true;
	return false;
}

/* A wider number can be compared with a narrower one: nothing that the program could pass is lost. */
static bool is_wider(const struct catalog *catalog, uint32_t type, uint32_t than)
{
	static const char *const numbers[] = {"int2", "int4", "int8", "numeric", "float4", "float8"};
	size_t left = 0, right = 0;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		left = strcmp(catalog_type_name(catalog, type), numbers[i]) == 0 ? i + 1 : left;
		right = strcmp(catalog_type_name(catalog, than), numbers[i]) == 0 ? i + 1 : right;
	}
	return left && right && left > right;
}

/* Compared with another type, that type is what the reader sees. */
static void add_comparison(struct uses *uses, const struct node *record)
{
	const struct node *args = node_get(record, "args");
	const struct catalog_operator *op =
		catalog_operator(uses->checking->catalog, (uint32_t)node_int(record, "opno", 0));
	size_t left = param_of(node_item(args, 0)), right = param_of(node_item(args, 1));
	if (node_count(args) != 2 || !is_comparison(op) || !left == !right)
		return;
	uint32_t own = left ? op->left : op->right, other = left ? op->right : op->left;
	if (!is_wider(uses->checking->catalog, own, other))
		add_use(uses, left ? left : right, other, node_item(args, left ? 0 : 1));
}

static bool is_cast(const struct node *record, const char *format)
{
	int64_t kind = node_int(record, format, 0);
	return kind == CAST_EXPLICIT || kind == CAST_IMPLICIT;
}

static bool gather_use(void *user, const struct node *record)
{
	struct uses *uses = user;
	const struct node *arg = node_get(record, "arg");
	if (node_is(record, "PARAM"))
		add_use(uses, param_of(record), (uint32_t)node_int(record, "paramtype", 0), record);
	else if (node_is(record, "OPEXPR"))
		add_comparison(uses, record);
	else if (node_is(record, "FUNCEXPR") && is_cast(record, "funcformat"))
		add_use(uses, param_of(node_item(node_get(record, "args"), 0)),
		        (uint32_t)node_int(record, "funcresulttype", 0), node_item(node_get(record, "args"), 0));
	else if (node_is(record, "COERCEVIAIO") && is_cast(record, "coerceformat"))
		add_use(uses, param_of(arg), (uint32_t)node_int(record, "resulttype", 0), arg);
	return false;
}

static bool is_text(const struct catalog_type *type)
{
	static const char *const names[] = {"text", "varchar", "bpchar", "name", "unknown"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (type->builtin && strcmp(type->name, names[i]) == 0)
			return true;
	return false;
}

static const struct catalog_type *below_domains(const struct catalog *catalog, uint32_t oid)
{
	const struct catalog_type *found = catalog_find(&catalog->types, oid);
	for (int depth = 0; depth < 32 && found && found->kind == 'd'; depth++)
		found = catalog_find(&catalog->types, found->base);
	return found;
}

/* One can stand for the other without a second thought: equal below domains, both text, or polymorphic. */
static bool same_kind(const struct catalog *catalog, uint32_t a, uint32_t b)
{
	const struct catalog_type *left = below_domains(catalog, a), *right = below_domains(catalog, b);
	return !left || !right || left == right || left->kind == 'p' || right->kind == 'p' ||
	       (is_text(left) && is_text(right));
}

static size_t times_written(const struct uses *uses, size_t number)
{
	size_t times = 0;
	for (size_t i = 0; i < uses->count; i++)
		times += uses->items[i].number == number && node_is(uses->items[i].at, "PARAM") &&
		         uses->items[i].type == (uint32_t)node_int(uses->items[i].at, "paramtype", 0);
	return times;
}

static void check_use(const struct uses *uses, const struct use *use, bool *said)
{
	const struct catalog *catalog = uses->checking->catalog;
	const struct query *query = uses->checking->query;
	uint32_t type = (uint32_t)node_int(tree_bare(use->at), "paramtype", 0);
	if (use->number > query->nparams || said[use->number] || same_kind(catalog, type, use->type) ||
	    times_written(uses, use->number) < 2)
		return;
	said[use->number] = true;
	struct diag *diag = check_found(uses->checking, RULE_TWO_TYPES, place_of(uses->checking, use->at),
	                                "parameter \"%s\" is %s by its first use, and %s here",
	                                query->params[use->number - 1].name, catalog_type_name(catalog, type),
	                                catalog_type_name(catalog, use->type));
	if (diag)
		diag->hint = mem_printf(uses->checking->diags->arena,
		                        "say which it is, :%s::%s, or use two parameters",
		                        query->params[use->number - 1].name, catalog_type_name(catalog, use->type));
}

static void check_params(const struct checking *checking)
{
	struct uses uses = {.checking = checking};
	bool *said = MEM_ARRAY(checking->diags->arena, checking->query->nparams + 1, bool);
	(void)tree_find(checking->parsed, gather_use, &uses);
	for (size_t i = 0; i < uses.count; i++)
		check_use(&uses, &uses.items[i], said);
}

void check_statement(const struct checking *checking)
{
	struct walk walk = {.checking = checking};
	if (!checking->parsed)
		return;
	visit(walk, checking->parsed, false, check_parsed);
	check_volatile(checking);
	check_params(checking);
	if (checking->rewritten)
		visit(walk, checking->rewritten, false, check_insert);
}
