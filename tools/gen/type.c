/*
 * type.c - the table of types, and their names in C.
 *
 * Types outside schema public carry the schema in their C name. Arrays reuse the structs of types.h wherever the
 * element's C form is one of those; other builtin elements (date[], oid[]) get a struct that the group's name
 * prefixes, because two groups may both need it in one program.
 */
#include "gen/type.h"

#include "gen/cname.h"

#define SCALAR(sql, suffix, KIND, c)                                                                             \
	{                                                                                                        \
		TYPE_BUILTIN, HF_TYPE_##KIND, sql, c, "hf_type_" suffix, NULL, NULL, suffix, NULL, NULL, NULL, 0 \
	}
#define ARRAY_OF(index, sql, suffix, c)                                                                            \
	{                                                                                                          \
		TYPE_BUILTIN, HF_TYPE_ARRAY, sql "[]", c, "hf_type_" suffix, NULL, &builtins[index], suffix, NULL, \
			NULL, NULL, 0                                                                              \
	}

/* Scalars first: the arrays point at them by index. */
static const struct type builtins[] = {
	SCALAR("bool", "bool", BOOL, "bool"),
	SCALAR("int2", "int2", INT2, "int16_t"),
	SCALAR("int4", "int4", INT4, "int32_t"),
	SCALAR("int8", "int8", INT8, "int64_t"),
	SCALAR("float8", "float8", FLOAT8, "double"),
	SCALAR("text", "text", TEXT, "struct hf_str"),
	SCALAR("bytea", "bytea", BYTEA, "struct hf_bytes"),
	SCALAR("uuid", "uuid", UUID, "struct hf_uuid"),
	SCALAR("interval", "interval", INTERVAL, "struct hf_interval"),
	SCALAR("timestamp", "timestamp", TIMESTAMP, "struct hf_timestamp"),
	SCALAR("timestamptz", "timestamptz", TIMESTAMPTZ, "struct hf_timestamptz"),
	SCALAR("oid", "oid", OID, "uint32_t"),
	SCALAR("float4", "float4", FLOAT4, "float"),
	SCALAR("numeric", "numeric", NUMERIC, "struct hf_numeric"),
	SCALAR("varchar", "varchar", TEXT, "struct hf_str"),
	SCALAR("bpchar", "bpchar", TEXT, "struct hf_str"),
	SCALAR("name", "name", TEXT, "struct hf_str"),
	SCALAR("xml", "xml", TEXT, "struct hf_str"),
	SCALAR("json", "json", TEXT, "struct hf_str"),
	SCALAR("jsonb", "jsonb", JSONB, "struct hf_str"),
	SCALAR("char", "char", CHAR, "char"),
	SCALAR("date", "date", DATE, "struct hf_date"),
	SCALAR("time", "time", TIME, "struct hf_time"),
	SCALAR("timetz", "timetz", TIMETZ, "struct hf_timetz"),
	SCALAR("void", "void", VOID, ""),
	ARRAY_OF(0, "bool", "bool_array", "struct hf_bool_array"),
	ARRAY_OF(1, "int2", "int2_array", "struct hf_int2_array"),
	ARRAY_OF(2, "int4", "int4_array", "struct hf_int4_array"),
	ARRAY_OF(3, "int8", "int8_array", "struct hf_int8_array"),
	ARRAY_OF(4, "float8", "float8_array", "struct hf_float8_array"),
	ARRAY_OF(5, "text", "text_array", "struct hf_str_array"),
	ARRAY_OF(6, "bytea", "bytea_array", "struct hf_bytes_array"),
	ARRAY_OF(7, "uuid", "uuid_array", "struct hf_uuid_array"),
	ARRAY_OF(8, "interval", "interval_array", "struct hf_interval_array"),
	ARRAY_OF(9, "timestamp", "timestamp_array", "struct hf_timestamp_array"),
	ARRAY_OF(10, "timestamptz", "timestamptz_array", "struct hf_timestamptz_array"),
};

const struct type *type_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
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
				*ret_why = mem_printf(types->arena,
				                      "labels \"%s\" and \"%s\" of enum %s are the same in C: %s",
				                      labels[i], j < count ? labels[j] : "(unrecognized)", qualified,
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
		if (builtins[i].element && strcmp(builtins[i].element->c_type, element_c_type) == 0)
			return builtins[i].c_type;
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
	type->c_name = element->origin == TYPE_BUILTIN
	                       ? mem_printf(types->arena, "%s_%s_array", types->group, element->c_name)
	                       : mem_printf(types->arena, "%s_array", element->c_name);
	type->c_type = known_array(element->c_type);
	if (!type->c_type)
		type->c_type = mem_printf(types->arena, "struct %s", type->c_name);
	type->object = mem_printf(types->arena, "%s_type", type->c_name);
	return type;
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
