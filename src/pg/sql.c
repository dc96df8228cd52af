/*
 * sql.c - statements known only at run time: bound parameters out, decoded rows in.
 *
 * Parameters go in text form, so that the server's inference decides their type; bytes go in binary form. Results
 * come in binary form. Statements are not kept prepared: one round trip each.
 */
#include "holdfast/sql.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "pg/conn.h"
#include "pg/result.h"
#include "pg/dirty.h"
#include "pg/observe.h"
#include "pg/where.h"
#include "pg/wire.h"

enum { SQL_PARAMS_MAX = 65535, NUMBER_MAX = 40 };

/* ---- parameters ---- */

struct sql_params {
	int count;
	Oid *types;
	const char **values;
	int *lengths;
	int *formats;
};

static const char *number_text(hf_arena *arena, const struct hf_value *value)
{
	char *text = hf_arena_alloc(arena, NUMBER_MAX);
	if (!text)
		return NULL;
	if (value->kind == HF_VALUE_INT)
		snprintf(text, NUMBER_MAX, "%lld", (long long)value->as.i);
	else if (isfinite(value->as.f))
		snprintf(text, NUMBER_MAX, "%.17g", value->as.f);
	else
		snprintf(text, NUMBER_MAX, "%s",
			 isnan(value->as.f) ? "NaN"
			 : value->as.f > 0  ? "Infinity"
					    : "-Infinity");
	return text;
}

static enum hf_status put_text(hf_arena *arena, size_t index, struct hf_str text, const char **ret_value, hf_error *err)
{
	if (text.len > INT32_MAX / 2)
		return error_set(err, HF_E_LIMIT, "parameter $%zu is longer than 1 GiB", index + 1);
	if (text.len > 0 && memchr(text.ptr, 0, text.len))
		return error_set(err, HF_E_INPUT, "parameter $%zu has a NUL byte, which text cannot hold", index + 1);
	*ret_value = hf_arena_str(arena, text).ptr;
	return *ret_value ? HF_OK : error_nomem(err);
}

static enum hf_status put_bytes(struct sql_params *list, size_t i, struct hf_bytes raw, hf_error *err)
{
	if (raw.len > INT32_MAX / 2)
		return error_set(err, HF_E_LIMIT, "parameter $%zu is longer than 1 GiB", i + 1);
	list->values[i] = raw.ptr ? (const char *)raw.ptr : "";
	list->lengths[i] = (int)raw.len;
	list->formats[i] = 1;
	return HF_OK;
}

static enum hf_status put_value(hf_arena *arena, struct sql_params *list, size_t i, const struct hf_value *value,
				hf_error *err)
{
	list->types[i] = value->oid;
	switch (value->kind) {
	case HF_VALUE_NULL:
		return HF_OK;
	case HF_VALUE_BOOL:
		list->values[i] = value->as.b ? "t" : "f";
		return HF_OK;
	case HF_VALUE_INT:
	case HF_VALUE_FLOAT:
		list->values[i] = number_text(arena, value);
		return list->values[i] ? HF_OK : error_nomem(err);
	case HF_VALUE_TEXT:
		return put_text(arena, i, value->as.s, &list->values[i], err);
	case HF_VALUE_BYTES:
		return put_bytes(list, i, value->as.raw, err);
	}
	return error_set(err, HF_E_USAGE, "parameter $%zu has the unknown kind %d", i + 1, (int)value->kind);
}

static enum hf_status make_params(hf_arena *arena, const struct hf_value *values, size_t count,
				  struct sql_params *ret_list, hf_error *err)
{
	if (count > SQL_PARAMS_MAX)
		return error_set(err, HF_E_LIMIT, "%zu parameters are more than the protocol's %d", count,
				 SQL_PARAMS_MAX);
	struct sql_params list = {
		.count = (int)count,
		.types = hf_arena_calloc(arena, count, sizeof(*list.types)),
		.values = hf_arena_calloc(arena, count, sizeof(*list.values)),
		.lengths = hf_arena_calloc(arena, count, sizeof(*list.lengths)),
		.formats = hf_arena_calloc(arena, count, sizeof(*list.formats)),
	};
	if (!list.types || !list.values || !list.lengths || !list.formats)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = put_value(arena, &list, i, &values[i], err);
		if (status != HF_OK)
			return status;
	}
	*ret_list = list;
	return HF_OK;
}

