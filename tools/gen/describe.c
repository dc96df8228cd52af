/*
 * describe.c - one prepare per query. With debug_print_parse and debug_print_rewritten the server sends its trees as
 * notices of level LOG while it prepares; that works for any role, without DDL (else: function_tree.h). Parameters are
 * looked up in the first one, where views are still what the query's author sees; nullability is proven on the second.
 */
#include "gen/describe.h"

#include "base/error.h"
#include "gen/bulk.h"
#include "gen/catalog.h"
#include "gen/check.h"
#include "gen/cname.h"
#include "gen/columns.h"
#include "gen/constraints.h"
#include "gen/depends.h"
#include "gen/nullability.h"
#include "gen/occurrences.h"
#include "gen/parameters.h"
#include "gen/rewrite.h"
#include "gen/function_tree.h"
#include "gen/variant.h"
#include "holdfast/sql.h"

enum { OCCURRENCES_MAX = 4096, TREE_BYTES_MAX = 128 << 20 };

struct describing {
	struct group *group;
	struct diags *diags;
	hf_where where;
	struct catalog catalog;
	struct keys keys;
	const char *parsed_text, *tree_text; /* the last trees that arrived, before and after rewriting, or NULL */
	const char *parsed_sql;              /* what places in the first one count from */
	const struct node *parsed;           /* NULL: nothing is known */
	bool unread;                         /* a tree is too large or too deep to be looked at */
	hf_arena *scratch;                   /* of the query in hand: all but what is printed or written of it */
	enum hf_status status;
	hf_error *err;
};

static void on_notice(void *user, const struct hf_notice *notice)
{
	struct describing *describing = user;
	bool fits = strnlen(notice->detail, TREE_BYTES_MAX) < TREE_BYTES_MAX;
	describing->unread = describing->unread || !fits;
	if (!fits)
		return;
	if (strcmp(notice->message, "parse tree:") == 0)
		describing->parsed_text = mem_text(describing->scratch, hf_str_of(notice->detail));
	else if (strcmp(notice->message, "rewritten parse tree:") == 0)
		describing->tree_text = mem_text(describing->scratch, hf_str_of(notice->detail));
}

static enum hf_status set_up(struct describing *describing, hf_error *err)
{
	static const char *const settings[] = {"SET client_min_messages = log", "SET debug_pretty_print = off",
	                                       "SET debug_print_parse = on", "SET debug_print_rewritten = on"};
	struct hf_sql_row row;
	enum hf_status status = hf_sql_one(describing->where, HF_STR("SELECT pg_catalog.pg_is_in_recovery()"), NULL, 0,
	                                   describing->group->arena, &row, err);
	if (status == HF_OK && row.values[0].as.b)
		return error_set(err, HF_REJECTED, "the server is a standby: describe queries on a development server");
	if (status == HF_OK)
		status = catalog_load(&describing->catalog, describing->group->arena, describing->where, err);
	if (status == HF_OK)
		status = keys_load(&describing->keys, describing->group->arena, describing->where, err);
	/* what comes as a notice is not wanted in the log as well, where it may be kept out of it */
	if (status == HF_OK)
		status = hf_sql_exec(describing->where,
		                     HF_STR("SELECT pg_catalog.set_config('log_min_messages', 'panic', false) FROM "
		                            "pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper"),
		                     NULL, 0, NULL, err);
	for (size_t i = 0; i < ARRAY_LEN(settings) && status == HF_OK && !tree_by_function_wanted(); i++)
		status = hf_sql_exec(describing->where, hf_str_of(settings[i]), NULL, 0, NULL, err);
	return status;
}

/* ---- the server's complaints ---- */

/* The parameter that "$1" at this place of a message stands for; *ret_len is the length of the word. */
static const struct param *param_at(const struct query *query, const char *at, size_t *ret_len)
{
	size_t digits = *at == '$' ? strspn(at + 1, "0123456789") : 0;
	int64_t number = 0;
	if (!digits || !str_to_i64((struct hf_str){at + 1, digits}, &number) || number < 1 ||
	    (size_t)number > query->nparams)
		return NULL;
	*ret_len = digits + 1;
	return &query->params[number - 1];
}

