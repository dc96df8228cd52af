/*
 * schema_md.c - a folder of Markdown: README.md, a page for each table and view, one for all types, functions and
 * sequences. Names of files say what they are about; what is odd in a name is written =XX.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "cli/schema_docs.h"

/* ---- text ---- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* Means something to a reader of Markdown; an underscore only at the edge of a word. */
static bool is_special(struct hf_str text, size_t at)
{
	char c = text.ptr[at];
	bool within = c == '_' && at > 0 && at + 1 < text.len && is_word(text.ptr[at - 1]) && is_word(text.ptr[at + 1]);
	return strchr("\\`*_[]|#~", c) && !within;
}

static void md_text(struct buf *buf, struct hf_str text, bool in_table)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '\n')
			buf_add_text(buf, in_table ? "<br>" : "  \n");
		else if (c == '<')
			buf_add_text(buf, "&lt;");
		else if (c == '&')
			buf_add_text(buf, "&amp;");
		else if (c && is_special(text, i))
			buf_printf(buf, "\\%c", c);
		else if ((unsigned char)c >= ' ')
			buf_add_char(buf, c);
	}
}

/* Between one more backtick than stand in it; a bar in a table needs its backslash even there. */
static void md_code(struct buf *buf, struct hf_str text)
{
	size_t run = 0, longest = 0;
	for (size_t i = 0; i < text.len; i++) {
		run = text.ptr[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (size_t i = 0; i <= longest; i++)
		buf_add_char(buf, '`');
	buf_add_text(buf, longest ? " " : "");
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '|')
			buf_add_char(buf, '\\');
		buf_add_char(buf, (unsigned char)c < ' ' ? ' ' : c);
	}
	buf_add_text(buf, longest ? " " : "");
	for (size_t i = 0; i <= longest; i++)
		buf_add_char(buf, '`');
}

/* ---- names of files ---- */

static const struct doc_group *group_of(enum hf_schema_kind kind)
{
	const struct doc_group *group = doc_groups;
	while (group->title && (kind < group->first || kind > group->last))
		group++;
	return group->title ? group : NULL;
}

static void anchor(struct buf *buf, const struct hf_schema_object *object)
{
	docs_add_plain(buf, object->schema, '=');
	buf_add_char(buf, '.');
	docs_add_plain(buf, object->name, '=');
}

static void add_target(struct buf *buf, const struct hf_schema_object *object)
{
	const struct doc_group *group = group_of(object->kind);
	if (group && group->file)
		buf_printf(buf, "%s#", group->file);
	anchor(buf, object);
	if (group && !group->file)
		buf_add_text(buf, ".md");
}

static void md_cell(struct buf *buf, const struct page_cell *cell)
{
	if (cell->text.len == 0)
		return;
	if (cell->link)
		buf_add_char(buf, '[');
	if (cell->code)
		md_code(buf, cell->text);
	else
		md_text(buf, cell->text, true);
	if (!cell->link)
		return;
	buf_add_text(buf, "](");
	add_target(buf, cell->link);
	buf_add_char(buf, ')');
}

/* ---- a page ---- */

static void md_section(struct buf *buf, const struct page_section *section, const char *level)
{
	bool left_out[PAGE_COLUMNS_MAX];
	buf_printf(buf, "\n%s %s\n\n|", level, section->title);
	for (size_t c = 0; c < section->ncolumns; c++) {
		left_out[c] = page_column_is_empty(section, c);
		if (!left_out[c])
			buf_printf(buf, " %s |", section->headings[c]);
	}
	buf_add_text(buf, "\n|");
	for (size_t c = 0; c < section->ncolumns; c++)
		if (!left_out[c])
			buf_add_text(buf, "---|");
	for (size_t r = 0; r < section->nrows; r++) {
		buf_add_text(buf, "\n|");
		for (size_t c = 0; c < section->ncolumns; c++) {
			if (left_out[c])
				continue;
			buf_add_char(buf, ' ');
			md_cell(buf, &section->cells[r * section->ncolumns + c]);
			buf_add_text(buf, " |");
		}
	}
	buf_add_char(buf, '\n');
}

/* Between a fence longer than any in it. */
static void md_definition(struct buf *buf, struct hf_str text)
{
	const char *fence = str_find_str(text, HF_STR("```")) >= 0 ? "````````" : "```";
	buf_printf(buf, "\n%ssql\n", fence);
	buf_add(buf, text);
	buf_printf(buf, "\n%s\n", fence);
}

static void md_page(struct docs *docs, struct buf *buf, const struct hf_schema_object *object, const char *level)
{
	struct page *page = hf_arena_calloc(docs->pages.arena, 1, sizeof(*page));
	if (!page) {
		docs->pages.starved = true;
		return;
	}
	page_make(&docs->pages, object, page);
	if (page->comment.len) {
		buf_add_char(buf, '\n');
		md_text(buf, page->comment, false);
		buf_add_char(buf, '\n');
	}
	if (page->nfacts)
		buf_add_char(buf, '\n');
	for (size_t i = 0; i < page->nfacts; i++) {
		buf_printf(buf, "- %s: ", page->facts[i].name);
		md_cell(buf, &page->facts[i].value);
		buf_add_char(buf, '\n');
	}
	for (size_t i = 0; i < page->nsections; i++)
		md_section(buf, &page->sections[i], level);
	if (page->definition.ptr)
		md_definition(buf, page->definition);
}

