/*
 * wait.c - the life of one statement: begin, send, wait in both directions, collect or stream, drain.
 *
 * Every wait has a deadline on the context's clock. While something is unsent the socket is watched for both
 * directions, since a server whose answers nobody reads stops reading too. After a deadline the statement is
 * cancelled and its end awaited within CONN_CANCEL_BUDGET_US; a connection that does not get there is broken.
 */
#include "base/error.h"
#include "base/metrics.h"
#include "pg/conn.h"
#include "pg/result.h"
#include "pg/tx.h"

enum { DRAIN_ROWS_MAX = 1000 };

bool conn_in_transaction(const hf_connection *connection)
{
	PGTransactionStatusType status = PQtransactionStatus(connection->pg);
	return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

HOT void conn_start_clock(hf_connection *connection, struct call *call)
{
	if (call->started_us == 0)
		conn_start_clock_at(connection, call, hf_now_monotonic_us(connection->ctx));
}

HOT void conn_start_clock_at(hf_connection *connection, struct call *call, int64_t now_us)
{
	connection->seen_us = call->started_us = now_us;
	int64_t timeout_us, timeout_ms = call->timeout_ms ? call->timeout_ms : connection->query_timeout_ms;
	if (call->deadline != HF_DEADLINE_DEFAULT)
		return;
	if (__builtin_mul_overflow(timeout_ms, 1000, &timeout_us) ||
	    __builtin_add_overflow(call->started_us, timeout_us, &call->deadline))
		call->deadline = INT64_MAX;
}

HOT enum hf_status conn_begin(hf_connection *connection, struct call *call, hf_error *err)
{
	if (fork_guard_forked(&connection->fork))
		return error_set(err, HF_E_USAGE,
				 "could not use the connection: this process was forked from the one "
				 "that opened it");
	const bool begins = connection->tx && connection->tx->begin_due;
	if (begins && !call->joins) {
		enum hf_status begun = tx_begin_now(connection->tx, err);
		if (begun != HF_OK)
			return begun;
	}
	call->phase = PHASE_SENT_NOTHING;
	call->in_transaction = connection->tx != NULL;
	PGTransactionStatusType status = PQtransactionStatus(connection->pg);
	if (connection->broken || status == PQTRANS_UNKNOWN)
		return error_lost(connection, call, err);
	if (status == PQTRANS_ACTIVE)
		return error_set(err, HF_E_USAGE, "could not run a statement: another one runs on this connection");
	call->in_transaction = begins || status != PQTRANS_IDLE;
	/* What a transaction still needs to be rolled back goes through, and its end is awaited. */
	const bool interrupted = hf_context_interrupted(connection->ctx);
	if (interrupted && (call->commit || !call->in_transaction))
		return error_set(err, HF_E_INTERRUPTED, "interrupted before the statement was sent");
	conn_start_clock(connection, call);
	connection->cancelling = interrupted && call->unobserved;
	canceller_enter(connection->canceller);
	return HF_OK;
}

HOT void conn_end(hf_connection *connection)
{
	if (PQstatus(connection->pg) != CONNECTION_OK)
		connection->broken = true;
	if (!canceller_leave(connection->canceller, CONN_CANCEL_BUDGET_US))
		connection->broken = true;
}

HOT enum hf_status conn_sent(hf_connection *connection, struct call *call, int sent, hf_error *err)
{
	call->phase = call->commit ? PHASE_COMMIT_SENT : PHASE_SENT;
	if (sent > 0)
		return HF_OK;
	if (sent == 0)
		call->phase = PHASE_SENT_NOTHING;
	conn_end(connection);
	return error_lost(connection, call, err);
}

/* The first wait of a statement trusts the clock as it was seen when the statement began, a few microseconds ago. */
HOT static enum hf_status wait_ready(hf_connection *connection, bool unsent, hf_deadline deadline)
{
	int64_t seen_us = connection->seen_us;
	connection->seen_us = 0;
	return ready_wait(&connection->ready, connection->ctx, unsent, !connection->cancelling, seen_us, deadline);
}

HOT enum hf_status conn_next(hf_connection *connection, hf_deadline deadline, PGresult **ret_result)
{
	PGconn *pg = connection->pg;
	while (PQisBusy(pg)) {
		bool unsent = PQflush(pg) == 1;
		if (wait_ready(connection, unsent, deadline) != HF_OK)
			return HF_TIMEOUT;
		if (!PQconsumeInput(pg))
			break; /* the connection is lost; PQgetResult() makes the error result without waiting */
	}
	*ret_result = PQgetResult(pg);
	return HF_OK;
}

enum hf_status conn_turn(hf_connection *connection, hf_deadline deadline, bool *ret_unsent)
{
	*ret_unsent = PQflush(connection->pg) == 1;
	if (!*ret_unsent)
		return HF_OK;
	if (wait_ready(connection, true, deadline) != HF_OK)
		return HF_TIMEOUT;
	if (!PQconsumeInput(connection->pg))
		*ret_unsent = false; /* lost: the next call says so */
	return HF_OK;
}

enum hf_status conn_read(hf_connection *connection, hf_deadline deadline)
{
	PGconn *pg = connection->pg;
	if (wait_ready(connection, PQflush(pg) == 1, deadline) != HF_OK)
		return HF_TIMEOUT;
	(void)PQconsumeInput(pg); /* lost: the next call says so */
	return HF_OK;
}

enum hf_status conn_flush(hf_connection *connection, hf_deadline deadline)
{
	bool unsent = true;
	while (unsent)
		if (conn_turn(connection, deadline, &unsent) != HF_OK)
			return HF_TIMEOUT;
	return HF_OK;
}

/* COPY was started by a statement that no COPY function sent: end it so that the error arrives in order. */
HOT static bool refuse_copy(hf_connection *connection, const PGresult *result)
{
	switch ((int)PQresultStatus(result)) {
	case PGRES_COPY_IN:
		if (PQputCopyEnd(connection->pg, "COPY needs a copy function") != 1)
			connection->broken = true;
		return true;
	case PGRES_COPY_OUT:
	case PGRES_COPY_BOTH:
		connection->broken = true;
		return true;
	default:
		return false;
	}
}

static bool is_success(const PGresult *result)
{
	switch ((int)PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
	case PGRES_EMPTY_QUERY:
		return true;
	default:
		return false;
	}
}

hf_deadline conn_cancel_now(hf_connection *connection, struct call *call)
{
	call->cancelled = true;
	connection->cancelling = true;
	metrics_count(connection->ctx->metrics, METRIC_CANCELS, 1);
	canceller_start(connection->canceller);
	return hf_now_monotonic_us(connection->ctx) + CONN_CANCEL_BUDGET_US;
}

/* Read to the end. Keeps the first failed result, else the last one. HF_TIMEOUT: the cancel budget passed too. */
HOT static enum hf_status read_all(hf_connection *connection, struct call *call, PGresult **ret_kept)
{
	CLEANUP(result_freep) PGresult *kept = NULL;
	hf_deadline deadline = call->deadline;
	for (;;) {
		PGresult *result = NULL;
		if (connection->broken)
			return HF_TIMEOUT;
		if (conn_next(connection, deadline, &result) != HF_OK) {
			if (call->cancelled)
				return HF_TIMEOUT;
			deadline = conn_cancel_now(connection, call);
			continue;
		}
		if (!result)
			break;
		bool failed_before = kept && !is_success(kept);
		if (refuse_copy(connection, result) || failed_before) {
			PQclear(result);
		} else {
			PQclear(kept);
			kept = result;
		}
		if (PQstatus(connection->pg) != CONNECTION_OK)
			break;
	}
	*ret_kept = result_take(&kept);
	return HF_OK;
}

HOT enum hf_status conn_collect(hf_connection *connection, struct call *call, PGresult **ret_result, hf_error *err)
{
	if (PQpipelineStatus(connection->pg) != PQ_PIPELINE_OFF)
		return joined_collect(connection, call, ret_result, err);
	CLEANUP(result_freep) PGresult *result = NULL;
	if (read_all(connection, call, &result) != HF_OK) {
		connection->broken = true;
		conn_end(connection);
		return call->cancelled ? error_deadline(connection, call, false, err)
				       : error_set(err, HF_E_USAGE, "COPY to the client needs a copy function");
	}
	conn_end(connection);
	if (!result)
		return error_lost(connection, call, err);
	if (!is_success(result))
		return error_from_result(connection, call, result, err);
	*ret_result = result_take(&result);
	return HF_OK;
}

void conn_abandon(hf_connection *connection, struct call *call)
{
	CLEANUP(result_freep) PGresult *ignored = NULL;
	if (!call->cancelled)
		call->deadline = conn_cancel_now(connection, call);
	if (read_all(connection, call, &ignored) != HF_OK)
		connection->broken = true;
	conn_end(connection);
}

/* After an early end: read the few rows that may be left, else cancel. In a transaction read them all, for a cancel
 * would abort it; only the deadline does. */
static void stop_stream(hf_connection *connection, struct call *call)
{
	for (int i = 0; i < DRAIN_ROWS_MAX || call->in_transaction; i++) {
		PGresult *result = NULL;
		if (PQstatus(connection->pg) != CONNECTION_OK ||
		    conn_next(connection, call->deadline, &result) != HF_OK)
			break;
		if (!result) {
			conn_end(connection);
			return;
		}
		PQclear(result);
	}
	conn_abandon(connection, call);
}

static enum hf_status stream_failed(hf_connection *connection, struct call *call, PGresult *result, hf_error *err)
{
	enum hf_status status = error_from_result(connection, call, result, err);
	stop_stream(connection, call);
	return status;
}

static enum hf_status stream_deadline(hf_connection *connection, struct call *call, hf_error *err)
{
	conn_abandon(connection, call);
	return error_deadline(connection, call, !connection->broken, err);
}

enum hf_status conn_stream(hf_connection *connection, struct call *call, conn_row_fn *fn, void *user, hf_error *err)
{
	if (!PQsetSingleRowMode(connection->pg)) {
		conn_abandon(connection, call);
		return error_set(err, HF_E_PROTOCOL, "could not switch to single-row mode");
	}
	for (;;) {
		CLEANUP(result_freep) PGresult *result = NULL;
		if (conn_next(connection, call->deadline, &result) != HF_OK)
			return stream_deadline(connection, call, err);
		if (!result)
			break;
		if (refuse_copy(connection, result))
			continue;
		if (!is_success(result))
			return stream_failed(connection, call, result, err);
		if (PQntuples(result) == 0)
			continue;
		enum hf_status status = fn(user, result, err);
		if (status != HF_OK) {
			stop_stream(connection, call);
			if (status == HF_STOP && call->in_transaction && call->cancelled)
				return error_deadline(connection, call, !connection->broken, err);
			return status == HF_STOP ? HF_OK : status;
		}
	}
	conn_end(connection);
	return connection->broken ? error_lost(connection, call, err) : HF_OK;
}

enum hf_status conn_command(hf_connection *connection, const char *sql, struct call *call, char ret_tag[64],
			    hf_error *err)
{
	CLEANUP(result_freep) PGresult *result = NULL;
	enum hf_status status = conn_begin(connection, call, err);
	if (status == HF_OK)
		status = conn_sent(connection, call, PQsendQuery(connection->pg, sql), err);
	if (status == HF_OK)
		status = conn_collect(connection, call, &result, err);
	if (status == HF_OK && ret_tag)
		snprintf(ret_tag, 64, "%s", PQcmdStatus(result));
	return status;
}
