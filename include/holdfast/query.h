/*
 * query.h - the run-time half of generated queries. `holdfast gen` writes tables (struct hf_query and its columns)
 * and one-line functions; everything below is called by those. Programs use the generated functions.
 *
 * A query function runs on any hf_where, uses a prepared statement of the connection's cache, binary parameters and
 * binary results. Round trips: one, plus one at first use on a connection (prepare). On first prepare the shape that
 * the server describes is compared with the compiled one: HF_E_DRIFT names query, column, expected and found type.
 *
 * Ownership: inputs are borrowed for the call; everything in rows lives in the arena passed in.
 * Errors: those of connection.h, err->query names the query. HF_E_DRIFT also when a composite or an array comes in
 * another shape than the compiled one, or an enum with a label that the program was not compiled with, because the type
 * was altered since: the message names query, column, type and label. Outside a transaction a statement that writes has
 * written by then.
 */
#ifndef HOLDFAST_QUERY_H
#define HOLDFAST_QUERY_H

#include "holdfast/arena.h"
#include "holdfast/builtin.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_QUERY_ABI 3
#define HF_QUERY_NO_VARIANT 0 /* in place of it: the inputs choose an order that the query does not have */

/* How a type stands on the wire; several types may share one. HF_TYPE_FLOATS are structs of nothing but double. */
enum hf_type_kind {
	HF_TYPE_BOOL = 1, HF_TYPE_INT2, HF_TYPE_INT4, HF_TYPE_INT8, HF_TYPE_OID, HF_TYPE_FLOAT4, HF_TYPE_FLOAT8,
	HF_TYPE_NUMERIC, HF_TYPE_TEXT, HF_TYPE_JSONB, HF_TYPE_BYTEA, HF_TYPE_CHAR, HF_TYPE_UUID, HF_TYPE_DATE,
	HF_TYPE_TIME, HF_TYPE_TIMETZ, HF_TYPE_TIMESTAMP, HF_TYPE_TIMESTAMPTZ, HF_TYPE_INTERVAL, HF_TYPE_ENUM,
	HF_TYPE_COMPOSITE, HF_TYPE_ARRAY, HF_TYPE_VOID, HF_TYPE_BITS, HF_TYPE_INET, HF_TYPE_MACADDR, HF_TYPE_MACADDR8,
	HF_TYPE_TID, HF_TYPE_FLOATS, HF_TYPE_PATH, HF_TYPE_POLYGON, HF_TYPE_VECTOR, HF_TYPE_RANGE, HF_TYPE_MULTIRANGE
};

#define HF_NEVER_NULL 0xffffffffu /* null_offset of what is proven NOT NULL */

struct hf_field;

/*
 * A type as both sides see it. Builtin ones are the hf_type_* objects below; the generator writes those of the
 * user's enums, composites and arrays. `oid` is 0 for types that only have a name, resolved once per connection.
 */
struct hf_type {
	enum hf_type_kind kind;
	uint32_t oid;
	const char *name;               /* schema-qualified, for messages and resolution */
	size_t size;                    /* of the C form */
	const struct hf_type *element;  /* arrays and vectors; subtype of a range; range of a multirange */
	const char *const *labels;      /* enums: label of value i */
	const struct hf_field *fields;  /* composites */
	uint32_t count;                 /* labels or fields */
};

/* A member of a row, an input or a composite. `null_offset` is that of a bool has_<name>: false = NULL. */
struct hf_field {
	const char *name;
	const struct hf_type *type;
	uint32_t offset;
	uint32_t null_offset; /* HF_NEVER_NULL: a NULL from the server is HF_E_PROTOCOL "unexpected null" */
};

/* No label of the compiled enum. Rows have it in columns that are annotated open only, also inside arrays and
 * composites; everywhere else a label that the program was not compiled with is HF_E_DRIFT. It cannot be sent. */
#define HF_ENUM_UNKNOWN (-1)

enum hf_query_flags {
	HF_QUERY_READ_ONLY = 1,  /* SELECT without FOR UPDATE and volatile functions: may be run again */
	HF_QUERY_IDEMPOTENT = 2, /* annotated: running it twice equals running it once */
	HF_QUERY_INDEPENDENT = 4, /* :batch, annotated: each item is a transaction of its own */
	HF_QUERY_BY_COPY = 8      /* :each without parameters, annotated: its rows come by COPY TO STDOUT */
};

struct hf_query {
	uint32_t abi; /* HF_QUERY_ABI */
	uint32_t flags;
	const char *name;
	const char *sql; /* with $n */
	size_t sql_len;
	char statement[20]; /* prepared statement's name: "hf_" and 16 hex digits of the text's hash */
	const struct hf_field *params;
	uint32_t nparams;
	const struct hf_field *columns;
	uint32_t ncolumns;
	size_t row_size;
	int64_t timeout_ms; /* 0 = the connection's default */
	const bool *open;   /* of each column: unknown labels of enums are HF_ENUM_UNKNOWN; NULL = of none */
	uint64_t rows_max;  /* of :many and :each, annotated; 0 = no bound but the arena's */
	uint64_t bytes_max; /* the same for the bytes of rows: row_size each, and those of their values on the wire */
};

