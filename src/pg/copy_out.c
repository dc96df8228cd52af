/*
 * copy_out.c - :each by binary COPY TO STDOUT: rows without a result object of libpq's around each, and without what
 * the server spends on describing them. For much that is read as fast as it comes.
 *
 * The statement is prepared as any other, so that its shape was compared; COPY itself takes no parameters. The memory
 * is that of one row.
 */
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "pg/query_run.h"
#include "pg/result.h"
#include "pg/statements.h"

enum {
	HEAD_BYTES = 19,
	NAP_NS = 50 * 1000,
	LONG_ROWS = 1000,
	READS = 16,
	TEXT_BYTES_MAX = STATEMENTS_SQL_BYTES_MAX + 64
};

struct copy_out {
	const struct hf_query *query;
	hf_query_row_fn *fn;
	void *user;
	hf_arena *arena; /* of what one row points to */
	char *row;
	bool headed; /* the signature was seen */
};

/* ---- bytes in ---- */

static void message_freep(char **message)
{
	if (*message)
		PQfreemem(*message);
}

/* What has come; what comes in a moment; what comes some time. The server sends 8 KiB at a time: who sleeps until the
 * next ones come is woken for each, which costs both sides more than the rows in them. Few rows are worth no nap; and
 * deadline and interruption are looked at by conn_read() alone. */
static enum hf_status read_more(hf_connection *connection, struct call *call, unsigned reads, int turn)
{
	if (turn > 1 || call->rows < LONG_ROWS || reads % READS == 0)
		return conn_read(connection, call->deadline);
	if (turn == 1)
		(void)nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
	(void)PQconsumeInput(connection->pg); /* lost: the next call says so */
	return HF_OK;
}

/* HF_OK a message; HF_STOP no more, the result says how it ended; HF_TIMEOUT. */
static enum hf_status next_message(hf_connection *connection, struct call *call, unsigned *reads, char **ret_message,
                                   size_t *ret_len)
{
	int len;
	for (int turn = 0; (len = PQgetCopyData(connection->pg, ret_message, 1)) == 0; turn++) {
		if (PQstatus(connection->pg) != CONNECTION_OK)
			return HF_STOP;
		if (read_more(connection, call, (*reads)++, turn) != HF_OK)
			return HF_TIMEOUT;
	}
	*ret_len = len > 0 ? (size_t)len : 0;
	return len > 0 ? HF_OK : HF_STOP;
}

/* The first message begins with signature, flags and the length of an extension. */
static enum hf_status skip_head(struct copy_out *out, uint8_t **at, size_t *bytes, hf_error *err)
{
	static const char signature[] = "PGCOPY\n\377\r\n";
	if (*bytes < HEAD_BYTES || memcmp(*at, signature, sizeof(signature)) != 0 ||
	    wire_uint4(*at + 15) > *bytes - HEAD_BYTES)
		return error_set(err, HF_E_PROTOCOL, "query \"%s\": a COPY without its signature", out->query->name);
	size_t head = HEAD_BYTES + wire_uint4(*at + 15);
	*at += head;
	*bytes -= head;
	out->headed = true;
	return HF_OK;
}

/* ---- rows ---- */

static enum hf_status take(hf_connection *connection, struct call *call, struct copy_out *out, uint8_t *at,
                           size_t bytes, hf_error *err)
{
	struct decoder decoder = {.arena = out->arena, .types = statement_types(connection), .borrow = true};
	enum hf_status status = out->headed ? HF_OK : skip_head(out, &at, &bytes, err);
	bool is_end = bytes == 2 && at[0] == 0xff && at[1] == 0xff;
	if (status != HF_OK || bytes == 0 || is_end)
		return status;
	connection->oversized |= bytes > OVERSIZED_ROW_BYTES;
	hf_arena_reset(out->arena);
	memset(out->row, 0, out->query->row_size);
	status = query_decode_copied(&decoder, out->query, at, bytes, out->row, err);
	if (status != HF_OK)
		return status;
	call->rows++;
	return out->fn(out->user, out->row, err);
}

