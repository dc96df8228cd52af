/*
 * tx.c - one attempt of a transaction, and savepoints within it.
 *
 * What was begun is always ended: by COMMIT, by ROLLBACK with a budget of its own, or by closing the connection when
 * not even that works. COMMIT answered with the tag ROLLBACK means that the server had given up the transaction.
 */
#include "pg/tx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/metrics.h"
#include "base/str.h"

enum { ROLLBACK_BUDGET_US = 2000000 };

void tx_remember(struct hf_tx *tx, enum hf_status status, hf_error *err)
{
	if (!tx->has_first) {
		static const hf_error unseen = HF_ERROR_INIT;
		tx->first = err ? *err : unseen;
		tx->first.status = status;
		if (!err)
			snprintf(tx->first.message, sizeof(tx->first.message), "a statement failed: %s",
			         hf_status_word(status));
		tx->has_first = true;
	} else if (err && strcmp(err->sqlstate, "25P02") == 0) {
		*err = tx->first;
	}
}

static hf_where tx_where(struct hf_tx *tx, hf_deadline deadline)
{
	return (hf_where){.target = tx, .kind = HF_WHERE_TRANSACTION, .deadline = deadline};
}

static enum hf_status command(struct hf_tx *tx, const char *sql, hf_deadline deadline, hf_error *err)
{
	struct call call = {.deadline = deadline, .repeatable = true, .unobserved = true};
	return conn_command(tx->connection, sql, &call, NULL, err);
}

/* ---- begin ---- */

static const char *isolation_sql(enum hf_isolation isolation)
{
	switch (isolation) {
	case HF_READ_COMMITTED:
		return " ISOLATION LEVEL READ COMMITTED";
	case HF_REPEATABLE_READ:
		return " ISOLATION LEVEL REPEATABLE READ";
	case HF_SERIALIZABLE:
		return " ISOLATION LEVEL SERIALIZABLE";
	case HF_ISOLATION_DEFAULT:
		break;
	}
	return "";
}

/* One message, one round trip; or none, when it goes with the first statement. */
static enum hf_status begin(struct hf_tx *tx, hf_error *err)
{
	const struct hf_transaction_options *options = &tx->options;
	char timeout[64] = "";
	if (options->lock_timeout_ms > 0)
		snprintf(timeout, sizeof(timeout), ";SET LOCAL lock_timeout=%" PRId64, options->lock_timeout_ms);
	snprintf(tx->begin_sql, sizeof(tx->begin_sql), "BEGIN%s%s%s%s", isolation_sql(options->isolation),
	         options->read_only ? " READ ONLY" : "", options->deferrable ? " DEFERRABLE" : "", timeout);
	tx->opened = true;
	tx->ended = tx->commit_due = tx->begin_sent = false;
	tx->begin_due = tx->joined && !timeout[0];
	return tx->begin_due ? HF_OK : command(tx, tx->begin_sql, tx->deadline, err);
}

enum hf_status tx_begin_now(struct hf_tx *tx, hf_error *err)
{
	tx->begin_due = false;
	enum hf_status status = command(tx, tx->begin_sql, tx->deadline, err);
	tx->begin_due = status != HF_OK && !conn_in_transaction(tx->connection);
	if (tx->begin_due)
		tx_remember(tx, status, err);
	else
		tx->has_first = false; /* of a BEGIN before */
	return status;
}

/* ---- end ---- */

static void roll_back(struct hf_tx *tx)
{
	if (!tx->connection->broken && conn_in_transaction(tx->connection) &&
	    command(tx, "ROLLBACK", hf_now_monotonic_us(tx->ctx) + ROLLBACK_BUDGET_US, NULL) != HF_OK)
		tx->connection->broken = true;
}

static enum hf_status error_first(const struct hf_tx *tx, hf_error *err)
{
	if (tx->has_first) {
		if (err)
			*err = tx->first;
		return tx->first.status;
	}
	error_set(err, HF_E_DB, "the server rolled the transaction back instead of committing it");
	if (err)
		err->category = HF_CATEGORY_TRANSACTION_STATE;
	return HF_E_DB;
}

static enum hf_status error_late(hf_error *err)
{
	error_set(err, HF_TIMEOUT, "the deadline passed before COMMIT; the transaction was rolled back");
	if (err)
		err->category = HF_CATEGORY_TIMEOUT;
	return HF_TIMEOUT;
}

static enum hf_status send_commit(struct hf_tx *tx, hf_error *err)
{
	char tag[64] = "";
	struct call call = {.deadline = tx->deadline,
	                    .commit = true,
	                    .read_only = tx->options.read_only,
	                    .unobserved = true};
	int64_t start = hf_now_monotonic_us(tx->ctx);
	enum hf_status status = conn_command(tx->connection, "COMMIT", &call, tag, err);
	metrics_observe_us(tx->ctx->metrics, METRIC_COMMIT_DURATION, hf_now_monotonic_us(tx->ctx) - start);
	if (status == HF_E_OUTCOME_UNKNOWN)
		metrics_count(tx->ctx->metrics, METRIC_OUTCOMES_UNKNOWN, 1);
	if (status == HF_OK && strcmp(tag, "COMMIT") != 0)
		status = error_first(tx, err);
	return status;
}

