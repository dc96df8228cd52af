/*
 * catalog.h - what the compiler needs from a server's catalog: types, NOT NULL of columns over all descendants, and
 * the functions and operators that come with the server, views as trees. Pulled whole, once per database, in eleven
 * statements.
 */
#ifndef GEN_CATALOG_H
#define GEN_CATALOG_H

#include "gen/node.h"
#include "gen/source.h"
#include "holdfast/sql.h"

#define OID_FIRST_USER 12000 /* smaller ones were made by initdb and mean the same on every server */

struct catalog_type {
	uint32_t oid;
	const char *name;      /* bare: "int4" */
	const char *qualified; /* "public.queue_bucket" */
	char kind;             /* pg_type.typtype */
	bool builtin;          /* in pg_catalog */
	uint32_t element;      /* of true arrays, else 0 */
	uint32_t base;         /* of domains */
	uint32_t relation;     /* of composites */
	uint32_t ranged;       /* subtype of a range, range of a multirange */
	const char *send;      /* code that makes its binary form: "textsend", "ltree:ltree_send"; "" = it has none */
	const char *receive;
	bool not_null;         /* of domains */
};

/* When a row of the catalog was written: transaction and command. */
struct catalog_moment {
	uint32_t transaction, command;
};

struct catalog_column {
	uint32_t relation;
	int32_t number;
	const char *name;
	uint32_t type;
	bool not_null;
	bool generated;
	struct catalog_moment since;
};

struct catalog_relation {
	uint32_t oid;
	char kind;   /* pg_class.relkind */
	bool parent; /* of tables: it has children, or had some */
};

struct catalog_function {
	uint32_t oid;
	const char *name;
	bool strict;
	char volatility;
	const char *args;      /* type numbers, blank between */
	const char *arg_names; /* of what goes in, blank between; "" when they have none */
};

struct catalog_operator {
	uint32_t oid;
	const char *name;
	uint32_t left, right;
	uint32_t function;
	uint32_t negator; /* 0: none */
};

struct catalog_pair {
	uint32_t parent, child;
};

/* The query behind a view or a materialised view of the user. */
struct catalog_rule {
	uint32_t relation;
	bool stored; /* materialised */
	const char *action;
	struct catalog_moment since;
};

/* A CHECK of a table that holds for all its rows, or how a column is generated. */
struct catalog_declaration {
	uint32_t relation;
	int32_t column; /* 0: CHECK */
	const char *tree;
};

struct catalog_label {
	uint32_t type;
	const char *label;
};

/* A sorted array of one of the above; each begins with the OID that it is sorted by. */
struct catalog_table {
	void *items;
	size_t count, size;
};

enum { TRIGGER_INSERT = 4, TRIGGER_UPDATE = 16 }; /* of pg_trigger.tgtype */

struct catalog {
	hf_arena *arena;
	struct catalog_table types, columns, relations, functions, operators, inherits, labels;
	struct catalog_table rules, instead, declarations;
	struct catalog_table triggers; /* pairs of a table and the events (TRIGGER_*) before which it has one */
};

/** Fill `table` (its size is set) from the rows of a statement that is ordered by its first column, an OID. */
typedef void catalog_fill_fn(hf_arena *arena, void *item, const struct hf_value *values);
enum hf_status catalog_pull(hf_arena *arena, hf_where where, const char *sql, catalog_fill_fn *fill,
                            struct catalog_table *table, hf_error *err);

/** Pull it. Forwards the connection's errors. */
enum hf_status catalog_load(struct catalog *catalog, hf_arena *arena, hf_where where, hf_error *err);

/** The item with that OID, or NULL. */
const void *catalog_find(const struct catalog_table *table, uint32_t oid);
/** Index of the first item whose OID is not below `oid`. */
size_t catalog_first(const struct catalog_table *table, uint32_t oid);
const struct catalog_function *catalog_function(const struct catalog *catalog, uint32_t oid);
const struct catalog_operator *catalog_operator(const struct catalog *catalog, uint32_t oid);
const struct catalog_type *catalog_type_of(const struct catalog *catalog, uint32_t oid);
/** The query behind a view; NULL for what is none, or is the system's. */
const struct catalog_rule *catalog_rule(const struct catalog *catalog, uint32_t relation);
/** Its query, a list of one; NULL when it cannot be read. */
const struct node *catalog_rule_tree(hf_arena *arena, const struct catalog_rule *rule);
bool catalog_is_older(struct catalog_moment one, struct catalog_moment other);
/**
 * The column's declaration is older than `moment`, and the table has and had nothing below it. A materialised view
 * keeps rows from before a later SET NOT NULL, so for what is in it only declarations count that were there when it was
 * made; and rows of children that are gone, with their NULLs. The server forgets that there were children when ANALYZE
 * finds none: such a view is trusted wrongly until it is refreshed.
 */
bool catalog_never_null_since(const struct catalog *catalog, uint32_t relation, int64_t column,
                              struct catalog_moment moment);
/** A rule does something else instead; `command` is that of the tree (2 UPDATE, 3 INSERT, 4 DELETE). */
bool catalog_has_rule(const struct catalog *catalog, uint32_t relation, int64_t command);
/** A trigger does. */
bool catalog_has_instead(const struct catalog *catalog, uint32_t relation, int64_t command);
/** A domain that says NOT NULL, or a domain over such. */
bool catalog_domain_not_null(const struct catalog *catalog, uint32_t type);
/** The type's input function never makes NULL of a text: the server's own types, enums, composites, ranges, arrays. */
bool catalog_reads_text(const struct catalog *catalog, uint32_t type);
/** What a statement writes to the table is what is stored: no trigger runs before these events, in it or below it. */
bool catalog_stores_as_written(const struct catalog *catalog, uint32_t relation, unsigned events);
/** In that table or in one below it. */
bool catalog_is_generated(const struct catalog *catalog, uint32_t relation, int64_t column);
/** The column is declared NOT NULL in that table and in all that inherit from it, and none of them is foreign. */
bool catalog_never_null(const struct catalog *catalog, uint32_t relation, int64_t column);
/** The column of that relation itself is declared NOT NULL: storing a NULL always fails. */
bool catalog_refuses_null(const struct catalog *catalog, uint32_t relation, int64_t column);
const struct catalog_column *catalog_column(const struct catalog *catalog, uint32_t relation, int64_t number);
const struct catalog_column *catalog_column_named(const struct catalog *catalog, uint32_t relation, const char *name);
bool catalog_has_children(const struct catalog *catalog, uint32_t relation);
/** A plain or partitioned table. */
bool catalog_is_table(const struct catalog *catalog, uint32_t relation);
/** A plain or partitioned table whose column may hold NULL; false for anything that is not known to. */
bool catalog_may_be_null(const struct catalog *catalog, uint32_t relation, int64_t column);

/** A type as metadata and messages call it: "int4", "public.mood", "int4[]"; "?" for a number that is no type. */
const char *catalog_type_name(const struct catalog *catalog, uint32_t oid);

/**
 * The type as the compiler has it, made on first use. NULL with *ret_why (and *ret_hint, what to write) when there is
 * no C form for it.
 */
const struct type *catalog_type(const struct catalog *catalog, struct types *types, const struct source *source,
                                uint32_t oid, const char **ret_why, const char **ret_hint);

#endif
