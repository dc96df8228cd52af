/*
 * copy.c - binary COPY FROM STDIN, fed row by row.
 *
 * Rows gather in one buffer of bounded size and go out in chunks; libpq's own buffer is flushed after each chunk, with
 * the socket watched in both directions, so that memory stays constant however slow the server is. A failing row
 * source ends the COPY with an error for the server, which keeps nothing of it.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "pg/encode.h"
#include "pg/observe.h"
#include "pg/result.h"
#include "pg/statements.h"
#include "pg/where.h"

enum { COPY_CHUNK = 64 << 10, COPY_ROW_MAX = 1 << 30, COPY_ABORTED = 1 };

static const char copy_header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* signature, flags, extension length */
enum { COPY_HEADER_SIZE = 19 };
static const char copy_trailer[] = "\377\377";

struct copy {
	hf_connection *connection;
	const struct hf_query *query;
	struct call *call;
	hf_query_next_fn *next;
	void *user;
	void *in;
	size_t in_size;
	struct buf wire;
	bool late; /* the deadline passed, or the program was interrupted, while we waited for the server */
};

/* Hand the buffer to libpq and wait until the kernel has all of it. */
static enum hf_status put_chunk(struct copy *copy, hf_error *err)
{
	PGconn *pg = copy->connection->pg;
	size_t done = 0;
	while (done < copy->wire.len) {
		size_t piece = copy->wire.len - done < COPY_CHUNK ? copy->wire.len - done : COPY_CHUNK;
		int put = PQputCopyData(pg, copy->wire.ptr + done, (int)piece);
		if (put < 0)
			return error_lost(copy->connection, copy->call, err);
		done += put == 1 ? piece : 0;
		if (conn_flush(copy->connection, copy->call->deadline) != HF_OK) {
			copy->late = true;
			return HF_TIMEOUT;
		}
	}
	buf_clear(&copy->wire);
	return HF_OK;
}

static enum hf_status add_row(struct copy *copy, hf_error *err)
{
	enum hf_status status =
		encode_copy_row(&copy->wire, copy->query, statement_types(copy->connection), copy->in, err);
	if (status == HF_OK && buf_starved(&copy->wire))
		return error_nomem(err);
	if (status == HF_OK && !buf_ok(&copy->wire))
		return error_set(err, HF_E_LIMIT, "a row of query \"%s\" is larger than 1 GiB", copy->query->name);
	if (status == HF_OK && copy->wire.len >= COPY_CHUNK)
		status = put_chunk(copy, err);
	return status;
}

static enum hf_status feed(struct copy *copy, hf_error *err)
{
	buf_add(&copy->wire, (struct hf_str){copy_header, COPY_HEADER_SIZE});
	for (;;) {
		memset(copy->in, 0, copy->in_size);
		enum hf_status status = copy->next(copy->user, copy->in, err);
		if (status == HF_STOP)
			break;
		if (status == HF_OK)
			status = add_row(copy, err);
		if (status != HF_OK)
			return status;
	}
	buf_add(&copy->wire, (struct hf_str){copy_trailer, 2});
	return put_chunk(copy, err);
}

/* CopyDone or CopyFail; non-blocking libpq may ask to try again. */
static enum hf_status put_end(struct copy *copy, const char *complaint, hf_error *err)
{
	for (;;) {
		int put = PQputCopyEnd(copy->connection->pg, complaint);
		if (put != 0)
			return put == 1 ? HF_OK : error_lost(copy->connection, copy->call, err);
		if (conn_flush(copy->connection, copy->call->deadline) != HF_OK) {
			copy->late = true;
			return HF_TIMEOUT;
		}
	}
}

static enum hf_status abort_copy(struct copy *copy, enum hf_status status, hf_error *err)
{
	CLEANUP(result_freep) PGresult *ignored = NULL;
	if (copy->late) {
		conn_abandon(copy->connection, copy->call);
		return error_deadline(copy->connection, copy->call, !copy->connection->broken, err);
	}
	if (put_end(copy, "the row source failed", NULL) != HF_OK)
		copy->connection->broken = true;
	conn_collect(copy->connection, copy->call, &ignored, NULL);
	return status;
}

static enum hf_status wait_copy_in(struct copy *copy, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	if (conn_next(copy->connection, copy->call->deadline, &result) != HF_OK) {
		conn_abandon(copy->connection, copy->call);
		return error_deadline(copy->connection, copy->call, !copy->connection->broken, err);
	}
	if (result && PQresultStatus(result) == PGRES_COPY_IN)
		return HF_OK;
	CLEANUP(result_freep) PGresult *rest = NULL;
	enum hf_status status = HF_E_PROTOCOL;
	if (result && PQresultStatus(result) == PGRES_FATAL_ERROR)
		status = error_from_result(copy->connection, copy->call, result, err);
	else
		error_set(err, status, "query \"%s\" is not a COPY FROM STDIN", copy->query->name);
	conn_collect(copy->connection, copy->call, &rest, NULL);
	return status;
}

static enum hf_status run_copy(struct copy *copy, int64_t *ret_rows, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	int sent = PQsendQuery(copy->connection->pg, copy->query->sql);
	enum hf_status status = conn_sent(copy->connection, copy->call, sent, err);
	if (status == HF_OK)
		status = wait_copy_in(copy, err);
	if (status != HF_OK)
		return status;
	status = feed(copy, err);
	if (status == HF_OK)
		status = put_end(copy, NULL, err);
	if (status != HF_OK)
		return abort_copy(copy, status, err);
	status = conn_collect(copy->connection, copy->call, &result, err);
	if (status != HF_OK)
		return status;
	copy->call->rows = result_changed(result);
	if (ret_rows)
		*ret_rows = copy->call->rows;
	return HF_OK;
}

enum hf_status hf_query_copy(hf_where where, const struct hf_query *query, size_t in_size, hf_query_next_fn *next,
                             void *user, int64_t *ret_rows, hf_error *err)
{
	hf_connection *connection = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	void *in = arena ? hf_arena_alloc(arena, in_size) : NULL;
	if (!in)
		return error_nomem(err);
	enum hf_status status = where_acquire(&where, &connection, err);
	if (status != HF_OK)
		return status;
	struct call call = {.deadline = where.deadline,
	                    .timeout_ms = query->timeout_ms,
	                    .query = query->name,
	                    .generated = true};
	struct copy copy = {connection, query, &call, next, user, in, in_size, {0}, false};
	buf_init(&copy.wire, COPY_ROW_MAX);
	status = statement_check_copy(connection, query, &call, err);
	if (status == HF_OK)
		status = conn_begin(connection, &call, err);
	if (status == HF_OK)
		status = run_copy(&copy, ret_rows, err);
	buf_deinit(&copy.wire);
	observe_query(connection, query->name, call.started_us, status, err, call.rows);
	where_release(&where, connection);
	return status;
}
