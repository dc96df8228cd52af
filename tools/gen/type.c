/*
 * type.c - the table of types, and their names in C.
 *
 * Types outside schema public carry the schema in their C name. Arrays reuse the structs of types.h wherever the
 * element's C form is one of those.
 */
#include "gen/type.h"

#include "gen/cname.h"
#include "holdfast/builtin.h"

/* Names are pasted at the first level only: `bool` is a macro, too. */
#define BUILTIN(object_, kind_, sql, c_type_, c_name_, element_)                                      \
	static const struct type builtin##object_ = {.kind = HF_TYPE_##kind_,                         \
	                                              .name = sql,                                     \
	                                              .c_type = c_type_,                               \
	                                              .object = "hf_type_" c_name_,                    \
	                                              .element = element_,                             \
	                                              .c_name = c_name_};
#define WITH_ARRAY(object, kind, sql, c_type, element, word) \
	BUILTIN(object, kind, sql, c_type, sql, element)     \
	BUILTIN(object##_array, ARRAY, sql "[]", "struct hf_" word "_array", sql "_array", &builtin##object)
#define SCALAR(name, kind, oid, array_oid, form, word) WITH_ARRAY(_##name, kind, #name, #form, NULL, #word)
#define VECTOR(name, element, oid, array_oid) \
	WITH_ARRAY(_##name, VECTOR, #name, "struct hf_" #element "_array", &builtin_##element, #name)
#define RANGE(subtype, range, oid, array_oid, multirange, multi_oid, multi_array_oid)               \
	WITH_ARRAY(_##range, RANGE, #range, "struct hf_" #range, &builtin_##subtype, #range)       \
	WITH_ARRAY(_##multirange, MULTIRANGE, #multirange, "struct hf_" #multirange, &builtin_##range, \
	           #multirange)

BUILTIN(_void, VOID, "void", "", "void", NULL)
HF_BUILTIN_SCALARS(SCALAR)
HF_BUILTIN_VECTORS(VECTOR)
HF_BUILTIN_RANGES(RANGE)

#define LIST(name, ...) &builtin_##name, &builtin_##name##_array,
#define LIST_RANGE(subtype, range, oid, array_oid, multirange, ...) LIST(range, ) LIST(multirange, )
static const struct type *const builtins[] = {
	HF_BUILTIN_SCALARS(LIST) HF_BUILTIN_VECTORS(LIST) HF_BUILTIN_RANGES(LIST_RANGE) & builtin_void};

const struct type *type_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (strcmp(builtins[i]->name, name) == 0)
			return builtins[i];
	return NULL;
}

const struct type *types_find(const struct types *types, const char *name)
{
	const struct type *found = type_builtin(name);
	for (size_t i = 0; !found && i < types->count; i++)
		if (strcmp(types->items[i]->name, name) == 0)
			found = types->items[i];
	return found;
}

bool type_holds_enum(const struct type *type)
{
	bool holds = type->kind == HF_TYPE_ENUM;
	for (size_t i = 0; !holds && type->fields && i < type->count; i++)
		holds = type_holds_enum(type->fields[i].type);
	return holds || (type->base && type_holds_enum(type->base)) ||
	       (type->element && type_holds_enum(type->element));
}

static struct type *add(struct types *types, enum type_origin origin, enum hf_type_kind kind, const char *name)
{
	struct type *type = MEM_NEW(types->arena, struct type);
	type->origin = origin;
	type->kind = kind;
	type->name = name;
	types->items = mem_grow(types->arena, types->items, types->count, sizeof(*types->items));
	types->items[types->count++] = type;
	return type;
}

/* "public.x" -> x, "app.x" -> app_x, "app.\"X y\"" -> app_x_y. */
static const char *c_name_of(struct types *types, const char *qualified)
{
	struct hf_str name = hf_str_of(qualified);
	if (str_starts(name, HF_STR("public.")))
		name = (struct hf_str){name.ptr + 7, name.len - 7};
	struct buf buf;
	buf_init(&buf, 4096);
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] != '"')
			buf_add_char(&buf, name.ptr[i]);
	mem_check(&buf);
	const char *c_name = cname_type(types->arena, buf.ptr ? buf.ptr : "");
	buf_deinit(&buf);
	return c_name;
}

static const char *enumerator_of(struct types *types, const char *prefix, const char *label)
{
	const char *upper = cname_upper(types->arena, label);
	return mem_printf(types->arena, "%s_%s", prefix, *upper == '_' && *label != '_' ? upper + 1 : upper);
}

/* `other` NULL is the one that stands for labels that the program does not know. */
static const char *labels_clash(struct types *types, const char *qualified, const char *label, const char *other,
                                const char *enumerator)
{
	if (!other)
		return mem_printf(types->arena, "label \"%s\" of enum %s is in C what stands for unknown labels: %s",
		                  label, qualified, enumerator);
	return mem_printf(types->arena, "labels \"%s\" and \"%s\" of enum %s are the same in C: %s", label, other,
	                  qualified, enumerator);
}

const struct type *types_add_enum(struct types *types, const char *qualified, const char **labels, size_t count,
                                  const char **ret_why)
{
	const struct type *known = types_find(types, qualified);
	if (known)
		return known;
	const char *c_name = c_name_of(types, qualified), *prefix = cname_upper(types->arena, c_name);
	const char **enumerators = MEM_ARRAY(types->arena, count + 1, const char *);
	enumerators[count] = mem_printf(types->arena, "%s_UNRECOGNIZED", prefix);
	for (size_t i = 0; i < count; i++)
		enumerators[i] = enumerator_of(types, prefix, labels[i]);
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j <= count; j++)
			if (strcmp(enumerators[i], enumerators[j]) == 0) {
				*ret_why = labels_clash(types, qualified, labels[i], j < count ? labels[j] : NULL,
				                        enumerators[i]);
				return NULL;
			}
	struct type *type = add(types, TYPE_ENUM, HF_TYPE_ENUM, qualified);
	type->c_name = c_name;
	type->c_type = mem_printf(types->arena, "enum %s", c_name);
	type->object = mem_printf(types->arena, "%s_type", c_name);
	type->labels = labels;
	type->enumerators = enumerators;
	type->count = count;
	return type;
}

