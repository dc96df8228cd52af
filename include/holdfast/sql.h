/*
 * sql.h - SQL that is known only at run time: bound parameters, binary rows. For everything that is known at build
 * time use generated functions (query.h); Holdfast itself does.
 *
 * Statements are sent by the extended protocol, one statement a call. Results are decoded by the column's type:
 * integers to `i`, floats to `f`, bool to `b`, text-like types and json to `s`; any other type is left as its wire
 * bytes in `raw` with `oid` telling which. A type without a binary form (aclitem) must be cast to text.
 * Round trips: one.
 */
#ifndef HOLDFAST_SQL_H
#define HOLDFAST_SQL_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

enum hf_value_kind { HF_VALUE_NULL = 0, HF_VALUE_BOOL, HF_VALUE_INT, HF_VALUE_FLOAT, HF_VALUE_TEXT, HF_VALUE_BYTES };

struct hf_value {
	enum hf_value_kind kind;
	uint32_t oid;  /* results: the column's type; parameters: 0 = the server infers (text form is sent) */
	union {
		bool b;
		int64_t i;
		double f;
		struct hf_str s;     /* HF_VALUE_TEXT */
		struct hf_bytes raw; /* HF_VALUE_BYTES: bytea, or the wire form of a type without a C form here */
	} as;
};

static inline struct hf_value hf_null(void)
{
	struct hf_value value = {HF_VALUE_NULL, 0, {0}};
	return value;
}
static inline struct hf_value hf_int(int64_t i)
{
	struct hf_value value = {HF_VALUE_INT, 0, {0}};
	value.as.i = i;
	return value;
}
static inline struct hf_value hf_float(double f)
{
	struct hf_value value = {HF_VALUE_FLOAT, 0, {0}};
	value.as.f = f;
	return value;
}
static inline struct hf_value hf_bool(bool b)
{
	struct hf_value value = {HF_VALUE_BOOL, 0, {0}};
	value.as.b = b;
	return value;
}
static inline struct hf_value hf_text(struct hf_str s)
{
	struct hf_value value = {HF_VALUE_TEXT, 0, {0}};
	value.as.s = s;
	return value;
}
static inline struct hf_value hf_raw(struct hf_bytes raw)
{
	struct hf_value value = {HF_VALUE_BYTES, 0, {0}};
	value.as.raw = raw;
	return value;
}

struct hf_sql_row {
	size_t count;
	const struct hf_value *values; /* `count` of them */
	const char *const *names;
};

/** Run; rows are dropped. @param ret_changed rows affected (NULL allowed). */
enum hf_status hf_sql_exec(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
                           int64_t *ret_changed, hf_error *err);
/** Exactly one row expected: HF_NOT_FOUND without one; HF_E_LIMIT with more. The row lives in the arena. */
enum hf_status hf_sql_one(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
                          hf_arena *arena, struct hf_sql_row *ret_row, hf_error *err);
/** Stream rows in constant memory; the row is valid during the callback only. HF_STOP from `fn` ends with HF_OK;
 *  any other non-OK value ends the call with it. Rows may have been seen before a failure. */
enum hf_status hf_sql_each(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
                           enum hf_status (*fn)(void *user, const struct hf_sql_row *row, hf_error *err), void *user,
                           hf_error *err);

struct hf_sql_column {
	const char *name;
	uint32_t type_oid;      /* domains appear as their base type */
	int32_t type_modifier;
	uint32_t table_oid;     /* 0 for expressions */
	int32_t table_column;   /* attribute number, 0 for expressions */
};
struct hf_sql_shape {
	size_t nparams;
	const uint32_t *param_oids;
	size_t ncolumns;
	const struct hf_sql_column *columns;
};
/** Prepare without running and tell parameters and columns. On a syntax error err->position is set. Two round trips. */
enum hf_status hf_sql_describe(hf_where where, struct hf_str sql, hf_arena *arena, struct hf_sql_shape *ret_shape,
                               hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