/** :exec and :execrows. @param ret_rows rows affected, NULL allowed. */
enum hf_status hf_query_exec(hf_where where, const struct hf_query *query, const void *in, int64_t *ret_rows,
                             hf_error *err);
/** :opt: HF_NOT_FOUND without a row, HF_E_LIMIT with more than one. */
enum hf_status hf_query_opt(hf_where where, const struct hf_query *query, const void *in, hf_arena *arena,
                            void *ret_row, hf_error *err);
/** :one: as :opt, but no row is HF_E_PROTOCOL: the query promised one. */
enum hf_status hf_query_one(hf_where where, const struct hf_query *query, const void *in, hf_arena *arena,
                            void *ret_row, hf_error *err);
/** :many: `*ret_rows` is an array of row_size * *ret_count bytes in the arena. HF_E_LIMIT when rows and result do not
 *  fit the arena's bound; libpq has received the whole result by then. A query with rows_max or bytes_max is read row
 *  by row instead, and the first row beyond is HF_E_LIMIT: the message names query, bound and way out, the outputs are
 *  untouched. What is left is dropped as for HF_STOP of hf_query_each(), so that a transaction can go on. One row is
 *  received as a whole, however large it is. */
enum hf_status hf_query_many(hf_where where, const struct hf_query *query, const void *in, hf_arena *arena,
                             void **ret_rows, size_t *ret_count, hf_error *err);
typedef enum hf_status hf_query_row_fn(void *user, const void *row, hf_error *err);
/** :each: constant memory; the row is valid during the callback. HF_STOP ends with HF_OK: up to 1,000 further rows are
 *  read and dropped, more are cancelled; in a transaction, which a cancel would abort, all are read. Either way the
 *  connection runs the next statement. With rows_max or bytes_max the first row beyond is HF_E_LIMIT, as above: `fn`
 *  has seen those before it.
 *  HF_QUERY_BY_COPY: the text is run as COPY (text) TO STDOUT (FORMAT binary), prepared all the same, for its shape; in
 *  a transaction a failing `fn` cancels it. */
enum hf_status hf_query_each(hf_where where, const struct hf_query *query, const void *in, hf_query_row_fn *fn,
                             void *user, hf_error *err);
typedef enum hf_status hf_query_next_fn(void *user, void *in, hf_error *err);
/** :copy: binary COPY FROM STDIN. `next` fills one input struct (cleared before): HF_OK = a row, HF_STOP = the end,
 *  anything else aborts the COPY and is returned. `query->params` are the columns; when the table has
 *  others now, nothing is sent: HF_E_DRIFT. Its text is "COPY t (a, b) FROM STDIN (FORMAT binary)". */
enum hf_status hf_query_copy(hf_where where, const struct hf_query *query, size_t in_size, hf_query_next_fn *next,
                             void *user, int64_t *ret_rows, hf_error *err);


/*
 * :batch - one statement for each of `count` inputs, pipelined on one connection: one wait for all of them, where a
 * loop waits for each. At most 256 answers are outstanding; answers are read while inputs are written, so that neither
 * side can block the other. Nothing is reported before the server has confirmed the whole.
 *
 * All or nothing: outside a transaction the batch is one, inside the caller's it aborts that like any statement. Every
 * input is encoded once before the first is sent, so that one that cannot be is found while nothing has happened. An
 * annotated query (HF_QUERY_INDEPENDENT) makes each item a transaction of its own; in the caller's transaction it is
 * all or nothing too.
 */
enum hf_batch_outcome {
	HF_BATCH_SKIPPED = 0, /* never ran */
	HF_BATCH_DONE,        /* ran, and is committed, or is part of the caller's transaction */
	HF_BATCH_FAILED,      /* this is the one: `status`, and err, say why */
	HF_BATCH_UNDONE,      /* ran, and was rolled back together with the one that failed */
	HF_BATCH_UNKNOWN      /* the connection was lost when it may have been committed */
};

struct hf_batch_item {
	enum hf_batch_outcome outcome;
	enum hf_status status; /* of HF_BATCH_FAILED, else HF_OK */
	int64_t rows;          /* affected or returned; 0 unless HF_BATCH_DONE */
};

enum { HF_BATCH_ITEMS_MAX = 1000000 };

/** :batch. `in` is an array of `count` inputs of `in_size` bytes each. @param ret_items `count` items, written whatever
 *  the status; NULL allowed. @return HF_OK when all is done; the failure of the first item that failed, whose message
 *  begins with "items[N]: " or, for what only the commit found (a deferred constraint), with "at the end of the batch:
 *  "; HF_PARTIAL with that message when some of independent items failed; HF_E_OUTCOME_UNKNOWN when the connection was
 *  lost after the end was sent, and another failure when it was lost before, for then nothing has happened. */