static void md_title(struct buf *buf, const char *level, const struct hf_schema_object *object)
{
	struct buf name;
	buf_init(&name, 65536);
	docs_add_name(&name, object);
	buf_printf(buf, "%s ", level);
	md_text(buf, buf_str(&name), true);
	buf_add_char(buf, '\n');
	buf_deinit(&name);
}

static void own_page(struct docs *docs, const struct hf_schema_object *object)
{
	CLEANUP(buf_deinit) struct buf buf;
	CLEANUP(buf_deinit) struct buf file;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	buf_init(&file, 4096);
	buf_add_text(&buf, DOCS_MARK);
	md_title(&buf, "#", object);
	buf_printf(&buf, "\n%s in schema ", hf_schema_kind_word(object->kind));
	md_text(&buf, object->schema, true);
	buf_add_text(&buf, " · [all](README.md)\n");
	md_page(docs, &buf, object, "##");
	add_target(&file, object);
	docs_add(docs, file.ptr, &buf);
}

static void shared_page(struct docs *docs, const struct doc_group *group)
{
	const struct hf_schema *schema = docs->pages.schema;
	CLEANUP(buf_deinit) struct buf buf;
	size_t count = 0;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	buf_printf(&buf, DOCS_MARK "# %s\n\n[all](README.md)\n", group->title);
	for (size_t i = 0; i < schema->count; i++) {
		if (!docs_belongs(group, &schema->objects[i]))
			continue;
		buf_add_text(&buf, "\n<a id=\"");
		anchor(&buf, &schema->objects[i]);
		buf_add_text(&buf, "\"></a>\n\n");
		md_title(&buf, "##", &schema->objects[i]);
		buf_printf(&buf, "\n%s\n", hf_schema_kind_word(schema->objects[i].kind));
		md_page(docs, &buf, &schema->objects[i], "###");
		count++;
	}
	if (count)
		docs_add(docs, group->file, &buf);
}

/* ---- README.md ---- */

/* The first sentence, or the first line. */
static struct hf_str summary(struct hf_str comment)
{
	ptrdiff_t line = str_find(comment, '\n'), stop = str_find_str(comment, HF_STR(". "));
	if (line >= 0)
		comment.len = (size_t)line;
	if (stop >= 0 && (size_t)stop < comment.len)
		comment.len = (size_t)stop + 1;
	return comment;
}

static void index_row(struct buf *buf, const struct hf_schema_object *object, bool linked)
{
	struct buf name;
	buf_init(&name, 65536);
	docs_add_name(&name, object);
	buf_add_text(buf, linked ? "| [" : "| ");
	md_text(buf, buf_str(&name), true);
	buf_deinit(&name);
	if (linked) {
		buf_add_text(buf, "](");
		add_target(buf, object);
		buf_add_char(buf, ')');
	}
	buf_printf(buf, " | %s | ", hf_schema_kind_word(object->kind));
	md_text(buf, summary(hf_schema_property(object, "comment")), true);
	buf_add_text(buf, " |\n");
}

static void index_group(struct docs *docs, struct buf *buf, const struct doc_group *group, bool linked)
{
	const struct hf_schema *schema = docs->pages.schema;
	size_t count = 0;
	for (size_t i = 0; i < schema->count; i++) {
		if (!docs_belongs(group, &schema->objects[i]))
			continue;
		if (count++ == 0)
			buf_printf(buf, "\n## %s\n\n| name | kind | |\n|---|---|---|\n", group->title);
		index_row(buf, &schema->objects[i], linked);
	}
}

/* GitHub draws at most 50,000 characters. */
static void index_diagram(struct docs *docs, struct buf *buf)
{
	CLEANUP(buf_deinit) struct buf diagram;
	buf_init(&diagram, SCHEMA_TEXT_BYTES_MAX);
	docs_draw_mermaid(docs, &diagram, true);
	if (diagram.len > 45000 || diagram.len < 20)
		return;
	buf_add_text(buf, "\n## Keys\n\n```mermaid\n");
	buf_add(buf, buf_str(&diagram));
	buf_add_text(buf, "```\n");
}

static void index_page(struct docs *docs)
{
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	buf_add_text(&buf, DOCS_MARK "# ");
	md_text(&buf, hf_str_of(docs->title), true);
	buf_add_char(&buf, '\n');
	for (const struct doc_group *group = doc_groups; group->title; group++)
		index_group(docs, &buf, group, true);
	for (const struct doc_group *group = doc_rest; group->title; group++)
		index_group(docs, &buf, group, false);
	index_diagram(docs, &buf);
	docs_add(docs, "README.md", &buf);
}

void docs_markdown(struct docs *docs)
{
	const struct hf_schema *schema = docs->pages.schema;
	index_page(docs);
	for (const struct doc_group *group = doc_groups; group->title; group++) {
		if (group->file)
			shared_page(docs, group);
		for (size_t i = 0; !group->file && i < schema->count; i++)
			if (docs_belongs(group, &schema->objects[i]))
				own_page(docs, &schema->objects[i]);
	}
}