static enum hf_status commit(struct hf_tx *tx, hf_error *err)
{
	if (tx->ended)
		return HF_OK;
	if (tx->begin_due) /* nothing was done; or it hid that BEGIN failed */
		return tx->has_first ? error_first(tx, err) : HF_OK;
	if (PQtransactionStatus(tx->connection->pg) == PQTRANS_IDLE) {
		error_set(err, HF_E_USAGE, "the function of a transaction ended the transaction itself");
		return HF_E_USAGE;
	}
	if (tx->deadline != HF_DEADLINE_DEFAULT && hf_now_monotonic_us(tx->ctx) >= tx->deadline)
		return error_late(err);
	return send_commit(tx, err);
}

static void run_callbacks(struct hf_tx *tx)
{
	for (size_t i = 0; i < tx->ncallbacks; i++)
		tx->callbacks[i].fn(tx->callbacks[i].user);
}

enum hf_status tx_run_once(struct hf_tx *tx, hf_transaction_fn *fn, void *user, hf_error *err)
{
	tx->depth = 0;
	tx->ncallbacks = 0;
	tx->has_first = false;
	if (PQtransactionStatus(tx->connection->pg) == PQTRANS_INTRANS ||
	    PQtransactionStatus(tx->connection->pg) == PQTRANS_INERROR)
		return error_set(err, HF_E_USAGE, "could not begin: the connection has a transaction open that "
		                                  "hf_transaction() did not begin");
	metrics_count(tx->ctx->metrics, METRIC_TRANSACTIONS, 1);
	enum hf_status status = begin(tx, err);
	if (status == HF_OK) {
		tx->connection->tx = tx;
		status = fn(tx_where(tx, tx->deadline), user, err);
		if (status == HF_OK)
			status = commit(tx, err);
		tx->connection->tx = NULL;
	}
	roll_back(tx);
	if (status == HF_OK)
		run_callbacks(tx);
	else
		metrics_count(tx->ctx->metrics, METRIC_TRANSACTIONS_FAILED, 1);
	return status;
}

/* ---- savepoints ---- */

static void roll_back_to(struct hf_tx *tx, uint32_t depth, bool had_first)
{
	char sql[96];
	snprintf(sql, sizeof(sql), "ROLLBACK TO SAVEPOINT hf_%u;RELEASE SAVEPOINT hf_%u", depth, depth);
	if (!tx->connection->broken &&
	    command(tx, sql, hf_now_monotonic_us(tx->ctx) + ROLLBACK_BUDGET_US, NULL) != HF_OK)
		tx->connection->broken = true;
	if (!had_first)
		tx->has_first = false;
}

static enum hf_status release(struct hf_tx *tx, uint32_t depth, hf_deadline deadline, hf_error *err)
{
	char sql[48];
	if (PQtransactionStatus(tx->connection->pg) == PQTRANS_INERROR)
		return error_first(tx, err); /* it hid a failure: what it did is lost */
	snprintf(sql, sizeof(sql), "RELEASE SAVEPOINT hf_%u", depth);
	return command(tx, sql, deadline, err);
}

enum hf_status tx_run_nested(struct hf_tx *tx, hf_deadline deadline, hf_transaction_fn *fn, void *user, hf_error *err)
{
	char sql[48];
	size_t callbacks_before = tx->ncallbacks;
	bool had_first = tx->has_first;
	uint32_t depth = tx->depth + 1;
	if (depth > TX_DEPTH_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d transactions within each other", TX_DEPTH_MAX);
	snprintf(sql, sizeof(sql), "SAVEPOINT hf_%u", depth);
	enum hf_status status = command(tx, sql, deadline, err);
	if (status != HF_OK) {
		tx_remember(tx, status, err);
		return status;
	}
	tx->depth = depth;
	status = fn(tx_where(tx, deadline), user, err);
	if (status == HF_OK)
		status = release(tx, depth, deadline, err);
	if (status != HF_OK) {
		roll_back_to(tx, depth, had_first);
		tx->ncallbacks = callbacks_before;
	}
	tx->depth = depth - 1;
	return status;
}

/* ---- what the function may ask ---- */

void tx_last(hf_where where)
{
	struct hf_tx *tx = where.target;
	if (where.kind == HF_WHERE_TRANSACTION && tx->joined && tx->depth == 0)
		tx->commit_due = true;
}

uint32_t hf_transaction_attempt(hf_where where)
{
	return where.kind == HF_WHERE_TRANSACTION ? ((const struct hf_tx *)where.target)->attempt : 0;
}

enum hf_status hf_transaction_on_commit(hf_where where, void (*fn)(void *user), void *user, hf_error *err)
{
	if (where.kind != HF_WHERE_TRANSACTION)
		return error_set(err, HF_E_USAGE, "could not wait for a commit: this is no transaction");
	struct hf_tx *tx = where.target;
	if (tx->ncallbacks == TX_CALLBACKS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d functions wait for one commit", TX_CALLBACKS_MAX);
	struct tx_callback *more = realloc(tx->callbacks, (tx->ncallbacks + 1) * sizeof(*more));
	if (!more)
		return error_nomem(err);
	tx->callbacks = more;
	tx->callbacks[tx->ncallbacks++] = (struct tx_callback){fn, user};
	return HF_OK;
}
