/*
 * joined.c - a statement that travels with the BEGIN of its transaction, with its COMMIT, or with both: one pipeline
 * segment, one wait.
 *
 *     send: [BEGIN] statement [COMMIT] Sync       an error makes the server skip what is left of it
 *     read: an answer each, a NULL behind each, and that of the Sync
 *
 * A failure of BEGIN or of the statement is judged as in the midst of a transaction, which has not been committed then:
 * the server skips COMMIT. A connection that is lost before the Sync's answer leaves the outcome unknown if COMMIT went
 * along; so does a relay that says so in the place of an answer.
 */
#include <string.h>

#include "base/error.h"
#include "base/metrics.h"
#include "pg/result.h"
#include "pg/tx.h"

enum { NOTHINGS_MAX = 3 };

/* What is read of one segment. */
struct segment {
	hf_connection *connection;
	struct call *call;
	size_t at, statement, commit; /* answers: the one that comes, those of the statement and of COMMIT */
	bool answered; /* the Sync */
	unsigned nothings;
	PGresult *result; /* of the statement */
	PGresult *failed; /* the first that failed, at failed_at */
	size_t failed_at;
	bool committed;
};

static bool send_text(PGconn *pg, const char *sql)
{
	return PQsendQueryParams(pg, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

int joined_send(hf_connection *connection, const struct hf_query *query, const struct encoded *encoded)
{
	PGconn *pg = connection->pg;
	struct hf_tx *tx = connection->tx;
	tx->begin_sent = tx->begin_due;
	tx->begin_due = false;
	tx->commit_us = tx->commit_due ? hf_now_monotonic_us(tx->ctx) : 0;
	bool queued = PQenterPipelineMode(pg) && (!tx->begin_sent || send_text(pg, tx->begin_sql)) &&
	              PQsendQueryPrepared(pg, query->statement, encoded->count, encoded->values, encoded->lengths,
	                                  encoded->formats, 1) &&
	              (!tx->commit_due || send_text(pg, "COMMIT"));
	if (queued && PQpipelineSync(pg))
		return 1;
	connection->broken = true;
	return queued && tx->commit_due ? -1 : 0; /* the server commits without a Sync */
}

/* ---- reading ---- */

static void take_result(struct segment *segment, PGresult **result)
{
	PGresult **place = NULL;
	switch ((int)PQresultStatus(*result)) {
	case PGRES_PIPELINE_SYNC:
		segment->answered = true;
		break;
	case PGRES_PIPELINE_ABORTED:
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		if (segment->at == segment->statement)
			place = &segment->result;
		if (segment->at == segment->commit)
			segment->committed = strcmp(PQcmdStatus(*result), "COMMIT") == 0;
		break;
	default:
		if (segment->failed)
			break;
		place = &segment->failed;
		segment->failed_at = segment->at;
		break;
	}
	if (place && !*place)
		*place = result_take(result);
}

static bool take(struct segment *segment, PGresult **result)
{
	if (*result) {
		segment->nothings = 0;
		take_result(segment, result);
	} else {
		segment->at++;
		segment->nothings++;
	}
	return PQstatus(segment->connection->pg) == CONNECTION_OK && segment->nothings < NOTHINGS_MAX;
}

/* To the Sync's answer, or as far as the server goes. HF_TIMEOUT: the cancel had no answer in its time either. */
static enum hf_status read_segment(struct segment *segment)
{
	hf_deadline deadline = segment->call->deadline;
	bool goes_on = true;
	while (goes_on && !segment->answered) {
		CLEANUP(result_freep) PGresult *result = NULL;
		if (conn_next(segment->connection, deadline, &result) != HF_OK) {
			if (segment->call->cancelled)
				return HF_TIMEOUT;
			deadline = conn_cancel_now(segment->connection, segment->call);
			continue;
		}
		goes_on = take(segment, &result);
	}
	return HF_OK;
}

/* ---- judging ---- */

static enum hf_status judge_failure(struct segment *segment, hf_error *err)
{
	struct call *call = segment->call;
	struct hf_tx *tx = segment->connection->tx;
	if (segment->failed_at < segment->commit && result_skips_the_rest(segment->failed)) {
		call->commit = false; /* it was skipped */
		call->phase = PHASE_SENT;
	}
	enum hf_status status = error_from_result(segment->connection, call, segment->failed, err);
	if (segment->failed_at < segment->statement) { /* as tx_begin_now() has it */
		tx->begin_due = true;
		tx_remember(tx, status, err);
	}
	return status;
}

static enum hf_status judge(struct segment *segment, hf_error *err)
{
	hf_connection *connection = segment->connection;
	if (segment->statement > 0 && !(segment->failed && segment->failed_at < segment->statement))
		connection->tx->has_first = false; /* of a BEGIN before */
	if (segment->failed)
		return judge_failure(segment, err);
	if (!segment->answered || !segment->result)
		return error_lost(connection, segment->call, err);
	if (segment->call->commit && !segment->committed)
		return error_set(err, HF_E_DB, "the server rolled the transaction back instead of committing it");
	connection->tx->ended = segment->call->commit;
	return HF_OK;
}

enum hf_status joined_collect(hf_connection *connection, struct call *call, PGresult **ret_result, hf_error *err)
{
	const bool begins = connection->tx->begin_sent;
	struct segment segment = {.connection = connection, .call = call, .statement = begins, .commit = begins + 1};
	enum hf_status status = read_segment(&segment);
	if (status != HF_OK || !segment.answered)
		connection->broken = true;
	conn_end(connection);
	if (!connection->broken && !PQexitPipelineMode(connection->pg))
		connection->broken = true;
	connection->tx->begin_sent = false;
	if (call->commit)
		metrics_observe_us(connection->ctx->metrics, METRIC_COMMIT_DURATION,
		                   hf_now_monotonic_us(connection->ctx) - connection->tx->commit_us);
	status = status != HF_OK ? error_deadline(connection, call, false, err) : judge(&segment, err);
	PQclear(segment.failed);
	if (status == HF_OK)
		*ret_result = segment.result;
	else
		PQclear(segment.result);
	return status;
}
