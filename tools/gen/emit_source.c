/*
 * emit_source.c - tables and functions of one file of queries: per query the SQL, the fields, struct hf_query and one
 * call. Names with two underscores cannot meet those of queries' functions.
 */
#include "gen/emit.h"

#include "migrate/digest.h"

#define LITERAL_MAX 4095 /* what C promises for one string constant */

static void add_fields(struct buf *out, const struct group *group, const struct query *query)
{
	const char **names = MEM_ARRAY(group->arena, query->nparams + query->ncolumns + 1, const char *);
	if (query->nparams) {
		for (size_t i = 0; i < query->nparams; i++)
			names[i] = query->params[i].name;
		buf_printf(out, "\nstatic const struct hf_field %s__params[] = {\n", query->name);
		emit_fields(out, mem_printf(group->arena, "struct %s_in", query->name), emit_in_members(group, query),
		            names, query->nparams);
		buf_add_text(out, "};\n");
	}
	if (query->ncolumns) {
		for (size_t i = 0; i < query->ncolumns; i++)
			names[i] = query->columns[i].name;
		buf_printf(out, "\nstatic const struct hf_field %s__columns[] = {\n", query->name);
		emit_fields(out, emit_row_struct(group, query), emit_row_members(group, query), names, query->ncolumns);
		buf_add_text(out, "};\n");
	}
}

/* Name of the prepared statement: the same text has the same name on every connection. */
static void add_statement(struct buf *out, const struct query *query)
{
	uint8_t digest[HF_MIGRATION_DIGEST_BYTES] = {0};
	char hex[2 * HF_MIGRATION_DIGEST_BYTES + 1];
	struct hf_str sql = hf_str_of(query->run_sql);
	(void)digest_of(&sql, 1, digest);
	digest_hex(digest, hex);
	buf_printf(out, "\t.statement = \"hf_%.16s\",\n", hex);
}

static void add_flags(struct buf *out, const struct query *query)
{
	const char *flags[] = {query->read_only ? "HF_QUERY_READ_ONLY" : NULL,
	                       query->idempotent ? "HF_QUERY_IDEMPOTENT" : NULL,
	                       query->independent ? "HF_QUERY_INDEPENDENT" : NULL};
	const char *between = "";
	buf_add_text(out, "\t.flags = ");
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!flags[i])
			continue;
		buf_printf(out, "%s%s", between, flags[i]);
		between = " | ";
	}
	buf_printf(out, "%s,\n", *between ? "" : "0");
}

static void add_query(struct buf *out, const struct group *group, const struct query *query)
{
	const char *name = query->name;
	buf_printf(out, "\nstatic const struct hf_query %s__query = {\n\t.abi = HF_QUERY_ABI,\n", name);
	add_flags(out, query);
	buf_printf(out, "\t.name = \"%s\",\n", name);
	buf_printf(out, "\t.sql = %s__sql,\n\t.sql_len = sizeof(%s__sql) - 1,\n", name, name);
	add_statement(out, query);
	if (query->nparams)
		buf_printf(out, "\t.params = %s__params,\n\t.nparams = %zu,\n", name, query->nparams);
	if (query->ncolumns)
		buf_printf(out, "\t.columns = %s__columns,\n\t.ncolumns = %zu,\n", name, query->ncolumns);
	if (query_gives_rows(query))
		buf_printf(out, "\t.row_size = sizeof(%s),\n", emit_row_struct(group, query));
	if (query->timeout_ms)
		buf_printf(out, "\t.timeout_ms = %lld,\n", (long long)query->timeout_ms);
	buf_add_text(out, "};\n");
}

/* The typed callback behind the run time's untyped one: a function pointer is never cast. */
static void add_trampoline(struct buf *out, const struct group *group, const struct query *query)
{
	const char *name = query->name;
	if (query->card == CARD_EACH) {
		buf_printf(out, "\nstruct %s__call {\n\t%s_row_fn *fn;\n\tvoid *user;\n};\n", name, name);
		buf_printf(out, "\nstatic enum hf_status %s__row(void *user, const void *row, hf_error *err)\n{\n",
		           name);
		buf_printf(out, "\tconst struct %s__call *call = (const struct %s__call *)user;\n", name, name);
		buf_printf(out, "\treturn call->fn(call->user, (const %s *)row, err);\n}\n",
		           emit_row_struct(group, query));
	} else if (query->card == CARD_COPY) {
		buf_printf(out, "\nstruct %s__call {\n\t%s_next_fn *next;\n\tvoid *user;\n};\n", name, name);
		buf_printf(out, "\nstatic enum hf_status %s__next(void *user, void *in, hf_error *err)\n{\n", name);
		buf_printf(out, "\tconst struct %s__call *call = (const struct %s__call *)user;\n", name, name);
		buf_printf(out, "\treturn call->next(call->user, (struct %s_in *)in, err);\n}\n", name);
	}
}

