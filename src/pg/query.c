/*
 * query.c - running generated queries: prepare if needed, encode, execute, decode, all by the query's tables.
 *
 * The path of one row allocates nothing of its own: parameters stand in a struct on the stack and the columns of
 * variable length are copied into the caller's arena. Rows of :many borrow from the PGresult, which the arena adopts,
 * unless the query has bounds (bounded.h).
 * A statement that went stale (DDL, DEALLOCATE by others) is prepared again and run once more, outside transactions
 * only: inside one, the server has already aborted it.
 */
#include "holdfast/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/metrics.h"
#include "pg/bounded.h"
#include "pg/decode.h"
#include "pg/dirty.h"
#include "pg/encode.h"
#include "pg/observe.h"
#include "pg/pool.h"
#include "pg/query_run.h"
#include "pg/result.h"
#include "pg/statements.h"
#include "pg/tx.h"
#include "pg/where.h"

enum { ROW_ON_STACK = 1024 };

/* ---- execution ---- */

HOT static enum hf_status send_execute(hf_connection *connection, const struct hf_query *query, const void *in,
				   struct call *call, hf_error *err)
{
	struct encoded encoded;
	const bool joined = call->joins && joined_is_due(connection);
	enum hf_status status = encode_params(&encoded, query, statement_types(connection), in, err);
	call->commit = joined && connection->tx->commit_due;
	call->repeatable = call->repeatable && !call->commit; /* it is all of the transaction that would be repeated */
	if (status == HF_OK)
		status = conn_begin(connection, call, err);
	if (status == HF_OK) {
		int sent = joined ? joined_send(connection, query, &encoded)
				  : PQsendQueryPrepared(connection->pg, query->statement, encoded.count, encoded.values,
							encoded.lengths, encoded.formats, 1);
		status = conn_sent(connection, call, sent, err);
	}
	encoded_deinit(&encoded);
	return status;
}

/* What to do once results can be read; runs at most twice. */
typedef enum hf_status receive_fn(hf_connection *connection, struct call *call, void *user, hf_error *err);

HOT static enum hf_status prepare_and_send(hf_connection *connection, const struct hf_query *query, const void *in,
				       struct call *call, hf_error *err)
{
	conn_start_clock(connection, call);
	enum hf_status status = statement_prepare(connection, query, call, err);
	return status == HF_OK ? send_execute(connection, query, in, call, err) : status;
}

HOT static enum hf_status run_on(hf_connection *connection, const struct hf_query *query, const void *in,
				 struct call *call, receive_fn *receive, void *user, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (int round = 0; round < 2; round++) {
		status = prepare_and_send(connection, query, in, call, err);
		if (status == HF_OK)
			status = receive(connection, call, user, err);
		if (status == HF_OK || err->action != HF_ACTION_REPREPARE)
			break;
		metrics_count(connection->ctx->metrics, METRIC_REPREPARES, 1);
		statement_forget(connection, query);
	}
	return status;
}

static enum hf_status run(const hf_where *where, const struct hf_query *query, const void *in, receive_fn *receive,
			  void *user, hf_error *err);
static receive_fn receive_each;

/* The caller does not ask what failed, but here it is needed. */
COLD static enum hf_status run_unseen(const hf_where *where, const struct hf_query *query, const void *in,
				      receive_fn *receive, void *user)
{
	hf_error seen;
	seen.action = HF_ACTION_NEVER; /* the rest of it is only read after somebody wrote it all */
	seen.category = HF_CATEGORY_NONE;
	seen.alert = false;
	seen.sqlstate[0] = seen.message[0] = '\0';
	return run(where, query, in, receive, user, &seen);
}