/* ---- sending ---- */

struct sql_run {
	hf_where where;
	hf_connection *connection; /* acquired; NULL when not */
	hf_arena *scratch;	   /* parameters, the text, rows of a stream */
	struct call call;
	unsigned dirty_before;
};

static void sql_run_end(struct sql_run *run)
{
	if (run->connection)
		where_release(&run->where, run->connection);
	hf_arena_free(run->scratch);
}

/* Everything up to the moment where results can be read. */
static enum hf_status sql_run_begin(struct sql_run *run, struct hf_str sql, const struct hf_value *params,
				    size_t nparams, hf_error *err)
{
	struct sql_params list = {0};
	run->call.deadline = run->where.deadline;
	run->scratch = hf_arena_new(0);
	const char *text = run->scratch ? hf_arena_str(run->scratch, sql).ptr : NULL;
	if (!text)
		return error_nomem(err);
	if (strlen(text) != sql.len)
		return error_set(err, HF_E_INPUT, "the statement has a NUL byte");
	enum hf_status status = make_params(run->scratch, params, nparams, &list, err);
	if (status == HF_OK)
		status = where_acquire(&run->where, &run->connection, err);
	if (status == HF_OK)
		status = conn_begin(run->connection, &run->call, err);
	if (status != HF_OK)
		return status;
	run->dirty_before = run->connection->dirty;
	run->connection->dirty = DIRTY_ALL; /* unless the command tag tells better */
	int sent = PQsendQueryParams(run->connection->pg, text, list.count, list.types, list.values, list.lengths,
				     list.formats, 1);
	return conn_sent(run->connection, &run->call, sent, err);
}

/* Results were read, or not: tell what became of it. */
static enum hf_status sql_run_done(struct sql_run *run, const PGresult *result, enum hf_status status, hf_error *err)
{
	if (!run->connection)
		return status;
	if (result) {
		/* PQcmdStatus() reads only, but is declared without const. */
		const char *tag = PQcmdStatus((PGresult *)(uintptr_t)result);
		run->connection->dirty = run->dirty_before | dirty_after_sql(tag);
		run->call.rows = PQntuples(result) > 0 ? PQntuples(result) : result_changed(result);
	}
	observe_query(run->connection, "sql", run->call.started_us, status, err, run->call.rows);
	return status;
}

/* All at once; the result is the caller's. */
static enum hf_status run_whole(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
				PGresult **ret_result, hf_error *err)
{
	CLEANUP(sql_run_end) struct sql_run run = {.where = where};
	hf_error unasked = HF_ERROR_INIT;
	hf_error *why = err ? err : &unasked; /* a transaction remembers it */
	enum hf_status status = sql_run_begin(&run, sql, params, nparams, why);
	if (status == HF_OK)
		status = conn_collect(run.connection, &run.call, ret_result, why);
	return sql_run_done(&run, *ret_result, status, why);
}

enum hf_status hf_sql_exec(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
			   int64_t *ret_changed, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = run_whole(where, sql, params, nparams, &result, err);
	if (status == HF_OK && ret_changed)
		*ret_changed = result_changed(result);
	return status;
}

/* ---- rows ---- */

static enum hf_status bad_length(const PGresult *result, int column, int len, hf_error *err)
{
	return error_set(err, HF_E_PROTOCOL, "column \"%s\" of type %u has %d bytes on the wire",
			 PQfname(result, column), PQftype(result, column), len);
}

static struct hf_value fixed_value(Oid type, const uint8_t *at)
{
	switch (type) {
	case WIRE_BOOL:
		return hf_bool(*at != 0);
	case WIRE_INT2:
		return hf_int(wire_int2(at));
	case WIRE_INT4:
		return hf_int(wire_int4(at));
	case WIRE_INT8:
		return hf_int(wire_int8(at));
	case WIRE_OID:
		return hf_int(wire_uint4(at));
	case WIRE_FLOAT4:
		return hf_float((double)wire_float4(at));
	default:
		return hf_float(wire_float8(at));
	}
}

