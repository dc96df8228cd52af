/*
 * emit_header.c - structs and function declarations of one file of queries.
 */
#include "gen/emit.h"
#include "gen/variant.h"

static const char *promise(const struct query *query)
{
	switch (query->card) {
	case CARD_ONE:
		return "Exactly one row, in the arena; none is HF_E_PROTOCOL, more are HF_E_LIMIT.";
	case CARD_OPT:
		return "HF_NOT_FOUND without a row, HF_E_LIMIT with more than one; the row is in the arena.";
	case CARD_MANY:
		return "All rows, an array of *ret_count in the arena.";
	case CARD_EACH:
		return "Rows one by one in constant memory, valid during the callback; HF_STOP from it ends with "
		       "HF_OK.";
	case CARD_EXEC:
		return "No rows.";
	case CARD_EXECROWS:
		return "*ret_rows (NULL allowed) counts the affected rows.";
	case CARD_COPY:
		return "Binary COPY: `next` fills one row, or answers HF_STOP at the end; *ret_rows (NULL allowed) "
		       "counts.";
	case CARD_BATCH:
		return query->independent ? "Pipelined, each of `count` inputs a transaction of its own; *ret_items "
					    "(NULL allowed) tells of each. HF_PARTIAL\n * when some failed."
					  : "Pipelined for `count` inputs, all or nothing; *ret_items (NULL allowed) "
					    "tells of each.";
	case CARD_BULK:
		return "One statement for `count` inputs; *ret_rows (NULL allowed) counts the affected rows.";
	case CARD_NONE:
	default:
		return "";
	}
}

/* A doc line must not end the comment. */
static void add_doc_text(struct buf *out, const char *text)
{
	for (const char *at = text; *at; at++) {
		buf_add_char(out, *at);
		if ((*at == '*' && at[1] == '/') || (*at == '/' && at[1] == '*') || (*at == '?' && at[1] == '?'))
			buf_add_char(out, ' '); /* no end, no beginning, no trigraph */
	}
}

static void add_open(struct buf *out, const struct query *query)
{
	const char *between = " * May hold labels that this program does not know, as X_UNRECOGNIZED: ";
	for (size_t i = 0; i < query->ncolumns; i++) {
		if (!query->columns[i].open)
			continue;
		buf_printf(out, "%s%s", between, query->columns[i].member);
		between = ", ";
	}
	buf_add_text(out, emit_has_open(query) ? ".\n" : "");
}

static void add_bounds(struct buf *out, const struct query *query)
{
	unsigned long long rows = query->rows_max, bytes = query->bytes_max;
	if (rows && bytes)
		buf_printf(out, " * HF_E_LIMIT beyond %llu rows or %llu bytes.\n", rows, bytes);
	else if (rows)
		buf_printf(out, " * HF_E_LIMIT beyond %llu rows.\n", rows);
	else if (bytes)
		buf_printf(out, " * HF_E_LIMIT beyond %llu bytes.\n", bytes);
}

static void add_docs(struct buf *out, const struct query *query)
{
	buf_add_text(out, "/**\n");
	for (size_t i = 0; i < query->ndocs; i++) {
		buf_add_text(out, " * ");
		add_doc_text(out, query->docs[i]);
		buf_add_char(out, '\n');
	}
	buf_printf(out, " * %s\n", promise(query));
	if (query->card == CARD_BATCH && query_gives_rows(query))
		buf_add_text(out, " * At most one row each, ret_rows[i] in the arena, if ret_items[i].rows is 1.\n");
	if (query->timeout_ms)
		buf_printf(out, " * Deadline unless `where` says another: %lld ms.\n", (long long)query->timeout_ms);
	add_bounds(out, query);
	add_open(out, query);
	buf_printf(out, " */\n");
}

static void add_orders(struct buf *out, const struct group *group, const struct query *query)
{
	buf_printf(out, "enum %s_order {\n", query->name);
	for (size_t i = 0; i < query->orders.count; i++)
		buf_printf(out, "\t%s%s\n", variant_enumerator(query, i, group->arena),
		           i + 1 < query->orders.count ? "," : "");
	buf_add_text(out, "};\n");
}

/* What chooses the variant. An input of a part that is off is not looked at. */
static void add_switches(struct buf *out, const struct query *query)
{
	for (size_t i = 0; i < query->fragments.count; i++)
		buf_printf(out, "\tbool with_%s;\n", query->fragments.items[i].name);
	if (query->orders.count)
		buf_printf(out, "\tenum %s_order order;\n", query->name);
}

static void add_structs(struct buf *out, const struct group *group, const struct query *query)
{
	if (query->orders.count)
		add_orders(out, group, query);
	if (emit_has_in(query)) {
		buf_printf(out, "struct %s_in {\n", query->name);
		emit_members(out, emit_in_members(group, query, query->inputs, query->ninputs), query->ninputs);
		add_switches(out, query);
		buf_add_text(out, "};\n");
	}
	if (query_gives_rows(query) && !query->row) {
		buf_printf(out, "struct %s_row {\n", query->name);
		emit_members(out, emit_row_members(group, query), query->ncolumns);
		buf_add_text(out, "};\n");
	}
	if (query->card == CARD_EACH)
		buf_printf(out, "typedef enum hf_status %s_row_fn(void *user, const %s *row, hf_error *err);\n",
		           query->name, emit_row_struct(group, query));
	if (query->card == CARD_COPY)
		buf_printf(out, "typedef enum hf_status %s_next_fn(void *user, struct %s_in *in, hf_error *err);\n",
		           query->name, query->name);
}

void emit_header(struct buf *out, const struct group *group, const struct source *source)
{
	const char *file = mem_printf(group->arena, "%s.h", source->stem);
	emit_opening(out, file, mem_printf(group->arena, "queries/%s/%s.sql", group->name, source->stem),
	             "typed queries. A false has_x means that x is NULL. One round trip a call, one more when a\n"
	             " * connection meets the query first. Inputs are borrowed for the call.");
	emit_guard_begin(out, group, file);
	buf_printf(out, "#include \"holdfast/query.h\"\n\n#include \"%s_types.h\"\n\n", group->name);
	buf_add_text(out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
	if (emit_is_bound(source))
		emit_bound_header(out, source);
	for (size_t i = 0; i < source->nqueries; i++) {
		const struct query *query = source->queries[i];
		buf_add_char(out, '\n');
		add_structs(out, group, query);
		add_docs(out, query);
		emit_signature(out, group, query);
		buf_add_text(out, ";\n");
		if (emit_has_row(query))
			emit_copy_declaration(out, group, emit_row_struct(group, query));
	}
	emit_guard_end(out);
}
