/*
 * emit_source.c - tables and functions of one file of queries: per query the SQL, the fields, struct hf_query and one
 * call. Names with two underscores cannot meet those of queries' functions.
 */
#include "gen/emit.h"

#include "base/digest.h"

#define LITERAL_MAX 4095 /* what C promises for one string constant */

/* "x__sql" for a query, "x__sql_3" for its fourth variant. */
struct suffix {
	char text[24];
};

static struct suffix suffix_of(const struct query *query, size_t variant)
{
	struct suffix suffix = {""};
	if (query->nvariants)
		snprintf(suffix.text, sizeof(suffix.text), "_%zu", variant);
	return suffix;
}

static void add_sql(struct buf *out, const struct query *variant, const char *suffix)
{
	if (variant->variant)
		buf_printf(out, "\n/* %s */", variant->variant);
	buf_printf(out, "\nstatic const char %s__sql%s[] =\n\t", variant->name, suffix);
	emit_string(out, variant->run_sql);
	buf_add_text(out, ";\n");
	emit_slots(out, variant, suffix);
}

static void add_params(struct buf *out, const struct group *group, const struct query *variant, const char *suffix)
{
	size_t count = variant->nparams;
	const char **names = MEM_ARRAY(group->arena, count + 1, const char *);
	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		names[i] = variant->params[i].name;
	buf_printf(out, "\nstatic const struct hf_field %s__params%s[] = {\n", variant->name, suffix);
	emit_fields(out, mem_printf(group->arena, "struct %s_in", variant->name),
	            emit_in_members(group, variant, variant->params, count), names, count);
	buf_add_text(out, "};\n");
}

static void add_columns(struct buf *out, const struct group *group, const struct query *query)
{
	emit_columns(out, group, query, mem_printf(group->arena, "%s__columns", query->name));
	const char *between = "";
	for (size_t i = 0; i < query->ncolumns; i++) {
		if (!query->columns[i].open)
			continue;
		if (!*between)
			buf_printf(out, "\nstatic const bool %s__open[%zu] = {", query->name, query->ncolumns);
		buf_printf(out, "%s[%zu] = true", between, i);
		between = ", ";
	}
	buf_add_text(out, *between ? "};\n" : "");
}

/* Name of the prepared statement: the same text has the same name on every connection. */
static void add_statement(struct buf *out, const struct query *query)
{
	uint8_t digest[DIGEST_BYTES] = {0};
	char hex[2 * DIGEST_BYTES + 1];
	struct hf_str sql = hf_str_of(query->run_sql);
	(void)digest_of(&sql, 1, digest);
	digest_hex(digest, hex);
	buf_printf(out, "\t.statement = \"hf_%.16s\",\n", hex);
}