static int fixed_length(Oid type)
{
	switch (type) {
	case WIRE_BOOL:
		return 1;
	case WIRE_INT2:
		return 2;
	case WIRE_INT4:
	case WIRE_OID:
	case WIRE_FLOAT4:
		return 4;
	case WIRE_INT8:
	case WIRE_FLOAT8:
		return 8;
	default:
		return 0;
	}
}

static bool is_text(Oid type)
{
	return type == WIRE_TEXT || type == WIRE_VARCHAR || type == WIRE_BPCHAR || type == WIRE_NAME ||
	       type == WIRE_JSON || type == WIRE_XML || type == WIRE_CHAR || type == WIRE_UNKNOWN;
}

/* Borrows from the result. */
static enum hf_status value_of(const PGresult *result, int column, struct hf_value *ret_value, hf_error *err)
{
	Oid type = PQftype(result, column);
	const char *at = PQgetvalue(result, 0, column);
	int len = PQgetlength(result, 0, column);
	if (PQgetisnull(result, 0, column))
		*ret_value = hf_null();
	else if (fixed_length(type) && len != fixed_length(type))
		return bad_length(result, column, len, err);
	else if (fixed_length(type))
		*ret_value = fixed_value(type, (const uint8_t *)at);
	else if (is_text(type))
		*ret_value = hf_text((struct hf_str){at, (size_t)len});
	else if (type == WIRE_JSONB && (len < 1 || at[0] != 1))
		return bad_length(result, column, len, err);
	else if (type == WIRE_JSONB)
		*ret_value = hf_text((struct hf_str){at + 1, (size_t)len - 1});
	else
		*ret_value = hf_raw((struct hf_bytes){(const uint8_t *)at, (size_t)len});
	ret_value->oid = type;
	return HF_OK;
}

static enum hf_status keep_value(hf_arena *arena, struct hf_value *value, hf_error *err)
{
	struct hf_str copy = HF_STR("");
	if (value->kind == HF_VALUE_TEXT)
		copy = value->as.s = hf_arena_str(arena, value->as.s);
	if (value->kind == HF_VALUE_BYTES) {
		copy = hf_arena_str(arena, (struct hf_str){(const char *)value->as.raw.ptr, value->as.raw.len});
		value->as.raw = (struct hf_bytes){(const uint8_t *)copy.ptr, copy.len};
	}
	return copy.ptr ? HF_OK : error_nomem(err);
}

/* `keep`: the row outlives the result, so names and bytes are copied. */
static enum hf_status row_of(const PGresult *result, hf_arena *arena, bool keep, struct hf_sql_row *ret_row,
			     hf_error *err)
{
	size_t count = (size_t)PQnfields(result);
	struct hf_value *values = hf_arena_calloc(arena, count, sizeof(*values));
	const char **names = hf_arena_calloc(arena, count, sizeof(*names));
	if (!values || !names)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = value_of(result, (int)i, &values[i], err);
		if (status == HF_OK && keep)
			status = keep_value(arena, &values[i], err);
		if (status != HF_OK)
			return status;
		names[i] = keep ? hf_arena_str(arena, hf_str_of(PQfname(result, (int)i))).ptr : PQfname(result, (int)i);
		if (!names[i])
			return error_nomem(err);
	}
	*ret_row = (struct hf_sql_row){count, values, names};
	return HF_OK;
}

enum hf_status hf_sql_one(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
			  hf_arena *arena, struct hf_sql_row *ret_row, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = run_whole(where, sql, params, nparams, &result, err);
	if (status != HF_OK)
		return status;
	if (PQntuples(result) == 0)
		return error_set(err, HF_NOT_FOUND, "the statement returned no row");
	if (PQntuples(result) > 1)
		return error_set(err, HF_E_LIMIT, "the statement returned %d rows where one is expected",
				 PQntuples(result));
	return row_of(result, arena, true, ret_row, err);
}

