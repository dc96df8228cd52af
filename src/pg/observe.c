/*
 * observe.c - metrics and log events of statements.
 *
 * Levels: an alerting error -> error, a retryable one -> warn, another -> info, success -> debug, a slow one -> warn.
 * Successes are logged only when the context or the connection asks for its statements; failures whenever there is a
 * log.
 */
#include "pg/observe.h"

#include <string.h>

#include "base/metrics.h"
#include "pg/tx.h"

static bool is_failure(enum hf_status status)
{
	return status != HF_OK && status != HF_NOT_FOUND && status != HF_STOP;
}

static void count_failure(struct hf_metrics *metrics, enum hf_status status, const hf_error *err)
{
	metrics_count(metrics, METRIC_QUERIES_FAILED, 1);
	if (status == HF_E_OUTCOME_UNKNOWN)
		metrics_count(metrics, METRIC_OUTCOMES_UNKNOWN, 1);
	if (err && strncmp(err->sqlstate, "53", 2) == 0)
		metrics_count(metrics, METRIC_INSUFFICIENT_RESOURCES, 1);
	struct hf_label labels[] = {{"category", err ? hf_category_word(err->category) : "unknown"},
	                            {"status", hf_status_word(status)}};
	hf_counter_add(hf_metrics_counter(metrics, "hf_errors_total", "Failed queries by category", labels, 2), 1);
}

static void log_query(hf_context *ctx, enum hf_log_level level, const char *event, const char *name, int64_t took_us,
                      enum hf_status status, const hf_error *err, int64_t rows)
{
	struct hf_log_field fields[6];
	size_t count = 0;
	fields[count++] = field_text("query", name ? name : "");
	fields[count++] = field_us("ms", took_us);
	fields[count++] = field_text("outcome", hf_status_word(status));
	if (rows >= 0)
		fields[count++] = field_int("rows", rows);
	if (err && err->sqlstate[0])
		fields[count++] = field_text("sqlstate", err->sqlstate);
	if (err)
		fields[count++] = field_text("error", err->message);
	context_log(ctx, level, event, fields, count);
}

COLD static void log_success(const hf_connection *connection, const char *name, int64_t took_us, enum hf_status status,
                             int64_t rows)
{
	hf_context *ctx = connection->ctx;
	if (connection->slow_us && took_us >= connection->slow_us && context_logs(ctx, HF_LOG_WARN))
		log_query(ctx, HF_LOG_WARN, "query_slow", name, took_us, status, NULL, rows);
	else if (connection->log_statements && context_logs(ctx, HF_LOG_DEBUG))
		log_query(ctx, HF_LOG_DEBUG, "query", name, took_us, status, NULL, rows);
}

COLD static void tell_failure(hf_connection *connection, const char *name, int64_t took, enum hf_status status,
                              hf_error *err, int64_t rows)
{
	hf_context *ctx = connection->ctx;
	if (err && strcmp(err->sqlstate, "25006") == 0 && connection->broken)
		connection->wrong_server = true;
	bool aborted = connection->broken || PQtransactionStatus(connection->pg) == PQTRANS_INERROR;
	if (connection->tx && aborted)
		tx_remember(connection->tx, status, err);
	count_failure(ctx->metrics, status, err);
	enum hf_log_level level = err ? error_log_level(err) : HF_LOG_INFO;
	if (context_logs(ctx, level))
		log_query(ctx, level, "query_failed", name, took, status, err, rows);
}

HOT int64_t observe_query(hf_connection *connection, const char *name, int64_t start_us, enum hf_status status,
                          hf_error *err, int64_t rows)
{
	if (start_us == 0)
		return 0; /* refused before it began */
	int64_t now_us = hf_now_monotonic_us(connection->ctx), took = now_us - start_us;
	metrics_statement(connection->ctx->metrics, took, rows);
	if (is_failure(status)) {
		tell_failure(connection, name, took, status, err, rows);
		return now_us;
	}
	connection->alive_us = now_us;
	if (connection->log_statements || (connection->slow_us && took >= connection->slow_us))
		log_success(connection, name, took, status, rows);
	return now_us;
}
