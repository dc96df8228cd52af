/*
 * schema_diagram.c - tables and their foreign keys as a diagram, for Mermaid and for Graphviz.
 *
 * Partitions and heirs without foreign keys of their own are left out of the lines: they have those of their parents.
 */
#include <string.h>

#include "base/str.h"
#include "cli/schema_docs.h"

static struct hf_str of(const struct hf_schema_object *object, const char *name)
{
	return hf_schema_property(object, name);
}

static bool is_drawn(const struct hf_schema_object *object)
{
	return (object->kind == HF_SCHEMA_TABLE || object->kind == HF_SCHEMA_FOREIGN_TABLE) &&
	       !of(object, "partition_of").ptr;
}

/* Does the list "a, b" of a constraint of that type (NULL = any key) name the column? */
static bool in_key(struct docs *docs, const struct hf_schema_object *column, const char *type)
{
	size_t count;
	const struct hf_schema_object *list =
		hf_schema_children(docs->pages.schema, HF_SCHEMA_CONSTRAINT, column->schema, column->parent, &count);
	for (size_t i = 0; i < count; i++) {
		struct hf_str names = of(&list[i], "columns"), name, parts[1];
		if (!str_eq(of(&list[i], "type"), hf_str_of(type)))
			continue;
		while (names.len && str_split(&names, ',', &name))
			if (usage_split(docs->pages.arena, str_trim(name), parts, 1) == 1 &&
			    str_eq(parts[0], column->name))
				return true;
	}
	return false;
}

/* ---- Mermaid ---- */

/* The name alone where that is a plain one in "public", else both with everything odd as _XX and "__" between: no two
 * tables get the same. */
static void mermaid_id(struct buf *buf, struct hf_str schema, struct hf_str name)
{
	bool alone = str_eq(schema, HF_STR("public")) && str_find_str(name, HF_STR("__")) < 0 && name.len > 0 &&
	             (name.ptr[0] < '0' || name.ptr[0] > '9');
	for (size_t i = 0; i < name.len; i++)
		alone = alone && strchr("abcdefghijklmnopqrstuvwxyz0123456789_", name.ptr[i]);
	if (alone) {
		buf_add(buf, name);
		return;
	}
	docs_add_plain(buf, schema, '_');
	buf_add_text(buf, "__");
	docs_add_plain(buf, name, '_');
}

/* Inside double quotes, which it cannot escape. */
static void mermaid_text(struct buf *buf, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(buf, text.ptr[i] == '"' ? '\'' : (unsigned char)text.ptr[i] < ' ' ? ' ' : text.ptr[i]);
}

/* Words of letters, digits and few signs. */
static void mermaid_word(struct buf *buf, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
		bool digit = (c >= '0' && c <= '9') || c == '-' || c == '[' || c == ']' || c == '(' || c == ')';
		buf_add_char(buf, letter || (digit && i > 0) ? (char)c : '_');
	}
}

static void mermaid_column(struct docs *docs, struct buf *buf, const struct hf_schema_object *column, bool keys)
{
	bool primary = in_key(docs, column, "primary key"), foreign = in_key(docs, column, "foreign key");
	bool unique = in_key(docs, column, "unique");
	if (keys && !primary && !foreign)
		return;
	buf_add_text(buf, "        ");
	mermaid_word(buf, of(column, "type"));
	buf_add_char(buf, ' ');
	mermaid_word(buf, column->name);
	const char *marks[3];
	size_t count = 0;
	if (primary)
		marks[count++] = "PK";
	if (foreign)
		marks[count++] = "FK";
	if (unique && !primary)
		marks[count++] = "UK";
	for (size_t i = 0; i < count; i++)
		buf_printf(buf, "%s%s", i ? ", " : " ", marks[i]);
	if (!keys && of(column, "comment").len) {
		buf_add_text(buf, " \"");
		mermaid_text(buf, of(column, "comment"));
		buf_add_char(buf, '"');
	}
	buf_add_char(buf, '\n');
}

