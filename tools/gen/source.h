/*
 * source.h - a file of queries: its text, and the queries that were read from it.
 *
 * A query is filled in stages: name, annotations and parameters from the text (source.c, annotation.c, rewrite.c),
 * statement kind from the parser (statement.c), then types and nullability either from a server (describe.c) or from
 * the offline metadata (meta_read.c). A query with a finding against it has `broken` set and goes no further.
 *
 * Everything lives in the run's arena and stays as long as the run.
 */
#ifndef GEN_SOURCE_H
#define GEN_SOURCE_H

#include "gen/diag.h"
#include "gen/scan.h"
#include "gen/type.h"

#define SOURCE_BYTES_MAX ((size_t)1 << 20)
#define DESCRIBE_BYTES_MAX ((size_t)16 << 20) /* a file that no C is made of */
#define NAME_BYTES_MAX 63 /* hf_error.query, and an identifier of the server */

enum cardinality { CARD_NONE = 0, CARD_ONE, CARD_OPT, CARD_MANY, CARD_EACH, CARD_EXEC, CARD_EXECROWS, CARD_COPY,
                   CARD_BATCH, CARD_BULK };

enum statement_kind {
	STATEMENT_UNKNOWN = 0,
	STATEMENT_SELECT,
	STATEMENT_INSERT,
	STATEMENT_UPDATE,
	STATEMENT_DELETE,
	STATEMENT_MERGE,
	STATEMENT_UTILITY
};

enum choice { CHOICE_NONE = 0, CHOICE_NULLABLE, CHOICE_NOTNULL, CHOICE_OPEN };

struct span {
	size_t start, end;
};

/* `-- col x: nullable`, `-- col x: open` or `-- param x: notnull`. */
struct override {
	const char *name;
	struct span where;
	enum choice choice;
	const char *reason;
	bool used;
};

struct overrides {
	struct override *items;
	size_t count;
};

struct param {
	const char *name;
	const char *member; /* as C says it */
	struct span where;  /* of the first use */
	const struct type *type;
	const char *type_name; /* as the server calls it; `type` is NULL when C has none */
	bool nullable;
	const char *rule; /* why */
	bool numbered;    /* written as $n: the name is inferred */
};

struct column {
	const char *name;
	const char *member;
	struct span where; /* of the expression, when known; else of the query's name */
	const struct type *type;
	const char *type_name; /* as of a parameter */
	bool nullable;
	bool open;        /* takes labels of enums that the program does not know */
	const char *rule; /* what proved it, or "unproven" */
};

/* A piece of the rewritten text that was copied from the source. */
struct piece {
	size_t out, in, len; /* bytes */
};

/* A place of a statement's text where a name stands that is chosen at run time; the default, quoted, until then. */
struct slot {
	size_t at, len;     /* bytes */
	size_t identifier;  /* of the source's */
	const char *behind; /* appended to it, or "" */
	bool in_constant;
};

struct slots {
	struct slot *items;
	size_t count;
};

/* The only `*` or `t.*` of the result list. Its columns are written out in what the program sends. */
struct star {
	bool found;
	size_t at;            /* byte of `sql` */
	size_t before, after; /* result expressions around it */
	bool loose;           /* one that cannot be written out: of several, or in an arm of a set operation */
	struct span loose_at;
};

/* An optional part of a statement, or an order. */
struct named {
	const char *name;
	struct span where;
};

struct named_list {
	struct named *items;
	size_t count;
};

/* Columns and relations by name (depends.h). */
struct depends {
	const char **items;
	size_t count;
};

struct query {
	const struct source *source;
	const char *name;
	size_t number; /* among the queries of the group */
	struct span name_at, card_at;
	bool unnamed; /* called after its file */
	enum cardinality card;
	struct hf_str card_said; /* as written; ptr NULL without one */
	const char **docs;
	size_t ndocs;
	int64_t timeout_ms;
	uint64_t rows_max, bytes_max; /* 0: no bound */
	bool idempotent;
	bool independent; /* :batch, each item a transaction of its own */
	bool by_copy;     /* :each, rows come by COPY TO STDOUT */
	struct span by_copy_at;
	const char *row; /* name of a shared row struct, or NULL */
	struct span row_at;
	struct overrides cols, params_said, opens;
	struct overrides allows; /* `-- allow: RULE why` */
	struct hf_str copy_target; /* of `-- copy:`, ptr NULL without */
	struct span copy_at;