/* "$1" says nothing to the reader of ":email". */
static const char *with_names(const struct query *query, const char *message, hf_arena *arena)
{
	struct buf buf;
	buf_init(&buf, 8192);
	for (const char *at = message; *at;) {
		size_t len = 1;
		const struct param *param = param_at(query, at, &len);
		if (param)
			buf_printf(&buf, "%s%s", param->numbered ? "" : ":", param->name);
		else
			buf_add_char(&buf, *at);
		at += len;
	}
	mem_check(&buf);
	const char *text = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

static struct span first_word(const struct query *query)
{
	return query->nbody ? (struct span){query->body[0].start, query->body[0].end} : query->copy_at;
}

/* Where the server points; without a position, the parameter that it names; else the first word. */
static struct span blamed(const struct query *query, const hf_error *error)
{
	size_t len;
	if (error->position > 0)
		return rewrite_source_span(query, scan_byte_of_character(hf_str_of(query->sql), error->position));
	for (const char *at = error->message; *at; at++) {
		const struct param *param = param_at(query, at, &len);
		if (param)
			return param->where;
	}
	return first_word(query);
}

/* The second use whose type is not that of the first one of the same parameter. */
static bool disagreeing(const struct occurrences *all, const uint32_t *types, size_t *ret_first, size_t *ret_second)
{
	for (size_t i = 1; i < all->count; i++)
		for (size_t j = 0; j < i; j++)
			if (all->items[i].param == all->items[j].param && types[i] != types[j]) {
				*ret_first = j;
				*ret_second = i;
				return true;
			}
	return false;
}

static void complain_of_types(struct describing *describing, struct query *query, const struct occurrence *first,
                              const struct occurrence *second, const char *first_type, const char *second_type)
{
	const struct param *param = &query->params[second->param];
	const char *colon = param->numbered ? "" : ":";
	struct place place = source_place(query->source, first->where.start);
	query_wrong(describing->diags, query, second->where, "parameter %s%s is %s here, and %s at %u:%u", colon,
	            param->name, second_type, first_type, place.line, place.column)
		->hint = mem_printf(describing->group->arena, "cast one of them, like %s%s::%s, or use two parameters",
	                            colon, param->name, second_type);
}

/* An operator that does not exist, say, because one parameter stands for two types: each use gets a number of its own,
 * and the server is asked again. True when that was it. */
static bool complained_of_types(struct describing *describing, struct query *query)
{
	hf_arena *arena = describing->scratch;
	struct occurrences all = occurrences_of(query, arena);
	struct hf_sql_shape shape;
	size_t first, second;
	if (all.count <= query->nparams || all.count > OCCURRENCES_MAX)
		return false;
	struct hf_str apart = hf_str_of(occurrences_apart(query, arena));
	if (hf_sql_describe(describing->where, apart, arena, &shape, NULL) != HF_OK || shape.nparams != all.count ||
	    !disagreeing(&all, shape.param_oids, &first, &second))
		return false;
	complain_of_types(describing, query, &all.items[first], &all.items[second],
	                  catalog_type_name(&describing->catalog, shape.param_oids[first]),
	                  catalog_type_name(&describing->catalog, shape.param_oids[second]));
	return true;
}

/* Too little is known of a parameter's type: 42P18, 42P08 */
static const char *cast_to_write(const struct query *query, const hf_error *error, hf_arena *arena)
{
	size_t len;
	if (!strstr(error->message, "could not determine data type"))
		return NULL;
	for (const char *at = error->message; *at; at++) {
		const struct param *param = param_at(query, at, &len);
		if (param && param->where.start == first_word(query).start)
			return mem_printf(arena, "%s stands nowhere: number them from $1, without a gap", param->name);
		if (param)
			return mem_printf(arena, "write its type behind it, like %s%s::text",
			                  param->numbered ? "" : ":", param->name);
	}
	return NULL;
}

static void complain(struct describing *describing, struct query *query, const hf_error *error)
{
	hf_arena *arena = describing->group->arena;
	if (str_starts(hf_str_of(error->sqlstate), HF_STR("42")) && complained_of_types(describing, query))
		return;
	struct diag *diag = query_wrong(describing->diags, query, blamed(query, error), "%s (SQLSTATE %s)",
	                                with_names(query, error->message, arena), error->sqlstate);
	diag->hint = cast_to_write(query, error, arena);
	if (diag->hint)
		return;
	if (error->hint[0])
		diag->hint = with_names(query, error->hint, arena);
	else if (error->detail[0])
		diag->hint = with_names(query, error->detail, arena);
}

/* The statement was judged, as opposed to the connection or the server having failed. */
static bool is_judgement(const hf_error *error)
{
	static const char *const failures[] = {"08", "53", "57", "58", "XX"};
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (strncmp(error->sqlstate, failures[i], 2) == 0)
			return false;
	return error->sqlstate[0] != '\0';
}

/* ---- filling in ---- */

static struct override *find_override(struct overrides *list, const char *name)
{
	struct override *found = NULL;
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0) {
			list->items[i].used = true;
			found = &list->items[i];
		}
	return found;
}