HOT static enum hf_status run(const hf_where *where, const struct hf_query *query, const void *in, receive_fn *receive,
			      void *user, hf_error *err)
{
	hf_connection *connection = NULL;
	if (!err)
		return run_unseen(where, query, in, receive, user);
	if (query->abi != HF_QUERY_ABI)
		return query_check_abi(query, err);
	enum hf_status status = where_acquire(where, &connection, err);
	if (status != HF_OK)
		return status;
	struct call call = query_call(where, query);
	if (where->kind == HF_WHERE_POOL)
		conn_start_clock_at(connection, &call, connection->slot->since_us);
	if (connection->tx)
		call.joins = receive != receive_each && !query_is_bounded(query);
	status = run_on(connection, query, in, &call, receive, user, err);
	int64_t ended_us = observe_query(connection, query->name, call.started_us, status, err, call.rows);
	if (status == HF_OK)
		query_count_conversions(connection, &call);
	where_release_at(where, connection, ended_us);
	return status;
}

/* ---- decoding ---- */

static enum hf_status name_column(const struct hf_query *query, const struct hf_field *column, enum hf_status status,
				  hf_error *err)
{
	error_prefix(err, "query \"%s\", column \"%s\"", query->name, column->name);
	if (err) {
		snprintf(err->query, sizeof(err->query), "%s", query->name);
		snprintf(err->column, sizeof(err->column), "%s", column->name);
	}
	return status;
}

static enum hf_status unexpected_null(const struct hf_query *query, const struct hf_field *column, hf_error *err)
{
	enum hf_status status = error_set(err, HF_E_PROTOCOL, "unexpected null");
	if (err)
		err->category = HF_CATEGORY_TYPE;
	return name_column(query, column, status, err);
}

/* @param at NULL: the column is */
HOT static inline enum hf_status decode_column(struct decoder *decoder, const struct hf_query *query, uint32_t index,
                                               const uint8_t *at, size_t len, char *out, hf_error *err)
{
	const struct hf_field *column = &query->columns[index];
	if (!at)
		return column->null_offset == HF_NEVER_NULL ? unexpected_null(query, column, err) : HF_OK;
	if (column->null_offset != HF_NEVER_NULL)
		*(bool *)(out + column->null_offset) = true;
	if (decode_quick(decoder, column->type, at, len, out + column->offset))
		return HF_OK;
	decoder->column = index;
	enum hf_status status = decode_field(decoder, column->type, at, len, out + column->offset, err);
	return status == HF_OK ? HF_OK : name_column(query, column, status, err);
}

HOT enum hf_status query_decode_row(struct decoder *decoder, const struct hf_query *query, const PGresult *result,
                                    int row, char *out, hf_error *err)
{
	enum hf_status status = HF_OK;
	decoder->query = query;
	for (uint32_t i = 0; status == HF_OK && i < query->ncolumns; i++) {
		int len = PQgetlength(result, row, (int)i);
		bool is_null = len == 0 && PQgetisnull(result, row, (int)i);
		const char *at = is_null ? NULL : PQgetvalue(result, row, (int)i);
		status = decode_column(decoder, query, i, (const uint8_t *)at, (size_t)len, out, err);
	}
	return status;
}

static enum hf_status wrong_row(const struct hf_query *query, hf_error *err)
{
	return error_set(err, HF_E_PROTOCOL, "query \"%s\": a row of COPY is not as long as it says", query->name);
}

/* The length of a value was read when the NUL behind the one before is put in its place. */
HOT enum hf_status query_decode_copied(struct decoder *decoder, const struct hf_query *query, uint8_t *at, size_t bytes,
                                       char *out, hf_error *err)
{
	const uint8_t *end = at + bytes;
	enum hf_status status = HF_OK;
	decoder->query = query;
	if (bytes < 2 || wire_uint2(at) != query->ncolumns)
		return wrong_row(query, err);
	at += 2;
	for (uint32_t i = 0; status == HF_OK && i < query->ncolumns; i++) {
		if (end - at < 4)
			return wrong_row(query, err);
		uint32_t len = wire_uint4(at);
		if (len != UINT32_MAX && len > (size_t)(end - at - 4))
			return wrong_row(query, err);
		*at = '\0';
		at += 4;
		status = decode_column(decoder, query, i, len == UINT32_MAX ? NULL : at, len, out, err);
		at += len == UINT32_MAX ? 0 : len;
	}
	return status == HF_OK && at != end ? wrong_row(query, err) : status;
}