/* What is left, unseen: cancelled, unless that would abort a transaction that `goes_on`. */
static void drop_rest(hf_connection *connection, struct call *call, bool goes_on)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = HF_OK;
	unsigned reads = 0;
	if (!goes_on || !call->in_transaction)
		call->deadline = conn_cancel_now(connection, call);
	while (status == HF_OK) {
		CLEANUP(message_freep) char *message = NULL;
		size_t len;
		status = next_message(connection, call, &reads, &message, &len);
		if (status == HF_TIMEOUT && !call->cancelled) {
			call->deadline = conn_cancel_now(connection, call);
			status = HF_OK;
		}
	}
	connection->broken |= status == HF_TIMEOUT;
	(void)conn_collect(connection, call, &result, NULL);
}

static enum hf_status stop(hf_connection *connection, struct call *call, enum hf_status why, hf_error *err)
{
	drop_rest(connection, call, why == HF_STOP);
	if (why != HF_STOP)
		return why;
	if (call->in_transaction && call->cancelled)
		return error_deadline(connection, call, !connection->broken, err);
	return HF_OK;
}

static enum hf_status take_all(hf_connection *connection, struct call *call, struct copy_out *out, hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	unsigned reads = 0;
	for (;;) {
		CLEANUP(message_freep) char *message = NULL;
		size_t len;
		enum hf_status status = next_message(connection, call, &reads, &message, &len);
		if (status == HF_STOP)
			return conn_collect(connection, call, &result, err);
		if (status == HF_TIMEOUT) {
			drop_rest(connection, call, false);
			return error_deadline(connection, call, !connection->broken, err);
		}
		status = take(connection, call, out, (uint8_t *)message, len, err);
		if (status != HF_OK)
			return stop(connection, call, status, err);
	}
}

/* ---- the statement ---- */

static enum hf_status send(hf_connection *connection, const struct hf_query *query, struct call *call, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf text;
	buf_init(&text, TEXT_BYTES_MAX);
	buf_add_text(&text, "COPY (");
	buf_add(&text, (struct hf_str){query->sql, query->sql_len});
	buf_add_text(&text, ") TO STDOUT (FORMAT binary)");
	if (!buf_ok(&text))
		return error_nomem(err);
	enum hf_status status = conn_begin(connection, call, err);
	return status == HF_OK ? conn_sent(connection, call, PQsendQuery(connection->pg, text.ptr), err) : status;
}

static enum hf_status wait_copy_out(hf_connection *connection, const struct hf_query *query, struct call *call,
                                    hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	if (conn_next(connection, call->deadline, &result) != HF_OK) {
		conn_abandon(connection, call);
		return error_deadline(connection, call, !connection->broken, err);
	}
	if (result && PQresultStatus(result) == PGRES_COPY_OUT)
		return HF_OK;
	CLEANUP(result_freep) PGresult *rest = NULL;
	enum hf_status status = HF_E_PROTOCOL;
	if (result && PQresultStatus(result) == PGRES_FATAL_ERROR)
		status = error_from_result(connection, call, result, err);
	else
		error_set(err, status, "query \"%s\" is not a COPY TO STDOUT", query->name);
	conn_collect(connection, call, &rest, NULL);
	return status;
}

static enum hf_status attempt(hf_connection *connection, struct call *call, void *user, hf_error *err)
{
	struct copy_out *out = user;
	enum hf_status status = send(connection, out->query, call, err);
	if (status == HF_OK)
		status = wait_copy_out(connection, out->query, call, err);
	out->headed = false;
	if (status == HF_OK)
		status = take_all(connection, call, out, err);
	if (status != HF_OK && call->rows > 0 && err->action == HF_ACTION_REPREPARE)
		err->action = HF_ACTION_NEVER; /* rows were seen: running it again would show them twice */
	return status;
}

enum hf_status query_copy_out(hf_where where, const struct hf_query *query, hf_query_row_fn *fn, void *user,
                              hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *rows = hf_arena_new(0);
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct copy_out out = {.query = query, .fn = fn, .user = user, .arena = arena};
	out.row = rows && arena ? hf_arena_alloc(rows, query->row_size) : NULL;
	return out.row ? query_run(where, query, attempt, &out, err) : error_nomem(err);
}