struct sql_stream {
	enum hf_status (*fn)(void *user, const struct hf_sql_row *row, hf_error *err);
	void *user;
	hf_arena *arena; /* reset for each row */
};

static enum hf_status stream_row(void *user, const PGresult *result, hf_error *err)
{
	struct sql_stream *stream = user;
	struct hf_sql_row row;
	hf_arena_reset(stream->arena);
	enum hf_status status = row_of(result, stream->arena, false, &row, err);
	return status == HF_OK ? stream->fn(stream->user, &row, err) : status;
}

enum hf_status hf_sql_each(hf_where where, struct hf_str sql, const struct hf_value *params, size_t nparams,
			   enum hf_status (*fn)(void *user, const struct hf_sql_row *row, hf_error *err), void *user,
			   hf_error *err)
{
	CLEANUP(sql_run_end) struct sql_run run = {.where = where};
	hf_error unasked = HF_ERROR_INIT;
	hf_error *why = err ? err : &unasked; /* a transaction remembers it */
	enum hf_status status = sql_run_begin(&run, sql, params, nparams, why);
	struct sql_stream stream = {fn, user, run.scratch};
	if (status == HF_OK)
		status = conn_stream(run.connection, &run.call, stream_row, &stream, why);
	return sql_run_done(&run, NULL, status, why);
}

/* ---- describe ---- */

static enum hf_status shape_of(const PGresult *result, hf_arena *arena, struct hf_sql_shape *ret_shape, hf_error *err)
{
	size_t nparams = (size_t)PQnparams(result), ncolumns = (size_t)PQnfields(result);
	uint32_t *params = hf_arena_calloc(arena, nparams, sizeof(*params));
	struct hf_sql_column *columns = hf_arena_calloc(arena, ncolumns, sizeof(*columns));
	if (!params || !columns)
		return error_nomem(err);
	for (size_t i = 0; i < nparams; i++)
		params[i] = PQparamtype(result, (int)i);
	for (size_t i = 0; i < ncolumns; i++) {
		int column = (int)i;
		columns[i] = (struct hf_sql_column){
			.name = hf_arena_str(arena, hf_str_of(PQfname(result, column))).ptr,
			.type_oid = PQftype(result, column),
			.type_modifier = PQfmod(result, column),
			.table_oid = PQftable(result, column),
			.table_column = PQftablecol(result, column),
		};
		if (!columns[i].name)
			return error_nomem(err);
	}
	*ret_shape = (struct hf_sql_shape){nparams, params, ncolumns, columns};
	return HF_OK;
}

static enum hf_status describe_on(hf_connection *connection, const char *text, struct call *call,
				  PGresult **ret_described, hf_error *err)
{
	CLEANUP(result_freep) PGresult *prepared = NULL;
	enum hf_status status = conn_begin(connection, call, err);
	if (status == HF_OK)
		status = conn_sent(connection, call, PQsendPrepare(connection->pg, "", text, 0, NULL), err);
	if (status == HF_OK)
		status = conn_collect(connection, call, &prepared, err);
	if (status == HF_OK)
		status = conn_begin(connection, call, err);
	if (status == HF_OK)
		status = conn_sent(connection, call, PQsendDescribePrepared(connection->pg, ""), err);
	return status == HF_OK ? conn_collect(connection, call, ret_described, err) : status;
}

enum hf_status hf_sql_describe(hf_where where, struct hf_str sql, hf_arena *arena, struct hf_sql_shape *ret_shape,
			       hf_error *err)
{
	CLEANUP(sql_run_end) struct sql_run run = {.where = where, .scratch = hf_arena_new(0)};
	CLEANUP(result_freep) PGresult *described = NULL;
	run.call.deadline = where.deadline;
	run.call.repeatable = true;
	const char *text = run.scratch ? hf_arena_str(run.scratch, sql).ptr : NULL;
	if (!text)
		return error_nomem(err);
	enum hf_status status = where_acquire(&where, &run.connection, err);
	if (status == HF_OK)
		status = describe_on(run.connection, text, &run.call, &described, err);
	return status == HF_OK ? shape_of(described, arena, ret_shape, err) : status;
}