enum hf_status query_check_columns(const struct hf_query *query, const PGresult *result, hf_error *err)
{
	if ((uint32_t)PQnfields(result) == query->ncolumns)
		return HF_OK;
	return error_set(err, HF_E_PROTOCOL, "query \"%s\" answered %d columns, the program was compiled for %u",
			 query->name, PQnfields(result), query->ncolumns);
}

void query_note_size(hf_connection *connection, const PGresult *result, int rows)
{
	size_t bytes = PQresultMemorySize(result);
	if (bytes > OVERSIZED_ROW_BYTES && bytes / (size_t)(rows > 0 ? rows : 1) > OVERSIZED_ROW_BYTES)
		connection->oversized = true;
}

/* ---- :exec ---- */

enum hf_status query_receive_exec(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = conn_collect(connection, call, &result, err);
	if (status != HF_OK)
		return status;
	int64_t *ret_rows = user;
	call->rows = result_changed(result);
	connection->dirty |= dirty_after_query(PQcmdStatus(result));
	if (ret_rows)
		*ret_rows = call->rows;
	return HF_OK;
}

enum hf_status hf_query_exec(hf_where where, const struct hf_query *query, const void *in, int64_t *ret_rows,
			     hf_error *err)
{
	return run(&where, query, in, query_receive_exec, ret_rows, err);
}

/* ---- :opt and :one ---- */

struct one_row {
	const struct hf_query *query;
	hf_arena *arena;
	void *ret_row;
};

/* Decoded aside first: the caller's row is untouched unless all of it is good. */
HOT static enum hf_status decode_one(hf_connection *connection, const struct one_row *one, const PGresult *result,
				 hf_error *err)
{
	struct decoder decoder = {.arena = one->arena, .types = statement_types(connection), .borrow = false};
	_Alignas(16) char stack[ROW_ON_STACK];
	size_t size = one->query->row_size;
	char *row = size <= sizeof(stack) ? stack : hf_arena_alloc(one->arena, size);
	if (!row)
		return error_nomem(err);
	memset(row, 0, size);
	enum hf_status status = query_decode_row(&decoder, one->query, result, 0, row, err);
	if (status == HF_OK)
		memcpy(one->ret_row, row, size);
	return status;
}

HOT static enum hf_status receive_one(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	const struct one_row *one = user;
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = conn_collect(connection, call, &result, err);
	if (status == HF_OK)
		status = query_check_columns(one->query, result, err);
	if (status != HF_OK)
		return status;
	int rows = PQntuples(result);
	query_note_size(connection, result, rows);
	call->rows = rows;
	if (rows == 0) {
		error_set(err, HF_NOT_FOUND, "query \"%s\" found no row", one->query->name);
		return HF_NOT_FOUND;
	}
	if (rows > 1)
		return error_set(err, HF_E_LIMIT, "query \"%s\" answered %d rows where at most one is promised",
				 one->query->name, rows);
	return decode_one(connection, one, result, err);
}

HOT enum hf_status hf_query_opt(hf_where where, const struct hf_query *query, const void *in, hf_arena *arena,
			    void *ret_row, hf_error *err)
{
	struct one_row one = {query, arena, ret_row};
	return run(&where, query, in, receive_one, &one, err);
}

HOT enum hf_status hf_query_one(hf_where where, const struct hf_query *query, const void *in, hf_arena *arena,
			    void *ret_row, hf_error *err)
{
	enum hf_status status = hf_query_opt(where, query, in, arena, ret_row, err);
	if (status != HF_NOT_FOUND)
		return status;
	return error_set(err, HF_E_PROTOCOL, "query \"%s\" answered no row where exactly one is promised", query->name);
}

/* ---- :many ---- */

static void clear_result(void *object)
{
	PQclear(object);
}

enum hf_status query_too_large(const struct hf_query *query, size_t bytes, hf_error *err)
{
	error_set(err, HF_E_LIMIT, "the result of query \"%s\" (%zu bytes) does not fit into the arena's bound",
		  query->name, bytes);
	error_hint(err, "use :each, a LIMIT, or a larger arena");
	return HF_E_LIMIT;
}