static void check_overrides_used(struct describing *describing, struct query *query, const struct overrides *list,
                                 const char *what)
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].used)
			query_unfit(describing->diags, query, list->items[i].where, "the query has no %s \"%s\"", what,
			            list->items[i].name);
}

static struct checking checking_of(struct describing *describing, struct query *query)
{
	return (struct checking){.catalog = &describing->catalog,
	                         .keys = &describing->keys,
	                         .diags = describing->diags,
	                         .query = query};
}

/* The number alone does not say what it counts. */
static void warn_of_money(struct describing *describing, struct query *query, const struct type *type, struct span at,
                          const char *what, const char *name)
{
	while (type->base || type->element)
		type = type->base ? type->base : type->element;
	if (type != type_builtin("money"))
		return;
	struct checking checking = checking_of(describing, query);
	struct diag *diag = check_found(&checking, RULE_MONEY, at,
	                                "%s \"%s\": what an amount of money counts depends on lc_monetary", what, name);
	if (diag)
		diag->hint = "prefer numeric, or cast it: ::numeric";
}

static const struct type *type_of(struct describing *describing, struct query *query, uint32_t oid, struct span at,
                                  const char *what, const char *name)
{
	const char *why = NULL, *hint = NULL;
	const struct type *type =
		catalog_type(&describing->catalog, &describing->group->types, query->source, oid, &why, &hint);
	if (!type && !query->source->lenient)
		query_wrong(describing->diags, query, at, "%s \"%s\": %s", what, name, why)->hint = hint;
	if (type)
		warn_of_money(describing, query, type, at, what, name);
	return type;
}

/* What the annotation says, else what the trees do. */
static void judge_param(struct describing *describing, struct query *query, size_t index,
                        const struct parameter *inferred, const struct node *tree)
{
	struct param *param = &query->params[index];
	struct override *said = find_override(&query->params_said, param->name);
	struct parameter found = *inferred;
	if (!found.nullable && strcmp(found.rule, RULE_STORED_NOT_NULL) != 0 &&
	    parameters_stored(&describing->catalog, tree, index + 1))
		found = (struct parameter){found.name, true, RULE_STORED_NULLABLE, found.untyped};
	if (query->card == CARD_BULK) /* what may be NULL is an element, never the array */
		found = bulk_element(&describing->catalog, tree, index + 1, inferred);
	param->nullable = said ? said->choice == CHOICE_NULLABLE : found.nullable;
	param->rule = said ? "annotated" : found.rule;
	struct checking checking = checking_of(describing, query);
	if (said && param->nullable && strcmp(found.rule, RULE_STORED_NOT_NULL) == 0 &&
	    parameters_written(tree, index + 1))
		check_found(&checking, RULE_CONTRADICTION, said->where,
		            "parameter \"%s\" is stored into a NOT NULL column: a NULL in it always fails",
		            param->name);
	if (param->numbered && !found.name && !query->source->lenient)
		query_unfit(describing->diags, query, param->where, "parameter $%zu meets nothing that has a name",
		            index + 1)
			->hint = "write :name instead";
	if (found.untyped)
		query_unfit(describing->diags, query, param->where,
		            "nothing tells the type of parameter \"%s\": the server takes text", param->name)
			->hint = mem_printf(describing->group->arena, "write the type behind it, like %s%s::text",
		                            param->numbered ? "$" : ":",
		                            param->numbered ? mem_printf(describing->group->arena, "%zu", index + 1)
		                                            : param->name);
}

static void fill_params(struct describing *describing, struct query *query, const struct hf_sql_shape *shape,
                        const struct node *tree)
{
	hf_arena *arena = describing->scratch;
	if (shape->nparams != query->nparams) {
		query_wrong(describing->diags, query, query->name_at,
		            "the server sees %zu parameters, the text has %zu", shape->nparams, query->nparams);
		return;
	}
	struct parameter *inferred = MEM_ARRAY(arena, query->nparams + 1, struct parameter);
	parameters_infer(&describing->catalog, describing->parsed, describing->parsed_sql, inferred, query->nparams);
	parameters_call(query, inferred, describing->group->arena);
	for (size_t i = 0; i < query->nparams; i++) {
		struct param *param = &query->params[i];
		param->type_name = catalog_type_name(&describing->catalog, shape->param_oids[i]);
		param->type = type_of(describing, query, shape->param_oids[i], param->where, "parameter", param->name);
		judge_param(describing, query, i, &inferred[i], tree);
		if (param->type && param->type->kind == HF_TYPE_VOID)
			query_unfit(describing->diags, query, param->where, "parameter \"%s\" has no type",
			            param->name);
	}
	if (!query->broken)
		rewrite_name_params(query, describing->diags);
	if (!query->nvariants)
		check_overrides_used(describing, query, &query->params_said, "parameter");
	if (query->card == CARD_BULK)
		bulk_check_types(query, describing->diags);
}

