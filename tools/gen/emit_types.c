/*
 * emit_types.c - the types of a group: what C sees, and the tables that tell the run time about them.
 */
#include "gen/emit.h"

#include <stdlib.h>

#include "pg/codecs.h"

/* ---- order ---- */

struct order {
	const struct type **items;
	size_t count;
	const struct group *group;
};

static bool placed(const struct order *order, const struct type *type)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->items[i] == type)
			return true;
	return false;
}

/* What a type is made of stands before it. The server has no recursive types. */
static void place_type(struct order *order, const struct type *type)
{
	if (!type || type->origin == TYPE_BUILTIN || placed(order, type))
		return;
	place_type(order, type->element);
	place_type(order, type->base);
	for (size_t i = 0; type->fields && i < type->count; i++)
		place_type(order, type->fields[i].type);
	order->items = mem_grow(order->group->arena, order->items, order->count, sizeof(*order->items));
	order->items[order->count++] = type;
}

static int by_name(const void *a, const void *b)
{
	const struct type *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

static struct order ordered(const struct group *group)
{
	struct order order = {.group = group};
	size_t count = group->types.count;
	const struct type **sorted = MEM_ARRAY(group->arena, count + 1, const struct type *);
	for (size_t i = 0; i < count; i++)
		sorted[i] = group->types.items[i];
	if (count)
		qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count; i++)
		place_type(&order, sorted[i]);
	return order;
}

/* ---- header ---- */

static void declare_enum(struct buf *out, const struct type *type)
{
	buf_printf(out,
	           "\n/* %s. A label that is newer than this program is HF_E_DRIFT, and %s\n"
	           " * in columns that are annotated open. */\nenum %s {\n\t%s = HF_ENUM_UNKNOWN",
	           type->name, type->enumerators[type->count], type->c_name, type->enumerators[type->count]);
	for (size_t i = 0; i < type->count; i++)
		buf_printf(out, ",\n\t%s = %zu", type->enumerators[i], i);
	buf_printf(out, "\n};\nextern const struct hf_type %s;\n", type->object);
	buf_printf(out, "/** The label, or \"\" for %s. */\n", type->enumerators[type->count]);
	buf_printf(
		out,
		"static inline const char *%s_label(enum %s value)\n{\n\treturn hf_enum_label(&%s, (int)value);\n}\n",
		type->c_name, type->c_name, type->object);
	buf_printf(out, "/** The value of a label, or %s. */\n", type->enumerators[type->count]);
	buf_printf(out,
	           "static inline enum %s %s_of(struct hf_str label)\n{\n\treturn (enum %s)hf_enum_value(&%s, "
	           "label);\n}\n",
	           type->c_name, type->c_name, type->c_name, type->object);
}

static struct member *field_members(const struct group *group, const struct type *type)
{
	struct member *members = MEM_ARRAY(group->arena, type->count + 1, struct member);
	for (size_t i = 0; i < type->count; i++)
		members[i] = (struct member){type->fields[i].member, type->fields[i].type, true,
		                             type->fields[i].type};
	return members;
}

static void declare_type(struct buf *out, const struct group *group, const struct type *type)
{
	if (type->origin == TYPE_ENUM) {
		declare_enum(out, type);
		return;
	}
	if (type->origin == TYPE_COMPOSITE) {
		buf_printf(out, "\n/* %s */\n%s {\n", type->name, type->c_type);
		emit_members(out, field_members(group, type), type->count);
		buf_add_text(out, "};\n");
	} else if (type->origin == TYPE_ARRAY && strncmp(type->c_type, "struct hf_", 10) != 0) {
		buf_printf(out, "\n/* %s */\n%s {\n\tHF_ARRAY_MEMBERS(%s);\n};\n", type->name, type->c_type,
		           type->element->c_type);
	} else if (type->origin == TYPE_RANGE || type->origin == TYPE_MULTIRANGE) {
		buf_printf(out, "\n/* %s */\n%s {\n\tHF_%s_MEMBERS(%s);\n};\n", type->name, type->c_type,
		           type->origin == TYPE_RANGE ? "RANGE" : "MULTIRANGE", type->element->c_type);
	} else {
		buf_printf(out, "\n/* %s: %s */\n", type->name, type->c_type);
	}
	buf_printf(out, "extern const struct hf_type %s;\n", type->object);
}

struct row_walk {
	struct buf *out;
	const struct group *group;
	void (*emit)(const struct row_walk *walk, const struct query *query);
	const char **seen;
	size_t nseen;
};

/* The first query that has it speaks for a shared row. */
static void walk_row(void *user, struct query *query)
{
	struct row_walk *walk = user;
	if (!query->row)
		return;
	for (size_t i = 0; i < walk->nseen; i++)
		if (strcmp(walk->seen[i], query->row) == 0)
			return;
	walk->seen = mem_grow(walk->group->arena, walk->seen, walk->nseen, sizeof(*walk->seen));
	walk->seen[walk->nseen++] = query->row;
	walk->emit(walk, query);
}

