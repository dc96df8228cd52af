/*
 * tx.h - the inside of a transaction: one object from the outermost hf_transaction() call, over all its attempts.
 *
 * Invariants: `connection` has a transaction open from begin to end, and `connection->tx`
 * points back during that time. The object lives on the stack of the outermost call.
 */
#ifndef PG_TX_H
#define PG_TX_H

#include "holdfast/transaction.h"
#include "pg/conn.h"
#include "pg/encode.h"
#include "pg/joined.h"

enum { TX_CALLBACKS_MAX = 1000, TX_DEPTH_MAX = 100, TX_BEGIN_MAX = 256 };

struct tx_callback {
	void (*fn)(void *user);
	void *user;
};

struct hf_tx {
	hf_context *ctx;
	hf_connection *connection; /* NULL between attempts */
	hf_pool *pool;             /* NULL when it runs on a connection of the caller's */
	hf_deadline deadline;      /* of the whole, or HF_DEADLINE_DEFAULT */
	struct hf_transaction_options options;
	uint32_t attempt;
	uint32_t depth; /* savepoints open */
	bool opened; /* in this attempt; set before BEGIN is sent */
	bool joined;     /* BEGIN goes with the first statement */
	bool begin_due;  /* it has not gone yet */
	bool begin_sent; /* it goes with the statement that runs */
	bool commit_due; /* COMMIT goes with the next statement */
	int64_t commit_us; /* when it went with one */
	bool ended;      /* it went, and the server confirmed it */
	char begin_sql[TX_BEGIN_MAX];
	struct tx_callback *callbacks; /* owned */
	size_t ncallbacks;
	bool has_first; /* a statement failed since the last savepoint was rolled back */
	hf_error first;
};

/** True in a transaction that was asked for as read only. NULL is none. */
static inline bool tx_is_read_only(const struct hf_tx *tx)
{
	return tx && tx->options.read_only;
}
/** A statement failed: keep the first error; where it is 25P02, tell the first one instead. `err` may be NULL. */
void tx_remember(struct hf_tx *tx, enum hf_status status, hf_error *err);

/* joined.c */
/** BEGIN or COMMIT goes with the next statement. */
static inline bool joined_is_due(const hf_connection *connection)
{
	return connection->tx && (connection->tx->begin_due || connection->tx->commit_due);
}
/** As PQsendQueryPrepared(), with what is due around it. -1: as conn_sent() has it. */
int joined_send(hf_connection *connection, const struct hf_query *query, const struct encoded *encoded);
/** conn_collect() of it. */
enum hf_status joined_collect(hf_connection *connection, struct call *call, PGresult **ret_result, hf_error *err);

/* tx.c */
/** BEGIN, which was due, and still is when it fails: nothing runs without. */
enum hf_status tx_begin_now(struct hf_tx *tx, hf_error *err);
/** BEGIN ... COMMIT or ROLLBACK around `fn`, once, on tx->connection. */
enum hf_status tx_run_once(struct hf_tx *tx, hf_transaction_fn *fn, void *user, hf_error *err);
/** SAVEPOINT ... RELEASE or ROLLBACK TO around `fn`. */
enum hf_status tx_run_nested(struct hf_tx *tx, hf_deadline deadline, hf_transaction_fn *fn, void *user, hf_error *err);

#endif