static enum hf_status decode_many(hf_connection *connection, const struct many_rows *many, const PGresult *result,
				  hf_error *err)
{
	struct decoder decoder = {.arena = many->arena, .types = statement_types(connection), .borrow = true};
	size_t count = (size_t)PQntuples(result);
	char *rows = hf_arena_calloc(many->arena, count, many->query->row_size);
	if (!rows && count * many->query->row_size <= arena_room(many->arena))
		return error_nomem(err);
	if (!rows)
		return query_too_large(many->query, PQresultMemorySize(result), err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status =
			query_decode_row(&decoder, many->query, result, (int)i, rows + i * many->query->row_size, err);
		if (status != HF_OK)
			return status;
	}
	*many->ret_rows = rows;
	*many->ret_count = count;
	return HF_OK;
}

static enum hf_status receive_many(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	const struct many_rows *many = user;
	if (query_is_bounded(many->query))
		return bounded_many(connection, call, many, err);
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = conn_collect(connection, call, &result, err);
	if (status == HF_OK)
		status = query_check_columns(many->query, result, err);
	if (status != HF_OK)
		return status;
	call->rows = PQntuples(result);
	query_note_size(connection, result, PQntuples(result));
	size_t bytes = PQresultMemorySize(result);
	if (hf_arena_own(many->arena, clear_result, result, bytes) != 0)
		return bytes <= arena_room(many->arena) ? error_nomem(err) : query_too_large(many->query, bytes, err);
	return decode_many(connection, many, result_take(&result), err); /* the arena's from here on */
}

enum hf_status hf_query_many(hf_where where, const struct hf_query *query, const void *in, hf_arena *arena,
			     void **ret_rows, size_t *ret_count, hf_error *err)
{
	struct many_rows many = {query, arena, ret_rows, ret_count};
	return run(&where, query, in, receive_many, &many, err);
}

/* ---- :each ---- */

struct each_row {
	const struct hf_query *query;
	hf_connection *connection;
	hf_query_row_fn *fn;
	void *user;
	hf_arena *arena; /* reset for each row */
	struct call *call;
	struct given given;
	bool by_callback; /* the failure is the program's own */
};

static enum hf_status each_one(void *user, const PGresult *result, hf_error *err)
{
	struct each_row *each = user;
	struct decoder decoder = {.arena = each->arena, .types = statement_types(each->connection), .borrow = true};
	hf_arena_reset(each->arena);
	char *row = hf_arena_calloc(each->arena, 1, each->query->row_size);
	enum hf_status status = row ? query_check_columns(each->query, result, err) : error_nomem(err);
	if (status == HF_OK && query_is_bounded(each->query))
		status = bounded_count(&each->given, each->query, result, err);
	if (status == HF_OK)
		status = query_decode_row(&decoder, each->query, result, 0, row, err);
	if (status != HF_OK)
		return status;
	each->call->rows++;
	query_note_size(each->connection, result, 1);
	status = each->fn(each->user, row, err);
	each->by_callback = status != HF_OK;
	return status;
}

static enum hf_status receive_each(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	struct each_row *each = user;
	each->connection = connection;
	each->call = call;
	enum hf_status status = conn_stream(connection, call, each_one, each, err);
	if (status != HF_OK && err && (each->by_callback || call->rows > 0) && err->action == HF_ACTION_REPREPARE)
		err->action = HF_ACTION_NEVER; /* rows were seen: running it again would show them twice */
	return status;
}

enum hf_status hf_query_each(hf_where where, const struct hf_query *query, const void *in, hf_query_row_fn *fn,
			     void *user, hf_error *err)
{
	if (query->flags & HF_QUERY_BY_COPY)
		return query_copy_out(where, query, fn, user, err);
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	struct each_row each = {.query = query, .fn = fn, .user = user, .arena = arena};
	return run(&where, query, in, receive_each, &each, err);
}