static void declare_row(const struct row_walk *walk, const struct query *query)
{
	buf_printf(walk->out, "\n/* A row that several queries share. */\nstruct %s {\n", query->row);
	emit_members(walk->out, emit_row_members(walk->group, query), query->ncolumns);
	buf_add_text(walk->out, "};\n");
	emit_copy_declaration(walk->out, walk->group, emit_row_struct(walk->group, query));
}

static void define_row(const struct row_walk *walk, const struct query *query)
{
	const char *columns = mem_printf(walk->group->arena, "%s__columns", query->row);
	emit_columns(walk->out, walk->group, query, columns);
	emit_copy(walk->out, walk->group, emit_row_struct(walk->group, query), columns, query->ncolumns);
}

void emit_types_header(struct buf *out, const struct group *group)
{
	struct order order = ordered(group);
	const char *file = mem_printf(group->arena, "%s_types.h", group->name);
	emit_opening(out, file, mem_printf(group->arena, "queries/%s", group->name),
	             "types and shared rows of these queries. A false has_x means that x is NULL.");
	emit_guard_begin(out, group, file);
	buf_add_text(out, "#include \"holdfast/query.h\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
	for (size_t i = 0; i < order.count; i++)
		declare_type(out, group, order.items[i]);
	struct row_walk walk = {.out = out, .group = group, .emit = declare_row};
	group_each(group, walk_row, &walk);
	emit_guard_end(out);
}

/* ---- source ---- */

/* The type below all domains and imports. */
static const struct type *bottom(const struct type *type)
{
	while (type->base)
		type = type->base;
	return type;
}

static const char *kind_name(enum hf_type_kind kind)
{
#define KIND_NAME(kind, codec, size) [HF_TYPE_##kind] = #kind,
	static const char *const names[] = {CODECS(KIND_NAME)};
	return names[kind];
}

static void define_labels(struct buf *out, const struct type *type)
{
	buf_printf(out, "\nstatic const char *const %s__labels[] = {\n", type->c_name);
	for (size_t i = 0; i < type->count; i++) {
		buf_add_char(out, '\t');
		emit_string(out, type->labels[i]);
		buf_add_text(out, ",\n");
	}
	buf_add_text(out, "};\n");
}

static void define_fields(struct buf *out, const struct group *group, const struct type *type)
{
	const char **names = MEM_ARRAY(group->arena, type->count + 1, const char *);
	for (size_t i = 0; i < type->count; i++)
		names[i] = type->fields[i].name;
	buf_printf(out, "\nstatic const struct hf_field %s__fields[] = {\n", type->c_name);
	emit_fields(out, type->c_type, field_members(group, type), names, type->count);
	buf_add_text(out, "};\n");
}

static void define_type(struct buf *out, const struct group *group, const struct type *type)
{
	const struct type *below = bottom(type);
	if (type->origin == TYPE_ENUM && type->count)
		define_labels(out, type);
	if (type->origin == TYPE_COMPOSITE && type->count)
		define_fields(out, group, type);
	buf_printf(out, "\nconst struct hf_type %s = {\n\t.kind = HF_TYPE_%s,\n\t.name = ", type->object,
	           kind_name(type->kind));
	emit_string(out, type->name);
	buf_printf(out, ",\n\t.size = sizeof(%s),\n", type->c_type);
	if (type->element)
		buf_printf(out, "\t.element = &%s,\n", type->element->object);
	if (below->origin == TYPE_ENUM && below->count)
		buf_printf(out, "\t.labels = %s__labels,\n\t.count = %zu,\n", below->c_name, below->count);
	if (below->origin == TYPE_COMPOSITE && below->count)
		buf_printf(out, "\t.fields = %s__fields,\n\t.count = %zu,\n", below->c_name, below->count);
	buf_add_text(out, "};\n");
}

void emit_types_source(struct buf *out, const struct group *group)
{
	struct order order = ordered(group);
	const char *file = mem_printf(group->arena, "%s_types.c", group->name);
	emit_opening(out, file, mem_printf(group->arena, "queries/%s", group->name),
	             "types, and constraints, as the run time sees them.");
	if (group->nconstraints)
		buf_printf(out, "#include \"%s_constraints.h\"\n", group->name);
	buf_printf(out, "#include \"%s_types.h\"\n", group->name);
	for (size_t i = 0; i < order.count; i++)
		define_type(out, group, order.items[i]);
	struct row_walk walk = {.out = out, .group = group, .emit = define_row};
	group_each(group, walk_row, &walk);
	if (group->nconstraints)
		emit_constraints_source(out, group);
}
