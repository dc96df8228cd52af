/*
 * emit_bound.c - for a file whose statements hold names that are chosen at run time: the struct of those names, the
 * struct of the queries with them, where they stand in each text, and the function that puts them there.
 */
#include "gen/emit.h"

bool emit_is_bound(const struct source *source)
{
	return source->nidentifiers > 0;
}

static void add_bind_signature(struct buf *out, const struct source *source)
{
	buf_printf(out,
	           "enum hf_status %s_bind(const struct %s_names *names, hf_arena *arena,\n\tstruct %s_bound "
	           "*ret_bound, hf_error *err)",
	           source->stem, source->stem, source->stem);
}

void emit_bound_header(struct buf *out, const struct source *source)
{
	const char *stem = source->stem;
	buf_printf(out,
	           "\n/* Names that these queries were checked with; the program says which they are. */\n"
	           "struct %s_names {\n",
	           stem);
	for (size_t i = 0; i < source->nidentifiers; i++)
		buf_printf(out, "\tstruct hf_str %s; /* \"%s\" */\n", source->identifiers[i].name,
		           source->identifiers[i].by_default);
	buf_printf(out,
	           "};\n/* The queries with the names in them: made once, then used by any number of threads. */\n"
	           "struct %s_bound {\n",
	           stem);
	for (size_t i = 0; i < source->nqueries; i++) {
		const struct query *query = source->queries[i];
		buf_printf(out, "\tstruct hf_query %s", query->name);
		if (query->nvariants)
			buf_printf(out, "[%zu]", query->nvariants);
		buf_add_text(out, ";\n");
	}
	buf_add_text(out, "};\n/** No I/O; the texts live in the arena. HF_E_INPUT for what is no name: see "
	                  "hf_query_bind(). */\n");
	add_bind_signature(out, source);
	buf_add_text(out, ";\n");
}

void emit_slots(struct buf *out, const struct query *variant, const char *suffix)
{
	if (!variant->run_slots.count)
		return;
	buf_printf(out, "\nstatic const struct hf_query_slot %s__slots%s[] = {\n", variant->name, suffix);
	for (size_t i = 0; i < variant->run_slots.count; i++) {
		const struct slot *slot = &variant->run_slots.items[i];
		buf_printf(out, "\t{%zu, %zu, %zu, \"%s\", %s},\n", slot->at, slot->len, slot->identifier, slot->behind,
		           slot->in_constant ? "true" : "false");
	}
	buf_add_text(out, "};\n");
}

static size_t add_binding(struct buf *out, const struct query *query, const struct query *variant, size_t number)
{
	const char *stem = query->source->stem, *name = query->name;
	char table[32] = "query", suffix[32] = "";
	if (query->nvariants) {
		snprintf(table, sizeof(table), "queries[%zu]", number);
		snprintf(suffix, sizeof(suffix), "_%zu", number);
	}
	buf_printf(out, "\t{&%s__%s, ", name, table);
	if (variant->run_slots.count)
		buf_printf(out, "%s__slots%s, %zu,\n\t ", name, suffix, variant->run_slots.count);
	else
		buf_add_text(out, "NULL, 0,\n\t ");
	buf_printf(out, "(uint32_t)(offsetof(struct %s_bound, %s)", stem, name);
	if (number)
		buf_printf(out, " + %zu * sizeof(struct hf_query)", number);
	buf_add_text(out, ")},\n");
	return 1;
}

void emit_bind(struct buf *out, const struct source *source)
{
	size_t count = 0;
	buf_printf(out, "\n/* ---- names ---- */\n\nstatic const struct hf_query_binding %s__bindings[] = {\n",
	           source->stem);
	for (size_t i = 0; i < source->nqueries; i++) {
		const struct query *query = source->queries[i];
		for (size_t j = 0; j < query->nvariants; j++)
			count += add_binding(out, query, query->variants[j], j);
		if (!query->nvariants)
			count += add_binding(out, query, query, 0);
	}
	buf_add_text(out, "};\n\n");
	add_bind_signature(out, source);
	buf_add_text(out, "\n{\n\tconst struct hf_query_name chosen[] = {\n");
	for (size_t i = 0; i < source->nidentifiers; i++)
		buf_printf(out, "\t\t{\"%s\", names->%s},\n", source->identifiers[i].name, source->identifiers[i].name);
	buf_printf(out, "\t};\n\treturn hf_query_bind(%s__bindings, %zu, chosen, %zu, arena, ret_bound, err);\n}\n",
	           source->stem, count, source->nidentifiers);
}

void emit_bind_fake(struct buf *out, const struct source *source)
{
	buf_add_char(out, '\n');
	add_bind_signature(out, source);
	buf_add_text(out, "\n{\n\t(void)names;\n\t(void)arena;\n\t(void)err;\n"
	                  "\tmemset(ret_bound, 0, sizeof(*ret_bound));\n\treturn HF_OK;\n}\n");
}