static void add_body(struct buf *out, const struct query *query)
{
	const char *name = query->name, *in = query->nparams ? "in" : "NULL";
	switch (query->card) {
	case CARD_ONE:
	case CARD_OPT:
		buf_printf(out, "\treturn hf_query_%s(where, &%s__query, %s, arena, ret_row, err);\n",
		           query->card == CARD_ONE ? "one" : "opt", name, in);
		return;
	case CARD_MANY:
		buf_printf(out,
		           "\tvoid *rows = NULL;\n"
		           "\tenum hf_status status = hf_query_many(where, &%s__query, %s, arena, &rows, ret_count, "
		           "err);\n"
		           "\tif (status == HF_OK)\n\t\t*ret_rows = rows;\n\treturn status;\n",
		           name, in);
		return;
	case CARD_EACH:
		buf_printf(out, "\tstruct %s__call call = {fn, user};\n", name);
		buf_printf(out, "\treturn hf_query_each(where, &%s__query, %s, %s__row, &call, err);\n", name, in,
		           name);
		return;
	case CARD_BATCH:
		buf_printf(out,
		           "\treturn hf_query_batch%s(where, &%s__query, in, sizeof(*in), count,%s ret_items, err);\n",
		           query_gives_rows(query) ? "_rows" : "", name,
		           query_gives_rows(query) ? " arena, ret_rows," : "");
		return;
	case CARD_BULK:
		buf_printf(out, "\treturn hf_query_bulk(where, &%s__query, in, sizeof(*in), count, ret_rows, err);\n",
		           name);
		return;
	case CARD_EXECROWS:
		buf_printf(out, "\treturn hf_query_exec(where, &%s__query, %s, ret_rows, err);\n", name, in);
		return;
	case CARD_COPY:
		buf_printf(out, "\tstruct %s__call call = {next, user};\n", name);
		buf_printf(out,
		           "\treturn hf_query_copy(where, &%s__query, sizeof(struct %s_in), %s__next, &call, ret_rows, "
		           "err);\n",
		           name, name, name);
		return;
	case CARD_EXEC:
	case CARD_NONE:
	default:
		buf_printf(out, "\treturn hf_query_exec(where, &%s__query, %s, NULL, err);\n", name, in);
	}
}

static bool has_long_literal(const struct source *source)
{
	for (size_t i = 0; i < source->nqueries; i++)
		if (strlen(source->queries[i]->run_sql) > LITERAL_MAX)
			return true;
	return false;
}

void emit_source(struct buf *out, const struct group *group, const struct source *source)
{
	emit_opening(out, mem_printf(group->arena, "%s.c", source->stem),
	             mem_printf(group->arena, "queries/%s/%s.sql", group->name, source->stem),
	             "tables of these queries, and one call for each.");
	buf_printf(out, "#include \"%s.h\"\n\n", source->stem);
	if (has_long_literal(source))
		buf_add_text(out, "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n\n");
	buf_printf(out, "_Static_assert(HF_QUERY_ABI == %d, \"run: holdfast gen\");\n", HF_QUERY_ABI);
	for (size_t i = 0; i < source->nqueries; i++) {
		const struct query *query = source->queries[i];
		buf_printf(out, "\n/* ---- %s ---- */\n\nstatic const char %s__sql[] =\n\t", query->name, query->name);
		emit_string(out, query->run_sql);
		buf_add_text(out, ";\n");
		add_fields(out, group, query);
		add_query(out, group, query);
		add_trampoline(out, group, query);
		buf_add_char(out, '\n');
		emit_signature(out, group, query);
		buf_add_text(out, "\n{\n");
		add_body(out, query);
		buf_add_text(out, "}\n");
	}
}
