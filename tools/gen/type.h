/*
 * type.h - types as the compiler knows them: by qualified name, never by OID, so that metadata made on one server
 * fits every other. A group of queries has one table; builtin types are shared constants.
 */
#ifndef GEN_TYPE_H
#define GEN_TYPE_H

#include "gen/mem.h"
#include "holdfast/query.h"

enum type_origin {
	TYPE_BUILTIN = 0,
	TYPE_ENUM,
	TYPE_COMPOSITE,
	TYPE_ARRAY,
	TYPE_DOMAIN,
	TYPE_IMPORT,
	TYPE_RANGE,
	TYPE_MULTIRANGE
};

struct type_field {
	const char *name;
	const char *member;
	const struct type *type;
};

struct type {
	enum type_origin origin;
	enum hf_type_kind kind;  /* domains and imports: that of the base */
	const char *name;        /* "int4", "public.queue_bucket", "public.queue_bucket[]" */
	const char *c_type;      /* "int32_t", "enum queue_bucket" */
	const char *object;      /* the struct hf_type: "hf_type_int4", "queue_bucket_type" */
	const struct type *base; /* domains and imports */
	const struct type *element; /* arrays; subtype of a range, range of a multirange */
	const char *c_name;        /* "queue_bucket"; builtin: the suffix of `object` */
	const char **labels;       /* enums */
	const char **enumerators;  /* their names in C */
	struct type_field *fields; /* composites */
	size_t count;              /* labels or fields */
};

struct types {
	hf_arena *arena;
	const struct type **items;
	size_t count;
};

/** The builtin type of that name: "int4", "text[]". NULL when there is none that we have a C form for. */
const struct type *type_builtin(const char *name);
/** A type of the group, or a builtin one, by name; NULL when absent. */
const struct type *types_find(const struct types *types, const char *name);

/** An enum, or made of some: an array, a composite, a range, a domain over any of these. */
bool type_holds_enum(const struct type *type);

/*
 * Making types. `schema` and `name` are unquoted; `qualified` is how the server writes them. Each returns the one of
 * that name if it exists already; NULL with *ret_why (what is wrong with it) when it cannot be said in C.
 */
const struct type *types_add_enum(struct types *types, const char *qualified, const char **labels, size_t count,
                                  const char **ret_why);
const struct type *types_add_composite(struct types *types, const char *qualified, struct type_field *fields,
                                       size_t count, const char **ret_why);
const struct type *types_add_array(struct types *types, const struct type *element);
const struct type *types_add_range(struct types *types, const char *qualified, const struct type *subtype);
const struct type *types_add_multirange(struct types *types, const char *qualified, const struct type *range);
const struct type *types_add_domain(struct types *types, const char *qualified, const struct type *base);
const struct type *types_add_import(struct types *types, const char *qualified, const struct type *base);

#endif
