/*
 * conn.c - the connection object: made around a connected PGconn, freed with it, and what one may ask of it.
 *
 * In a forked child the socket is shared with the parent: freeing closes the child's descriptor and leaks libpq's
 * memory on purpose, since PQfinish would say goodbye on the parent's session.
 */
#include "pg/conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/metrics.h"
#include "pg/statements.h"

enum { QUERY_TIMEOUT_MS = 60000, STATEMENTS_MAX = 256 };

static const char *field_or_empty(const PGresult *result, int field)
{
	const char *text = PQresultErrorField(result, field);
	return text ? text : "";
}

static void receive_notice(void *argument, const PGresult *result)
{
	hf_connection *connection = argument;
	const char *severity = field_or_empty(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
		connection->broken = true; /* the server's farewell while nothing ran: 57P01 and the like */
	metrics_count(connection->ctx->metrics, METRIC_NOTICES, 1);
	if (!connection->on_notice)
		return;
	struct hf_notice notice = {
		.severity = severity,
		.sqlstate = field_or_empty(result, PG_DIAG_SQLSTATE),
		.message = field_or_empty(result, PG_DIAG_MESSAGE_PRIMARY),
		.detail = field_or_empty(result, PG_DIAG_MESSAGE_DETAIL),
		.hint = field_or_empty(result, PG_DIAG_MESSAGE_HINT),
	};
	connection->on_notice(connection->notice_user, &notice);
}

enum hf_status conn_new(hf_context *ctx, const struct hf_connection_options *options, PGconn *pg,
			hf_connection **ret_connection, hf_error *err)
{
	hf_connection *connection = calloc(1, sizeof(*connection));
	struct canceller *canceller = connection ? canceller_new(pg) : NULL;
	if (!canceller || PQsetnonblocking(pg, 1) != 0) {
		canceller_unref(canceller);
		free(connection);
		PQfinish(pg);
		return error_nomem(err);
	}
	connection->pg = pg;
	connection->ctx = ctx;
	connection->canceller = canceller;
	connection->query_timeout_ms = options->query_timeout_ms ? options->query_timeout_ms : QUERY_TIMEOUT_MS;
	connection->statements_max = options->statement_cache_max ? options->statement_cache_max : STATEMENTS_MAX;
	connection->slow_us = options->slow_statement_ms > 0 ? options->slow_statement_ms * 1000 : 0;
	connection->log_statements = options->log_statements || ctx->options.log_statements;
	fork_guard_init(&connection->fork);
	ready_init(&connection->ready, PQsocket(pg));
	PQsetNoticeReceiver(pg, receive_notice, connection);
	*ret_connection = connection;
	return HF_OK;
}

void hf_connection_free(hf_connection *connection)
{
	if (!connection)
		return;
	if (fork_guard_forked(&connection->fork))
		close(PQsocket(connection->pg));
	else
		PQfinish(connection->pg);
	canceller_unref(connection->canceller);
	statement_cache_free(connection->statements);
	ready_deinit(&connection->ready);
	fork_guard_deinit(&connection->fork);
	free(connection);
}

void hf_connection_on_notice(hf_connection *connection, void (*fn)(void *user, const struct hf_notice *notice),
			     void *user)
{
	connection->on_notice = fn;
	connection->notice_user = user;
}

int hf_connection_server_version(const hf_connection *connection)
{
	return PQserverVersion(connection->pg);
}

int hf_connection_backend_pid(const hf_connection *connection)
{
	return PQbackendPID(connection->pg);
}

const char *hf_connection_parameter(const hf_connection *connection, const char *name)
{
	return PQparameterStatus(connection->pg, name);
}

enum hf_status hf_connection_cancel(hf_connection *connection, hf_error *err)
{
	if (fork_guard_forked(&connection->fork))
		return error_set(err, HF_E_USAGE,
				 "could not cancel: this process was forked from the one that opened "
				 "the connection");
	return canceller_ask(connection->canceller, err);
}
