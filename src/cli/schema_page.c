/*
 * schema_page.c - what there is to say about one object, as facts and tables of cells; how it looks is for those who
 * draw it.
 */
#include "cli/schema.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

/* ---- cells ---- */

static struct page_cell plain(struct hf_str text)
{
	return (struct page_cell){.text = text};
}

static struct page_cell code(struct hf_str text)
{
	return (struct page_cell){.text = text, .code = true};
}

static struct page_cell word(const char *text)
{
	return plain(hf_str_of(text));
}

static struct hf_str of(const struct hf_schema_object *object, const char *name)
{
	return hf_schema_property(object, name);
}

/* "public.queue" as a cell that leads there, when there is such a page. */
static struct page_cell link_to(struct pages *pages, struct hf_str qualified)
{
	struct hf_str parts[3];
	size_t count = qualified.len ? usage_split(pages->arena, qualified, parts, ARRAY_LEN(parts)) : 0;
	struct page_cell cell = code(qualified);
	if (count >= 2)
		cell.link = hf_schema_find(pages->schema, parts[0], parts[1]);
	return cell;
}

static struct page_cell link_object(struct pages *pages, const struct hf_schema_object *object)
{
	struct hf_str name = arena_printf(pages->arena, "%.*s.%.*s", STR_ARG(object->schema), STR_ARG(object->name));
	pages->starved = pages->starved || !name.ptr;
	return (struct page_cell){name, true, object};
}

/* ---- sections ---- */

/* A section counts once it has a row. */
static struct page_section *section(struct page *page, const char *title, size_t ncolumns, const char *const headings[])
{
	struct page_section *made = &page->sections[page->nsections];
	*made = (struct page_section){.title = title, .ncolumns = ncolumns};
	for (size_t i = 0; i < ncolumns; i++)
		made->headings[i] = headings[i];
	return made;
}

static void row(struct pages *pages, struct page_section *section, const struct page_cell *cells)
{
	if (section->nrows == section->capacity) {
		size_t capacity = section->capacity ? 2 * section->capacity : 16;
		struct page_cell *grown = hf_arena_calloc(pages->arena, capacity * section->ncolumns, sizeof(*grown));
		if (!grown) {
			pages->starved = true;
			return;
		}
		if (section->nrows)
			memcpy(grown, section->cells, section->nrows * section->ncolumns * sizeof(*grown));
		section->cells = grown;
		section->capacity = capacity;
	}
	memcpy(&section->cells[section->nrows++ * section->ncolumns], cells, section->ncolumns * sizeof(*cells));
}

static void done(struct page *page, const struct page_section *section)
{
	ASSERT(page->nsections + 1 < PAGE_SECTIONS_MAX);
	if (section->nrows > 0)
		page->nsections++;
}

static const struct hf_schema_object *children(const struct pages *pages, const struct page *page,
                                               enum hf_schema_kind kind, size_t *ret_count)
{
	return hf_schema_children(pages->schema, kind, page->object->schema, page->object->name, ret_count);
}

/* ---- columns ---- */

static struct hf_str default_of(struct pages *pages, const struct hf_schema_object *column)
{
	struct hf_str generated = of(column, "generated"), identity = of(column, "identity"),
		      text = of(column, "default");
	if (generated.ptr)
		text = arena_printf(pages->arena, "generated always as (%.*s)", STR_ARG(generated));
	else if (identity.ptr)
		text = arena_printf(pages->arena, "identity %.*s", STR_ARG(identity));
	pages->starved = pages->starved || ((generated.ptr || identity.ptr) && !text.ptr);
	return text;
}

static struct page_cell type_of(struct pages *pages, struct hf_str type)
{
	struct page_cell cell = link_to(pages, type);
	return cell;
}