static void add_flags(struct buf *out, const struct query *query)
{
	const char *flags[] = {query->read_only ? "HF_QUERY_READ_ONLY" : NULL,
	                       query->idempotent ? "HF_QUERY_IDEMPOTENT" : NULL,
	                       query->independent ? "HF_QUERY_INDEPENDENT" : NULL,
	                       query->by_copy ? "HF_QUERY_BY_COPY" : NULL};
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

static void add_entry(struct buf *out, const struct group *group, const struct query *variant, const char *suffix)
{
	const char *name = variant->name;
	buf_add_text(out, "{\n\t.abi = HF_QUERY_ABI,\n");
	add_flags(out, variant);
	buf_printf(out, "\t.name = \"%s\",\n", name);
	buf_printf(out, "\t.sql = %s__sql%s,\n\t.sql_len = sizeof(%s__sql%s) - 1,\n", name, suffix, name, suffix);
	add_statement(out, variant);
	if (variant->nparams)
		buf_printf(out, "\t.params = %s__params%s,\n\t.nparams = %zu,\n", name, suffix, variant->nparams);
	if (variant->ncolumns)
		buf_printf(out, "\t.columns = %s__columns,\n\t.ncolumns = %zu,\n", name, variant->ncolumns);
	if (query_gives_rows(variant))
		buf_printf(out, "\t.row_size = sizeof(%s),\n", emit_row_struct(group, variant));
	if (variant->timeout_ms)
		buf_printf(out, "\t.timeout_ms = %lld,\n", (long long)variant->timeout_ms);
	if (emit_has_open(variant))
		buf_printf(out, "\t.open = %s__open,\n", name);
	if (variant->rows_max)
		buf_printf(out, "\t.rows_max = %llu,\n", (unsigned long long)variant->rows_max);
	if (variant->bytes_max)
		buf_printf(out, "\t.bytes_max = %llu,\n", (unsigned long long)variant->bytes_max);
	buf_add_char(out, '}');
}

static void add_query(struct buf *out, const struct group *group, const struct query *query)
{
	add_sql(out, query, "");
	add_params(out, group, query, "");
	add_columns(out, group, query);
	buf_printf(out, "\nstatic const struct hf_query %s__query = ", query->name);
	add_entry(out, group, query, "");
	buf_add_text(out, ";\n");
}

/* The variant that the inputs ask for; a table of no ABI, which the run time refuses, for an order outside its enum. */
static void add_pick(struct buf *out, const struct query *query)
{
	const char *name = query->name, *stem = query->source->stem;
	size_t fragments = query->fragments.count, orders = query->orders.count;
	bool bound = emit_is_bound(query->source);
	buf_printf(out, "\nstatic const struct hf_query *%s__pick(", name);
	if (bound)
		buf_printf(out, "const struct %s_bound *bound, ", stem);
	buf_printf(out, "const struct %s_in *in)\n{\n", name);
	if (orders)
		buf_printf(out,
		           "\tstatic const struct hf_query no_order = {.name = \"%s\"};\n"
		           "\tsize_t index = (size_t)in->order << %zu;\n\tif ((size_t)in->order >= %zu)\n"
		           "\t\treturn &no_order;\n",
		           name, fragments, orders);
	else
		buf_add_text(out, "\tsize_t index = 0;\n");
	for (size_t i = 0; i < fragments; i++)
		buf_printf(out, "\tindex += in->with_%s ? %u : 0;\n", query->fragments.items[i].name, 1u << i);
	buf_printf(out, "\treturn &%s%s[index];\n}\n", bound ? "bound->" : name, bound ? name : "__queries");
}

static void add_variants(struct buf *out, const struct group *group, const struct query *query)
{
	for (size_t i = 0; i < query->nvariants; i++) {
		add_sql(out, query->variants[i], suffix_of(query, i).text);
		add_params(out, group, query->variants[i], suffix_of(query, i).text);
	}
	add_columns(out, group, query);
	buf_printf(out, "\nstatic const struct hf_query %s__queries[] = {\n", query->name);
	for (size_t i = 0; i < query->nvariants; i++) {
		add_entry(out, group, query->variants[i], suffix_of(query, i).text);
		buf_add_text(out, ",\n");
	}
	buf_add_text(out, "};\n");
	add_pick(out, query);
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

static void add_body(struct buf *out, const struct query *query, hf_arena *arena)
{
	const char *name = query->name, *in = emit_has_in(query) ? "in" : "NULL";
	bool bound = emit_is_bound(query->source);
	const char *table = mem_printf(arena, bound ? "&bound->%s" : "&%s__query", name);
	if (query->nvariants)
		table = mem_printf(arena, "%s__pick(%sin)", name, bound ? "bound, " : "");
	switch (query->card) {
	case CARD_ONE:
	case CARD_OPT:
		buf_printf(out, "\treturn hf_query_%s(where, %s, %s, arena, ret_row, err);\n",
		           query->card == CARD_ONE ? "one" : "opt", table, in);
		return;
	case CARD_MANY:
		buf_printf(out,
		           "\tvoid *rows = NULL;\n"
		           "\tenum hf_status status = hf_query_many(where, %s, %s, arena, &rows, ret_count, "
		           "err);\n"
		           "\tif (status == HF_OK)\n\t\t*ret_rows = rows;\n\treturn status;\n",
		           table, in);
		return;
	case CARD_EACH:
		buf_printf(out, "\tstruct %s__call call = {fn, user};\n", name);
		buf_printf(out, "\treturn hf_query_each(where, %s, %s, %s__row, &call, err);\n", table, in,
		           name);
		return;
	case CARD_BATCH:
		buf_printf(out,
		           "\treturn hf_query_batch%s(where, %s, in, sizeof(*in), count,%s ret_items, err);\n",
		           query_gives_rows(query) ? "_rows" : "", table,
		           query_gives_rows(query) ? " arena, ret_rows," : "");
		return;
	case CARD_BULK:
		buf_printf(out, "\treturn hf_query_bulk(where, %s, in, sizeof(*in), count, ret_rows, err);\n",
		           table);
		return;
	case CARD_EXECROWS:
		buf_printf(out, "\treturn hf_query_exec(where, %s, %s, ret_rows, err);\n", table, in);
		return;
	case CARD_COPY:
		buf_printf(out, "\tstruct %s__call call = {next, user};\n", name);
		buf_printf(out,
		           "\treturn hf_query_copy(where, %s, sizeof(struct %s_in), %s__next, &call, ret_rows, "
		           "err);\n",
		           table, name, name);
		return;
	case CARD_EXEC:
	case CARD_NONE:
	default:
		buf_printf(out, "\treturn hf_query_exec(where, %s, %s, NULL, err);\n", table, in);
	}
}

static bool is_long(const struct query *query)
{
	bool found = strlen(query->run_sql) > LITERAL_MAX;
	for (size_t i = 0; i < query->nvariants; i++)
		found = found || strlen(query->variants[i]->run_sql) > LITERAL_MAX;
	return found;
}

static bool has_long_literal(const struct source *source)
{
	for (size_t i = 0; i < source->nqueries; i++)
		if (is_long(source->queries[i]))
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
		buf_printf(out, "\n/* ---- %s ---- */\n", query->name);
		if (query->nvariants)
			add_variants(out, group, query);
		else
			add_query(out, group, query);
		add_trampoline(out, group, query);
		buf_add_char(out, '\n');
		emit_signature(out, group, query);
		buf_add_text(out, "\n{\n");
		add_body(out, query, group->arena);
		buf_add_text(out, "}\n");
		if (emit_has_row(query))
			emit_copy(out, group, emit_row_struct(group, query),
			          mem_printf(group->arena, "%s__columns", query->name), query->ncolumns);
	}
	if (emit_is_bound(source))
		emit_bind(out, source);
}