	struct token *body; /* tokens of the statement */
	size_t nbody;

	const char *sql; /* rewritten: $n for :name, comments gone */
	struct piece *pieces;
	size_t npieces;
	struct slots slots;
	const char *run_sql; /* what the program sends: `sql`, or the COPY command */
	struct slots run_slots; /* of `run_sql` */
	enum statement_kind kind;
	bool returns_rows;
	struct span *targets; /* places of the result expressions, when the text lists them */
	size_t ntargets;
	struct star star;

	struct param *params;
	size_t nparams;
	struct param *inputs; /* what the caller gives: `params`, or those of all variants */
	size_t ninputs;
	struct column *columns;
	size_t ncolumns;
	struct depends reads, writes;
	bool read_only;
	bool broken;

	struct named_list fragments, orders; /* variant.h */
	bool undivided;                      /* lenient: its parts cannot be taken apart, all of them count */
	size_t fragment;                /* while reading: the open one, from 1 */
	struct span fragment_at;
	size_t fragment_tokens;
	struct query **variants; /* [mask of fragments + order << fragments]; this query is among them */
	size_t nvariants;        /* 0: there is but one */
	struct query *variant_of; /* NULL: this is the query itself */
	const char *variant;      /* "with status, order newest" */
	unsigned mask;
	size_t order; /* from 0 */
};

struct import {
	const char *type; /* "public.debversion" */
	const char *as;   /* "text" */
	struct span where;
};

/* `-- identifier: entries = state_entries` */
struct identifier {
	const char *name;
	const char *by_default;
	struct span where;
	bool used;
};

struct source {
	const char *path; /* as shown */
	const char *group;
	const char *stem; /* "queue" of queue.sql */
	struct hf_str text;
	bool lenient; /* of `describe`: no C is made of it, statements need no name */
	size_t unnamed;
	struct query **queries;
	size_t nqueries;
	struct import *imports;
	size_t nimports;
	struct identifier *identifiers;
	size_t nidentifiers; /* 0: everything is known now */
};

/** Read the queries of a source whose path, group, stem and text are set. Findings go to `diags`. */
void source_read(struct source *source, struct diags *diags);
/** Line and column of a byte; going on from a place that is known already. */
struct place source_place_from(const struct source *source, struct place place, size_t from, size_t at);
struct place source_place(const struct source *source, size_t at);
/** The line that holds byte `at`, without its end. */
struct hf_str source_line(const struct source *source, size_t at);
/** A finding against a query: marks it broken and names it. */
struct diag *query_wrong(struct diags *diags, struct query *query, struct span at, const char *format, ...)
	PRINTF_LIKE(4, 5);
/** A finding about a query, which stays as it is. */
struct diag *query_finding(struct diags *diags, const struct query *query, struct span at, const char *format,
                           va_list args) PRINTF_LIKE(4, 0);
/** A finding that matters only for C or by the rules of the house: a warning in a lenient source, once for all
 *  variants, and the query goes on. */
struct diag *query_unfit(struct diags *diags, struct query *query, struct span at, const char *format, ...)
	PRINTF_LIKE(4, 5);
const char *cardinality_word(enum cardinality card);
enum cardinality cardinality_of(struct hf_str word);
/** The cardinality gives rows to the caller. */
bool cardinality_has_rows(enum cardinality card);
/** This query does: so do batches of statements that return rows. Needs the columns. */
bool query_gives_rows(const struct query *query);
/** A name that C can say: lower case letters, digits and '_', not beginning with a digit. */
bool name_is_plain(struct hf_str name);

#endif