/* What is set for the column beyond the usual: "collate C, storage external". */
static struct hf_str settings_of(struct pages *pages, const struct hf_schema_object *column)
{
	static const char *const names[] = {"collation",  "storage", "compression",
	                                    "statistics", "options", "inherited"};
	struct buf buf;
	buf_init(&buf, 65536);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct hf_str value = of(column, names[i]);
		if (!value.ptr)
			continue;
		bool flag = str_eq(value, HF_STR("yes"));
		buf_printf(&buf, "%s%s%s%.*s", buf.len ? ", " : "", names[i], flag ? "" : " ",
		           flag ? 0 : (int)value.len, value.ptr);
	}
	struct hf_str text = buf.len ? hf_arena_str(pages->arena, buf_str(&buf)) : HF_STR("");
	pages->starved = pages->starved || !text.ptr;
	buf_deinit(&buf);
	return text;
}

static void columns(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"column", "type", "null", "default", "settings", "comment"};
	size_t count;
	const struct hf_schema_object *list = children(pages, page, HF_SCHEMA_COLUMN, &count);
	struct page_section *made = section(page, "Columns", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < count; i++)
		row(pages, made,
		    (struct page_cell[]){code(list[i].name), type_of(pages, of(&list[i], "type")),
		                         word(of(&list[i], "not_null").ptr ? "no" : "yes"),
		                         code(default_of(pages, &list[i])), plain(settings_of(pages, &list[i])),
		                         plain(of(&list[i], "comment"))});
	done(page, made);
}

/* ---- what hangs on it ---- */

static void constraints(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"constraint", "type", "definition", "leads to", "comment"};
	size_t count;
	const struct hf_schema_object *list = children(pages, page, HF_SCHEMA_CONSTRAINT, &count);
	struct page_section *made = section(page, "Constraints", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < count; i++)
		row(pages, made,
		    (struct page_cell[]){code(list[i].name), plain(of(&list[i], "type")),
		                         code(of(&list[i], "definition")), link_to(pages, of(&list[i], "references")),
		                         plain(of(&list[i], "comment"))});
	done(page, made);
}

/* Most names are plain: those are compared where they stand. */
static bool names(struct pages *pages, struct hf_str qualified, const struct hf_schema_object *object)
{
	struct hf_str parts[3], schema = object->schema;
	if (qualified.len == 0)
		return false;
	if (str_find(qualified, '"') >= 0)
		return usage_split(pages->arena, qualified, parts, ARRAY_LEN(parts)) >= 2 && str_eq(parts[0], schema) &&
		       str_eq(parts[1], object->name);
	if (!str_starts(qualified, schema) || qualified.len <= schema.len || qualified.ptr[schema.len] != '.')
		return false;
	struct hf_str rest = {qualified.ptr + schema.len + 1, qualified.len - schema.len - 1};
	return str_starts(rest, object->name) && (rest.len == object->name.len || rest.ptr[object->name.len] == '.');
}

static void referenced_by(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"table", "constraint", "definition"};
	struct page_section *made = section(page, "Referenced by", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < pages->schema->count; i++) {
		const struct hf_schema_object *object = &pages->schema->objects[i];
		if (object->kind != HF_SCHEMA_CONSTRAINT || !names(pages, of(object, "references"), page->object))
			continue;
		const struct hf_schema_object *table = hf_schema_find(pages->schema, object->schema, object->parent);
		if (table)
			row(pages, made,
			    (struct page_cell[]){link_object(pages, table), code(object->name),
			                         code(of(object, "definition"))});
	}
	done(page, made);
}

/* "unique btree (lower(name)) WHERE home IS NULL": the rest of the statement is said already. */
static struct hf_str index_definition(struct pages *pages, const struct hf_schema_object *index)
{
	static const struct hf_str word = HF_STR_INIT(" USING ");
	struct hf_str text = of(index, "definition");
	ptrdiff_t at = str_find_str(text, word);
	if (at < 0)
		return text;
	text.ptr += (size_t)at + word.len;
	text.len -= (size_t)at + word.len;
	text = arena_printf(pages->arena, "%s%.*s%s", of(index, "unique").ptr ? "unique " : "", STR_ARG(text),
	                    of(index, "valid").ptr ? " (not valid)" : "");
	pages->starved = pages->starved || !text.ptr;
	return text;
}

