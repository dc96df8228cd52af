/*
 * query_run.c - the frame around queries that send and receive in their own way.
 */
#include "pg/query_run.h"

#include "base/error.h"
#include "pg/observe.h"
#include "pg/statements.h"
#include "pg/where.h"

COLD enum hf_status query_check_abi(const struct hf_query *query, hf_error *err)
{
	if (query->abi == HF_QUERY_ABI)
		return HF_OK;
	if (query->abi == HF_QUERY_NO_VARIANT)
		return error_set(err, HF_E_USAGE, "query \"%s\": the order is none of its enum", query->name);
	return error_set(err, HF_E_USAGE, "query \"%s\" was generated for ABI %u, this library has %d", query->name,
	                 query->abi, HF_QUERY_ABI);
}

static enum hf_status run_on(hf_connection *connection, const struct hf_query *query, struct call *call,
                             query_attempt_fn *attempt, void *user, hf_error *err)
{
	enum hf_status status = HF_OK;
	for (int round = 0; round < 2; round++) {
		conn_start_clock(connection, call);
		status = statement_prepare(connection, query, call, err);
		if (status == HF_OK)
			status = attempt(connection, call, user, err);
		if (status == HF_OK || err->action != HF_ACTION_REPREPARE)
			break;
		metrics_count(connection->ctx->metrics, METRIC_REPREPARES, 1);
		statement_forget(connection, query);
	}
	return status;
}

enum hf_status query_run(hf_where where, const struct hf_query *query, query_attempt_fn *attempt, void *user,
                         hf_error *err)
{
	hf_error unasked = HF_ERROR_INIT;
	hf_error *seen = err ? err : &unasked;
	hf_connection *connection = NULL;
	enum hf_status status = query_check_abi(query, seen);
	if (status == HF_OK)
		status = where_acquire(&where, &connection, seen);
	if (status != HF_OK)
		return status;
	struct call call = query_call(&where, query);
	status = run_on(connection, query, &call, attempt, user, seen);
	observe_query(connection, query->name, call.started_us, status, seen, call.rows);
	if (status == HF_OK)
		query_count_conversions(connection, &call);
	where_release(&where, connection);
	return status;
}
