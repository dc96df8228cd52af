/*
 * schema.h - the objects of a database as data: for documents, for tests that compare two databases, for drift checks.
 *
 *     struct hf_schema before, after;
 *     struct hf_schema_change *changes;
 *     size_t count;
 *     status = hf_schema_read(hf_on_pool(pool), NULL, arena, &after, &err);
 *     if (status == HF_OK)
 *             status = hf_schema_parse(text_of_the_file, arena, &before, &err);
 *     if (status == HF_OK)
 *             status = hf_schema_compare(&before, &after, arena, &changes, &count, &err);
 *
 * An object is a kind, a name and properties; columns, constraints, indexes, triggers and the like name their table as
 * parent. Definitions are the server's own words, with every name qualified, so that they are the same whoever asks.
 * Nothing depends on OIDs, time or machine. Left out: the server's own schemas, the ledger of migrations (schema
 * "holdfast"), members of extensions. Operators, casts, collations, text search, publications, foreign servers and
 * other rare kinds (HF_SCHEMA_OTHER) are there by name and comment only.
 *
 * Everything lives in the arena that the caller passed. Threads: plain data. The text form is a JSON array, an object
 * a line.
 */
#ifndef HOLDFAST_SCHEMA_H
#define HOLDFAST_SCHEMA_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, "word in the text form and for people") */
#define HF_SCHEMA_KIND_TABLE(X)                      \
	X(HF_SCHEMA_SCHEMA, "schema")                \
	X(HF_SCHEMA_EXTENSION, "extension")          \
	X(HF_SCHEMA_ENUM, "enum")                    \
	X(HF_SCHEMA_DOMAIN, "domain")                \
	X(HF_SCHEMA_COMPOSITE, "composite")          \
	X(HF_SCHEMA_RANGE, "range")                  \
	X(HF_SCHEMA_TYPE, "type")                    \
	X(HF_SCHEMA_SEQUENCE, "sequence")            \
	X(HF_SCHEMA_TABLE, "table")                  \
	X(HF_SCHEMA_FOREIGN_TABLE, "foreign table")  \
	X(HF_SCHEMA_VIEW, "view")                    \
	X(HF_SCHEMA_MATVIEW, "materialized view")    \
	X(HF_SCHEMA_COLUMN, "column")                \
	X(HF_SCHEMA_CONSTRAINT, "constraint")        \
	X(HF_SCHEMA_INDEX, "index")                  \
	X(HF_SCHEMA_TRIGGER, "trigger")              \
	X(HF_SCHEMA_POLICY, "policy")                \
	X(HF_SCHEMA_RULE, "rule")                    \
	X(HF_SCHEMA_STATISTICS, "statistics")        \
	X(HF_SCHEMA_FUNCTION, "function")            \
	X(HF_SCHEMA_PROCEDURE, "procedure")          \
	X(HF_SCHEMA_AGGREGATE, "aggregate")          \
	X(HF_SCHEMA_OTHER, "other")

#define HF_SCHEMA_KIND_ENUM(name, word) name,
enum hf_schema_kind { HF_SCHEMA_KIND_TABLE(HF_SCHEMA_KIND_ENUM) HF_SCHEMA_KIND_COUNT };
#undef HF_SCHEMA_KIND_ENUM

struct hf_schema_property {
	struct hf_str name; /* "type", "not_null", "default", "definition", "comment", ...; with a NUL behind */
	struct hf_str value;
};

struct hf_schema_object {
	enum hf_schema_kind kind;
	struct hf_str schema; /* "" for schemas, extensions and the like; names are not quoted */
	struct hf_str parent; /* the relation, domain or composite type that it belongs to; "" = none */
	struct hf_str name;   /* functions: "add(integer, integer)"; others: "operator public.===(text,text)" */
	int32_t position;     /* columns: from 1 without gaps; else 0 */
	struct hf_schema_property *properties; /* only those that the object has */
	size_t nproperties;
};

/* By kind, schema, parent, position and name, in byte order. */
struct hf_schema {
	struct hf_schema_object *objects;
	size_t count;
};

struct hf_schema_options {
	size_t size;     /* sizeof(struct hf_schema_options) */
	bool privileges; /* "owner" and "privileges" too */
};

/** "materialized view". Never NULL. */
const char *hf_schema_kind_word(enum hf_schema_kind kind);

/**
 * Read a database: eleven statements in one read-only snapshot, whatever its size. Settings of the session
 * (search_path, TimeZone, DateStyle, ...) do not count and are as before afterwards; where `where` is a transaction,
 * once that ends. `options` may be NULL.
 * @return HF_OK; HF_E_LIMIT: more than 500,000 objects; the connection's failures.
 */
enum hf_status hf_schema_read(hf_where where, const struct hf_schema_options *options, hf_arena *arena,
                              struct hf_schema *ret_schema, hf_error *err);

/** The text form. HF_E_NOMEM; HF_E_LIMIT beyond 256 MiB. */
enum hf_status hf_schema_format(const struct hf_schema *schema, hf_arena *arena, struct hf_str *ret_json,
                                hf_error *err);
/** Read the text form. HF_E_INPUT says what is wrong, and where; HF_E_LIMIT as when reading. */
enum hf_status hf_schema_parse(struct hf_str json, hf_arena *arena, struct hf_schema *ret_schema, hf_error *err);

/** The value of a property; ptr NULL without. */
struct hf_str hf_schema_property(const struct hf_schema_object *object, const char *name);
/** The children of one kind of the object of that name, in their order; *ret_count of them. */
const struct hf_schema_object *hf_schema_children(const struct hf_schema *schema, enum hf_schema_kind kind,
                                                  struct hf_str of_schema, struct hf_str of_parent, size_t *ret_count);
/** The relation, sequence or type of that name; NULL without. */
const struct hf_schema_object *hf_schema_find(const struct hf_schema *schema, struct hf_str of_schema,
                                              struct hf_str name);

enum hf_schema_change_kind { HF_SCHEMA_ADDED = 0, HF_SCHEMA_REMOVED, HF_SCHEMA_CHANGED };

struct hf_schema_change {
	enum hf_schema_change_kind kind;
	const struct hf_schema_object *before; /* NULL when added */
	const struct hf_schema_object *after;  /* NULL when removed */
	struct hf_str property;                /* changed: which one */
	struct hf_str was, is;                 /* changed: ptr NULL = it had none, has none */
};

/**
 * What is different in `after`, in the order of the objects; one entry per property that changed. What belongs to an
 * added or removed object is not listed by itself. The order of columns does not count, nor do the "reads" of views.
 * @return HF_OK, also when there are differences; HF_E_NOMEM.
 */
enum hf_status hf_schema_compare(const struct hf_schema *before, const struct hf_schema *after, hf_arena *arena,
                                 struct hf_schema_change **ret_changes, size_t *ret_count, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