/* Those that serve a constraint are told there. */
static void indexes(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"index", "definition", "comment"};
	size_t count;
	const struct hf_schema_object *list = children(pages, page, HF_SCHEMA_INDEX, &count);
	struct page_section *made = section(page, "Indexes", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < count; i++)
		if (!of(&list[i], "constraint").ptr)
			row(pages, made,
			    (struct page_cell[]){code(list[i].name), code(index_definition(pages, &list[i])),
			                         plain(of(&list[i], "comment"))});
	done(page, made);
}

static void defined(struct pages *pages, struct page *page, enum hf_schema_kind kind, const char *title)
{
	const char *const headings[] = {hf_schema_kind_word(kind), "definition", "comment"};
	size_t count;
	const struct hf_schema_object *list = children(pages, page, kind, &count);
	struct page_section *made = section(page, title, ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < count; i++)
		row(pages, made,
		    (struct page_cell[]){code(list[i].name), code(of(&list[i], "definition")),
		                         plain(of(&list[i], "comment"))});
	done(page, made);
}

static void policies(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"policy", "command", "roles", "using", "check", "comment"};
	size_t count;
	const struct hf_schema_object *list = children(pages, page, HF_SCHEMA_POLICY, &count);
	struct page_section *made = section(page, "Policies", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < count; i++)
		row(pages, made,
		    (struct page_cell[]){code(list[i].name), plain(of(&list[i], "command")),
		                         plain(of(&list[i], "roles").ptr ? of(&list[i], "roles") : HF_STR("public")),
		                         code(of(&list[i], "using")), code(of(&list[i], "check")),
		                         plain(of(&list[i], "comment"))});
	done(page, made);
}

/* ---- relatives ---- */

/* A list "a.b, c.d" or one per line names the object. */
static bool list_names(struct pages *pages, struct hf_str list, char separator, const struct hf_schema_object *object)
{
	struct hf_str item;
	while (list.len && str_split(&list, separator, &item))
		if (names(pages, str_trim(item), object))
			return true;
	return false;
}

static void descendants(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"table", "bound"};
	struct page_section *made = section(page, "Partitions and heirs", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < pages->schema->count; i++) {
		const struct hf_schema_object *object = &pages->schema->objects[i];
		if (object->kind != HF_SCHEMA_TABLE && object->kind != HF_SCHEMA_FOREIGN_TABLE)
			continue;
		if (names(pages, of(object, "partition_of"), page->object) ||
		    list_names(pages, of(object, "inherits"), ',', page->object))
			row(pages, made,
			    (struct page_cell[]){link_object(pages, object), code(of(object, "partition_bound"))});
	}
	done(page, made);
}

static void read_by_views(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"view", "kind"};
	struct page_section *made = section(page, "Read by views", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < pages->schema->count; i++) {
		const struct hf_schema_object *object = &pages->schema->objects[i];
		if (list_names(pages, of(object, "reads"), '\n', page->object))
			row(pages, made,
			    (struct page_cell[]){link_object(pages, object), word(hf_schema_kind_word(object->kind))});
	}
	done(page, made);
}

static void reads(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"reads"};
	struct hf_str list = of(page->object, "reads"), item;
	struct page_section *made = section(page, "Reads", ARRAY_LEN(headings), headings);
	while (list.len && str_split(&list, '\n', &item))
		row(pages, made, (struct page_cell[]){link_to(pages, item)});
	done(page, made);
}

/* ---- who touches which column ---- */

struct touched {
	struct buf reads, writes;
};

static void add_name(struct buf *buf, struct hf_str name)
{
	buf_printf(buf, "%s%.*s", buf->len ? ", " : "", STR_ARG(name));
}

/* Of one column, or of rows as a whole for "". */
static void collect(const struct pages *pages, const struct hf_schema_object *relation, struct hf_str column,
                    struct touched *touched)
{
	for (size_t i = 0; pages->usage && i < pages->usage->count; i++) {
		const struct usage_entry *entry = &pages->usage->entries[i];
		if (str_eq(entry->schema, relation->schema) && str_eq(entry->relation, relation->name) &&
		    str_eq(entry->column, column))
			add_name(entry->writes ? &touched->writes : &touched->reads, entry->query);
	}
}

