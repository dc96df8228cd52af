/*
 * emit_fake.c - the functions of one file of queries again, for unit tests: they answer from a variable (fake.h).
 */
#include "gen/emit.h"

static void add_struct(struct buf *out, const struct group *group, const struct query *query)
{
	buf_printf(out, "struct %s_fake {\n\tsize_t calls;\n", query->name);
	if (emit_has_in(query))
		buf_printf(out, "\tstruct %s_in in;\n", query->name);
	if (query->card == CARD_COPY || query->card == CARD_BATCH || query->card == CARD_BULK)
		buf_add_text(out, "\tsize_t inputs; /* of all calls */\n");
	if (query_gives_rows(query))
		buf_printf(out, "\tconst %s *rows;\n\tsize_t count;\n", emit_row_struct(group, query));
	if (query->card == CARD_EXECROWS || query->card == CARD_BULK)
		buf_add_text(out, "\tint64_t affected;\n");
	buf_add_text(out, "\tenum hf_status status;\n\tconst char *message;\n");
	buf_printf(out, "\tvoid (*on_call)(struct %s_fake *fake);\n};\n", query->name);
}

static void emit_fake_header(struct buf *out, const struct group *group, const struct source *source)
{
	const char *file = mem_printf(group->arena, "%s_fake.h", source->stem);
	emit_opening(out, file, mem_printf(group->arena, "queries/%s/%s.sql", group->name, source->stem),
	             "what the fakes of these queries answer, and how they were called: see holdfast/fake.h.");
	emit_guard_begin(out, group, file);
	buf_printf(out, "#include \"holdfast/fake.h\"\n\n#include \"%s.h\"\n\n", source->stem);
	buf_add_text(out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
	for (size_t i = 0; i < source->nqueries; i++) {
		buf_add_char(out, '\n');
		add_struct(out, group, source->queries[i]);
	}
	buf_printf(out, "\nextern struct %s_fakes {\n", source->stem);
	for (size_t i = 0; i < source->nqueries; i++)
		buf_printf(out, "\tstruct %s_fake %s;\n", source->queries[i]->name, source->queries[i]->name);
	buf_printf(out, "} %s_fakes;\n", source->stem);
	emit_guard_end(out);
}

/* Inputs that pass one by one. */
static void add_copy(struct buf *out, const struct query *query)
{
	buf_printf(out,
	           "\tenum hf_status status = hf_fake_status(&answer, err);\n"
	           "\tint64_t rows = 0;\n"
	           "\twhile (status == HF_OK) {\n"
	           "\t\tstruct %s_in in;\n"
	           "\t\tmemset(&in, 0, sizeof(in));\n"
	           "\t\tstatus = next(user, &in, err);\n"
	           "\t\tif (status != HF_OK)\n\t\t\tbreak;\n"
	           "\t\tfake->in = in;\n\t\tfake->inputs++;\n\t\trows++;\n\t}\n"
	           "\tif (status != HF_STOP)\n\t\treturn status;\n"
	           "\tif (ret_rows)\n\t\t*ret_rows = rows;\n"
	           "\treturn HF_OK;\n",
	           query->name);
}

static void add_answer(struct buf *out, const struct query *query)
{
	switch (query->card) {
	case CARD_ONE:
	case CARD_OPT:
		buf_printf(out, "\treturn hf_fake_row(&answer, %s, ret_row, err);\n",
		           query->card == CARD_ONE ? "true" : "false");
		return;
	case CARD_MANY:
		if (query->rows_max)
			buf_printf(out,
			           "\tif (fake->status == HF_OK && fake->count > %llu)\n"
			           "\t\treturn hf_fake_over(&answer, err);\n",
			           (unsigned long long)query->rows_max);
		buf_add_text(out, "\tvoid *rows = NULL;\n"
		                  "\tenum hf_status status = hf_fake_rows(&answer, arena, &rows, ret_count, err);\n"
		                  "\tif (status == HF_OK)\n\t\t*ret_rows = rows;\n\treturn status;\n");
		return;
	case CARD_EACH:
		buf_add_text(out, "\tenum hf_status status = hf_fake_status(&answer, err);\n"
		                  "\tfor (size_t i = 0; i < fake->count && status == HF_OK; i++)\n"
		                  "\t\tstatus = ");
		if (query->rows_max)
			buf_printf(out,
			           "i == %llu ? hf_fake_over(&answer, err) : ", (unsigned long long)query->rows_max);
		buf_add_text(out, "fn(user, &fake->rows[i], err);\n"
		                  "\treturn status == HF_STOP ? HF_OK : status;\n");
		return;
	case CARD_COPY:
		add_copy(out, query);
		return;
	case CARD_BATCH:
		buf_add_text(out, "\tfake->inputs += count;\n");
		buf_printf(out, "\treturn hf_fake_batch(&answer, count, %s, ret_items, err);\n",
		           query_gives_rows(query) ? "ret_rows" : "NULL");
		return;
	case CARD_BULK:
	case CARD_EXECROWS:
		buf_add_text(out, query->card == CARD_BULK ? "\tfake->inputs += count;\n" : "");
		buf_add_text(out, "\tenum hf_status status = hf_fake_status(&answer, err);\n"
		                  "\tif (status == HF_OK && ret_rows)\n"
		                  "\t\t*ret_rows = fake->affected;\n\treturn status;\n");
		return;
	case CARD_EXEC:
	case CARD_NONE:
	default:
		buf_add_text(out, "\treturn hf_fake_status(&answer, err);\n");
	}
}

static void add_body(struct buf *out, const struct source *source, const struct query *query)
{
	bool many = query->card == CARD_BATCH || query->card == CARD_BULK, rows = query_gives_rows(query);
	bool arena = query->card == CARD_ONE || query->card == CARD_OPT || (query->card == CARD_BATCH && rows);
	buf_printf(out, "\tstruct %s_fake *fake = &%s_fakes.%s;\n\t(void)where;\n", query->name, source->stem,
	           query->name);
	buf_add_text(out, emit_is_bound(source) ? "\t(void)bound;\n" : "");
	buf_add_text(out, arena ? "\t(void)arena;\n\tfake->calls++;\n" : "\tfake->calls++;\n");
	if (emit_has_in(query) && query->card != CARD_COPY)
		buf_printf(out, "%s\tfake->in = in[%s];\n", many ? "\tif (count)\n\t" : "", many ? "count - 1" : "0");
	buf_add_text(out, "\tif (fake->on_call)\n\t\tfake->on_call(fake);\n");
	buf_printf(out, "\tconst struct hf_fake_answer answer = {\"%s\", fake->status, fake->message, %s};\n",
	           query->name, rows ? "fake->rows, fake->count, sizeof(*fake->rows)" : "NULL, 0, 0");
	add_answer(out, query);
}

/* Copying needs no server: the real one. */
static void add_copy_of_row(struct buf *out, const struct group *group, const struct query *query)
{
	const char *columns = mem_printf(group->arena, "%s__columns", query->name);
	if (!emit_has_row(query))
		return;
	emit_columns(out, group, query, columns);
	emit_copy(out, group, emit_row_struct(group, query), columns, query->ncolumns);
}

static void emit_fake_source(struct buf *out, const struct group *group, const struct source *source)
{
	emit_opening(out, mem_printf(group->arena, "%s_fake.c", source->stem),
	             mem_printf(group->arena, "queries/%s/%s.sql", group->name, source->stem),
	             "the same functions without a server; link it in place of the real ones.");
	const char *stem = source->stem;
	buf_printf(out, "#include \"%s_fake.h\"\n\nstruct %s_fakes %s_fakes;\n", stem, stem, stem);
	for (size_t i = 0; i < source->nqueries; i++) {
		buf_add_char(out, '\n');
		emit_signature(out, group, source->queries[i]);
		buf_add_text(out, "\n{\n");
		add_body(out, source, source->queries[i]);
		buf_add_text(out, "}\n");
		add_copy_of_row(out, group, source->queries[i]);
	}
	if (emit_is_bound(source))
		emit_bind_fake(out, source);
}

enum hf_status emit_fakes(const struct group *group, const char *out_dir, hf_error *err)
{
	const char *dir = mem_printf(group->arena, "%s/%s", out_dir, group->name);
	struct buf out;
	buf_init(&out, EMIT_BYTES_MAX);
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < group->nsources && status == HF_OK; i++) {
		const struct source *source = group->sources[i];
		emit_fake_header(&out, group, source);
		status = emit_write(&out, mem_printf(group->arena, "%s/%s_fake.h", dir, source->stem), err);
		if (status != HF_OK)
			break;
		emit_fake_source(&out, group, source);
		status = emit_write(&out, mem_printf(group->arena, "%s/%s_fake.c", dir, source->stem), err);
	}
	buf_deinit(&out);
	return status;
}