static void mermaid_table(struct docs *docs, struct buf *buf, const struct hf_schema_object *table, bool keys)
{
	size_t count;
	const struct hf_schema_object *columns =
		hf_schema_children(docs->pages.schema, HF_SCHEMA_COLUMN, table->schema, table->name, &count);
	struct buf body;
	buf_init(&body, SCHEMA_TEXT_BYTES_MAX);
	for (size_t i = 0; i < count; i++)
		mermaid_column(docs, &body, &columns[i], keys);
	buf_add_text(buf, "    ");
	mermaid_id(buf, table->schema, table->name);
	buf_add_text(buf, "[\"");
	struct buf name;
	buf_init(&name, 65536);
	docs_add_name(&name, table);
	mermaid_text(buf, buf_str(&name));
	buf_add_text(buf, body.len ? "\"] {\n" : "\"]\n");
	buf_add(buf, buf_str(&body));
	buf_add_text(buf, body.len ? "    }\n" : "");
	buf_deinit(&name);
	buf_deinit(&body);
}

/* May a column of the key be NULL? Then the row need not lead anywhere. */
static bool may_be_null(struct docs *docs, const struct hf_schema_object *key)
{
	size_t count;
	struct hf_str names = of(key, "columns"), name, parts[1];
	const struct hf_schema_object *columns =
		hf_schema_children(docs->pages.schema, HF_SCHEMA_COLUMN, key->schema, key->parent, &count);
	while (names.len && str_split(&names, ',', &name)) {
		if (usage_split(docs->pages.arena, str_trim(name), parts, 1) != 1)
			continue;
		for (size_t i = 0; i < count; i++)
			if (str_eq(columns[i].name, parts[0]) && !of(&columns[i], "not_null").ptr)
				return true;
	}
	return false;
}

/* The table that holds a foreign key and the one that it leads to, when both are drawn. */
static bool ends_of(struct docs *docs, const struct hf_schema_object *key, const struct hf_schema_object **ret_from,
                    const struct hf_schema_object **ret_to)
{
	struct hf_str parts[2];
	if (key->kind != HF_SCHEMA_CONSTRAINT || !of(key, "references").ptr ||
	    usage_split(docs->pages.arena, of(key, "references"), parts, 2) != 2)
		return false;
	*ret_from = hf_schema_find(docs->pages.schema, key->schema, key->parent);
	*ret_to = hf_schema_find(docs->pages.schema, parts[0], parts[1]);
	return *ret_from && *ret_to && is_drawn(*ret_from) && is_drawn(*ret_to);
}

void docs_draw_mermaid(struct docs *docs, struct buf *buf, bool keys)
{
	const struct hf_schema *schema = docs->pages.schema;
	const struct hf_schema_object *from, *to;
	buf_add_text(buf, "erDiagram\n");
	for (size_t i = 0; i < schema->count; i++)
		if (is_drawn(&schema->objects[i]))
			mermaid_table(docs, buf, &schema->objects[i], keys);
	for (size_t i = 0; i < schema->count; i++) {
		if (!ends_of(docs, &schema->objects[i], &from, &to))
			continue;
		buf_add_text(buf, "    ");
		mermaid_id(buf, from->schema, from->name);
		buf_add_text(buf, may_be_null(docs, &schema->objects[i]) ? " }o--o| " : " }o--|| ");
		mermaid_id(buf, to->schema, to->name);
		buf_add_text(buf, " : \"");
		mermaid_text(buf, of(&schema->objects[i], "columns"));
		buf_add_text(buf, "\"\n");
	}
}

void docs_mermaid(struct docs *docs)
{
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	docs_draw_mermaid(docs, &buf, false);
	docs_add(docs, "schema.mmd", &buf);
}

/* ---- Graphviz ---- */