static struct span column_place(const struct query *query, size_t index, size_t count)
{
	return query->ntargets == count ? query->targets[index] : query->name_at;
}

/* Whoever annotates a column believes something of it. What is proven in one variant need not hold in another. */
static void check_belief(struct describing *describing, struct query *query, const struct override *said,
                         const struct proof *proof)
{
	struct checking checking = checking_of(describing, query);
	bool notnull = said->choice == CHOICE_NOTNULL, alone = !query->nvariants;
	if (notnull && proof->always_null)
		check_found(&checking, RULE_CONTRADICTION, said->where,
		            "column \"%s\" is always NULL: each row of it is an error at run time", said->name);
	else if (notnull && proof->never_null && alone)
		check_found(&checking, RULE_UNNEEDED, said->where,
		            "column \"%s\" is proven not null (%s): the annotation is not needed", said->name,
		            proof->rule);
	else if (!notnull && proof->never_null && alone && !query->row) /* the struct may want it for the others */
		check_found(&checking, RULE_CONTRADICTION, said->where,
		            "column \"%s\" is proven not null (%s): no row of it is NULL", said->name, proof->rule);
}

static void judge_column(struct describing *describing, struct query *query, struct column *column,
                         const struct proof *proof)
{
	struct override *said = find_override(&query->cols, column->name);
	column->nullable = said ? said->choice == CHOICE_NULLABLE : !proof->never_null;
	column->rule = said ? "annotated" : proof->rule;
	if (said)
		check_belief(describing, query, said, proof);
}

static void open_column(struct describing *describing, struct query *query, struct column *column)
{
	const struct override *said = find_override(&query->opens, column->name);
	column->open = said != NULL;
	if (said && column->type && !type_holds_enum(column->type))
		query_unfit(describing->diags, query, said->where,
		            "column \"%s\" is %s: there is no enum in it to be open", column->name, column->type_name);
}

static void check_column_names(struct describing *describing, struct query *query)
{
	for (size_t i = 0; i < query->ncolumns; i++) {
		struct column *column = &query->columns[i];
		if (strcmp(column->name, "?column?") == 0)
			query_wrong(describing->diags, query, column->where, "column %zu has no name", i + 1)->hint =
				"write AS and a name behind it";
		for (size_t j = 0; j < query->ncolumns; j++)
			if (i != j && cname_clash(column->member, query->columns[j].member) &&
			    (i < j || strcmp(column->member, query->columns[j].member) != 0) &&
			    strcmp(column->name, "?column?") != 0)
				query_wrong(describing->diags, query, query->columns[j].where,
				            "columns \"%s\" and \"%s\" are the same in C", column->name,
				            query->columns[j].name)
					->hint = "write AS and another name behind one of them";
	}
}

static void check_exec(struct describing *describing, struct query *query)
{
	bool rows = false;
	for (size_t i = 0; i < query->ncolumns; i++)
		rows = rows || strcmp(query->columns[i].type_name, "void") != 0;
	if (query->card == CARD_EXEC && rows)
		query_unfit(describing->diags, query, query->card_at, ":exec would drop the rows of this statement")
			->hint = "use :one, :opt, :many or :each";
	if (cardinality_has_rows(query->card) && !rows)
		query_unfit(describing->diags, query, query->card_at, "%s needs columns, and this statement has none",
		            cardinality_word(query->card));
	if (query->row && !query_gives_rows(query))
		query_unfit(describing->diags, query, query->row_at, "this statement has no rows to give a struct to");
}

