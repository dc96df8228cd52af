/*
 * schema_show.c - holdfast schema show: the list of objects, or everything about those of one name.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"
#include "cli/schema.h"

enum { CELL_WIDTH_MAX = 56 };

const struct column schema_show_columns[] = {
	{"kind", COLUMN_TEXT, NULL, "table, view, enum, function, column, constraint, ..."},
	{"schema", COLUMN_TEXT, NULL, NULL},
	{"parent", COLUMN_TEXT, "", "what it belongs to; null: stands for itself"},
	{"name", COLUMN_TEXT, NULL, NULL},
	{"comment", COLUMN_TEXT, NULL, NULL},
	{"properties", COLUMN_JSON, "", "type, not_null, default, definition, ..."},
	{0},
};

/* ---- rows ---- */

static void write_properties(struct buf *buf, const struct hf_schema_object *object)
{
	struct json_writer json;
	jw_init(&json, jw_into_buf, buf);
	jw_object_begin(&json);
	for (size_t i = 0; i < object->nproperties; i++) {
		jw_key(&json, object->properties[i].name.ptr);
		jw_text(&json, object->properties[i].value);
	}
	jw_object_end(&json);
	jw_finish(&json);
}

static struct hf_str or_null(struct hf_str text)
{
	return text.len ? text : (struct hf_str){NULL, 0};
}

static enum hf_status put_object(struct cli *cli, const struct hf_schema_object *object, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	write_properties(&buf, object);
	if (!buf_ok(&buf))
		return error_nomem(err);
	return out_row(cli->out,
	               (struct cell[]){cell_word(hf_schema_kind_word(object->kind)), cell_text(or_null(object->schema)),
	                               cell_text(or_null(object->parent)), cell_text(object->name),
	                               cell_text(hf_schema_property(object, "comment")), cell_json(buf_str(&buf))},
	               err);
}

static enum hf_status list(struct cli *cli, const struct hf_schema *schema, hf_error *err)
{
	enum hf_status status = out_list(cli->out, schema_show_columns, err);
	for (size_t i = 0; status == HF_OK && i < schema->count; i++)
		if (schema->objects[i].parent.len == 0)
			status = put_object(cli, &schema->objects[i], err);
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

/* ---- finding ---- */

/* A function is found by its name alone, too. */
static bool name_fits(const struct hf_schema_object *object, struct hf_str name)
{
	ptrdiff_t paren = str_find(object->name, '(');
	if (str_eq(object->name, name))
		return true;
	return object->kind >= HF_SCHEMA_FUNCTION && object->kind <= HF_SCHEMA_AGGREGATE && paren > 0 &&
	       str_eq((struct hf_str){object->name.ptr, (size_t)paren}, name);
}

static bool fits(hf_arena *arena, const struct hf_schema_object *object, struct hf_str typed)
{
	struct hf_str parts[3];
	if (object->parent.len > 0)
		return false;
	if (name_fits(object, typed))
		return true;
	return usage_split(arena, typed, parts, 2) == 2 && str_eq(parts[0], object->schema) &&
	       name_fits(object, parts[1]);
}

static enum hf_status not_found(const struct hf_schema *schema, const char *typed, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(typed));
	for (size_t i = 0; i < schema->count; i++)
		if (schema->objects[i].parent.len == 0)
			nearest_offer(&search, schema->objects[i].name.ptr);
	error_set(err, HF_NOT_FOUND, "the database has no \"%.200s\"", typed);
	if (search.best)
		error_hint(err, "did you mean   %s", search.best);
	return HF_NOT_FOUND;
}

/* ---- for machines: the object, then what belongs to it ---- */

static enum hf_status put_family(struct cli *cli, const struct hf_schema *schema, const struct hf_schema_object *object,
                                 hf_error *err)
{
	enum hf_status status = put_object(cli, object, err);
	for (enum hf_schema_kind kind = 0; status == HF_OK && kind < HF_SCHEMA_KIND_COUNT; kind++) {
		size_t count;
		const struct hf_schema_object *children =
			hf_schema_children(schema, kind, object->schema, object->name, &count);
		for (size_t i = 0; status == HF_OK && i < count; i++)
			status = put_object(cli, &children[i], err);
	}
	return status;
}