const struct type *types_add_composite(struct types *types, const char *qualified, struct type_field *fields,
                                       size_t count, const char **ret_why)
{
	const struct type *known = types_find(types, qualified);
	if (known)
		return known;
	for (size_t i = 0; i < count; i++)
		fields[i].member = cname_member(types->arena, fields[i].name);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			if (i != j && cname_clash(fields[i].member, fields[j].member)) {
				*ret_why = mem_printf(types->arena, "fields \"%s\" and \"%s\" of %s are the same in C",
				                      fields[i].name, fields[j].name, qualified);
				return NULL;
			}
	struct type *type = add(types, TYPE_COMPOSITE, HF_TYPE_COMPOSITE, qualified);
	type->c_name = c_name_of(types, qualified);
	type->c_type = mem_printf(types->arena, "struct %s", type->c_name);
	type->object = mem_printf(types->arena, "%s_type", type->c_name);
	type->fields = fields;
	type->count = count;
	return type;
}

/* The array struct of types.h whose elements have that C form. */
static const char *known_array(const char *element_c_type)
{
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (builtins[i]->kind == HF_TYPE_ARRAY && strcmp(builtins[i]->element->c_type, element_c_type) == 0)
			return builtins[i]->c_type;
	return NULL;
}

const struct type *types_add_array(struct types *types, const struct type *element)
{
	const char *name = mem_printf(types->arena, "%s[]", element->name);
	const struct type *known = types_find(types, name);
	if (known)
		return known;
	struct type *type = add(types, TYPE_ARRAY, HF_TYPE_ARRAY, name);
	type->element = element;
	type->c_name = mem_printf(types->arena, "%s_array", element->c_name);
	type->c_type = known_array(element->c_type);
	if (!type->c_type)
		type->c_type = mem_printf(types->arena, "struct %s", type->c_name);
	type->object = mem_printf(types->arena, "%s_type", type->c_name);
	return type;
}

static const struct type *add_ranges(struct types *types, enum type_origin origin, enum hf_type_kind kind,
                                     const char *qualified, const struct type *element)
{
	const struct type *known = types_find(types, qualified);
	if (known)
		return known;
	struct type *type = add(types, origin, kind, qualified);
	type->element = element;
	type->c_name = c_name_of(types, qualified);
	type->c_type = mem_printf(types->arena, "struct %s", type->c_name);
	type->object = mem_printf(types->arena, "%s_type", type->c_name);
	return type;
}

const struct type *types_add_range(struct types *types, const char *qualified, const struct type *subtype)
{
	return add_ranges(types, TYPE_RANGE, HF_TYPE_RANGE, qualified, subtype);
}

const struct type *types_add_multirange(struct types *types, const char *qualified, const struct type *range)
{
	return add_ranges(types, TYPE_MULTIRANGE, HF_TYPE_MULTIRANGE, qualified, range);
}

static const struct type *add_on_base(struct types *types, enum type_origin origin, const char *qualified,
                                      const struct type *base)
{
	const struct type *known = types_find(types, qualified);
	if (known)
		return known;
	struct type *type = add(types, origin, base->kind, qualified);
	type->base = base;
	type->element = base->element;
	type->c_name = c_name_of(types, qualified);
	type->c_type = base->c_type;
	type->object = mem_printf(types->arena, "%s_type", type->c_name);
	return type;
}

const struct type *types_add_domain(struct types *types, const char *qualified, const struct type *base)
{
	return add_on_base(types, TYPE_DOMAIN, qualified, base);
}

const struct type *types_add_import(struct types *types, const char *qualified, const struct type *base)
{
	return add_on_base(types, TYPE_IMPORT, qualified, base);
}