static void fill_columns(struct describing *describing, struct query *query, const struct hf_sql_shape *shape,
                         const struct node *tree)
{
	hf_arena *arena = describing->group->arena;
	struct proof *proofs = MEM_ARRAY(describing->scratch, shape->ncolumns + 1, struct proof);
	bool *params_nullable = MEM_ARRAY(describing->scratch, query->nparams + 1, bool);
	for (size_t i = 0; i < query->nparams; i++)
		params_nullable[i] = query->params[i].nullable;
	nullability_prove(&describing->catalog, tree, params_nullable, query->nparams, proofs, shape->ncolumns);
	query->columns = MEM_ARRAY(arena, shape->ncolumns + 1, struct column);
	query->ncolumns = shape->ncolumns;
	for (size_t i = 0; i < shape->ncolumns; i++) {
		struct column *column = &query->columns[i];
		column->name = mem_text(arena, hf_str_of(shape->columns[i].name));
		column->member = cname_member(arena, column->name);
		column->where = column_place(query, i, shape->ncolumns);
		column->type_name = catalog_type_name(&describing->catalog, shape->columns[i].type_oid);
		column->type =
			type_of(describing, query, shape->columns[i].type_oid, column->where, "column", column->name);
	}
	if (query->source->lenient)
		columns_number(query, arena);
	else
		check_column_names(describing, query);
	for (size_t i = 0; i < query->ncolumns; i++) {
		judge_column(describing, query, &query->columns[i], &proofs[i]);
		open_column(describing, query, &query->columns[i]);
	}
	check_overrides_used(describing, query, &query->cols, "column");
	check_overrides_used(describing, query, &query->opens, "column");
	if (!query->broken)
		check_exec(describing, query);
}

static void check(struct describing *describing, struct query *query, const struct node *rewritten)
{
	struct checking checking = checking_of(describing, query);
	if (node_is(describing->parsed, "QUERY") && !node_get(describing->parsed, "utilityStmt"))
		checking.parsed = describing->parsed;
	checking.rewritten = rewritten;
	check_query(&checking);
}

/* The rewritten tree, NULL when nothing is known. Where notices brought none (the server's policy, or by request), the
 * catalog keeps them of a function. */
static const struct node *read_trees(struct describing *describing, const struct query *query,
                                     const struct hf_sql_shape *shape)
{
	hf_arena *scratch = describing->scratch;
	const struct node *tree = NULL;
	describing->parsed_sql = query->sql;
	describing->parsed = NULL;
	if (describing->unread)
		return NULL;
	if (!describing->tree_text) {
		struct function_tree by_function =
			tree_by_function(&describing->catalog, scratch, describing->where, query->sql, shape);
		describing->parsed_text = describing->tree_text = by_function.body;
		describing->parsed_sql = by_function.text;
	}
	if (describing->tree_text)
		tree = node_read(scratch, describing->tree_text);
	if (describing->parsed_text == describing->tree_text)
		describing->parsed = tree;
	else if (describing->parsed_text)
		describing->parsed = node_read(scratch, describing->parsed_text);
	describing->unread = describing->tree_text && !tree;
	return tree;
}

static void describe_variant(void *user, struct query *query)
{
	struct describing *describing = user;
	if (query->broken || describing->status != HF_OK)
		return;
	hf_error error = HF_ERROR_INIT;
	struct hf_sql_shape shape;
	CLEANUP(arena_freep) hf_arena *scratch = mem_arena();
	describing->scratch = scratch;
	describing->parsed_text = describing->tree_text = NULL;
	describing->unread = false;
	enum hf_status status = hf_sql_describe(describing->where, hf_str_of(query->sql), scratch, &shape, &error);
	if (status != HF_OK && is_judgement(&error)) {
		complain(describing, query, &error);
		return;
	}
	if (status != HF_OK) {
		describing->status = status;
		if (describing->err)
			*describing->err = error;
		return;
	}
	const struct node *tree = read_trees(describing, query, &shape);
	if (describing->unread)
		query_unfit(describing->diags, query, first_word(query),
		            "the statement is too large or nested too deep to be looked at");
	depends_fill(&describing->catalog, tree, query);
	tree = nullability_query(tree);
	query->read_only = nullability_read_only(&describing->catalog, tree);
	fill_params(describing, query, &shape, tree);
	fill_columns(describing, query, &shape, tree);
	check(describing, query, tree);
}

static void describe_query(void *user, struct query *query)
{
	struct describing *describing = user;
	variants_each(query, describe_variant, describing);
	if (!query->broken && query->nvariants && describing->status == HF_OK) {
		check_overrides_used(describing, query, &query->params_said, "parameter");
		variants_merge(query, describing->diags);
	}
	struct checking checking = checking_of(describing, query);
	if (!query->broken && describing->status == HF_OK)
		check_allows(&checking);
}

enum hf_status describe_group(struct group *group, hf_connection *connection, struct diags *diags, hf_error *err)
{
	struct describing describing = {.group = group,
	                                .diags = diags,
	                                .where = hf_on_connection(connection),
	                                .err = err};
	enum hf_status status = set_up(&describing, err);
	if (status != HF_OK)
		return status;
	hf_connection_on_notice(connection, on_notice, &describing);
	group_each(group, describe_query, &describing);
	hf_connection_on_notice(connection, NULL, NULL);
	if (describing.status == HF_OK)
		describing.status = constraints_load(group, describing.where, err);
	return describing.status;
}