/* ---- for people ---- */

static void put_bold(struct cli *cli, struct buf *buf, const char *text)
{
	bool color = cli->out->options.color;
	buf_printf(buf, "%s%s%s", color ? "\033[1m" : "", text, color ? "\033[0m" : "");
}

/* Several lines become one: columns line up only then. Blanks within a line may be part of a constant and stay. */
static struct hf_str flat(hf_arena *arena, struct hf_str text)
{
	struct hf_str line, rest = text;
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	for (bool first = true; rest.len && str_split(&rest, '\n', &line); first = false) {
		if (!first) {
			buf_add_char(&buf, ' ');
			line = str_trim(line);
		}
		text_safe(&buf, line);
	}
	struct hf_str made = hf_arena_str(arena, buf_str(&buf));
	return made.ptr ? made : HF_STR("");
}

static void pad(struct buf *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add_char(buf, ' ');
}

/* What fits into `width` columns, at least a character, cut at a blank where there is one; the rest stays in *rest. */
static struct hf_str take_line(struct hf_str *rest, size_t width)
{
	struct hf_str text = *rest;
	size_t end = 0, blank = 0;
	while (end < text.len) {
		size_t step = str_utf8_sequence((struct hf_str){text.ptr + end, text.len - end});
		size_t next = end + (step ? step : 1);
		if (end > 0 && text_width((struct hf_str){text.ptr, next}) > width)
			break;
		if (text.ptr[end] == ' ')
			blank = end;
		end = next;
	}
	if (end < text.len && text.ptr[end] == ' ')
		blank = end;
	bool cut = end < text.len && blank > 0;
	size_t len = cut ? blank : end;
	*rest = (struct hf_str){text.ptr + len + cut, text.len - len - cut};
	return (struct hf_str){text.ptr, len};
}

struct grid {
	size_t width[PAGE_COLUMNS_MAX]; /* 0: says nothing, left out */
	size_t ncolumns;
};

static struct grid measure(struct cli *cli, struct page_section *section)
{
	struct grid grid = {.ncolumns = section->ncolumns};
	for (size_t i = 0; i < section->nrows * section->ncolumns; i++) {
		size_t *width = &grid.width[i % section->ncolumns], own;
		section->cells[i].text = flat(cli->arena, section->cells[i].text);
		own = text_width(section->cells[i].text);
		own = own > CELL_WIDTH_MAX ? CELL_WIDTH_MAX : own;
		*width = own > *width ? own : *width;
	}
	for (size_t c = 0; c < section->ncolumns; c++)
		if (grid.width[c] && grid.width[c] < strlen(section->headings[c]))
			grid.width[c] = strlen(section->headings[c]);
	return grid;
}

/* As many lines as its longest cell needs. */
static void draw_row(struct buf *buf, const struct grid *grid, struct hf_str *cells)
{
	for (bool more = true; more;) {
		size_t owed = 2;
		more = false;
		for (size_t c = 0; c < grid->ncolumns; c++) {
			if (grid->width[c] == 0)
				continue;
			struct hf_str line = take_line(&cells[c], grid->width[c]);
			if (line.len) {
				pad(buf, owed);
				buf_add(buf, line);
				owed = 0;
			}
			owed += grid->width[c] - text_width(line) + 2;
			more = more || cells[c].len > 0;
		}
		buf_add_char(buf, '\n');
	}
}

static void draw_section(struct cli *cli, struct buf *buf, struct page_section *section)
{
	const struct grid grid = measure(cli, section);
	struct hf_str cells[PAGE_COLUMNS_MAX];
	buf_add_char(buf, '\n');
	put_bold(cli, buf, section->title);
	buf_add_char(buf, '\n');
	for (size_t c = 0; c < section->ncolumns; c++)
		cells[c] = hf_str_of(section->headings[c]);
	draw_row(buf, &grid, cells);
	for (size_t r = 0; r < section->nrows; r++) {
		for (size_t c = 0; c < section->ncolumns; c++)
			cells[c] = section->cells[r * section->ncolumns + c].text;
		draw_row(buf, &grid, cells);
	}
}