static void touched_row(struct pages *pages, struct page *page, struct page_section *made, struct hf_str column)
{
	struct touched touched;
	buf_init(&touched.reads, 1 << 20);
	buf_init(&touched.writes, 1 << 20);
	collect(pages, page->object, column, &touched);
	struct hf_str reading = hf_arena_str(pages->arena, buf_str(&touched.reads));
	struct hf_str writing = hf_arena_str(pages->arena, buf_str(&touched.writes));
	pages->starved = pages->starved || !reading.ptr || !writing.ptr;
	if (reading.len || writing.len)
		row(pages, made,
		    (struct page_cell[]){column.len ? code(column) : word("(rows)"), plain(reading), plain(writing)});
	buf_deinit(&touched.reads);
	buf_deinit(&touched.writes);
}

static void queries(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"column", "read by", "written by"};
	size_t count;
	const struct hf_schema_object *list = children(pages, page, HF_SCHEMA_COLUMN, &count);
	struct page_section *made = section(page, "Queries", ARRAY_LEN(headings), headings);
	touched_row(pages, page, made, HF_STR(""));
	for (size_t i = 0; i < count; i++)
		touched_row(pages, page, made, list[i].name);
	done(page, made);
}

/* ---- types and functions ---- */

static void used_by_columns(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"table", "column", "type"};
	struct page_section *made = section(page, "Columns of this type", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < pages->schema->count; i++) {
		const struct hf_schema_object *object = &pages->schema->objects[i];
		struct hf_str type = object->kind == HF_SCHEMA_COLUMN ? of(object, "type") : HF_STR("");
		if (str_ends(type, HF_STR("[]")))
			type.len -= 2;
		if (!names(pages, type, page->object))
			continue;
		const struct hf_schema_object *table = hf_schema_find(pages->schema, object->schema, object->parent);
		if (table)
			row(pages, made,
			    (struct page_cell[]){link_object(pages, table), code(object->name),
			                         code(of(object, "type"))});
	}
	done(page, made);
}

static void called_by_triggers(struct pages *pages, struct page *page)
{
	static const char *const headings[] = {"table", "trigger"};
	const struct hf_schema_object *function = page->object;
	struct page_section *made = section(page, "Triggers that call it", ARRAY_LEN(headings), headings);
	for (size_t i = 0; i < pages->schema->count; i++) {
		const struct hf_schema_object *object = &pages->schema->objects[i];
		struct hf_str name = object->kind == HF_SCHEMA_TRIGGER ? of(object, "function") : HF_STR("");
		struct hf_str parts[3];
		if (!str_ends(name, HF_STR("()")) || !str_ends(function->name, HF_STR("()")))
			continue;
		name.len -= 2;
		if (usage_split(pages->arena, name, parts, 3) != 2 || !str_eq(parts[0], function->schema) ||
		    !str_eq(parts[1], (struct hf_str){function->name.ptr, function->name.len - 2}))
			continue;
		const struct hf_schema_object *table = hf_schema_find(pages->schema, object->schema, object->parent);
		if (table)
			row(pages, made, (struct page_cell[]){link_object(pages, table), code(object->name)});
	}
	done(page, made);
}

/* ---- the page ---- */

