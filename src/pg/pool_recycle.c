/*
 * pool_recycle.c - what happens to a connection between its users.
 *
 * Before: a look at the socket without a round trip. After: whatever the last user left is ended, rolled back or
 * reset, within RECYCLE_BUDGET_US in all; a connection that does not come out clean is closed. After generated queries
 * nothing is dirty and nothing is sent.
 */
#include <errno.h>
#include <poll.h>

#include "pg/dirty.h"
#include "pg/pool.h"
#include "pg/statements.h"

enum { RECYCLE_BUDGET_US = 1000000, DRAIN_BYTES_MAX = 8 * 1024 * 1024, DRAIN_RESULTS_MAX = 10000, PEEKS_MAX = 4 };

/* An idle connection has nothing to say: if there is something to read it is a notice, a changed parameter, or the
 * server's farewell (57P01), after which reading finds the end. */
bool connection_is_alive(hf_connection *connection)
{
	if (connection->broken || PQstatus(connection->pg) != CONNECTION_OK)
		return false;
	struct pollfd watched = {.fd = PQsocket(connection->pg), .events = POLLIN};
	for (int i = 0; i < PEEKS_MAX; i++) {
		int n = poll(&watched, 1, 0);
		if (n == 0 || (n < 0 && errno == EINTR))
			return true;
		if (n < 0 || !PQconsumeInput(connection->pg))
			return false;
		for (PGnotify *notify; (notify = PQnotifies(connection->pg)) != NULL;)
			PQfreemem(notify);
		if (connection->broken || PQstatus(connection->pg) != CONNECTION_OK)
			return false;
	}
	return false; /* it goes on talking: nothing that an idle connection does */
}

/* ---- ending what runs ---- */

static bool wait_readable(const hf_connection *connection, hf_deadline deadline)
{
	struct pollfd watched = {.fd = PQsocket(connection->pg), .events = POLLIN};
	int64_t left = deadline - hf_now_monotonic_us(connection->ctx);
	return left > 0 && poll(&watched, 1, (int)(left / 1000 + 1)) > 0;
}

static bool drain_copy_out(hf_connection *connection, hf_deadline deadline)
{
	size_t bytes = 0;
	for (;;) {
		char *row = NULL;
		int n = PQgetCopyData(connection->pg, &row, 1);
		PQfreemem(row);
		if (n < 0)
			return n == -1;
		bytes += (size_t)n;
		if (bytes > DRAIN_BYTES_MAX)
			return false;
		if (n == 0 && (!wait_readable(connection, deadline) || !PQconsumeInput(connection->pg)))
			return false;
	}
}

static bool end_copy(hf_connection *connection, const PGresult *result, hf_deadline deadline)
{
	switch ((int)PQresultStatus(result)) {
	case PGRES_COPY_IN:
		return PQputCopyEnd(connection->pg, "the connection was returned") == 1;
	case PGRES_COPY_OUT:
		return drain_copy_out(connection, deadline);
	case PGRES_COPY_BOTH:
		return false;
	default:
		return true;
	}
}

/* Read results until the statement's end. `sync` = until the pipeline's last synchronisation point. */
static bool drain(hf_connection *connection, hf_deadline deadline, bool sync)
{
	size_t bytes = 0;
	bool nothing_before = false;
	for (int i = 0; i < DRAIN_RESULTS_MAX && bytes < DRAIN_BYTES_MAX; i++) {
		CLEANUP(result_freep) PGresult *result = NULL;
		if (PQstatus(connection->pg) != CONNECTION_OK || conn_next(connection, deadline, &result) != HF_OK)
			return false;
		if (!result && (!sync || nothing_before))
			return true; /* a pipeline's end is two of them in a row */
		nothing_before = !result;
		if (!result)
			continue;
		bytes += PQresultMemorySize(result);
		if (!end_copy(connection, result, deadline))
			return false;
	}
	return false;
}

static bool leave_pipeline(hf_connection *connection, hf_deadline deadline)
{
	if (PQpipelineStatus(connection->pg) == PQ_PIPELINE_OFF)
		return true;
	return PQpipelineSync(connection->pg) && drain(connection, deadline, true) &&
	       PQexitPipelineMode(connection->pg);
}

static bool end_statement(hf_connection *connection, hf_deadline deadline)
{
	if (PQtransactionStatus(connection->pg) != PQTRANS_ACTIVE || drain(connection, deadline, false))
		return true;
	struct call call = {.unobserved = true};
	conn_abandon(connection, &call);
	return !connection->broken;
}

/* ---- undoing what was done ---- */

static bool command(hf_connection *connection, const char *sql, hf_deadline deadline)
{
	struct call call = {.deadline = deadline, .unobserved = true};
	return conn_command(connection, sql, &call, NULL, NULL) == HF_OK;
}

static void report_leak(hf_pool *pool, const struct pool_slot *slot)
{
	struct hf_log_field fields[] = {
	        field_text("pool", pool->name),
	        field_us("held", hf_now_monotonic_us(pool->ctx) - slot->since_us),
	        field_int("backend", slot->backend),
	};
	hf_counter_add(pool->metrics.leaked, 1);
	pthread_mutex_lock(&pool->mutex);
	pool->leaked++;
	pthread_mutex_unlock(&pool->mutex);
	context_log(pool->ctx, HF_LOG_WARN, "pool_leaked_transaction", fields, ARRAY_LEN(fields));
}

static bool roll_back(hf_pool *pool, const struct pool_slot *slot, hf_deadline deadline)
{
	if (PQtransactionStatus(slot->connection->pg) == PQTRANS_IDLE)
		return true;
	report_leak(pool, slot);
	return command(slot->connection, "ROLLBACK", deadline);
}

static bool undo(const hf_pool *pool, hf_connection *connection, hf_deadline deadline)
{
	char sql[DIRTY_RESET_MAX];
	if (pool->reset == HF_POOL_RESET_NONE)
		connection->dirty = 0;
	if (connection->dirty & DIRTY_PREPARED)
		statement_forget_all(connection);
	if (pool->reset == HF_POOL_RESET_ALWAYS)
		connection->dirty |= DIRTY_ALL;
	dirty_reset_sql(connection->dirty, sql);
	connection->dirty = 0;
	return sql[0] == '\0' || command(connection, sql, deadline);
}

static bool is_clean(const hf_pool *pool, const hf_connection *connection)
{
	return PQtransactionStatus(connection->pg) == PQTRANS_IDLE &&
	       PQpipelineStatus(connection->pg) == PQ_PIPELINE_OFF &&
	       ((connection->dirty == 0 && pool->reset != HF_POOL_RESET_ALWAYS) || pool->reset == HF_POOL_RESET_NONE);
}

bool pool_recycle(hf_pool *pool, struct pool_slot *slot, int64_t *now_us, enum close_reason *ret_reason)
{
	hf_connection *connection = slot->connection;
	*ret_reason = CLOSE_BROKEN;
	if (connection->broken || PQstatus(connection->pg) != CONNECTION_OK)
		return false;
	*ret_reason = CLOSE_OVERSIZE;
	if (connection->oversized)
		return false;
	if (is_clean(pool, connection))
		return true;
	*now_us = 0;
	hf_deadline deadline = hf_now_monotonic_us(pool->ctx) + RECYCLE_BUDGET_US;
	*ret_reason = CLOSE_RESET_FAILED;
	return leave_pipeline(connection, deadline) && end_statement(connection, deadline) &&
	       roll_back(pool, slot, deadline) && undo(pool, connection, deadline) && !connection->broken &&
	       PQtransactionStatus(connection->pg) == PQTRANS_IDLE;
}