enum hf_status hf_query_batch(hf_where where, const struct hf_query *query, const void *in, size_t in_size,
                              size_t count, struct hf_batch_item *ret_items, hf_error *err);
/** The same for a statement that gives at most one row an item: `ret_rows` has room for `count`; items[i].rows tells
 *  whether there is one, a row that is not is all zero. HF_E_LIMIT when an item gave more than one, which undoes
 *  nothing. `ret_rows` is untouched on failure. */
enum hf_status hf_query_batch_rows(hf_where where, const struct hf_query *query, const void *in, size_t in_size,
                                   size_t count, hf_arena *arena, void *ret_rows, struct hf_batch_item *ret_items,
                                   hf_error *err);
/** :bulk - one statement with an array per member: the parameters of `query` are arrays, their offsets those of the
 *  elements in each of `count` inputs of `in_size` bytes. One statement, one round trip, all or nothing.
 *  @param ret_rows rows affected, NULL allowed. */
enum hf_status hf_query_bulk(hf_where where, const struct hf_query *query, const void *in, size_t in_size, size_t count,
                             int64_t *ret_rows, hf_error *err);

/*
 * Names that are chosen at run time (`-- identifier: entries = state_entries` in the file of queries). The compiled
 * text has the defaults, with which it was proven; hf_query_bind() puts others in their places, each in double quotes,
 * so that it can be nothing but a name. Generated code calls it: FILE_bind(names, arena, ret_bound, err) fills a struct
 * FILE_bound, which every function of that file takes behind `where`.
 */
struct hf_query_name {
	const char *name;     /* as the file declares it, for messages */
	struct hf_str value;
};

/* A place of the text where such a name stands. */
struct hf_query_slot {
	uint32_t at, len;     /* bytes of `sql`: the default in its quotes */
	uint32_t name;        /* index of it */
	const char *behind;   /* what the query appends to it, "_history"; or "" */
	bool in_constant;     /* within a constant, E'"public"."state_entries"' */
};

struct hf_query_binding {
	const struct hf_query *query;
	const struct hf_query_slot *slots; /* in the order of the text */
	uint32_t nslots;
	uint32_t offset; /* of the struct hf_query in the struct FILE_bound */
};

/** No I/O. Names are borrowed for the call; the texts live in the arena, everything else of the queries is the compiled
 *  tables'. Any number of threads may run queries of one struct FILE_bound.
 *  @return HF_OK; HF_E_INPUT for a name that is empty, is longer than 63 bytes with what the queries append to it, is
 *  not UTF-8, or holds a NUL; HF_E_LIMIT for a text over 4 MiB; HF_E_NOMEM also when the arena is full. `*ret_bound` is
 *  untouched then. */
enum hf_status hf_query_bind(const struct hf_query_binding *bindings, size_t count, const struct hf_query_name *names,
                             size_t nnames, hf_arena *arena, void *ret_bound, hf_error *err);

/** A row into the arena, with all that it points to: rows of :each end with their callback, and those of an arena that
 *  is about to be reset can be kept. Generated for each struct of rows as STRUCT_copy(arena, row, ret_row, err).
 *  `columns` is the table of the row's members. HF_E_LIMIT when the arena is full; `ret_row` is untouched then. */
enum hf_status hf_row_copy(hf_arena *arena, const struct hf_field *columns, uint32_t ncolumns, const void *row,
                           size_t row_size, void *ret_row, hf_error *err);

/** The label of an enum value, or "" for HF_ENUM_UNKNOWN and values outside. */
const char *hf_enum_label(const struct hf_type *type, int value);
/** The value of a label, or HF_ENUM_UNKNOWN. */
int hf_enum_value(const struct hf_type *type, struct hf_str label);

/* A constraint as errors name it, and what generated code calls it. */
struct hf_constraint {
	const char *table, *name;
	int value; /* from 1 */
};
/** The value of the constraint that an error is about: by table and name; else by the name alone, if it has one value
 *  only (a partition that is newer than the program). 0 when the error is about none, -1 for one that is not listed. */
int hf_constraint_of(const struct hf_constraint *constraints, size_t count, const hf_error *err);

/* hf_type_int4 and hf_type_int4_array, hf_type_int4range, ...: builtin.h has the names. */
extern const struct hf_type hf_type_void;
#define HF_DECLARE_TYPE(name, ...) extern const struct hf_type hf_type_##name, hf_type_##name##_array;
#define HF_DECLARE_RANGE(subtype, range, oid, array_oid, multirange, ...) \
	HF_DECLARE_TYPE(range, ) HF_DECLARE_TYPE(multirange, )
HF_BUILTIN_SCALARS(HF_DECLARE_TYPE)
HF_BUILTIN_VECTORS(HF_DECLARE_TYPE)
HF_BUILTIN_RANGES(HF_DECLARE_RANGE)
#undef HF_DECLARE_RANGE
#undef HF_DECLARE_TYPE

#ifdef __cplusplus
}
#endif
#endif