static void draw_text(struct buf *buf, struct hf_str text)
{
	struct hf_str line;
	while (text.len && str_split(&text, '\n', &line)) {
		buf_add_text(buf, "  ");
		text_safe(buf, line);
		buf_add_char(buf, '\n');
	}
}

static void draw_page(struct cli *cli, struct buf *buf, struct page *page)
{
	const struct hf_schema_object *object = page->object;
	struct hf_str title =
		arena_printf(cli->arena, "%s %.*s%s%.*s", hf_schema_kind_word(object->kind), STR_ARG(object->schema),
	                     object->schema.len ? "." : "", STR_ARG(object->name));
	size_t width = 0;
	put_bold(cli, buf, title.ptr ? flat(cli->arena, title).ptr : "");
	buf_add_char(buf, '\n');
	draw_text(buf, page->comment);
	for (size_t i = 0; i < page->nfacts; i++)
		width = strlen(page->facts[i].name) > width ? strlen(page->facts[i].name) : width;
	for (size_t i = 0; i < page->nfacts; i++) {
		buf_printf(buf, "  %-*s  ", (int)width, page->facts[i].name);
		buf_add(buf, flat(cli->arena, page->facts[i].value.text));
		buf_add_char(buf, '\n');
	}
	for (size_t i = 0; i < page->nsections; i++)
		draw_section(cli, buf, &page->sections[i]);
	if (page->definition.ptr) {
		buf_add_char(buf, '\n');
		put_bold(cli, buf, "Definition");
		buf_add_char(buf, '\n');
		draw_text(buf, page->definition);
	}
}

static enum hf_status draw(struct cli *cli, struct pages *pages, const struct hf_schema_object *object, bool first,
                           hf_error *err)
{
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	struct page *page = hf_arena_calloc(cli->arena, 1, sizeof(*page));
	if (!page)
		return error_nomem(err);
	page_make(pages, object, page);
	if (!first)
		buf_add_char(&buf, '\n');
	draw_page(cli, &buf, page);
	if (!buf_ok(&buf) || pages->starved)
		return error_nomem(err);
	out_text(cli->out, "%.*s", (int)buf.len, buf.ptr);
	return HF_OK;
}

/* ---- the verb ---- */

static enum hf_status put_named(struct cli *cli, struct pages *pages, const char *typed, hf_error *err)
{
	bool drawn = cli->out->options.format == OUT_TABLE;
	size_t found = 0;
	enum hf_status status = HF_OK;
	cli->out->options.limit = 0; /* one thing, whole */
	for (size_t i = 0; status == HF_OK && i < pages->schema->count; i++) {
		const struct hf_schema_object *object = &pages->schema->objects[i];
		if (!fits(cli->arena, object, hf_str_of(typed)))
			continue;
		if (!drawn && found == 0)
			status = out_list(cli->out, schema_show_columns, err);
		if (status == HF_OK)
			status = drawn ? draw(cli, pages, object, found == 0, err)
			               : put_family(cli, pages->schema, object, err);
		found++;
	}
	if (found == 0)
		return not_found(pages->schema, typed, err);
	if (drawn || (status != HF_OK && status != HF_STOP))
		return status;
	return out_list_end(cli->out, err);
}

enum hf_status schema_show(struct cli *cli, hf_error *err)
{
	struct hf_schema schema;
	struct usage usage;
	enum hf_status status = usage_read(cli, &usage, err);
	if (status == HF_OK)
		status = schema_read(cli, cli_given(cli, "privileges"), &schema, err);
	if (status != HF_OK)
		return status;
	struct pages pages = {.arena = cli->arena, .schema = &schema, .usage = &usage};
	const char *typed = cli_arg(cli, 0);
	return typed ? put_named(cli, &pages, typed, err) : list(cli, &schema, err);
}