static void dot_text(struct buf *buf, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == '<' || c == '>' || c == '&' || c == '"')
			buf_printf(buf, "&#%d;", c);
		else
			buf_add_char(buf, c < ' ' ? ' ' : (char)c);
	}
}

static void dot_id(struct buf *buf, const struct hf_schema_object *table)
{
	buf_add_char(buf, '"');
	docs_add_plain(buf, table->schema, '=');
	buf_add_char(buf, '.');
	docs_add_plain(buf, table->name, '=');
	buf_add_char(buf, '"');
}

static void dot_table(struct docs *docs, struct buf *buf, const struct hf_schema_object *table)
{
	size_t count;
	const struct hf_schema_object *columns =
		hf_schema_children(docs->pages.schema, HF_SCHEMA_COLUMN, table->schema, table->name, &count);
	struct buf name;
	buf_init(&name, 65536);
	docs_add_name(&name, table);
	buf_add_text(buf, "  ");
	dot_id(buf, table);
	buf_add_text(buf, " [label=<<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"4\">"
	                  "<tr><td colspan=\"2\" bgcolor=\"#dbe7f3\"><b>");
	dot_text(buf, buf_str(&name));
	buf_add_text(buf, "</b></td></tr>\n");
	buf_deinit(&name);
	for (size_t i = 0; i < count; i++) {
		bool primary = in_key(docs, &columns[i], "primary key");
		buf_printf(buf, "    <tr><td align=\"left\" port=\"l%zu\">%s", i, primary ? "<u>" : "");
		dot_text(buf, columns[i].name);
		buf_printf(buf, "%s</td><td align=\"left\" port=\"r%zu\">", primary ? "</u>" : "", i);
		dot_text(buf, of(&columns[i], "type"));
		buf_add_text(buf, of(&columns[i], "not_null").ptr ? "" : " ?");
		buf_add_text(buf, "</td></tr>\n");
	}
	buf_add_text(buf, "  </table>>];\n");
}

/* The place of the first column of a list "a, b" in its table. */
static size_t first_column(struct docs *docs, const struct hf_schema_object *table, struct hf_str names)
{
	size_t count;
	struct hf_str name, parts[1];
	const struct hf_schema_object *columns =
		hf_schema_children(docs->pages.schema, HF_SCHEMA_COLUMN, table->schema, table->name, &count);
	if (!str_split(&names, ',', &name) || usage_split(docs->pages.arena, str_trim(name), parts, 1) != 1)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (str_eq(columns[i].name, parts[0]))
			return i;
	return 0;
}

static void dot_line(struct docs *docs, struct buf *buf, const struct hf_schema_object *key)
{
	const struct hf_schema_object *from, *to;
	if (!ends_of(docs, key, &from, &to))
		return;
	buf_add_text(buf, "  ");
	dot_id(buf, from);
	buf_printf(buf, ":r%zu -> ", first_column(docs, from, of(key, "columns")));
	dot_id(buf, to);
	buf_printf(buf, ":l%zu", first_column(docs, to, of(key, "referenced_columns")));
	buf_add_text(buf, may_be_null(docs, key) ? " [style=dashed];\n" : ";\n");
}

void docs_dot(struct docs *docs)
{
	const struct hf_schema *schema = docs->pages.schema;
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	buf_add_text(&buf,
	             "digraph schema {\n  rankdir=LR;\n  node [shape=plain, fontname=\"Helvetica\", fontsize=10];\n"
	             "  edge [arrowsize=0.7, color=\"#555555\"];\n");
	for (size_t i = 0; i < schema->count; i++)
		if (is_drawn(&schema->objects[i]))
			dot_table(docs, &buf, &schema->objects[i]);
	for (size_t i = 0; i < schema->count; i++)
		dot_line(docs, &buf, &schema->objects[i]);
	buf_add_text(&buf, "}\n");
	docs_add(docs, "schema.dot", &buf);
}
