/*
 * conn.h - the inside of a connection and the life of one statement on it.
 *
 *     conn_begin(connection, &call, err)       refuses forked, broken and busy connections; starts the clock
 *     PQsend...(connection->pg, ...)           by the caller; conn_sent() turns a failure into an error
 *     conn_collect() | conn_stream()           waits with the deadline, cancels, drains, maps the error
 *
 * Invariant: between two calls the connection is idle (every result was read, no cancel in flight) or `broken`.
 * A broken connection is never used again; whoever owns it closes it.
 */
#ifndef PG_CONN_H
#define PG_CONN_H

#include <libpq-fe.h>

#include "base/context.h"
#include "base/macros.h"
#include "core/sqlstate.h"
#include "holdfast/connection.h"
#include "pg/cancel.h"
#include "pg/fork.h"
#include "pg/ready.h"

enum { CONN_CANCEL_BUDGET_US = 1000000 }; /* for PQcancel and ReadyForQuery together, after a deadline */

/* One statement, as far as waiting and error mapping need to know it. */
struct call {
	hf_deadline deadline; /* HF_DEADLINE_DEFAULT until conn_begin() made it absolute */
	int64_t timeout_ms;   /* of the query; 0 = the connection's; used when there is no deadline */
	const char *query;    /* name for errors and logs, or NULL */
	bool repeatable;      /* read-only or idempotent: a lost connection leaves no doubt */
	bool generated;	      /* checked against the schema at build time */
	bool read_only;	      /* runs in a transaction declared read only */
	bool unobserved;      /* no query of the program: neither counted nor logged */
	bool joins;	      /* BEGIN may go with it, or behind it: it prepares */
	bool commit;	      /* COMMIT: losing the connection leaves the outcome unknown even in a transaction */
	/* from here on kept by conn.c */
	enum phase phase;
	bool in_transaction; /* when it began */
	bool cancelled;	     /* the deadline passed and we sent a cancel */
	int64_t started_us;  /* when it began; 0 = it did not */
	int64_t rows;	     /* returned or affected */
	uint32_t user_params, user_columns; /* of a generated query: how many have types of the user's */
};

struct statement_cache;
struct pool_slot;
struct hf_tx;

struct hf_connection {
	PGconn *pg;
	hf_context *ctx;
	struct fork_guard fork;
	struct canceller *canceller;
	struct ready ready;
	struct statement_cache *statements; /* made at first use */
	int64_t query_timeout_ms;
	uint32_t statements_max;
	int64_t slow_us; /* a statement that takes so long is told of; 0 = none is */
	bool log_statements;
	int64_t seen_us; /* when the clock was last looked at: near enough for how long to wait, never for a verdict */
	int64_t alive_us; /* when a statement last ended well */
	bool broken;
	bool wrong_server;	/* a write was refused by a standby: the pool looks for the primary anew */
	bool cancelling; /* a cancel was sent for what runs, or it rolls back: its end is awaited whatever comes */
	unsigned dirty;		/* what session state may have changed: enum dirty */
	struct pool_slot *slot; /* of the pool that opened it, or NULL */
	struct hf_tx *tx;	/* the transaction that hf_transaction() runs on it, or NULL */
	bool oversized; /* a result made libpq's buffer huge; it never shrinks */
	void (*on_notice)(void *user, const struct hf_notice *notice);
	void *notice_user;
};

DEFINE_OWNED(connection, hf_connection *, hf_connection_free)
DEFINE_OWNED(pgconn, PGconn *, PQfinish)
DEFINE_OWNED(result, PGresult *, PQclear)

/** Without connecting: the object around a connected PGconn, which it owns from then on. */
enum hf_status conn_new(hf_context *ctx, const struct hf_connection_options *options, PGconn *pg,
			hf_connection **ret_connection, hf_error *err);

enum hf_status conn_begin(hf_connection *connection, struct call *call, hf_error *err);
/** `sent` is what PQsend* returned; -1: some of it may have arrived, the COMMIT among it. */
enum hf_status conn_sent(hf_connection *connection, struct call *call, int sent, hf_error *err);
/** Wait for the next result; NULL = the statement's end. HF_TIMEOUT leaves `err` and the connection as they are. */
enum hf_status conn_next(hf_connection *connection, hf_deadline deadline, PGresult **ret_result);
/** All results of the statement: the last one, or the first error. Cancels at the deadline. */
enum hf_status conn_collect(hf_connection *connection, struct call *call, PGresult **ret_result, hf_error *err);
/** Row by row: `fn` is called with results of one row. HF_STOP ends early with HF_OK. */
typedef enum hf_status conn_row_fn(void *user, const PGresult *row, hf_error *err);
enum hf_status conn_stream(hf_connection *connection, struct call *call, conn_row_fn *fn, void *user, hf_error *err);
/** The statement is over: waits until no cancel is in flight, notes a lost connection. */
void conn_end(hf_connection *connection);
/** Until libpq's buffer is with the kernel, reading meanwhile. HF_TIMEOUT or HF_OK (also when the connection is lost).
 */
enum hf_status conn_flush(hf_connection *connection, hf_deadline deadline);
/** One turn of that: while something is unsent, wait for either direction and take in what came, unparsed. */
enum hf_status conn_turn(hf_connection *connection, hf_deadline deadline, bool *ret_unsent);
/** Wait for something to read, and take it in, unparsed. HF_TIMEOUT or HF_OK (also when the connection is lost). */
enum hf_status conn_read(hf_connection *connection, hf_deadline deadline);
/** The deadline passed: send a cancel. Returns the deadline for its confirmation. */
hf_deadline conn_cancel_now(hf_connection *connection, struct call *call);
/** The call begins now, unless it has begun: its start and, where the caller gave none, its deadline. */
void conn_start_clock(hf_connection *connection, struct call *call);
/** It begins at a moment that was looked up just before. */
void conn_start_clock_at(hf_connection *connection, struct call *call, int64_t now_us);
/** Stop the running statement and read it to its end within the cancel budget; marks the connection broken if not. */
void conn_abandon(hf_connection *connection, struct call *call);
/** Text without parameters by the simple protocol (several statements allowed): BEGIN, COMMIT, ... `ret_tag` may be
 *  NULL, else receives the last command tag. */
enum hf_status conn_command(hf_connection *connection, const char *sql, struct call *call, char ret_tag[64],
			    hf_error *err);
/** True while the server has a transaction open on it. */
bool conn_in_transaction(const hf_connection *connection);
/** Rows affected according to the command tag; 0 when it tells none. */
int64_t result_changed(const PGresult *result);

#endif
