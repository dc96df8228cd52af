/*
 * query_run.h - what the several ways of running a generated query share: one row and many (query.c), an array of
 * inputs in one pipeline (batch.c), an array of inputs as arrays (bulk.c), rows by COPY (copy_out.c).
 */
#ifndef PG_QUERY_RUN_H
#define PG_QUERY_RUN_H

#include "base/metrics.h"
#include "holdfast/query.h"
#include "pg/conn.h"
#include "pg/decode.h"

enum { OVERSIZED_ROW_BYTES = 16 << 20 };

static inline struct call query_call(const hf_where *where, const struct hf_query *query)
{
	return (struct call){
		.deadline = where->deadline,
		.timeout_ms = query->timeout_ms,
		.query = query->name,
		.repeatable = (query->flags & (HF_QUERY_READ_ONLY | HF_QUERY_IDEMPOTENT)) != 0,
		.generated = true,
	};
}

static inline void query_count_conversions(hf_connection *connection, const struct call *call)
{
	uint64_t values = call->user_params + call->user_columns * (uint64_t)call->rows;
	if (values > 0)
		metrics_count(connection->ctx->metrics, METRIC_TYPE_OPERATIONS, values);
}

/** Sends and receives, on a connection that has the statement prepared. Runs twice when the plan turns out to be stale:
 *  then nothing of the first time has any effect. `err` is never NULL. */
typedef enum hf_status query_attempt_fn(hf_connection *connection, struct call *call, void *user, hf_error *err);
/** Connection, prepare, `attempt`, metrics, log. One row has a shorter way of its own, in query.c. */
enum hf_status query_run(hf_where where, const struct hf_query *query, query_attempt_fn *attempt, void *user,
                         hf_error *err);
/** HF_E_USAGE: the table is of another ABI. */
enum hf_status query_check_abi(const struct hf_query *query, hf_error *err);

/* Where :many leaves its rows. */
struct many_rows {
	const struct hf_query *query;
	hf_arena *arena;
	void **ret_rows;
	size_t *ret_count;
};

/** Decode one row into `out`, which is cleared. */
enum hf_status query_decode_row(struct decoder *decoder, const struct hf_query *query, const PGresult *result, int row,
                                char *out, hf_error *err);
/** The same of a row of binary COPY: `bytes` and a NUL behind them, which serve as the memory of what is borrowed. */
enum hf_status query_decode_copied(struct decoder *decoder, const struct hf_query *query, uint8_t *at, size_t bytes,
                                   char *out, hf_error *err);
/** A table whose columns are not as many as the compiled ones would be read beyond its end. */
enum hf_status query_check_columns(const struct hf_query *query, const PGresult *result, hf_error *err);
/** libpq's input buffer has grown to hold the largest row and will not shrink again. */
void query_note_size(hf_connection *connection, const PGresult *result, int rows);
/** HF_E_LIMIT: what has come, so many bytes, has no room in the caller's arena. */
enum hf_status query_too_large(const struct hf_query *query, size_t bytes, hf_error *err);
/** hf_query_batch_rows(), or hf_query_batch() without rows, of inputs that are known to be fit to send: none is looked
 * at before the server has the first. One that is not fit after all undoes the batch, a caller's transaction with it.
 */
enum hf_status query_batch_sure(hf_where where, const struct hf_query *query, const void *in, size_t in_size,
                                size_t count, hf_arena *arena, void *ret_rows, hf_error *err);
/** :each of a query that is HF_QUERY_BY_COPY. */
enum hf_status query_copy_out(hf_where where, const struct hf_query *query, hf_query_row_fn *fn, void *user,
                              hf_error *err);
/** The one result of a statement that gives no rows; `user` is int64_t * for the affected ones, or NULL. */
enum hf_status query_receive_exec(hf_connection *connection, struct call *call, void *user, hf_error *err);

#endif