static const struct {
	const char *property, *name;
	enum { FACT_TEXT, FACT_CODE, FACT_LINK } form;
} facts[] = {
	{"labels", "labels", FACT_CODE},
	{"type", "type", FACT_LINK},
	{"not_null", "not null", FACT_TEXT},
	{"default", "default", FACT_CODE},
	{"collation", "collation", FACT_CODE},
	{"subtype", "subtype", FACT_LINK},
	{"canonical", "canonical function", FACT_CODE},
	{"subtype_diff", "difference function", FACT_CODE},
	{"input", "input function", FACT_CODE},
	{"output", "output function", FACT_CODE},
	{"persistence", "persistence", FACT_TEXT},
	{"of_type", "of type", FACT_LINK},
	{"partition_by", "partitioned by", FACT_CODE},
	{"partition_of", "partition of", FACT_LINK},
	{"partition_bound", "bound", FACT_CODE},
	{"inherits", "inherits", FACT_LINK},
	{"server", "foreign server", FACT_CODE},
	{"server_options", "server options", FACT_CODE},
	{"options", "options", FACT_CODE},
	{"row_security", "row security", FACT_TEXT},
	{"replica_identity", "replica identity", FACT_TEXT},
	{"arguments", "arguments", FACT_CODE},
	{"returns", "returns", FACT_CODE},
	{"language", "language", FACT_TEXT},
	{"volatility", "volatility", FACT_TEXT},
	{"strict", "strict", FACT_TEXT},
	{"security_definer", "runs as its owner", FACT_TEXT},
	{"transition", "transition function", FACT_CODE},
	{"state_type", "state type", FACT_LINK},
	{"final", "final function", FACT_CODE},
	{"initial", "initial state", FACT_CODE},
	{"start", "start", FACT_TEXT},
	{"increment", "increment", FACT_TEXT},
	{"minimum", "minimum", FACT_TEXT},
	{"maximum", "maximum", FACT_TEXT},
	{"cache", "cache", FACT_TEXT},
	{"cycle", "cycle", FACT_TEXT},
	{"owned_by", "owned by", FACT_LINK},
	{"version", "version", FACT_TEXT},
	{"schema", "schema", FACT_TEXT},
	{"owner", "owner", FACT_TEXT},
	{"privileges", "privileges", FACT_CODE},
};

static void add_facts(struct pages *pages, struct page *page)
{
	for (size_t i = 0; i < ARRAY_LEN(facts) && page->nfacts < PAGE_FACTS_MAX; i++) {
		struct hf_str value = of(page->object, facts[i].property);
		if (!value.ptr)
			continue;
		page->facts[page->nfacts++] =
			(struct page_fact){facts[i].name,
		                           facts[i].form == FACT_LINK
		                                   ? link_to(pages, value)
		                                   : (struct page_cell){value, facts[i].form == FACT_CODE, NULL}};
	}
}

static void add_relation(struct pages *pages, struct page *page)
{
	columns(pages, page);
	constraints(pages, page);
	referenced_by(pages, page);
	indexes(pages, page);
	defined(pages, page, HF_SCHEMA_TRIGGER, "Triggers");
	policies(pages, page);
	defined(pages, page, HF_SCHEMA_RULE, "Rules");
	defined(pages, page, HF_SCHEMA_STATISTICS, "Statistics");
	descendants(pages, page);
	reads(pages, page);
	read_by_views(pages, page);
	queries(pages, page);
}

static bool is_relation(enum hf_schema_kind kind)
{
	return kind == HF_SCHEMA_TABLE || kind == HF_SCHEMA_FOREIGN_TABLE || kind == HF_SCHEMA_VIEW ||
	       kind == HF_SCHEMA_MATVIEW;
}

bool page_column_is_empty(const struct page_section *section, size_t column)
{
	for (size_t r = 0; r < section->nrows; r++)
		if (section->cells[r * section->ncolumns + column].text.len > 0)
			return false;
	return true;
}

void page_make(struct pages *pages, const struct hf_schema_object *object, struct page *ret_page)
{
	*ret_page = (struct page){.object = object,
	                          .comment = of(object, "comment"),
	                          .definition = of(object, "definition")};
	add_facts(pages, ret_page);
	if (is_relation(object->kind)) {
		add_relation(pages, ret_page);
	} else if (object->kind == HF_SCHEMA_FUNCTION) {
		called_by_triggers(pages, ret_page);
	} else if (object->kind >= HF_SCHEMA_ENUM && object->kind <= HF_SCHEMA_TYPE) {
		columns(pages, ret_page);
		constraints(pages, ret_page);
		used_by_columns(pages, ret_page);
	}
}
