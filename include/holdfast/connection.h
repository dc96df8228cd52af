/*
 * connection.h - one session with a server, and `hf_where`: the handle that says where a statement runs.
 *
 * A generated function, hf_sql_*() and hf_transaction() take a `struct hf_where` and do not care whether it names a
 * pool (a connection is checked out for the one statement), a connection or a transaction:
 *
 *     hf_where where = hf_until(hf_on_pool(pool), hf_deadline_in(ctx, 2000));
 *     queue_item_by_id(where, &(struct queue_item_by_id_in){.id = 7}, arena, &row, &err);
 *
 * Every call has an absolute deadline: the one in `where`, else the default of the connection (60 s). When it passes,
 * the statement is cancelled (PQcancel) and the answer awaited within a second, short budget; the connection is used
 * again only after PQcancel returned and ReadyForQuery was seen, else it is closed.
 *
 * Threads: a connection and what was made from it belong to one thread at a time; a pool may be shared.
 * fork: in a child every call answers HF_E_USAGE "forked"; hf_connection_free() then only closes the descriptor.
 */
#ifndef HOLDFAST_CONNECTION_H
#define HOLDFAST_CONNECTION_H

#include "holdfast/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_connection hf_connection;
typedef struct hf_pool hf_pool;
struct hf_tx;

struct hf_connection_options {
	size_t size;
	const char *application_name;       /* NULL = "holdfast" */
	int64_t connect_timeout_ms;         /* 0 = 5,000: over all hosts and addresses, name resolution included */
	int64_t query_timeout_ms;           /* 0 = 60,000: the default deadline of a call */
	int64_t lock_timeout_ms;            /* 0 = server default */
	int64_t idle_in_transaction_timeout_ms; /* 0 = 60,000; -1 = server default */
	uint32_t statement_cache_max;       /* 0 = 256 prepared statements, least recently used go first */
	const char *time_zone;              /* NULL = "UTC" (the Janitor writes naive UTC); "" = server default */
	const char *server_options;         /* extra startup options ("-c jit=off"), or NULL */
	int64_t slow_statement_ms;          /* 0 = never: event "query_slow" at warn for one that took so long */
	bool log_statements;                /* as that of the context, for this connection alone */
};

/** Connect. @return HF_OK; HF_TIMEOUT; HF_E_UNAVAILABLE; HF_E_DENIED; HF_E_CONFIG. Round trips: the login. */
enum hf_status hf_connection_open(hf_context *ctx, const hf_settings *settings,
                                  const struct hf_connection_options *options, hf_deadline deadline,
                                  hf_connection **ret_connection, hf_error *err);
/** Close and free; NULL is allowed. A transaction left open is rolled back by the server. */
void hf_connection_free(hf_connection *connection);

struct hf_notice {
	const char *severity; /* not localised: "LOG", "NOTICE", "WARNING", ... */
	const char *sqlstate;
	const char *message;
	const char *detail;   /* "" when absent */
	const char *hint;
};
/** Called for each notice while a call on the connection runs; must not use the connection. fn NULL = drop them. */
void hf_connection_on_notice(hf_connection *connection, void (*fn)(void *user, const struct hf_notice *notice),
                             void *user);
/** 150020 for 15.20. */
int hf_connection_server_version(const hf_connection *connection);
int hf_connection_backend_pid(const hf_connection *connection);
/** A parameter that the server reports ("server_version", "TimeZone", "in_hot_standby"), or NULL. */
const char *hf_connection_parameter(const hf_connection *connection, const char *name);
/** Cancel what runs on the connection; the one call that another thread may make. Blocking, about one round trip. */
enum hf_status hf_connection_cancel(hf_connection *connection, hf_error *err);

/* ---- where ---- */

enum hf_where_kind { HF_WHERE_POOL = 1, HF_WHERE_CONNECTION, HF_WHERE_TRANSACTION };

typedef struct hf_where {
	void *target;
	enum hf_where_kind kind;
	hf_deadline deadline; /* HF_DEADLINE_DEFAULT = the connection's default from the moment of the call */
} hf_where;

static inline hf_where hf_on_pool(hf_pool *pool)
{
	hf_where where = {pool, HF_WHERE_POOL, HF_DEADLINE_DEFAULT};
	return where;
}
static inline hf_where hf_on_connection(hf_connection *connection)
{
	hf_where where = {connection, HF_WHERE_CONNECTION, HF_DEADLINE_DEFAULT};
	return where;
}
static inline hf_where hf_until(hf_where where, hf_deadline deadline)
{
	where.deadline = deadline;
	return where;
}
/** The context that the target was made from. */
hf_context *hf_where_context(hf_where where);

#ifdef __cplusplus
}
#endif
#endif
